"""What is recorded, in files as people write them: all else stays as it is, byte for byte."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest

from hubkit._util.toml import parse_toml
from hubkit.config import read_config
from hubkit.errors import ConfigError, FixError
from hubkit.publish.weights import record_weights

if TYPE_CHECKING:
    from pathlib import Path

SHA = "4f1c09ab" * 8

WRITTEN = {
    "empty": "",
    "inline": '[entrypoints.net]\nweights = { sha256 = "00", params = 3 }  # ours\n',
    "table": '# top\n[entrypoints.net.weights]\nsha256 = "00"\nparams = 3\n\n[entrypoints.b]\nkind = "model"\n',
    "dotted": 'entrypoints.net.kind = "model"\nentrypoints.net.weights.params = 3\n',
    "others": 'preview = true   # yes\n\n[entrypoints.a]\nkind="model"\n\n\n[ignore]\nHUB501 = "x"\n',
    "out of order": '[entrypoints.a]\nkind = "model"\n[ignore]\nHUB1 = "x"\n[entrypoints.b]\nkind = "model"\n',
    "no newline": "preview = true",
    "inline entrypoint": 'entrypoints = { net = { kind = "model" } }\n',
}


def recorded(root: Path) -> tuple[str, int | None, int | None]:
    weights = read_config(root).entrypoint("net").weights
    assert weights is not None
    return weights.sha256, weights.bytes, weights.params


@pytest.mark.parametrize("where", ["hubkit.toml", "pyproject.toml"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("name", WRITTEN)
def test_only_the_record_changes(tmp_path: Path, name: str, ends: str, where: str) -> None:
    text = WRITTEN[name]
    if where == "pyproject.toml":
        text = _below_tool(text)
    path = tmp_path / where
    path.write_text(text, "utf-8", newline=ends)
    before = path.read_bytes().decode()
    done = "replaced" if "sha256" in text else "recorded"
    assert record_weights(tmp_path, "net", SHA, 12) == (done, where)
    after = path.read_bytes().decode()
    params = 3 if "params" in text else None
    assert recorded(tmp_path) == (SHA, 12, params)
    removed = [
        line
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line.startswith("- ") and "sha256" not in line
    ]
    assert not removed or name in ("no newline", "inline entrypoint")
    assert "\r\n" not in before or "\n" not in after.replace("\r\n", "")
    assert record_weights(tmp_path, "net", SHA, 12) == ("already recorded", where)
    assert path.read_bytes().decode() == after


def _below_tool(text: str) -> str:
    """The same settings in a pyproject.toml, beside those of others."""
    lines = [
        f"[tool.hubkit.{line[1:]}" if line.startswith("[") else line for line in text.splitlines()
    ]
    first = "[project]\nname = 'nets'   # odd spacing\n\n[tool.hubkit]\n"
    return first + "\n".join(lines) + "\n"


def test_a_pyproject_of_others_takes_it(tmp_path: Path) -> None:
    text = '[project]\nname = "nets"\n\n[tool.ruff]\nline-length = 100\n'
    (tmp_path / "pyproject.toml").write_text(text)
    record_weights(tmp_path, "net", SHA, 12)
    after = (tmp_path / "pyproject.toml").read_text()
    assert after.startswith(text)
    assert "\n\n[tool.hubkit.entrypoints.net.weights]\n" in after
    assert recorded(tmp_path)[:2] == (SHA, 12)


def test_the_record_is_not_below_a_comment_of_another_table(tmp_path: Path) -> None:
    text = '[entrypoints.net]\nkind = "model"\n\n# Not yet:\n# [entrypoints.b]\n\n[ignore]\nHUB1 = "x"\n'
    (tmp_path / "hubkit.toml").write_text(text)
    record_weights(tmp_path, "net", SHA, 12)
    record = f'\n[entrypoints.net.weights]\nsha256 = "{SHA}"\nbytes = 12\n'
    assert (tmp_path / "hubkit.toml").read_text() == text + record


def test_without_any_file_hubkit_toml_is_made(tmp_path: Path) -> None:
    assert record_weights(tmp_path, "net", SHA, 12) == ("recorded", "hubkit.toml")
    expected = {"sha256": SHA, "bytes": 12}
    assert (tmp_path / "hubkit.toml").read_bytes().startswith(b"[entrypoints.net.weights]\n")
    text = (tmp_path / "hubkit.toml").read_text()
    assert parse_toml(text) == {"entrypoints": {"net": {"weights": expected}}}


def test_a_file_that_is_not_toml_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        record_weights(tmp_path, "net", SHA, 12)
    assert path.read_text() == "[project\n"


def test_a_protected_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hubkit.toml"
    path.write_text("preview = true\n")
    path.chmod(0o444)
    with pytest.raises(FixError, match="read-only"):
        record_weights(tmp_path, "net", SHA, 12)
    assert path.read_text() == "preview = true\n"
