"""Where the configuration stands, and what the command line puts in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import structs

from hubkit._util.paths import UnsafePathError, read_inside
from hubkit._util.toml import parse_toml
from hubkit.config.keys import read_keys
from hubkit.config.model import PYPROJECT
from hubkit.config.values import require_table
from hubkit.errors import ConfigError
from hubkit.facts import Files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hubkit.config.model import Config

HUBKIT_TOML = "hubkit.toml"


def read_config(
    repo: Path | Files, overrides: Sequence[str] = (), *, isolated: bool = False
) -> Config:
    """Read a repo's configuration from ``hubkit.toml`` or from ``[tool.hubkit]``.

    Args:
        repo: Its files, or the folder that they lie in; no other folder is looked into.
        overrides: Settings that take the place of the file's, as ``KEY=VALUE`` in TOML.
        isolated: Whether the files are left alone.

    Returns:
        The configuration; all defaults when there is none.

    Raises:
        ConfigError: When the file does not parse, both places are used, a key is unknown or a
            value is not of the kind that belongs there.
    """
    path, table, text = ("", {}, "") if isolated else _find(repo)
    config = read_keys(table, f"{path}: tool.hubkit" if path == PYPROJECT else path)
    given = _merge(_parse_override(override) for override in overrides)
    if given:
        read_keys(given, "--config")  # so that a mistake is said to be one of the command line
        config = read_keys(_merge([table, given]), path or "--config")
    return structs.replace(config, path=path, text=text)


def _find(repo: Path | Files) -> tuple[str, Mapping[str, object], str]:
    """The file, its table, and its text."""
    (own, own_text), (pyproject, text) = _read(repo, HUBKIT_TOML), _read(repo, PYPROJECT)
    tool = require_table(pyproject.get("tool", {}), f"{PYPROJECT}: tool")
    shared = tool.get("hubkit")
    if own_text is not None and shared is not None:
        raise ConfigError(
            f"{_root(repo)} configures hubkit twice: in {HUBKIT_TOML} and in {PYPROJECT} [tool.hubkit]",
            hint="Keep one of them; they mean the same.",
        )
    if shared is not None:
        return PYPROJECT, require_table(shared, f"{PYPROJECT}: tool.hubkit"), text or ""
    if "tool" in own:
        raise ConfigError(
            f"{HUBKIT_TOML} has a table [tool]",
            hint=f"[tool.hubkit] is for {PYPROJECT}; here its keys stand without it.",
        )
    return (HUBKIT_TOML, own, own_text) if own_text is not None else ("", {}, "")


def _root(repo: Path | Files) -> Path:
    return repo.root if isinstance(repo, Files) else repo


def _read(repo: Path | Files, name: str) -> tuple[Mapping[str, object], str | None]:
    """A file's tables and text; no text when there is no such file."""
    path = _root(repo) / name
    if not (repo.is_file(name) if isinstance(repo, Files) else path.is_file()):
        return {}, None
    try:
        data = repo.read(name) if isinstance(repo, Files) else read_inside(repo, name)
        text = data.decode("utf-8").replace("\r\n", "\n")
        # Most pyproject.toml say nothing about hubkit, and reading TOML costs more than looking.
        return (parse_toml(text) if name == HUBKIT_TOML or "hubkit" in text else {}), text
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"{path} cannot be read: {error}", hint="Fix the TOML.") from None
    except UnsafePathError as error:
        raise ConfigError(
            f"{path} is not read: {error.strerror}.",
            hint="Settings are read from the repo itself. Replace the link by a file.",
        ) from None


def _parse_override(text: str) -> dict[str, object]:
    """One ``KEY=VALUE``: TOML, or a bare word where TOML wants quotes."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            f"--config takes KEY=VALUE, not {text!r}",
            hint=f"A file is not named: {HUBKIT_TOML} or {PYPROJECT} at the root of the repo is read."
            if text.endswith(".toml")
            else "Such as --config fail-on=error.",
        )
    try:
        return parse_toml(text)
    except ValueError as error:
        if _is_word(value.strip()):
            return parse_toml(f'{key}="{value.strip()}"')
        raise ConfigError(
            f"--config {text}: {error}", hint="The value is TOML, such as preview=true."
        ) from None


def _is_word(value: str) -> bool:
    return bool(value) and all(letter.isalnum() or letter in "-_./" for letter in value)


def _merge(tables: Iterable[Mapping[str, object]]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for table in tables:
        for key, value in table.items():
            old = merged.get(key)
            both = isinstance(old, dict) and isinstance(value, dict)
            merged[key] = _merge(cast("list[dict[str, object]]", [old, value])) if both else value
    return merged
