"""The snippet in a card: what it loads, from where, and what it does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.publish.conftest import HUBCONF, REPO, hubkit, read

if TYPE_CHECKING:
    from pathlib import Path


def test_the_snippet_keeps_the_repo_and_the_tag_that_it_names(repo: Path) -> None:
    hubkit("card", *REPO, "--tag", "v1.0")
    assert '"acme/nets:v1.0"' in read(repo)
    (repo / ".git" / "config").write_text(
        (repo / ".git" / "config").read_text()
        + '[remote "origin"]\n\turl = git@github.com:fork/nets.git\n'
    )
    assert hubkit("card", "--check").exit_code == 0
    hubkit("card", "--tag", "v2.0")
    assert '"acme/nets:v2.0"' in read(repo)


def test_a_tag_cannot_break_out_of_the_snippet(repo: Path) -> None:
    result = hubkit("card", *REPO, "--tag", 'v1"); import os; ("')
    assert result.exit_code == 2
    assert "cannot be used as a tag" in result.stderr
    assert not (repo / "MODEL_CARD.md").exists()


def test_the_snippet_keeps_the_entrypoint_that_it_shows(repo: Path) -> None:
    hubkit("card", *REPO, "--entrypoint", "bundled")
    assert '("acme/nets", "bundled", pretrained=True)' in read(repo)
    assert hubkit("card", "--check").exit_code == 0
    (repo / "hubconf.py").write_text(HUBCONF.replace("bundled(", "packed("))
    hubkit("card")
    assert '("acme/nets", "net", pretrained=True)' in read(repo)
    assert "Did you mean `net`?" in hubkit("card", "--entrypoint", "nett").stderr


def test_entrypoints_with_weights_are_shown_first(repo: Path) -> None:
    (repo / "hubconf.py").write_text("def custom(path='x'):\n    return path\n\n\n" + HUBCONF)
    hubkit("card", *REPO)
    assert '("acme/nets", "net", pretrained=True)' in read(repo)


def test_the_remote_tells_where_it_is_published(repo: Path) -> None:
    assert hubkit("card").exit_code == 2
    assert "--repo OWNER/NAME" in hubkit("card").stderr
    with (repo / ".git" / "config").open("a") as config:
        config.write('[remote "origin"]\n\turl = https://github.com/acme/other.git\n')
    assert hubkit("card").exit_code == 0
    assert '"acme/other"' in read(repo)


def test_a_declared_input_is_run(repo: Path) -> None:
    (repo / "hubconf.py").write_text(HUBCONF.replace("def net(", "def net(path, "))
    hubkit("card", *REPO)
    assert (
        'model = torch.hub.load("acme/nets", "bundled", pretrained=True)\nmodel.eval()\n\n'
        "inputs = torch.rand(1, 3, 224, 32)  # f32[B,3,H,W] in [0,1]\n"
        "with torch.inference_mode():\n    output = model(inputs)\n"
    ) in read(repo)


PART = "<!-- hubkit:begin usage -->\n<!-- hubkit:end usage -->\n"


def test_parts_of_the_readme_are_updated_with_the_card(repo: Path) -> None:
    readme, page = repo / "README.md", repo / "docs" / "page.md"
    readme.write_text(f"# Nets\n\n{PART}Bye.\n")  # git does not track it yet
    page.parent.mkdir()
    page.write_text(f"```html\n{PART}```\n")
    result = hubkit("card", *REPO, "--tag", "v1.0")
    assert result.stderr == "Wrote MODEL_CARD.md.\nUpdated README.md: usage.\n"
    assert '("acme/nets:v1.0", "net", pretrained=True)' in readme.read_text()
    assert readme.read_text().endswith("<!-- hubkit:end usage -->\nBye.\n")
    assert page.read_text() == f"```html\n{PART}```\n"
    readme.write_text(readme.read_text().replace('"net"', '"bundled"'))
    assert hubkit("card").exit_code == 0
    assert '("acme/nets:v1.0", "bundled", pretrained=True)' in readme.read_text()
    readme.write_text(readme.read_text().replace("model.eval()", "model"))
    assert "README.md is out of date: usage" in hubkit("card", "--check").stderr
    assert hubkit("card", "--check", "--file", "MODEL_CARD.md").exit_code == 0


def test_all_snippets_load_the_tag_of_the_declared_version(repo: Path) -> None:
    hubkit("card", *REPO, "--tag", "v1.0.0")
    (repo / "README.md").write_text(PART)
    project = repo / "pyproject.toml"
    project.write_text(project.read_text().replace("[project]", '[project]\nversion = "1.1.0"'))
    assert "MODEL_CARD.md is out of date: usage" in hubkit("card", "--check").stderr
    assert hubkit("card").exit_code == 0
    for text in (read(repo), (repo / "README.md").read_text()):
        assert '"acme/nets:v1.1.0", "net", pretrained=True' in text
    assert hubkit("card", "--check").exit_code == 0
    (repo / "MODEL_CARD.md").write_text(PART)
    hubkit("card")
    assert '"acme/nets:v1.1.0", "net", pretrained=True' in read(repo)
    # A branch and a commit stay.
    hubkit("card", "--tag", "main")
    assert hubkit("card", "--check").exit_code == 0


def test_a_tag_that_no_snippet_shows_is_reported(repo: Path) -> None:
    (repo / "MODEL_CARD.md").write_text("# Nets\n\n## Usage\n\nRead the paper.\n")
    result = hubkit("card", *REPO, "--tag", "v1.0")
    assert "no generated usage part, so --tag and --entrypoint have no effect" in result.stderr
    assert "have no effect" not in hubkit("card", "--tag", "v1.0", "--add", "usage").stderr
