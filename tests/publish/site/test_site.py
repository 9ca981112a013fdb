"""What a site says about a repo, and the folder that it is written into."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from hubkit.publish.site.render import name_files
from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.site.conftest import make_report

if TYPE_CHECKING:
    from pathlib import Path

HUBCONF = "def net():\n    import torch\n\n    return torch.nn.Linear(1, 1)\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["site", *map(str, arguments)])


def read(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "site.json").read_text())
    return document


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    commit_files(tmp_path / "net", {"hubconf.py": HUBCONF})
    return tmp_path / "net"


def test_what_it_says(nets: Path, site: Path) -> None:
    document = read(site)
    sha = git("rev-parse", "HEAD", cwd=nets)
    assert (document["repo"], document["commit"], document["tag"]) == ("acme/nets", sha, "v1.0")
    found = {one.pop("name"): one for one in document["models"]}
    assert found["tiny"] == {
        "page": "models/tiny.html",
        "summary": "A tiny net for drawings.",
        "signature": "tiny(pretrained: bool = False, width: int = 2)",
        "parameters": 3,
        "weights_bytes": 31042345,
        "forward_seconds": 0.001,
        "memory_bytes": 4096,
        "level": 3,
        "has_weights": True,
        "needs": ["torch"],
    } | {"level": found["tiny"]["level"]}
    assert found["huge"]["needs"] == ["timm", "torch"]
    assert not found["huge"]["has_weights"]
    assert sorted(document["files"]) == sorted(
        path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()
    )
    page = (site / "models" / "tiny.html").read_text("utf-8")
    for part in ("0123456789abcdef", "31.0 MB", "Load the trained weights.", "f32[B,3,8,8]"):
        assert part in page
    assert "hubkit.load" in page
    assert "skip_validation" not in page


def test_the_same_commit_gives_the_same_files(nets: Path, site: Path, tmp_path: Path) -> None:
    assert run(nets, "--out", tmp_path / "again").exit_code == 0
    for path in read(site)["files"]:
        assert (tmp_path / "again" / path).read_bytes() == (site / path).read_bytes()


def test_without_a_tag_the_commit_is_loaded(repo: Path, tmp_path: Path) -> None:
    assert run(repo, "--out", tmp_path / "out", "--repo", "acme/net").exit_code == 0
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    sha = git("rev-parse", "HEAD", cwd=repo)
    assert f"acme/net:{sha}" in page
    assert "skip_validation=True" in page
    (repo / "hubconf.py").write_text("def other(): return 1\n")  # not committed
    done = run(repo, "--out", tmp_path / "out", "--repo", "acme/net")
    assert (done.exit_code, "without the changes in 1 file" in done.stderr) == (0, True)
    assert [one["name"] for one in read(tmp_path / "out")["models"]] == ["net"]


def test_other_hosts(repo: Path, tmp_path: Path) -> None:
    git("remote", "add", "origin", "git@gitlab.example.org:group/sub/net.git", cwd=repo)
    assert run(repo, "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "models" / "net.html").read_text("utf-8")
    assert "torch.hub.load" not in page
    assert "hubkit.load" in page
    assert 'href="https://gitlab.example.org/group/sub/net/-/blob/' in page


def test_a_folder_without_git(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    assert run(tmp_path, "--out", tmp_path / "out", "--repo", "acme/net").exit_code == 0
    assert read(tmp_path / "out")["commit"] is None
    assert run(tmp_path, "--out", tmp_path / "out").exit_code == 2


def test_a_report_of_another_commit_is_named(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(make_report("0" * 40))
    options = ("--repo", "acme/net", "--report", tmp_path / "report.json")
    done = run(repo, "--out", tmp_path / "out", *options)
    assert (done.exit_code, done.stderr.strip()) == (
        0,
        "The conformance report is about another commit.",
    )
    assert "at another commit" in (tmp_path / "out" / "index.html").read_text("utf-8")
    (tmp_path / "report.json").write_text("{}")
    assert run(repo, "--out", tmp_path / "new", *options).exit_code == 2
    assert not (tmp_path / "new").exists()


def test_only_a_folder_of_its_own_is_written(repo: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out", ("--repo", "acme/net")
    out.mkdir()
    assert run(repo, "--out", out, *options).exit_code == 0
    commit_files(repo, {"hubconf.py": HUBCONF.replace("net", "other")})
    assert run(repo, "--out", out, *options).exit_code == 0
    assert {path.name for path in (out / "models").iterdir()} == {"other.html"}
    (out / "site.json").write_text('{"generator": "hubkit site", "files": 3}')
    refused = run(repo, "--out", out, *options)
    assert (refused.exit_code, "--force" in refused.stderr) == (2, True)
    (out / "mine.txt").write_text("mine")
    assert run(repo, "--out", out, *options, "--force").exit_code == 0
    assert (out / "mine.txt").read_text() == "mine"


def test_nothing_outside_the_folder_is_touched(repo: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out", ("--repo", "acme/net")
    assert run(repo, "--out", out, *options).exit_code == 0
    (tmp_path / "precious.html").write_text("precious")
    files = ["../precious.html", "models/../../precious.html", "models/..", "/etc/passwd", 3]
    (out / "site.json").write_text(json.dumps({"generator": "hubkit site", "files": files}))
    assert run(repo, "--out", out, *options).exit_code == 0
    assert (tmp_path / "precious.html").read_text() == "precious"
    (out / "models" / "net.html").unlink()
    (out / "models").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (out / "models").symlink_to(tmp_path / "elsewhere")
    refused = run(repo, "--out", out, *options)
    assert refused.exit_code == 2
    assert "symbolic link" in refused.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_it_answers_as_json(repo: Path, tmp_path: Path) -> None:
    done = run(repo, "--out", tmp_path / "out", "--repo", "acme/net", "--json")
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["repo"], answer["tag"]) == ("site", "acme/net", "")
    assert "models/net.html" in answer["files"]


def test_file_names_are_distinct_on_all_systems() -> None:
    names = ["net", "Net", "NET", "con", "größe", "model-5", "index", "com1"]
    files = name_files(names)
    assert files[0] == "net.html"
    assert len({file.lower() for file in files}) == len(names)
    assert all(file.isascii() for file in files)
    assert not {"con.html", "com1.html"} & set(files)


def test_a_repo_without_entrypoints(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("import sys\n\nglobals()[sys.argv[0]] = lambda: 1\n")
    assert run(tmp_path, "--out", tmp_path / "out", "--repo", "acme/net").exit_code == 0
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "The source shows no entrypoints." in page
    assert "creates names when it runs" in page
