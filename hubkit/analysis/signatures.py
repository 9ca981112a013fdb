"""An entrypoint's signature, as one would write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubkit.facts import Entrypoint, Parameter

_STARS = {"var-positional": "*", "var-keyword": "**"}


def render_signature(entrypoint: Entrypoint) -> str:
    """Name and parameters of an entrypoint; ``name(...)`` where source does not tell them.

    Args:
        entrypoint: The entrypoint.
    """
    if entrypoint.parameters is None:
        return f"{entrypoint.name}(...)"
    parts: list[str] = []
    kinds = [parameter.kind for parameter in entrypoint.parameters]
    for at, parameter in enumerate(entrypoint.parameters):
        if parameter.kind == "keyword-only" and not {"keyword-only", "var-positional"} & {
            *kinds[:at]
        }:
            parts.append("*")
        parts.append(_parameter(parameter))
        if parameter.kind == "positional-only" and "positional-only" not in kinds[at + 1 :]:
            parts.append("/")
    return f"{entrypoint.name}({', '.join(parts)})"


def _parameter(parameter: Parameter) -> str:
    text = _STARS.get(parameter.kind, "") + parameter.name
    if parameter.annotation:
        text += f": {parameter.annotation}"
    if parameter.default is not None:
        text += f" = {parameter.default}" if parameter.annotation else f"={parameter.default}"
    return text
