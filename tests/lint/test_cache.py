"""A run that finds everything as it was says the same without judging anew."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from hubkit.facts import Files, WrappedFiles
from hubkit.lint.cache import Recorder, has_same_results
from hubkit.source import open_files
from tests.git_host import git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPORT = """
import json, sys
from hubkit.cli import main
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]))
"""

SNIPPETS = 'torch.hub.load("acme/repo", "net")\ntorch.hub.load("acme/repo", "nut")\n'


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def append(name: str, text: str) -> Callable[[Path], object]:
    def change(repo: Path) -> None:
        with (repo / name).open("a") as file:
            file.write(text)

    return change


def put_elsewhere(repo: Path) -> None:
    (repo / "net" / "parts.py").replace(repo / "parts.py")
    (repo / "net" / "parts.py").symlink_to("../parts.py")
    git("add", "-A", cwd=repo)


CHANGES: dict[str, Callable[[Path], object]] = {
    "the hubconf": append("hubconf.py", "import tqdm\n"),
    "a module in reach": append("net/parts.py", "import einops\n"),
    "a module in reach that no longer parses": append("net/parts.py", "def\n"),
    "a module that is gone": lambda repo: (repo / "net" / "parts.py").unlink(),
    "a module that stands before another": lambda repo: (repo / "timm.py").write_text(""),
    "a document": append("README.md", SNIPPETS),
    "settings": lambda repo: (repo / "hubkit.toml").write_text('[ignore]\nHUB105 = "known"\n'),
    "what git tracks": lambda repo: git("rm", "-q", "--cached", "net/parts.py", cwd=repo),
    "a link": put_elsewhere,
    "a branch": lambda repo: (git("tag", "v1", cwd=repo), git("branch", "v1", cwd=repo)),
}


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("what", CHANGES)
def test_any_change_that_matters_is_seen(what: str, repo: Path) -> None:
    before = check(repo, "--output-format", "json")
    CHANGES[what](repo)
    after = check(repo, "--output-format", "json")
    anew = check(repo, "--output-format", "json", "--no-cache")
    assert after.output == anew.output != before.output


def test_nothing_is_judged_where_nothing_changed(cache: Path, repo: Path) -> None:
    def run() -> tuple[str, int, set[str]]:
        command = [sys.executable, "-c", REPORT, "check", str(repo)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        output, _, report = done.stdout.rstrip("\n").rpartition("\n")
        code, modules = json.loads(report)
        return output, code, set(modules)

    first, code, judged = run()
    assert len([*cache.iterdir()]) == 1
    again, code_again, recalled = run()
    assert (again, code_again) == (first, code)
    assert "HUB105" in first
    # HUB606 reads the size of every file, but depends on it in large repos only.
    needless = {"hubkit.rules", "hubkit.lint.run", "hubkit.analysis.repo"}
    assert needless <= judged
    assert not needless & recalled
    append("data/far.txt", "more\n")(repo)
    assert run()[2] == recalled


def test_what_is_asked_for_is_part_of_what_is_kept(cache: Path, repo: Path) -> None:
    outputs = [check(repo).output, check(repo, "--select", "HUB302").output]
    outputs += [check(repo, "--no-git").output, check(repo, "--fail-on", "never").output]
    assert len([*cache.iterdir()]) == 4
    assert [check(repo).output, check(repo, "--select", "HUB302").output] == outputs[:2]
    assert check(repo, "--fail-on", "never").exit_code == 0
    assert check(repo).exit_code == 1


def test_a_baseline_is_part_of_what_is_kept(cache: Path, repo: Path) -> None:
    baseline = repo.parent / "known.json"
    assert check(repo, "--baseline", baseline, "--update-baseline").exit_code == 0
    assert check(repo, "--baseline", baseline).exit_code == 0
    assert [*cache.iterdir()]
    document = json.loads(baseline.read_text())
    document["findings"] = []
    baseline.write_text(json.dumps(document))
    assert check(repo, "--baseline", baseline).exit_code == 1


def test_commits_are_remembered_too(cache: Path, repo: Path) -> None:
    first = check(repo, "--ref", "HEAD").output
    append("hubconf.py", "import os\n")(repo)
    assert check(repo, "--ref", "HEAD").output == first
    assert len([*cache.iterdir()]) == 1
    git("commit", "-qam", "more", cwd=repo)
    assert check(repo, "--ref", "HEAD").output == check(repo, "--ref", "HEAD", "--no-cache").output


def test_without_the_cache_nothing_is_kept(
    cache: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(repo, "--no-cache")
    check(repo, "--against", "HEAD")
    check(repo, "--diff")
    monkeypatch.setenv("HUBKIT_NO_CACHE", "1")
    check(repo)
    assert not cache.exists()


def test_every_question_that_files_answer_is_noted(repo: Path) -> None:
    asked = {name for name in vars(Files) if not name.startswith("_")} - {"read_text"}
    assert asked <= vars(WrappedFiles).keys()
    witness = Recorder(open_files(repo))
    questions: list[tuple[Any, ...]] = [
        *(("entry", "README.md"), ("names", ""), ("strays", ""), ("all_names", "net")),
        *(("detour", "README.md"), ("gap", "nowhere"), ("of_kind", "link"), ("read", "README.md")),
        *(
            ("is_file", "a\0"),
            ("is_folder", "net"),
            ("paths",),
            ("paths_ending", (".md", ".py")),
            ("pointers",),
            ("large_entries", 1, 1),
            ("refs",),
        ),
    ]
    for method, *arguments in questions:
        answer = getattr(witness, method)(*arguments)
        assert answer == getattr(witness.files, method)(*arguments)
    assert {question[0] for question in questions} == asked - {"root", "ref", "is_tracked"}
    with pytest.raises(FileNotFoundError):
        witness.read("nowhere")
    assert len(witness.results) == len(questions) + 1
    assert has_same_results(open_files(repo), witness.results)
    (repo / "nowhere").write_text("")
    assert not has_same_results(open_files(repo), witness.results)
