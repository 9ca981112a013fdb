"""The configuration's JSON Schema, for editors and for validate-pyproject."""

from __future__ import annotations

from pathlib import Path


def tool_schema(tool: str = "hubkit") -> dict[str, object]:  # noqa: ARG001 - the plugin interface's
    """The JSON Schema (draft 7) of ``[tool.hubkit]``.

    It is what the ``validate_pyproject.tool_schema`` entry point names.

    Args:
        tool: The table's name, which validate-pyproject passes.
    """
    import json

    path = Path(__file__).with_name("hubkit.schema.json")
    schema: dict[str, object] = json.loads(path.read_text("utf-8"))
    return schema
