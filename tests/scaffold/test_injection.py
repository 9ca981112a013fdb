"""Names found in a repo stay within their quotes in what init writes."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from hubkit._util.toml import read_toml
from hubkit.commands.init import make_plan
from hubkit.scaffold.render import render_text

if TYPE_CHECKING:
    from pathlib import Path

# Ends a string of Python, TOML and YAML; an expression of Jinja and of GitHub; HTML; a code span.
EVIL = (
    "x\"\"\"'''); import os; os.system('touch pwned') # {{ 7 * 7 }} ${{ github.token }} "
    "`<script>alert(1)</script>` [a](b) @octocat: \\"
)
MODEL = '''import torch.nn as nn


class Net(nn.Module):
    """A net. {{ 7 * 7 }} ${{ github.token }} <script>"""

    def __init__(self, name={name!r}, width=4):
        super().__init__()

    def forward(self, x):
        return x
'''


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    # No slash, which no name of a folder has.
    folder = tmp_path / EVIL.replace("/", "|")
    (folder / "src it's \"; import os").mkdir(parents=True)
    (folder / "src it's \"; import os" / "net.py").write_text(MODEL.format(name=EVIL))
    (folder / "net.pt").write_bytes(b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.")
    (folder / 'net"); import os #.pth').write_bytes(b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.")
    toml = EVIL.replace("\\", "\\\\").replace('"', '\\"')
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "x"\ndescription = "{toml}"\nauthors = [{{ name = "{toml}" }}]\n'
    )
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses such names")
@pytest.mark.parametrize("template", ["existing", "classifier"])
def test_every_file_parses_and_says_what_was_found(repo: Path, template: str) -> None:
    given = {"repo": "acme/nets", "license": "MIT"}
    given |= (
        {"module": "shapes", "entrypoint": "shapes", "description": EVIL, "config": "hubkit.toml"}
        if template == "classifier"
        else {}
    )
    plan = make_plan(repo, template, given, interactive=False)
    files = {file.path: file.content.decode("utf-8") for file in plan.files}
    assert "49" not in files["README.md"]
    for path, content in files.items():
        if path.endswith(".py"):
            tree = ast.parse(content)
            assert not [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "os"]
        elif path.endswith((".yml", ".yaml", ".cff")):
            yaml.safe_load(content)
            assert "github.token" not in content or path == "CITATION.cff"
        elif path.endswith(".md"):
            assert "<script" not in content
            assert "@octocat" not in content
    citation = yaml.safe_load(files["CITATION.cff"])
    assert citation["abstract"] == EVIL
    assert citation["authors"] == [{"name": EVIL}]
    (repo / "written.toml").write_text(files["hubkit.toml"], "utf-8")
    written = read_toml(repo / "written.toml")["init"]
    assert isinstance(written, dict)
    assert (written["description"], written["author"]) == (EVIL, EVIL)


@pytest.mark.parametrize(
    "text",
    [
        "plain \u6a21\u578b \U0001f600",
        "\x00\x07\x1b\x7f\x85\x9b\u2028\u2029\ufeff\U000e0041",
        'quote " backslash \\ tab \t line \n \r',
        "${{ secrets.TOKEN }} {{ x }} %(y)s",
    ],
)
def test_quoted_text_reads_back_everywhere(text: str, tmp_path: Path) -> None:
    quoted = render_text("{{ text | quoted }}", {"text": text}, where="a test")
    assert quoted.isprintable()
    assert ast.literal_eval(quoted) == text
    assert yaml.safe_load(f"key: {quoted}\n") == {"key": text}
    (tmp_path / "a.toml").write_text(f"key = {quoted}\n", "utf-8")
    assert read_toml(tmp_path / "a.toml") == {"key": text}


def test_a_name_that_is_not_unicode_is_quoted_with_a_replacement() -> None:
    quoted = render_text("{{ text | quoted }}", {"text": "a\udcff"}, where="a test")
    assert ast.literal_eval(quoted) == "a\ufffd"
