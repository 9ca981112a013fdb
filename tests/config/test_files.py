"""Where the configuration is read from, and what is refused."""

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


def test_no_file_means_all_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path) == Config()


@pytest.mark.parametrize("place", ["hubkit.toml", "pyproject.toml"])
def test_both_places_mean_the_same(tmp_path: Path, place: str) -> None:
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


def test_both_places_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text("", "utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.hubkit]\n", "utf-8")
    with pytest.raises(ConfigError, match="configures hubkit twice"):
        read_config(tmp_path)


def test_a_folder_above_is_not_looked_into(tmp_path: Path) -> None:
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
        ("ignore = {HUB1 = ''}", "ignore.HUB1 must be the reason, in words", ""),
        ("[per-file-ignores]\n'a/*' = 'HUB1'", "per-file-ignores.a/[*] must be a table", ""),
        ("preview = 1", "preview must be true or false, not 1", ""),
        ("fail-on = 'warn'", "fail-on must be one of error, warning, info, never", ""),
        ("baseline = []", "baseline must be a string", ""),
        ("select = [", "hubkit.toml cannot be read", "Fix the TOML"),
    ],
)
def test_mistakes_are_named_with_the_way_out(
    tmp_path: Path, text: str, wrong: str, advice: str
) -> None:
    (tmp_path / "hubkit.toml").write_text(text + "\n", "utf-8")
    with pytest.raises(ConfigError, match=wrong) as caught:
        read_config(tmp_path)
    assert advice in caught.value.hint


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)


def test_overrides_take_the_place_of_the_files_settings(tmp_path: Path) -> None:
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
def test_mistakes_in_overrides_are_the_command_lines(
    tmp_path: Path, override: str, wrong: str
) -> None:
    with pytest.raises(ConfigError, match=wrong):
        read_config(tmp_path, [override])


def test_isolated_leaves_files_alone(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text("selct = [", "utf-8")
    assert read_config(tmp_path, isolated=True) == Config()
    assert read_config(tmp_path, ["preview=true"], isolated=True).preview


def test_lines_are_found_below_their_keys_and_past_other_tools(tmp_path: Path) -> None:
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
