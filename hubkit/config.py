"""What a repo says about itself to hubkit: ``[tool.hubkit]`` or ``hubkit.toml``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from hubkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

Kind = Literal["model", "bundle", "transform", "tokenizer", "utility", "class"]
# What goes in or comes out: one value, several in order, or several by name.
Values = str | tuple[str, ...] | dict[str, str]

KINDS: tuple[Kind, ...] = ("model", "bundle", "transform", "tokenizer", "utility", "class")
HUBKIT_TOML = "hubkit.toml"
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class EntrypointConfig:
    """What the repo's author says about one entrypoint.

    Attributes:
        kind: What it gives back; None when not said.
        call: Keyword arguments for building it, such as ``{"in_channels": 3}``.
        untrained: Keyword arguments that build it without weights; None when not said.
        input: Example input, such as "f32[B,3,H,W] in [0,1]"; a tuple is passed by position, a
            table by name. None when not said.
        output: What it then gives back, in the same notation.
        dims: Sizes of the axes named there: numbers, or multiples such as "14n".
        trainable: Whether gradients reach its parameters; None when not said.
        expected: Codes of checks that are known to fail, each with the reason.
    """

    kind: Kind | None = None
    call: Mapping[str, object] = field(default_factory=dict)
    untrained: Mapping[str, object] | None = None
    input: Values | None = None
    output: Values | None = None
    dims: Mapping[str, int | str] = field(default_factory=dict)
    trainable: bool | None = None
    expected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """The hubkit configuration of one repo.

    Attributes:
        path: The file that it stands in, relative to the repo; "" when there is none.
        select: Codes, or prefixes of codes, of the rules to run; empty for all.
        ignore: Codes or prefixes whose findings are left out, each with the reason, "" when none
            was given.
        expected: Codes of checks of the repo as a whole that are known to fail, each with the
            reason.
        entrypoints: What is said about entrypoints, by name.
        lines: Where ``select`` and ``ignore`` name a code: line numbers in the file.
    """

    path: str = ""
    select: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    entrypoints: Mapping[str, EntrypointConfig] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def entrypoint(self, name: str) -> EntrypointConfig:
        """What is said about the entrypoint of that name; all defaults when nothing is."""
        return self.entrypoints.get(name, EntrypointConfig())


def read_config(root: Path) -> Config:
    """Read a repo's configuration from ``hubkit.toml`` or from ``[tool.hubkit]``.

    Args:
        root: The repo's folder.

    Returns:
        The configuration; all defaults when there is none.

    Raises:
        ConfigError: When the file does not parse, both places are used, a key is unknown or a
            value is not of the kind that belongs there.
    """
    own, pyproject = _read_table(root, HUBKIT_TOML), _read_table(root, PYPROJECT)
    tool = _require_table(pyproject.get("tool", {}), f"{PYPROJECT}: tool")
    shared = tool.get("hubkit")
    if (root / HUBKIT_TOML).is_file() and shared is not None:
        raise ConfigError(
            f"{root} configures hubkit twice: in {HUBKIT_TOML} and in {PYPROJECT} [tool.hubkit]",
            hint="Keep one of them; they mean the same.",
        )
    if shared is not None:
        place = f"{PYPROJECT}: tool.hubkit"
        return _config(_require_table(shared, place), root, PYPROJECT, place)
    return _config(own, root, HUBKIT_TOML, HUBKIT_TOML) if own else Config()


def _config(table: Mapping[str, object], root: Path, path: str, place: str) -> Config:
    # "init" holds what `hubkit init` was told; only it reads that.
    _refuse_unknown(table, ("select", "ignore", "expected", "entrypoints", "init"), place)
    entrypoints = _require_table(table.get("entrypoints", {}), f"{place}.entrypoints")
    select = _texts(table.get("select", []), f"{place}.select")
    ignore = _reasons(table.get("ignore", {}), f"{place}.ignore")
    return Config(
        path=path,
        select=select,
        ignore=ignore,
        expected=_reason_table(table.get("expected", {}), f"{place}.expected"),
        entrypoints={
            name: _entrypoint(value, f"{place}.entrypoints.{name}")
            for name, value in entrypoints.items()
        },
        lines=_find_lines((root / path).read_text("utf-8"), (*select, *ignore)),
    )


def _entrypoint(value: object, place: str) -> EntrypointConfig:
    table = _require_table(value, place)
    _refuse_unknown(table, tuple(_ENTRYPOINT_KEYS), place)
    read = {key: _ENTRYPOINT_KEYS[key](entry, f"{place}.{key}") for key, entry in table.items()}
    return EntrypointConfig(**cast("dict[str, Any]", read))


def _read_table(root: Path, name: str) -> Mapping[str, object]:
    path = root / name
    if not path.is_file():
        return {}
    try:
        text = path.read_text("utf-8")
        # Most pyproject.toml say nothing about hubkit, and reading TOML costs more than looking.
        return _parse_toml(text) if name == HUBKIT_TOML or "hubkit" in text else {}
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"{path} cannot be read: {error}", hint="Fix the TOML.") from None


def _parse_toml(text: str) -> dict[str, object]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    parsed: dict[str, object] = tomllib.loads(text)
    return parsed


def _find_lines(text: str, codes: Collection[str]) -> dict[str, int]:
    """Where each code is first written as a word of its own."""
    import re

    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for word in re.findall(r"\w+", line.partition("#")[0]):
            if word in codes:
                found.setdefault(word, number)
    return found


def _refuse_unknown(table: Mapping[str, object], known: tuple[str, ...], place: str) -> None:
    unknown = next((key for key in table if key not in known), None)
    if unknown is None:
        return
    import difflib

    close = difflib.get_close_matches(unknown, known, n=1)
    raise ConfigError(
        f"{place} has an unknown key {unknown!r}",
        hint=f"Did you mean {close[0]!r}?" if close else f"It may hold {', '.join(known)}.",
    )


def _refuse(place: str, wanted: str, value: object) -> ConfigError:
    return ConfigError(f"{place} must be {wanted}, not {_describe(value)}")


def _describe(value: object) -> str:
    return "a table" if isinstance(value, dict) else repr(value)


def _require_table(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _refuse(place, "a table", value)
    return value


def _texts(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _refuse(place, "a list of strings", value)
    return tuple(value)


def _reasons(value: object, place: str) -> dict[str, str]:
    if isinstance(value, list):
        return dict.fromkeys(_texts(value, place), "")
    return _reason_table(value, place)


def _reason_table(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _refuse(place, "a table from code to reason", value)
    for code, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            raise _refuse(f"{place}.{code}", "the reason, in words", reason)
    return value


def _kind(value: object, place: str) -> Kind:
    for kind in KINDS:
        if value == kind:
            return kind
    raise _refuse(place, f"one of {', '.join(KINDS)}", value)


def _bool(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(place, "true or false", value)
    return value


def _dims(value: object, place: str) -> dict[str, int | str]:
    table = _require_table(value, place)
    sizes: dict[str, int | str] = {}
    for name, size in table.items():
        if not isinstance(size, int | str) or isinstance(size, bool):
            raise _refuse(f"{place}.{name}", 'a size such as 64 or "14n"', size)
        sizes[name] = size
    return sizes


def _values(value: object, place: str) -> Values:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _texts(value, place)
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    raise _refuse(place, 'a text such as "f32[B,3,H,W]", a list or a table of them', value)


_ENTRYPOINT_KEYS: dict[str, Callable[[object, str], object]] = {
    "kind": _kind,
    "call": _require_table,
    "untrained": _require_table,
    "input": _values,
    "output": _values,
    "dims": _dims,
    "trainable": _bool,
    "expected": _reason_table,
}
