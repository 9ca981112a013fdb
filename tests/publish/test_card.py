"""``hubkit card`` as it is typed: made, refreshed, checked, and never more than that."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.git_host import commit_files
from tests.publish.conftest import CARD, HUBCONF, REPO, hubkit, read

if TYPE_CHECKING:
    from pathlib import Path


def front(text: str) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(text.split("---\n")[1])
    return loaded


def test_a_first_card_says_what_the_repo_tells(repo: Path) -> None:
    result = hubkit("card", *REPO)
    assert result.exit_code == 0, result.output
    text = read(repo)
    assert front(text) == {
        "license": "mit",
        "library_name": "pytorch",
        "tags": ["torch-hub", "vision", "toy"],
    }
    assert 'torch.hub.load("acme/nets", "net", pretrained=True)' in text
    assert "- `net(pretrained: bool = False, width: int = 2) -> " not in text
    assert (
        "- `net(pretrained: bool = False, width: int = 2)`: A linear layer | with weights that are "
        "downloaded.\n  - `pretrained`: Load the trained weights.\n  - `width`: How wide it is.\n"
    ) in text
    sha = hashlib.sha256(b"no real weights").hexdigest()
    assert f"| `bundled` |  | `weights/bundled.pth`, in the repo | 15 bytes | `{sha}` |" in text
    assert (
        "| `net` | 7,763,041 | [`net-0123456789abcdef.pth`](https://github.com/acme/nets/releases/"
        f"download/v1.0/net-0123456789abcdef.pth) | 31.0 MB | `{'0123456789abcdef' * 4}` |"
    ) in text
    assert "Loading imports `torch`.\n\n```sh\npip install torch\n```\n" in text


def test_again_changes_nothing(repo: Path) -> None:
    hubkit("card", *REPO)
    before = read(repo)
    assert "up to date" in hubkit("card").stderr
    assert hubkit("card", "--check").exit_code == 0
    assert read(repo) == before
    assert hubkit("card", "--stdout").stdout == before
    commit_files(repo, {})
    assert hubkit("card", "--check").exit_code == 0


def test_check_and_diff_tell_what_is_stale_and_write_nothing(repo: Path) -> None:
    hubkit("card", *REPO)
    before = read(repo)
    (repo / "hubconf.py").write_text(HUBCONF.replace("width: int = 2", "width: int = 4"))
    result = hubkit("card", "--check")
    assert result.exit_code == 1
    assert f"{CARD} is out of date: entrypoints." in result.stderr
    shown = hubkit("card", "--diff")
    assert shown.exit_code == 1
    changed = [
        line
        for line in shown.stdout.splitlines()
        if line[0] in "+-" and line[:3] not in ("---", "+++")
    ]
    assert [line[:5] for line in changed] == ["-- `n", "+- `n"]
    assert read(repo) == before
    assert hubkit("card").exit_code == 0
    assert "width: int = 4" in read(repo)
    assert hubkit("card", "--check").exit_code == 0


def test_without_a_card_check_fails(repo: Path) -> None:
    result = hubkit("card", "--check", *REPO)
    assert result.exit_code == 1
    assert f"{CARD} is missing" in result.stderr
    assert not (repo / CARD).exists()


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["plain", "bom"])
def test_text_of_the_author_stays_byte_for_byte(repo: Path, newline: str, bom: str) -> None:
    """Text, order, headings and unknown keys are theirs; two parts are all that they kept."""
    hubkit("card", *REPO)
    made = read(repo)

    def part(name: str) -> str:
        start = made.index(f"<!-- hubkit:begin {name}")
        return made[start : made.index(f"<!-- hubkit:end {name} -->")] + (
            f"<!-- hubkit:end {name} -->\n"
        )

    mine = [
        "---\n# ours\nlicense: cc-by-4.0   # the weights\nodd_key: [1,\n  2]\ntags: [mine]\n---\n",
        "Title\n=====\n\ntrailing  \n\t| odd | text\n\n#### What it takes\n",
        "\n\nMore of ours: ünïcode, <!-- a comment -->\n",
        "```md\n<!-- hubkit:begin entrypoints -->\n```\nend without a newline",
    ]
    text = mine[0] + mine[1] + part("weights") + mine[2] + part("entrypoints") + mine[3]
    (repo / CARD).write_bytes((bom + text).replace("\n", newline).encode())
    (repo / "weights" / "bundled.pth").write_bytes(b"other weights")
    result = hubkit("card")
    assert result.exit_code == 0, result.output
    after = read(repo)
    for one in mine[1:]:
        assert one.replace("\n", newline) in after
    head = mine[0].removesuffix("---\n")
    assert after.startswith((bom + head).replace("\n", newline))
    assert f"library_name: pytorch{newline}---" in after
    assert "13 bytes" in after
    assert after.count("usage") == 0
    assert "has no usage or dependencies" in result.stderr
    assert newline == "\n" or "\n" not in after.replace("\r\n", "")
    assert hubkit("card", "--check").exit_code == 0


def test_a_card_that_hubkit_never_wrote_gets_all_parts(repo: Path) -> None:
    text = "# Nets\n\nOur own words."
    (repo / CARD).write_text(text)
    assert hubkit("card", *REPO).exit_code == 0
    after = read(repo)
    assert after.startswith(f"{text}\n\n## Usage\n")
    assert after.count("hubkit:begin") == 4
    assert hubkit("card", "--check").exit_code == 0


def test_sections_of_the_author_are_not_repeated(repo: Path) -> None:
    text = (
        "# Nets\n\n## How\n\n```python\n# Entrypoints\ntorch.hub.load('acme/nets:v1', 'net')\n```\n"
        "\n### Weights ###\n\nFrom a friend.\n"
    )
    (repo / CARD).write_text(text)
    result = hubkit("card")
    assert result.exit_code == 0, result.output
    after = read(repo)
    assert after.startswith(text)
    assert [line for line in after.splitlines() if "hubkit:begin" in line] == [
        f'<!-- hubkit:begin {name}, written by "hubkit card" -->'
        for name in ("entrypoints", "dependencies")
    ]
    assert "To add" not in result.stderr
    assert hubkit("card", "--check").exit_code == 0
    commit_files(repo, {})
    added = hubkit("card", "--add", "usage")
    assert added.exit_code == 0, added.output
    assert '("acme/nets", "net", pretrained=True)' in read(repo)


def test_a_part_that_was_taken_out_comes_back_when_asked_for(repo: Path) -> None:
    hubkit("card", *REPO)
    text = read(repo)
    start = text.index("## Weights")
    (repo / CARD).write_text(text[:start] + text[text.index("## Dependencies") :])
    assert hubkit("card", "--check").exit_code == 0
    tagged = hubkit("card", "--tag", "v1.0")
    assert "has no weights. To add: --add weights" in tagged.stderr
    assert hubkit("card", "--add", "weights").exit_code == 0
    assert "hubkit:begin weights" in read(repo)
    assert "Unknown part of a card: 'wieghts'" in hubkit("card", "--add", "wieghts").stderr
    assert "--report FILE" in hubkit("card", "--add", "conformance").stderr


@pytest.mark.parametrize(
    ("docstring", "summary"),
    [
        ("One line.\n\n    More.", "One line."),
        ("A line that is long enough to be wrapped by whoever wrote it, and goes\n    on.", None),
        ("U-Net\n    pretrained (bool): load weights", "U-Net"),
        ("U-Net\n    @param pretrained: load weights", "U-Net"),
        ("U-Net\n    :param pretrained: load weights", "U-Net"),
        ("U-Net\n    - pretrained: load weights", "U-Net"),
        ("\n    Detector\n    Returns a model", "Detector"),
    ],
)
def test_a_summary_ends_before_the_parameters(
    repo: Path, docstring: str, summary: str | None
) -> None:
    source = f'def net(pretrained=False):\n    """{docstring}\n    """\n'
    (repo / "hubconf.py").write_text(source)
    hubkit("card", *REPO)
    expected = summary or " ".join(docstring.split())
    assert f"- `net(pretrained=False)`: {expected}\n" in read(repo)


def test_docstrings_cannot_break_out(repo: Path) -> None:
    evil = HUBCONF.replace(
        "A linear layer | with", "Ends <!-- hubkit:end entrypoints --> `` ` here | with"
    ).replace("width: int = 2", "width: str = '`|``'")
    (repo / "hubconf.py").write_text(evil)
    hubkit("card", *REPO)
    assert hubkit("card", "--check").exit_code == 0
    assert "Ends &lt;!-- hubkit:end entrypoints --&gt;" in read(repo)
    assert "- ```net(pretrained: bool = False, width: str = '`|``')```" in read(repo)


BEGIN = "<!-- hubkit:begin usage -->\n"
PART = f"{BEGIN}<!-- hubkit:end usage -->\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\nlicense: [mit\n---\ntext\n", "the front matter cannot be read"),
        ("<!-- hubkit:begin usage -->\n", "`usage` begins but does not end"),
        ("<!-- hubkit:end usage -->\n", "`usage` ends but does not begin"),
        (f"{BEGIN}<!-- hubkit:begin weights -->\n", "line 1: `usage` begins but does not end"),
        (f"{PART}\n{PART}", "line 4: `usage` begins twice"),
        (PART.replace("begin usage", "begin usgae"), "line 1: there is no part `usgae`"),
        (
            "```\n<!-- hubkit:begin usage -->\n<!-- hubkit:end usage -->\n",
            "fenced code block begins",
        ),
        (b"\xff\xfe", "is not UTF-8"),
        ("---\n{license: mit}\n---\n", "cannot edit"),
    ],
)
def test_a_card_that_cannot_be_refreshed_is_left_alone(
    repo: Path, text: str | bytes, message: str
) -> None:
    data = text.encode() if isinstance(text, str) else text
    (repo / CARD).write_bytes(data)
    for option in ((), ("--check",), ("--diff",), ("--stdout",)):
        result = hubkit("card", *REPO, *option)
        assert result.exit_code == 2
        assert message in result.stderr
    assert (repo / CARD).read_bytes() == data


def test_odd_places(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is outside" in hubkit("card", *REPO, "--file", "../card.md").stderr
    assert "is not a folder" in hubkit("card", tmp_path / "gone").stderr
    (repo / "folder.md").mkdir()
    assert "Cannot read" in hubkit("card", *REPO, "--file", "folder.md").stderr
    assert hubkit("card", *REPO, "--file", "docs/card.md").exit_code == 0
    assert (repo / "docs" / "card.md").is_file()
    assert "stands alone" not in hubkit("card", *REPO, "--check").stderr
    assert hubkit("card", *REPO, "--check", "--diff").exit_code == 2
    monkeypatch.chdir(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is not a hub repo: hubconf.py does not exist" in hubkit("card", empty, *REPO).stderr
    (empty / "hubconf.py").write_text("def net(:\n")
    assert hubkit("card", empty, *REPO).exit_code == 1
    (empty / "hubconf.py").write_text("def net():\n    return 1\n\n\nglobals()['x'[:]] = net\n")
    result = hubkit("card", empty, *REPO)
    assert result.exit_code == 0, result.output
    text = (empty / CARD).read_text()
    assert "creates more names at run time" in text
    assert "No weights were found" in text
    assert "declares no dependencies" in text


def test_a_protected_card_is_left_alone(repo: Path) -> None:
    (repo / CARD).write_text("# Mine\n")
    (repo / CARD).chmod(0o444)
    result = hubkit("card", *REPO)
    assert result.exit_code == 2
    assert "read-only" in result.stderr
    assert read(repo) == "# Mine\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_reported(repo: Path) -> None:
    repo.chmod(0o500)
    try:
        assert "Cannot write" in hubkit("card", *REPO).stderr
    finally:
        repo.chmod(0o700)
