"""Every key of the configuration, and what reads its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from hubkit.config.model import KINDS, Config, EntrypointConfig, FileIgnore, WeightsConfig
from hubkit.config.values import (
    one_of,
    read_bool,
    read_count,
    read_dims,
    read_ignores,
    read_inner_path,
    read_number,
    read_reasons,
    read_size,
    read_text,
    read_texts,
    read_untrained,
    read_values,
    refuse_unknown,
    require_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Readers = Mapping[str, Callable[[object, str], object]]

BUDGETS = ("load-s", "forward-s", "rss-mb", "params")
FAIL_ON = ("error", "warning", "info", "never")


def read_keys(table: Mapping[str, object], place: str) -> Config:
    """The configuration that a table holds.

    Args:
        table: The table.
        place: What errors call it.

    Raises:
        ConfigError: A key is unknown, or a value is not of the kind that belongs there.
    """
    read = _read(table, KEYS, place)
    # What `hubkit init` was told; only it reads that.
    read.pop("init", None)
    return Config(**read)


def _read(table: Mapping[str, object], readers: Readers, place: str) -> dict[str, Any]:
    refuse_unknown(table, readers, place)
    return {
        key.replace("-", "_"): readers[key](value, f"{place}.{key}") for key, value in table.items()
    }


def _entrypoints(value: object, place: str) -> dict[str, EntrypointConfig]:
    return {
        name: _entrypoint(require_table(said, f"{place}.{name}"), f"{place}.{name}")
        for name, said in require_table(value, place).items()
    }


def _entrypoint(table: Mapping[str, object], place: str) -> EntrypointConfig:
    said = EntrypointConfig(**_read(table, ENTRYPOINT_KEYS, place))
    shared = {key: value for key, value in table.items() if key != "cases"}
    cases = {}
    for name, case in said.cases.items():
        own = require_table(case, f"{place}.cases.{name}")
        refuse_unknown(own, ENTRYPOINT_KEYS.keys() - {"cases"}, f"{place}.cases.{name}")
        cases[name] = EntrypointConfig(
            **_read({**shared, **own}, ENTRYPOINT_KEYS, f"{place}.cases.{name}")
        )
    return structs.replace(said, cases=cases)


def _weights(value: object, place: str) -> WeightsConfig:
    return WeightsConfig(**_read(require_table(value, place), WEIGHTS_KEYS, place))


def _budget(value: object, place: str) -> dict[str, float]:
    table = require_table(value, place)
    refuse_unknown(table, BUDGETS, place)
    return {name: read_number(limit, f"{place}.{name}") for name, limit in table.items()}


def _file_ignores(value: object, place: str) -> tuple[FileIgnore, ...]:
    return tuple(
        FileIgnore(pattern, read_ignores(ignore, f"{place}.{pattern}"))
        for pattern, ignore in require_table(value, place).items()
    )


KEYS: Readers = {
    "select": read_texts,
    "extend-select": read_texts,
    "ignore": read_ignores,
    "extend-ignore": read_ignores,
    "per-file-ignores": _file_ignores,
    "preview": read_bool,
    "fail-on": one_of(FAIL_ON),
    "baseline": read_inner_path,
    "max-archive-mb": read_size,
    "lfs-in-archives": read_bool,
    "expected": read_reasons,
    "names": read_texts,
    "representative": read_texts,
    "entrypoints": _entrypoints,
    "init": require_table,
}
ENTRYPOINT_KEYS: Readers = {
    "kind": one_of(KINDS),
    "call": require_table,
    "untrained": read_untrained,
    "input": read_values,
    "output": read_values,
    "dims": read_dims,
    "trainable": read_bool,
    "stochastic": read_bool,
    "tolerance": read_number,
    "weights": _weights,
    "budget": _budget,
    "expected": read_reasons,
    "strict": read_bool,
    "cases": require_table,
}
WEIGHTS_KEYS: Readers = {
    "call": require_table,
    "sha256": read_text,
    "bytes": read_count,
    "params": read_count,
    "unsafe": read_texts,
}
