"""Answers from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.parse import read_toml
from hubkit.errors import TemplateError

if TYPE_CHECKING:
    from pathlib import Path


def read_answers_file(path: Path) -> dict[str, str]:
    """The answers in a TOML file, as texts; ``template`` among them names the template.

    The answers stand at the top, or in the table ``[init]`` of a ``hubkit.toml``, or in
    ``[tool.hubkit.init]`` of a ``pyproject.toml``: what one repo was told can be told to another.

    Args:
        path: The file.

    Raises:
        TemplateError: It cannot be read, or an answer is neither a text nor a number nor a
            boolean.
    """
    try:
        table: object = read_toml(path.resolve())
    except OSError as error:
        raise TemplateError(
            f"{path} cannot be read: {error.strerror or error}", hint="Name a TOML file."
        ) from None
    except ValueError as error:
        raise TemplateError(
            f"{path} is not TOML: {error}", hint='Such as: license = "MIT"'
        ) from None
    for keys in (("init",), ("tool", "hubkit", "init")):
        table = _inner(table, keys) or table
    assert isinstance(table, dict)  # noqa: S101 - TOML is a table at the top
    return {str(name): _text(path, str(name), value) for name, value in table.items()}


def _inner(table: object, keys: tuple[str, ...]) -> dict[str, object] | None:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    raise TemplateError(
        f"{path}: {name} is {value!r}, which answers no question",
        hint="An answer is a string, a number, true or false, or a list of names.",
    )
