"""The JSON Schema accepts and rejects the same settings as hubkit."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from hubkit.config import read_config, tool_schema
from hubkit.errors import ConfigError
from tests.config.test_files import HUBKIT_TOML

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
SCHEMA: Any = tool_schema("hubkit")


def is_valid(text: str) -> bool:
    validator = jsonschema.Draft7Validator(SCHEMA)
    return bool(validator.is_valid(tomllib.loads(text)))


def is_read(text: str, folder: Path) -> bool:
    (folder / "hubkit.toml").write_text(text, "utf-8")
    try:
        read_config(folder)
    except ConfigError:
        return False
    return True


def test_the_schema_is_valid() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_every_key_is_described() -> None:
    tables = [SCHEMA, *SCHEMA["definitions"].values()]
    assert [
        key
        for table in tables
        for key, value in table["properties"].items()
        if not value.get("description")
    ] == []


def documented() -> str:
    """The example in the docs, as hubkit.toml."""
    text = (ROOT / "docs" / "checking.md").read_text("utf-8")
    block = text.partition("```toml\n")[2].partition("```")[0]
    return block.replace("[tool.hubkit]\n", "").replace("[tool.hubkit.", "[")


def configurations() -> Iterator[str]:
    yield HUBKIT_TOML
    yield documented()
    for path in sorted((ROOT / "tests" / "rules" / "cases").glob("*/*/hubkit.toml")):
        yield path.read_text("utf-8")


@pytest.mark.parametrize("text", [*configurations()])
def test_real_configurations_are_valid(text: str, tmp_path: Path) -> None:
    assert is_valid(text)
    assert is_read(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "selct = []",
        "select = 'HUB1'",
        "select = [1]",
        "ignore = {HUB1 = ''}",
        "ignore = {HUB1 = '  '}",
        "ignore = {HUB1 = 1}",
        "ignore = 1",
        "per-file-ignores = ['a']",
        "per-file-ignores = {a = 'HUB1'}",
        "preview = 'yes'",
        "fail-on = 'warn'",
        "baseline = 1",
        "expected = ['C101']",
        "entrypoints = []",
        "entrypoints = {net = 1}",
        "entrypoints = {net = {knd = 'model'}}",
        "entrypoints = {net = {kind = 'modle'}}",
        "entrypoints = {net = {call = 1}}",
        "entrypoints = {net = {input = 1}}",
        "entrypoints = {net = {input = [1]}}",
        "entrypoints = {net = {dims = {B = true}}}",
        "entrypoints = {net = {trainable = 1}}",
        "entrypoints = {net = {untrained = true}}",
        "entrypoints = {net = {budget = {loads = 1}}}",
        "entrypoints = {net = {budget = {load-s = 0}}}",
        "entrypoints = {net = {weights = {bytes = -1}}}",
        "entrypoints = {net = {cases = {big = {knd = 1}}}}",
        "max-archive-mb = 0",
        "max-archive-mb = true",
        "entrypoints = {net = {expected = {C101 = ''}}}",
        "init = 1",
    ],
)
def test_schema_and_reader_reject_the_same_settings(text: str, tmp_path: Path) -> None:
    assert not is_valid(text)
    assert not is_read(text, tmp_path)


def test_validate_pyproject_finds_the_schema() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    points = tomllib.loads(text)["project"]["entry-points"]["validate_pyproject.tool_schema"]
    module, _, name = points["hubkit"].partition(":")
    assert getattr(importlib.import_module(module), name)("hubkit") == SCHEMA


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (HUBKIT_TOML, ""),
        ("selct = []", "selct"),
        ("ignore = 1", "ignore"),
        ("[entrypoints.net]\nknd = 1", "knd"),
    ],
)
def test_validate_pyproject_uses_the_schema(text: str, wrong: str) -> None:
    api = importlib.import_module("validate_pyproject.api")
    types = importlib.import_module("validate_pyproject.plugins")
    errors = importlib.import_module("validate_pyproject.errors")
    validate = api.Validator(extra_plugins=[types.PluginWrapper("hubkit", tool_schema)], plugins=[])
    document = {"tool": {"hubkit": tomllib.loads(text)}}
    if not wrong:
        validate(document)
        return
    with pytest.raises(errors.ValidationError, match=wrong):
        validate(document)
