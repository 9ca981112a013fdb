"""What a checkpoint is, written into the repo's configuration; all else there stays as it is.

The only home of tomlkit.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hubkit._util.parse import parse_toml
from hubkit._util.paths import read_inside
from hubkit.config import HUBKIT_TOML, read_config
from hubkit.errors import ConfigError, UsageError
from hubkit.lint import FileChange, write_changes
from hubkit.publish.files import write_new

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PYPROJECT = "pyproject.toml"


def record_weights(root: Path, entrypoint: str, sha256: str, size: int) -> tuple[str, bool]:
    """Write the digest and the size of an entrypoint's weights into the configuration.

    Args:
        root: The repo's folder.
        entrypoint: Whose weights.
        sha256: Their digest.
        size: Their length in bytes.

    Returns:
        The file, relative to the repo, and whether it was changed.

    Raises:
        ConfigError: What is there cannot be read.
        UsageError: It is written in a way that cannot be added to; the text says what to write.
        FixError: The file cannot be written.
    """
    name = read_config(root).path or (_PYPROJECT if (root / _PYPROJECT).is_file() else HUBKIT_TOML)
    place = () if name == HUBKIT_TOML else ("tool", "hubkit")
    keys = (*place, "entrypoints", entrypoint, "weights")
    values = {"sha256": sha256, "bytes": size}
    path = root / name
    before = _read_bytes(root, name)
    text, table = _read(path, before or b"")
    expected = _merged(table, keys, values)
    if expected == table:
        return name, False
    after = _with_newlines(_edited(text, keys, values), text)
    if _parsed(after) != expected:
        raise UsageError(
            f"{path} is written in a way that hubkit cannot add to.",
            hint=f'Write it yourself: [{".".join(keys)}] sha256 = "{sha256}", bytes = {size}',
        )
    _write(root, name, before, after.encode())
    return name, True


def _read_bytes(root: Path, name: str) -> bytes | None:
    """What the file holds; None where there is none."""
    try:
        return read_inside(root, name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{root / name} cannot be read: {error.strerror}",
            hint="Settings are kept in the repo itself.",
        ) from None


def _read(path: Path, data: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        text = data.decode()
        return text, parse_toml(text)
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"{path} cannot be read: {error}", hint="Fix the TOML.") from None


def _merged(table: Mapping[str, Any], keys: tuple[str, ...], values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """What the file must mean afterwards."""
    merged = copy.deepcopy(dict(table))
    inner = merged
    for key in keys:
        inner = inner.setdefault(key, {})
    inner.update(values)
    return merged


def _edited(text: str, keys: tuple[str, ...], values: Mapping[str, Any]) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        table: Any = document
        *above, weights = keys
        for number, key in enumerate(above):
            if key not in table:
                # A table that holds tables alone has no line of its own.
                table[key] = tomlkit.table(is_super_table=number < len(above) - 1)
            table = table[key]
        if weights not in table:
            # Made from a text for the spaces inside the braces, as most people write them.
            shown = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
            table[weights] = tomlkit.parse(f"weights = {{ {shown} }}")["weights"]
        for key, value in values.items():
            table[weights][key] = value
        edited: str = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, TypeError, ValueError, AttributeError):
        return ""
    return edited


def _with_newlines(text: str, like: str) -> str:
    """The text with the line ends that the file had, the last line's among them."""
    text = text if text.endswith("\n") else f"{text}\n"
    if "\r\n" not in like:
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        return parse_toml(text)
    except ValueError:
        return None


def _write(root: Path, name: str, before: bytes | None, after: bytes) -> None:
    if before is not None:
        write_changes(root, {name: FileChange(before, after)})
        return
    write_new(root, name, after)
