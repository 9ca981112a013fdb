"""What a release wants of the commit's contents: lint, weights, card, conformance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.conftest import DRY, READY, hubkit, missing, read_items

if TYPE_CHECKING:
    from pathlib import Path


def test_findings_of_check_are_missing_items(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    commit_files(ready, {"hubconf.py": source.replace("check_hash=True, ", "")})
    found = missing(hubkit("release", *DRY))
    assert set(found) == {"check"}
    assert found["check"].startswith("1 finding: HUB501 hubconf.py:")
    (ready / "hubconf.py").write_text(source)
    assert "check" in missing(hubkit("release", *DRY))  # the commit counts, not the folder


def test_a_license_that_is_missing(ready: Path) -> None:
    assert read_items(hubkit("release", *DRY))["license"] == ("ok", "LICENSE")
    (ready / "LICENSE").unlink()
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    found = missing(result)
    assert set(found) == {"check", "license"}
    assert found["check"] == "1 finding: HUB801"
    assert "-> add a file LICENSE" in result.stdout
    commit_files(ready, {"LICENSES/MIT.txt": "MIT License\n"})
    assert read_items(hubkit("release", *DRY))["license"] == ("ok", "LICENSES")


def test_files_that_github_rejects(ready: Path) -> None:
    most = 100 << 20
    commit_files(ready, {"big.bin": bytes(most)})
    assert read_items(hubkit("release", *DRY))["files"][0] == "ok"
    commit_files(ready, {"big.bin": bytes(most + 1)})
    result = hubkit("release", *DRY)
    assert missing(result)["files"] == "GitHub rejects pushes of files above 100 MiB: big.bin"
    assert "hubkit weights add FILE" in result.stdout
    # A push sends the commits before, too, and what archives leave out.
    (ready / "big.bin").unlink()
    commit_files(ready, {})
    earlier = "big.bin in commits that are not pushed yet"
    assert missing(hubkit("release", *DRY))["files"].endswith(f"100 MiB: {earlier}")
    git("update-ref", "refs/remotes/origin/main", "HEAD~1", cwd=ready)
    assert read_items(hubkit("release", *DRY))["files"][0] == "ok"


def test_weights_that_do_not_match_their_declaration(ready: Path) -> None:
    pyproject = READY["pyproject.toml"]
    assert isinstance(pyproject, str)
    commit_files(ready, {"pyproject.toml": pyproject.replace('"0123', '"ffff')})
    hubkit("card")
    commit_files(ready, {})
    assert "records ffff4567… for net" in missing(hubkit("release", *DRY))["checkpoints"]
    bundled = (
        f'[tool.hubkit.entrypoints.bundled]\nweights = {{ bytes = 9, sha256 = "{"ab" * 32}" }}\n'
    )
    commit_files(ready, {"pyproject.toml": pyproject + bundled})
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert "the sha256 of weights/bundled.pth is" in missing(result)["checkpoints"]
    assert "weights/bundled.pth has 15 bytes, but pyproject.toml records 9" in result.stdout


def test_weights_without_a_hash_in_their_name(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    plain = source.replace("net-0123456789abcdef.pth", "acme-net.pth").replace(
        "check_hash=True, ", ""
    )
    commit_files(ready, {"hubconf.py": plain})
    hubkit("card")
    commit_files(ready, {})
    found = missing(hubkit("release", *DRY))
    assert "contains no hash" in found["checkpoints"]
    elsewhere = plain.replace("github.com/acme/nets/releases/download/v1.1.0", "example.org")
    commit_files(ready, {"hubconf.py": elsewhere})
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert result.exit_code == 0, result.output
    assert read_items(result)["checkpoints"][0] == "note"


def test_a_file_to_upload_that_is_another(ready: Path) -> None:
    (ready / "dist").mkdir()
    (ready / "dist" / "net-0123456789abcdef.pth").write_bytes(b"something else")
    commit_files(ready, {".gitignore": "dist/\n"})
    found = missing(hubkit("release", *DRY))
    assert "dist/net-0123456789abcdef.pth does not match" in found["checkpoints"]
    # The same goes for the file of an earlier release.
    git("tag", "v1.1.0", cwd=ready)
    found = missing(hubkit("release", "--tag", "v1.2.0", *DRY))
    assert "dist/net-0123456789abcdef.pth does not match" in found["checkpoints"]


def test_a_file_that_an_earlier_release_would_have_to_get(ready: Path) -> None:
    git("tag", "v1.1.0", cwd=ready)
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    changes = {
        name: str(READY[name]).replace("1.1.0", "1.2.0")
        for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", "README.md")
    }
    commit_files(ready, changes)
    hubkit("card")
    commit_files(ready, {})
    assert read_items(hubkit("release", *DRY))["checkpoints"][0] == "ok"  # the file of v1.1.0
    trained = "fedcba9876543210"
    commit_files(
        ready,
        {
            "hubconf.py": source.replace("0123456789abcdef", trained),
            "pyproject.toml": changes["pyproject.toml"].replace("0123456789abcdef", trained),
        },
    )
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    message = f"net-{trained}.pth would have to be attached to v1.1.0, which exists without it"
    assert missing(result) == {"checkpoints": message}
    assert "-> hubkit weights add FILE --wire net\n" in result.stdout
    # Before hubconf.py, a release had the weights alone, and git does not know them.
    git("tag", "-f", "v1.1.0", git("commit-tree", "-m", "x", "HEAD:weights", cwd=ready), cwd=ready)
    assert read_items(hubkit("release", *DRY))["checkpoints"] == ("note", message)


def test_a_file_that_only_the_working_tree_has(ready: Path) -> None:
    source = str(READY["hubconf.py"]).replace(
        '_URL = "', '_NAMES = (_Path(__file__).parent / "names.txt").read_text()\n_URL = "'
    )
    (ready / "names.txt").write_text("a b")
    commit_files(ready, {"hubconf.py": source, ".gitignore": "names.txt\n"})
    assert hubkit("check", "--no-cache").exit_code == 1
    result = hubkit("release", *DRY)
    assert missing(result) == {"check": "1 finding: HUB601 hubconf.py:7"}
    assert "-> hubkit check\n" in result.stdout


def test_a_card_that_is_stale_missing_or_broken(ready: Path) -> None:
    card = (ready / "MODEL_CARD.md").read_text()
    commit_files(ready, {"MODEL_CARD.md": card.replace("`width`", "`wide`")})
    assert missing(hubkit("release", *DRY)) == {"card": "MODEL_CARD.md is out of date: entrypoints"}
    commit_files(ready, {"MODEL_CARD.md": card.replace("license: other", "license: mitt")})
    assert "MODEL_CARD.md:2" in missing(hubkit("release", *DRY))["card"]
    commit_files(ready, {"MODEL_CARD.md": card.replace("hubkit:end usage", "hubkit:end")})
    assert "`usage` begins but does not end" in missing(hubkit("release", *DRY))["card"]
    git("rm", "-q", "MODEL_CARD.md", cwd=ready)
    commit_files(ready, {})
    assert missing(hubkit("release", *DRY)) == {"card": "there is no model card"}


def test_a_card_that_hubkit_never_wrote_is_for_its_author_to_judge(ready: Path) -> None:
    commit_files(ready, {"MODEL_CARD.md": "# Nets\n\nOurs.\n"})
    result = hubkit("release", *DRY)
    assert result.exit_code == 0
    assert read_items(result)["card"] == (
        "note",
        "MODEL_CARD.md has no parts that hubkit generates",
    )


def test_a_card_that_shows_another_tag_is_reported(ready: Path) -> None:
    hubkit("card", "--tag", "v1.0.0")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert missing(result) == {"card": "MODEL_CARD.md is out of date: usage"}
    assert "-> hubkit card --tag v1.1.0, then commit it" in result.stdout


def test_a_snippet_of_a_tag_that_does_not_exist(ready: Path) -> None:
    text = READY["README.md"]
    assert isinstance(text, str)
    assert read_items(hubkit("release", *DRY))["snippets"][0] == "ok"
    commit_files(ready, {"README.md": text.replace("v1.1.0", "v1.0.0")})
    assert hubkit("release", *DRY).exit_code == 0  # an older tag can be loaded
    commit_files(ready, {"README.md": text.replace("v1.1.0", "v9")})
    found = missing(hubkit("release", *DRY))
    assert found == {"snippets": "README.md:2 loads v9, but there is no such tag"}


def test_weights_that_no_snippet_loads(ready: Path) -> None:
    card = (ready / "MODEL_CARD.md").read_text()
    plain = card.replace(", pretrained=True", "").replace("hubkit:begin usage", "begin")
    commit_files(ready, {"MODEL_CARD.md": plain.replace("<!-- hubkit:end usage -->\n", "")})
    message = "no document shows how to load the weights: net(pretrained=True)"
    assert read_items(hubkit("release", *DRY))["snippets"] == ("note", message)
    readme = str(READY["README.md"])
    commit_files(ready, {"README.md": readme.replace('"net")', '"net", True)')})
    assert read_items(hubkit("release", *DRY))["snippets"][0] == "ok"


def report_of(ready: Path, **changes: object) -> str:
    """A report of the suite, as its schema has it, for the commit that is checked out."""
    case: dict[str, object] = {
        "entrypoint": "net",
        "case": "",
        "kind": "model",
        "call": "net(pretrained=False)",
        "input": None,
        "measured": {},
        "unexercised": [],
        "checks": [_check("C104", 1)],
    }
    report = {
        "schema": 1,
        "created": "2026-01-01T00:00:00+00:00",
        "interrupted": False,
        "repo": "acme/nets",
        "commit": git("rev-parse", "HEAD", cwd=ready),
        "uncommitted": 0,
        "digest": None,
        "environment": {},
        "policy": {},
        "lint": None,
        "whole": {**case, "entrypoint": "", "checks": [_check("C101", 1)]},
        "entrypoints": [case],
    }
    return json.dumps({**report, **changes})


def _check(code: str, level: int) -> dict[str, object]:
    return {"code": code, "name": "x", "level": level, "required": True, "outcome": "passed"}


@pytest.mark.parametrize(
    ("changes", "level", "message"),
    [
        ({}, "1", ""),
        ({}, "2", "level 1 of the required 2"),
        ({"commit": "0" * 40}, "1", "the report is for commit 0000000000"),
        ({"commit": None}, "1", "the report is for no commit"),
        ({"uncommitted": 2}, "1", "includes 2 files that the commit lacks"),
        ({"interrupted": True}, "1", "interrupted"),
        ({"entrypoints": []}, "1", "without entrypoints"),
    ],
)
def test_conformance_is_shown_by_a_report_of_this_commit(
    ready: Path, tmp_path: Path, changes: dict[str, object], level: str, message: str
) -> None:
    report = tmp_path / "report.json"
    report.write_text(report_of(ready, **changes))
    result = hubkit("release", "--dry-run", "--level", level, "--report", report)
    if message:
        found = missing(result)
        assert set(found) == {"conformance"}
        assert message in found["conformance"]
    else:
        assert result.exit_code == 0, result.output
        assert read_items(result)["conformance"] == ("ok", "level 1, at this commit")


@pytest.mark.parametrize(
    ("verdict", "reason", "item"),
    [
        ("tried", "", ("ok", "tried: net(pretrained=True)")),
        (
            "failed",
            "it fails.\nTrace",
            ("missing", "net(pretrained=True) was tried and fails: it fails"),
        ),
        (
            "not tried",
            "not tried: it requests https://x.org/net.pth",
            ("missing", "not tried: net(pretrained=True): it requests https://x.org/net.pth"),
        ),
        (
            "not tried",
            "not tried: net(pretrained=True) requests https://x.org/net.pth, which is not here",
            (
                "missing",
                "not tried: net(pretrained=True): it requests https://x.org/net.pth, which is not here",
            ),
        ),
        (
            "not tried",
            "not representative",
            ("note", "not tried: net(pretrained=True): not representative"),
        ),
    ],
)
def test_a_release_needs_weights_that_were_tried(
    ready: Path, tmp_path: Path, verdict: str, reason: str, item: tuple[str, str]
) -> None:
    document = json.loads(report_of(ready))
    document["entrypoints"][0]["weights"] = {
        "call": "net(pretrained=True)", "verdict": verdict, "reason": reason,
    }  # fmt: skip
    report = tmp_path / "report.json"
    report.write_text(json.dumps(document))
    result = hubkit("release", "--dry-run", "--level", "1", "--report", report)
    assert (result.exit_code != 0) == (item[0] == "missing")
    assert item[1] in result.stdout.replace("\n", " ")


def test_a_report_lives_as_long_as_only_documents_change(ready: Path, tmp_path: Path) -> None:
    """The card holds the report's table, and the commit with the card comes after the report."""
    report = tmp_path / "report.json"
    report.write_text(report_of(ready))
    hubkit("card", "--report", report)
    assert "| `net` | ok |" in (ready / "MODEL_CARD.md").read_text()
    commit_files(ready, {})
    result = hubkit("release", "--dry-run", "--report", report)
    assert result.exit_code == 0, result.output
    assert "documents only" in read_items(result)["conformance"][1]
    assert hubkit("card", "--check").exit_code == 0
    assert "refreshed" not in hubkit("card", "--report", report).stderr
    commit_files(ready, {"weights/bundled.pth": b"other"})
    hubkit("card")
    commit_files(ready, {})
    assert "conformance" in missing(hubkit("release", "--dry-run", "--report", report))


@pytest.mark.usefixtures("ready")
def test_without_a_report_the_way_to_one_is_reported() -> None:
    result = hubkit("release", "--dry-run")
    assert missing(result) == {"conformance": "there is no report of the suite"}
    assert "pytest --hubconf --hubconf-report conformance.json" in result.stdout
