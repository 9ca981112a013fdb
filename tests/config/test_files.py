"""Reading the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.config import Config, read_config
from hubkit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

HUBKIT_TOML = """\
select = ["HUB1", "HUB5"]
extend-select = ["HUB110"]
preview = true
fail-on = "error"
baseline = "known.json"

[ignore]
HUB501 = "the mirror has other names"

[per-file-ignores]
"models/*" = ["HUB504"]

[entrypoints.net]
kind = "model"
call = { width = 3 }
"""


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert read_config(tmp_path) == Config()


@pytest.mark.parametrize("place", ["hubkit.toml", "pyproject.toml"])
def test_hubkit_toml_and_pyproject_are_equivalent(tmp_path: Path, place: str) -> None:
    text = HUBKIT_TOML
    if place == "pyproject.toml":
        text = text.replace("[", "[tool.hubkit.").replace('[tool.hubkit."', '["')
        text = "[tool.hubkit]\n" + text
    (tmp_path / place).write_text(text, "utf-8")
    config = read_config(tmp_path)
    assert config.path == place
    assert config.select == ("HUB1", "HUB5")
    assert config.extend_select == ("HUB110",)
    assert config.ignore == {"HUB501": "the mirror has other names"}
    assert [(one.pattern, dict(one.ignore)) for one in config.per_file_ignores] == [
        ("models/*", {"HUB504": ""})
    ]
    assert (config.preview, config.fail_on, config.baseline) == (True, "error", "known.json")
    assert config.entrypoint("net").call == {"width": 3}
    assert config.entrypoint("other").kind is None


def test_two_configurations_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text("", "utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.hubkit]\n", "utf-8")
    with pytest.raises(ConfigError, match="configures hubkit twice"):
        read_config(tmp_path)


def test_parent_folders_are_not_searched(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text('select = ["HUB1"]\n', "utf-8")
    (tmp_path / "inner").mkdir()
    assert read_config(tmp_path / "inner") == Config()


@pytest.mark.parametrize(
    ("text", "wrong", "advice"),
    [
        ("selct = []", "unknown key 'selct'", "`select`"),
        ("per_file_ignores = {}", "unknown key 'per_file_ignores'", "`per-file-ignores`"),
        ("frobnicate = 1", "unknown key 'frobnicate'", "Known keys: select"),
        (
            "[entrypoints.net]\nknd = 'model'",
            "hubkit.toml.entrypoints.net has an unknown",
            "`kind`",
        ),
        ("[entrypoints.net]\nkind = 'modle'", "entrypoints.net.kind must be one of model", ""),
        ("select = 'HUB1'", "hubkit.toml.select must be a list of strings, not 'HUB1'", ""),
        ("ignore = {HUB1 = ''}", "ignore.HUB1 must be the reason", ""),
        (
            "[per-file-ignores]\n'a/*' = 'HUB1'",
            "per-file-ignores.a/[*] must be a list of strings or a table from code",
            "",
        ),
        ("preview = 1", "preview must be true or false, not 1", ""),
        ("max-archive-mb = 0", "max-archive-mb must be a number above 0, not 0", ""),
        ("baseline = '../a'", "baseline must be a path inside the repo", ""),
        ("[entrypoints.net.dims]\nB = true", r"net\.dims\.B must be a size such as 64", ""),
        (
            "[entrypoints.net]\nuntrained = true",
            "net.untrained must be a table of arguments or",
            "",
        ),
        (
            "[entrypoints.net]\ntrained = true",
            "net.trained must be a table of arguments or",
            "",
        ),
        ("[entrypoints.net]\nuntrained = 1", "net.untrained must be a table or false, not 1", ""),
        ("[entrypoints.net.budget]\nload = 1", "budget has an unknown key 'load'", "`load-s`"),
        ("[entrypoints.net.cases.a.cases.b]", r"cases\.a has cases of its own", ""),
        ("[entrypoints.net]\ninput = [1]", "input must be a string such as", ""),
        ("fail-on = 'warn'", "fail-on must be one of error, warning, info, never", ""),
        ("baseline = []", "baseline must be a string", ""),
        ("select = [", "Cannot read .*hubkit.toml", "Fix the TOML"),
    ],
)
def test_invalid_settings_are_explained(tmp_path: Path, text: str, wrong: str, advice: str) -> None:
    (tmp_path / "hubkit.toml").write_text(text + "\n", "utf-8")
    with pytest.raises(ConfigError, match=wrong) as caught:
        read_config(tmp_path)
    assert advice in caught.value.hint


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="Cannot read"):
        read_config(tmp_path)


def test_overrides_replace_settings(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text(HUBKIT_TOML, "utf-8")
    config = read_config(
        tmp_path,
        [
            "fail-on=info",
            "preview=false",
            'select=["HUB2"]',
            'ignore.HUB2="for now"',
            'entrypoints.net.kind="bundle"',
        ],
    )
    assert (config.fail_on, config.preview, config.select) == ("info", False, ("HUB2",))
    assert config.ignore == {"HUB501": "the mirror has other names", "HUB2": "for now"}
    assert config.entrypoint("net").kind == "bundle"
    assert config.entrypoint("net").call == {"width": 3}


@pytest.mark.parametrize(
    ("override", "wrong"),
    [
        ("preview", "takes KEY=VALUE"),
        ("=1", "takes KEY=VALUE"),
        ("prview=true", "--config has an unknown key 'prview'"),
        ("select=[", "--config select="),
    ],
)
def test_invalid_overrides_are_explained(tmp_path: Path, override: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        read_config(tmp_path, [override])


def test_isolated_ignores_files(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text("selct = [", "utf-8")
    assert read_config(tmp_path, isolated=True) == Config()
    assert read_config(tmp_path, ["preview=true"], isolated=True).preview


def test_lines_of_keys_are_found_in_the_right_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ruff.lint]\nignore = ["HUB501"]\n\n'
        '[tool.hubkit]\nselect = ["HUB501"]\nextend-ignore = ["HUB501"]\n'
        'ignore = [\n  "HUB50",\n  "HUB501",\n]\n\n'
        '[tool.hubkit.per-file-ignores]\n"a.py" = ["HUB501"]\n"b.py" = [\n  "HUB501",\n]\n',
        "utf-8",
    )
    config = read_config(tmp_path)
    assert config.find_line("select", "HUB501") == 5
    assert config.find_line("extend-ignore", "HUB501") == 6
    assert config.find_line("ignore", "HUB501") == 9
    assert config.find_line("per-file-ignores", "b.py", "HUB501") == 15
    assert config.find_line("ignore", "HUB999") is None
