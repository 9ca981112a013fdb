"""Read the configuration of a repo, overridden by the command line."""

from __future__ import annotations

import posixpath
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from hubkit._util.paths import UnsafePathError, read_inside
from hubkit._util.text import did_you_mean
from hubkit._util.toml import parse_toml
from hubkit.config.settings import PYPROJECT, Config, FileIgnore, Settings
from hubkit.errors import ConfigError
from hubkit.facts import Files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hubkit.config.settings import EntrypointConfig

    Notes = Mapping[str, str] | None

HUBKIT_TOML = "hubkit.toml"
_NAMES = {
    bool: "true or false",
    dict: "a table",
    float: "a number",
    int: "a whole number",
    str: "a string",
    tuple: "a list",
}


def read_config(
    repo: Path | Files, overrides: Sequence[str] = (), *, isolated: bool = False
) -> Config:
    """Read the configuration of a repo from ``hubkit.toml`` or ``[tool.hubkit]``.

    Args:
        repo: The files of the repo, or its folder. Parent folders are not searched.
        overrides: Settings that override those of the file, as ``KEY=VALUE`` in TOML.
        isolated: Whether to ignore configuration files.

    Returns:
        The configuration; the defaults if there is none.

    Raises:
        ConfigError: The file is not valid TOML, both files configure hubkit, a key is unknown, or
            a value is invalid.
    """
    path, table, text = ("", {}, "") if isolated else _find_table(repo)
    config = make_config(table, f"{path}: tool.hubkit" if path == PYPROJECT else path)
    changes = _merge(_parse_override(override) for override in overrides)
    if changes:
        make_config(changes, "--config")  # so that its errors are those of the command line
        config = make_config(_merge([table, changes]), path or "--config")
    return structs.replace(config, path=path, text=text)


def make_config(table: Mapping[str, object], place: str) -> Config:
    """The configuration for a table of settings.

    Raises:
        ConfigError: A key is unknown, or a value is invalid.
    """
    if not table:
        return Config()
    document = _with_cases(table, place)
    try:
        settings = msgspec.convert(document, Settings)
    except msgspec.ValidationError:
        raise _find_error(document, Settings, place) from None
    _require_inner_path(settings.baseline, f"{place}.baseline")
    for name, entrypoint in settings.entrypoints.items():
        _require_arguments(entrypoint, f"{place}.entrypoints.{name}")
    values = structs.asdict(settings)
    for name in ("ignore", "extend_ignore", "per_file_ignores", "init"):
        del values[name]
    return Config(
        **values,
        ignore=_with_reasons(settings.ignore),
        extend_ignore=_with_reasons(settings.extend_ignore),
        per_file_ignores=tuple(
            FileIgnore(pattern, _with_reasons(ignores))
            for pattern, ignores in settings.per_file_ignores.items()
        ),
    )


def _with_reasons(ignores: tuple[str, ...] | dict[str, str]) -> dict[str, str]:
    return ignores if isinstance(ignores, dict) else dict.fromkeys(ignores, "")


def _with_cases(table: Mapping[str, object], place: str) -> dict[str, object]:
    """The table, with each case of an entrypoint completed by the entrypoint's settings.

    Raises:
        ConfigError: A case has cases.
    """
    entrypoints = table.get("entrypoints")
    if not isinstance(entrypoints, dict):
        return dict(table)
    complete = {}
    for name, entrypoint in entrypoints.items():
        cases = entrypoint.get("cases") if isinstance(entrypoint, dict) else None
        if not isinstance(cases, dict):
            complete[name] = entrypoint
            continue
        shared = {key: value for key, value in entrypoint.items() if key != "cases"}
        for case, own in cases.items():
            if isinstance(own, dict) and "cases" in own:
                raise ConfigError(
                    f"{place}.entrypoints.{name}.cases.{case} has cases of its own",
                    hint="Cases cannot be nested. Move them to the cases of the entrypoint.",
                )
        merged = {
            case: {**shared, **own} if isinstance(own, dict) else own for case, own in cases.items()
        }
        complete[name] = {**entrypoint, "cases": merged}
    return {**table, "entrypoints": complete}


def _require_inner_path(text: str, place: str) -> None:
    parts = posixpath.normpath(text.replace("\\", "/")).split("/")
    if text and (parts[0] in ("", "..") or ":" in parts[0]):
        raise ConfigError(
            f"{place} must be a path inside the repo, not {text!r}",
            hint='For example: "hubkit-baseline.json"',
        )


def _require_arguments(entrypoint: EntrypointConfig, place: str) -> None:
    for key in ("untrained", "trained"):
        if getattr(entrypoint, key) is True:
            raise ConfigError(f"{place}.{key} must be a table of arguments or false, not true")
    for name, case in entrypoint.cases.items():
        _require_arguments(case, f"{place}.cases.{name}")


def _find_error(value: object, kind: Any, place: str, notes: Notes = None) -> ConfigError:  # noqa: ANN401 - a type
    """The error for an invalid value: that of the innermost invalid value in it.

    Args:
        value: The value.
        kind: The type that it should have.
        place: What the error calls the value.
        notes: The description of the type and an example, if the type has them.
    """
    while get_origin(kind) is Annotated:
        kind, *metas = get_args(kind)
        notes = next((meta.extra for meta in metas if meta.extra), notes)
    if get_origin(kind) in (Union, UnionType):
        table = next((one for one in get_args(kind) if _is_table(one)), None)
        if table is None or not isinstance(value, dict):
            return _type_error(value, kind, place, notes)
        return _find_error(value, table, place, notes)
    if not isinstance(value, dict) or not _is_table(kind):
        return _type_error(value, kind, place, notes)
    if get_origin(kind) is dict:
        key_kind, item_kind = get_args(kind)
        keys, kinds = get_args(key_kind) or tuple(value), dict.fromkeys(value, item_kind)
    else:
        kinds = {one.encode_name: one.type for one in structs.fields(kind)}
        keys = tuple(kinds)
    for key, item in value.items():
        if key not in keys:
            return _unknown_key(key, keys, place)
        if not _is_valid(item, kinds[key]):
            return _find_error(item, kinds[key], f"{place}.{key}")
    return _type_error(value, kind, place, notes)


def _is_table(kind: Any) -> bool:  # noqa: ANN401 - a type
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, Struct))


def _is_valid(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _unknown_key(key: str, known: Sequence[str], place: str) -> ConfigError:
    return ConfigError(
        f"{place} has an unknown key {key!r}",
        hint=did_you_mean(key.replace("_", "-"), known) or f"Known keys: {', '.join(known)}.",
    )


def _type_error(value: object, kind: Any, place: str, notes: Notes) -> ConfigError:  # noqa: ANN401 - a type
    if notes:
        expected = notes["expected"]
    elif get_origin(kind) in (Union, UnionType):
        kinds = [one for one in get_args(kind) if one is not type(None)]
        if len(kinds) == 1:
            return _find_error(value, kinds[0], place)
        expected = " or ".join(map(_name, kinds))
    else:
        expected = _name(kind)
    shown = "a table" if isinstance(value, dict) else repr(value)
    example = notes.get("example") if notes else None
    return ConfigError(
        f"{place} must be {expected}, not {shown}",
        hint=f"For example: {example}" if example else "",
    )


def _name(kind: Any) -> str:  # noqa: ANN401 - a type
    """What errors call a type."""
    while get_origin(kind) is Annotated:
        kind, meta, *_ = get_args(kind)
        if meta.extra:
            return str(meta.extra["expected"])
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return "a table" if _is_table(kind) else _NAMES[get_origin(kind) or kind]


def _find_table(repo: Path | Files) -> tuple[str, Mapping[str, object], str]:
    """The configuration file, its table of settings, and its text."""
    (own, own_text), (pyproject, text) = _read(repo, HUBKIT_TOML), _read(repo, PYPROJECT)
    tool = _require_table(pyproject.get("tool", {}), f"{PYPROJECT}: tool")
    shared = tool.get("hubkit")
    if own_text is not None and shared is not None:
        raise ConfigError(
            f"{_root(repo)} configures hubkit twice: in {HUBKIT_TOML} and in {PYPROJECT} [tool.hubkit]",
            hint="Remove one of them.",
        )
    if shared is not None:
        return PYPROJECT, _require_table(shared, f"{PYPROJECT}: tool.hubkit"), text or ""
    if "tool" in own:
        raise ConfigError(
            f"{HUBKIT_TOML} has a table [tool]",
            hint=f"[tool.hubkit] belongs in {PYPROJECT}. In {HUBKIT_TOML}, write its keys at the top level.",
        )
    return (HUBKIT_TOML, own, own_text) if own_text is not None else ("", {}, "")


def _require_table(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"{place} must be a table, not {value!r}")
    return value


def _root(repo: Path | Files) -> Path:
    return repo.root if isinstance(repo, Files) else repo


def _read(repo: Path | Files, name: str) -> tuple[Mapping[str, object], str | None]:
    """The tables of a file and its text; None as text if there is no such file."""
    path = _root(repo) / name
    if not (repo.is_file(name) if isinstance(repo, Files) else path.is_file()):
        return {}, None
    try:
        data = repo.read(name) if isinstance(repo, Files) else read_inside(repo, name)
        text = data.decode("utf-8").replace("\r\n", "\n")
        # Most pyproject.toml files do not mention hubkit, and a search is faster than parsing.
        return (parse_toml(text) if name == HUBKIT_TOML or "hubkit" in text else {}), text
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"Cannot read {path}: {error}", hint="Fix the TOML.") from None
    except UnsafePathError as error:
        raise ConfigError(
            f"Cannot read {path}: {error.strerror}",
            hint="Settings are read only from the repo itself. Replace the link with a file.",
        ) from None


def _parse_override(text: str) -> dict[str, object]:
    """One ``KEY=VALUE``: TOML, or a word that TOML would want in quotes."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            f"--config takes KEY=VALUE, not {text!r}",
            hint=f"hubkit reads only {HUBKIT_TOML} and {PYPROJECT} at the root of the repo."
            if text.endswith(".toml")
            else "For example: --config fail-on=error",
        )
    try:
        return parse_toml(text)
    except ValueError as error:
        if _is_word(value.strip()):
            return parse_toml(f'{key}="{value.strip()}"')
        raise ConfigError(
            f"--config {text}: {error}", hint="The value must be TOML. For example: preview=true"
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
