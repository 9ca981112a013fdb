"""What has drifted from the template: told, shown and put right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_host import git
from tests.scaffold.conftest import init, read_tree, write_tree
from tests.scaffold.samples import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = ".github/workflows/hub.yml"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--weights", "none", "--no-ci", "--config", "hubkit.toml", "--license", "NONE"),
        ("--bare",),
    ],
)
def test_nothing_has_drifted_from_what_was_just_made(here: Path, options: tuple[str, ...]) -> None:
    init("shapes", "--defaults", *options)
    before = read_tree(here)
    result = init("shapes", "--check")
    assert (result.exit_code, result.stdout[:20]) == (0, "All files match the ")
    assert init("shapes", "--diff").stdout == ""
    assert read_tree(here) == before


def test_nothing_has_drifted_where_code_was_published(here: Path) -> None:
    write_tree(here, SAMPLE)
    init("--defaults", "--entrypoints", "tiny,unet", "--no-citation")
    assert init("--check").exit_code == 0
    assert "created" not in init("--defaults").stdout


def test_drift_is_told_shown_and_put_right(here: Path) -> None:
    init("--defaults", "--repo", "acme/here")
    made = read_tree(here)
    write_tree(here, {WORKFLOW: "on: push\n", "README.md": "mine\n", "hubconf.py": "# mine\n"})
    (here / ".gitattributes").unlink()
    changed = read_tree(here)

    result = init("--check")
    assert result.exit_code == 1
    assert "would create     .gitattributes\n" in result.stdout
    assert f"differs          {WORKFLOW}\n" in result.stdout
    assert "README" not in result.stdout
    assert read_tree(here) == changed

    result = init("--diff")
    assert result.exit_code == 0
    assert f"--- a/{WORKFLOW}\n+++ b/{WORKFLOW}\n" in result.stdout
    assert "--- /dev/null\n+++ b/.gitattributes\n" in result.stdout
    (here / "change.patch").write_text(result.stdout)
    git("init", "--quiet", cwd=here)
    git("apply", "--check", "change.patch", cwd=here)
    (here / "change.patch").unlink()

    assert f"would overwrite  {WORKFLOW}" in init("--overwrite", "--dry-run").stdout
    assert read_tree(here) == changed
    result = init("--overwrite", "--defaults")
    assert f"overwritten  {WORKFLOW}\n" in result.stdout
    assert "kept         README.md  (yours, differs from the template)\n" in result.stdout
    expected = {**made, "README.md": b"mine\n", "hubconf.py": b"# mine\n"}
    assert read_tree(here) == expected
    assert init("--check").exit_code == 0


def test_another_answer_does_not_change_files_of_the_author(here: Path) -> None:
    init("shapes", "--defaults", "--weights", "none")
    edited = ("README.md", "hubconf.py", "shapes/train.py")
    for name in edited:
        path = here / "shapes" / name
        path.write_text(f"{path.read_text()}\n# mine\n")
    before = read_tree(here)
    result = init("shapes", "--defaults", "--weights", "both", "--no-ci")
    changed = (
        "README.md, hubconf.py and shapes/train.py were edited, so they keep earlier answers: "
    )
    assert f"{changed}`weights` none and `ci` yes." in result.stdout
    assert f"No longer created with these answers: {WORKFLOW}." in result.stdout
    after = read_tree(here)
    assert {name: after[f"shapes/{name}"] for name in edited} == {
        name: before[f"shapes/{name}"] for name in edited
    }
    assert b'weights = "both"' in after["shapes/pyproject.toml"]
    assert "keep earlier answers" not in init("shapes", "--defaults").stdout


def test_a_later_answer_is_in_every_file_that_was_not_edited(here: Path) -> None:
    write_tree(here, {name: text for name, text in SAMPLE.items() if name != "LICENSE"})
    assert (
        "To add a license, pass --license MIT" in init("--defaults", "--repo", "acme/nets").stdout
    )
    config, card = here / "hubkit.toml", here / "MODEL_CARD.md"
    config.write_text(f"{config.read_text()}# mine\n")
    card.write_text(card.read_text().replace(":v0.1.0", ":v0.2.0"))  # as by `hubkit card --tag`
    result = init("--license", "MIT", "--defaults")
    assert "keep" not in result.stdout.replace("kept", "")
    assert "- **License**: MIT\n" in card.read_text()
    assert ":v0.2.0" in card.read_text()
    assert "license: MIT\n" in (here / "CITATION.cff").read_text()
    assert 'license = "MIT"\n' in config.read_text()
    assert config.read_text().endswith("# mine\n")
    assert (here / "LICENSE").is_file()
    assert not [name for name, text in read_tree(here).items() if b"NONE" in text]
    init("--repo", "new/name", "--defaults")
    assert not [name for name, text in read_tree(here).items() if b"acme/nets" in text]


def test_a_repo_without_a_template_has_not_drifted(here: Path) -> None:
    write_tree(here, SAMPLE)
    result = init("--check")
    assert result.exit_code == 2
    assert "was not created by `hubkit init`" in result.stderr
    assert init("--check", "--template", "existing").exit_code == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--check", "--diff"), "cannot be combined"),
        (("--check", "--overwrite"), "--overwrite cannot be combined"),
        (("--bare", "--ci"), "does not use `ci`"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: tuple[str, ...], why: str, here: Path
) -> None:
    result = init("x", *options)
    assert result.exit_code == 2
    assert why in result.stderr
    assert not list(here.iterdir())


def test_declining_what_is_not_made_anyway_is_not_a_mistake() -> None:
    assert init("x", "--bare", "--no-ci", "--no-card").exit_code == 0


def test_answers_come_from_a_file_and_options_come_before_them(here: Path) -> None:
    write_tree(
        here,
        {
            "a.toml": 'template = "classifier"\nlicense = "ISC"\nci = false\nname = "N"\nrepo = "a/b"\n'
        },
    )
    assert init("x", "--answers", "a.toml", "--repo", "c/d", "-a", "name=M").exit_code == 0
    made = read_tree(here / "x")
    assert WORKFLOW not in made
    assert made["LICENSE"].startswith(b"ISC License")
    assert b"# M\n" in made["README.md"]
    assert b"c/d" in made["README.md"]


def test_answers_of_one_repo_apply_to_another(here: Path) -> None:
    init("x", "--defaults", "--repo", "a/b", "--module", "mod", "--weights", "none", "--no-tests")
    assert init("y", "--answers", "x/pyproject.toml").exit_code == 0
    assert read_tree(here / "y") == read_tree(here / "x")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("license = [", "a.toml is not TOML"),
        ("license = { a = 1 }", "license is {'a': 1}, which is not an answer"),
        ("licence = 'MIT'", "does not use `licence`"),
        ("weights = 'everywhere'", "weights: 'everywhere' is not one of both"),
        (None, "Cannot read a.toml"),
    ],
)
def test_a_bad_answers_file_is_reported_and_nothing_written(
    here: Path, text: str | None, why: str
) -> None:
    if text is not None:
        write_tree(here, {"a.toml": text})
    result = init("x", "--answers", "a.toml")
    assert result.exit_code == 2
    assert why in result.stderr
    assert not (here / "x").exists()
