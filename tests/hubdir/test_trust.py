"""Trust: shared with torch.hub, asked for where the user can answer, inherited by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from hubkit.errors import UntrustedRepoError, UsageError
from hubkit.hubdir import (
    find_legacy_folders,
    parse_repo,
    read_trust,
    record_trust,
    remove_trust,
    require_trust,
)
from hubkit.hubdir.trust import is_trusted
from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

REPO = parse_repo("acme/shapes")


def write_list(hub_dir: Path, *lines: str) -> None:
    hub_dir.mkdir(parents=True)
    (hub_dir / "trusted_list").write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize("trust_repo", ["check", False, None])
def test_without_a_terminal_nobody_is_asked(trust_repo: bool | None) -> None:
    with pytest.raises(UntrustedRepoError) as refused:
        require_trust(REPO, trust_repo)
    assert refused.value.repo == "acme/shapes"
    for way in ("trust_repo=True", "hubkit trust add acme/shapes", "HUBKIT_TRUST=acme/shapes"):
        assert way in refused.value.hint


def test_trust_is_remembered_once_it_is_recorded(hub_dir: Path) -> None:
    assert require_trust(REPO, True)
    assert not hub_dir.exists()
    record_trust(REPO)
    assert not require_trust(REPO, "check")
    assert not require_trust(REPO, True)
    record_trust(REPO)
    assert read_trust() == ("acme/shapes",)


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize("text", ["pytorch/vision", "facebookresearch/dino:main"])
def test_torchs_own_owners_are_trusted(text: str) -> None:
    assert not require_trust(parse_repo(text), "check")


@pytest.mark.usefixtures("hub_dir")
def test_an_owner_of_that_name_on_another_host_is_not() -> None:
    with pytest.raises(UntrustedRepoError):
        require_trust(parse_repo("https://git.example.org/pytorch/vision"), "check")


def test_torchs_list_counts(hub_dir: Path) -> None:
    write_list(hub_dir, "acme_shapes", "other_repo")
    assert not require_trust(REPO, "check")


def test_torch_reads_what_hubkit_writes(hub_dir: Path) -> None:
    record_trust(REPO)
    assert "acme_shapes" in (hub_dir / "trusted_list").read_text().splitlines()


def test_names_that_torch_spells_alike_do_not_inherit(hub_dir: Path) -> None:
    record_trust(parse_repo("foo_bar/baz"))
    assert not require_trust(parse_repo("foo_bar/baz"), "check")
    with pytest.raises(UntrustedRepoError):
        require_trust(parse_repo("foo/bar_baz"), "check")
    record_trust(parse_repo("foo/bar_baz"))
    # torch.hub takes the last one for trust in both. hubkit does not read it, but torch.hub should not
    # ask again.
    lines = (hub_dir / "trusted_list").read_text().splitlines()
    assert lines == ["foo_bar/baz", "foo/bar_baz", "foo_bar_baz"]
    assert read_trust() == ("foo_bar/baz", "foo/bar_baz")
    remove_trust(parse_repo("foo/bar_baz"))
    assert (hub_dir / "trusted_list").read_text().splitlines() == ["foo_bar/baz"]


@pytest.mark.parametrize("text", ["user/company_repo", "user_company/repo"])
def test_a_line_of_torchs_that_may_mean_two_repos_trusts_neither(hub_dir: Path, text: str) -> None:
    write_list(hub_dir, "user_company_repo")
    with pytest.raises(UntrustedRepoError):
        require_trust(parse_repo(text), "check")


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize(
    ("allowed", "trusted"),
    [
        ("acme/shapes", True),
        ("x/y, acme/*", True),
        ("acme/shape", False),
        ("", False),
        ("git.example.org/acme/*", False),
        ("*", True),
        ("*/shapes", True),
        ("acme/**", True),
        ("Acme/*", False),
        ("acme", False),
        ("acme/", False),
    ],
)
def test_the_environment_may_allow(
    monkeypatch: pytest.MonkeyPatch, allowed: str, trusted: bool
) -> None:
    monkeypatch.setenv("HUBKIT_TRUST", allowed)
    if trusted:
        assert not require_trust(REPO, "check")
    else:
        with pytest.raises(UntrustedRepoError):
            require_trust(REPO, "check")


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize(
    ("allowed", "trusted"),
    [
        ("acme/*", False),
        ("*/shapes", False),
        ("*/*", False),
        ("acme/own/*", True),
        ("acme/own/shapes", True),
    ],
)
def test_a_host_that_is_called_like_an_owner_is_not_that_owner(
    monkeypatch: pytest.MonkeyPatch, allowed: str, trusted: bool
) -> None:
    monkeypatch.setenv("HUBKIT_TRUST", allowed)
    assert is_trusted(parse_repo("https://acme/own/shapes")) == trusted


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize(
    ("pattern", "text", "trusted"),
    [
        ("git.acme.org/own/*", "https://git.acme.org/own/shapes", True),
        ("git.acme.org/own/*", "https://git.acme.org/own/group/shapes", True),
        ("git.acme.org/*", "https://git.acme.org/own/shapes", True),
        ("git.acme.org/*/shapes", "https://git.acme.org/own/shapes", True),
        ("git.acme.org/*/shapes", "https://git.acme.org/evil/x/shapes", False),
        ("git.acme.org/own/*", "https://git.acme.org:8443/own/shapes", False),
        ("git.acme.org:8443/own/*", "https://git.acme.org:8443/own/shapes", True),
        ("*.acme.org/own/*", "https://git.acme.org/own/shapes", True),
        ("*.acme.org/own/*", "https://acme.org.evil.org/own/shapes", False),
        ("*.acme.org/*", "https://evil.org/x.acme.org/shapes", False),
        ("git.acme*/own/*", "https://git.acme.evil.org/own/shapes", False),
        ("git.acme.*/own/*", "https://git.acme.evil.org/own/shapes", False),
        ("git?acme.org/own/*", "https://git-acme.org/own/shapes", False),
        ("acme*", "https://acme.evil.org/own/shapes", False),
        ("acme*/*", "https://acme.evil.org/own/shapes", False),
        ("*/own/*", "https://evil.org/own/shapes", False),
        ("*/*/shapes", "https://evil.org/own/shapes", False),
        ("*", "https://git.acme.org/own/shapes", True),
        ("own/*", "https://evil.org/own/shapes", False),
        ("own/s*", "own/shapes", True),
        ("git+file:///srv/*", "git+file:///srv/own/shapes", True),
        ("git+file:///srv/*", "git+file:///home/own/shapes", False),
    ],
)
def test_a_pattern_matches_the_host_that_it_names(
    monkeypatch: pytest.MonkeyPatch, pattern: str, text: str, trusted: bool
) -> None:
    monkeypatch.setenv("HUBKIT_TRUST", pattern)
    assert is_trusted(parse_repo(text)) is trusted


@pytest.mark.usefixtures("hub_dir")
def test_the_advice_of_an_error_works_on_any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    repo = parse_repo("https://git.acme.org:8443/own/shapes")
    assert parse_repo(repo.full_name) == repo
    monkeypatch.setenv("HUBKIT_TRUST", repo.full_name)
    assert is_trusted(repo)


def test_removing_trust_takes_it_from_torch_too(hub_dir: Path) -> None:
    write_list(hub_dir, "user/company_repo", "user_company_repo", "other_one")
    assert remove_trust(parse_repo("user/company_repo"))
    assert read_trust() == ("other_one",)


def test_a_last_line_without_an_end_stays_a_line_of_its_own(hub_dir: Path) -> None:
    write_list(hub_dir)
    (hub_dir / "trusted_list").write_text("own/rep")
    record_trust(REPO)
    assert read_trust() == ("own/rep", "acme/shapes")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/shapes", True),
        ("a/b\nacme_shapes", True),
        ("a/b\r\nacme/shapes\r\nc/d\r\n", True),
        ("  acme/shapes \t\n", True),
        ("acme/shapes-more\nnot-acme/shapes\n", False),
        ("acme/shapes-more\n acme/shapes\n", True),
        ("acme_shapes.old\n", False),
        ("", False),
    ],
)
def test_a_line_counts_as_torch_reads_it(hub_dir: Path, text: str, expected: bool) -> None:
    write_list(hub_dir)
    (hub_dir / "trusted_list").write_bytes(text.encode())
    assert is_trusted(REPO) is expected


def test_odd_lines_trust_nobody(hub_dir: Path) -> None:
    write_list(hub_dir, "", "*", "acme/*", "#acme/shapes", "acme/shapes x", "ACME/SHAPES", "\0")
    with pytest.raises(UntrustedRepoError):
        require_trust(REPO, "check")


@pytest.mark.usefixtures("hub_dir")
def test_other_answers_are_refused() -> None:
    with pytest.raises(UsageError, match="'yes'"):
        require_trust(REPO, "yes")  # type: ignore[arg-type]


def test_a_list_that_cannot_be_written_is_not_a_reason_to_stop(
    hub_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (hub_dir / "trusted_list").mkdir(parents=True)
    record_trust(REPO)
    assert "cannot be added" in caplog.text


def fetched_by_torch(hub_dir: Path, name: str) -> None:
    (hub_dir / name).mkdir(parents=True)
    (hub_dir / name / "hubconf.py").touch()


@pytest.mark.parametrize("listed", [None, "", "other_repo\n"])
@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("acme/shapes:v1", "acme_shapes_v1"),
        ("acme/shapes:dev/x", "acme_shapes_dev_x"),
        ("acme/shapes", "acme_shapes_main"),
        ("acme/shapes", "acme_shapes_master"),
    ],
)
def test_repos_that_torch_hub_fetched_stay_trusted(
    hub_dir: Path, text: str, folder: str, listed: str | None
) -> None:
    fetched_by_torch(hub_dir, folder)
    if listed is not None:
        (hub_dir / "trusted_list").write_text(listed)
    assert require_trust(parse_repo(text), "check")  # to be recorded
    for other in ("acme/shapes:v2", "acme/other:v1", "https://git.example.org/acme/shapes:v1"):
        with pytest.raises(UntrustedRepoError):
            require_trust(parse_repo(other), "check")
    with pytest.raises(UntrustedRepoError):
        require_trust(parse_repo(text), False)
    assert find_legacy_folders(parse_repo(text)) == [hub_dir / folder]


@pytest.mark.parametrize("text", ["acme/shapes_x:main", "acme/shapes:x_main"])
def test_a_folder_of_two_repos_means_trust_in_its_code_alone(hub_dir: Path, text: str) -> None:
    fetched_by_torch(hub_dir, "acme_shapes_x_main")
    is_known = text == "acme/shapes:x_main"  # torch.hub spells only the other one like a third
    assert require_trust(parse_repo(text), "check", is_cached=True) is is_known
    if not is_known:
        with pytest.raises(UntrustedRepoError):
            require_trust(parse_repo(text), "check", is_cached=False)


def test_a_link_of_hubkits_is_no_trust(hub_dir: Path) -> None:
    tree = hub_dir / ".hubkit" / "repos" / "x"
    tree.mkdir(parents=True)
    (hub_dir / "acme_shapes_v1").symlink_to(tree)
    with pytest.raises(UntrustedRepoError):
        require_trust(parse_repo("acme/shapes:v1"), "check")
    assert find_legacy_folders(REPO) == []


class Answers:
    """What a notebook or a test puts in the place of ``input``."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers, self.questions = iter(answers), list[str]()

    def __call__(self, question: str = "") -> str:
        self.questions.append(question)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize(
    ("answers", "trusted"),
    [
        (["y"], True),
        (["what?", " YES "], True),
        (["maybe", "no"], False),
        ([""], False),
        (["1", "2", "3"], False),
        ([EOFError()], False),
        ([NotImplementedError("no frontend")], False),
    ],
)
def test_a_replaced_input_is_asked_until_it_answers(
    monkeypatch: pytest.MonkeyPatch, answers: list[str | Exception], trusted: bool
) -> None:
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    repo = parse_repo(f"acme/shapes:{'1a2b' * 10}")
    monkeypatch.setattr("builtins.input", asked := Answers(*answers))
    if trusted:
        assert require_trust(repo, "check")
    else:
        with pytest.raises(ValueError, match=r"^Untrusted repository\."):
            require_trust(repo, "check")
    assert len(asked.questions) == len(answers)
    assert "acme/shapes at commit 1a2b1a2b" in asked.questions[0]


def test_the_question_names_the_commit_of_a_branch(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = commit_files(tmp_path / "r", {"hubconf.py": ""})
    git_host.add_repo("acme", "shapes", tmp_path / "r")
    monkeypatch.setattr("builtins.input", asked := Answers("n"))
    with pytest.raises(UntrustedRepoError):
        require_trust(REPO, "check")
    assert sha in asked.questions[0]
    assert not git_host.paths("zip")


def test_the_command_line_keeps_the_list(hub_dir: Path) -> None:
    write_list(hub_dir, "old_one")
    run = CliRunner().invoke
    assert run(main, ["trust", "add", "acme/shapes", "a/b:v1"]).exit_code == 0
    assert run(main, ["trust", "list"]).stdout.splitlines() == ["old_one", "acme/shapes", "a/b"]
    assert run(main, ["trust", "remove", "acme/shapes"]).exit_code == 0
    assert run(main, ["trust", "list"]).stdout.splitlines() == ["old_one", "a/b"]
    fetched_by_torch(hub_dir, "a_b_main")
    assert str(hub_dir / "a_b_main") in run(main, ["trust", "remove", "a/b"]).stderr
    assert run(main, ["trust", "add", "nonsense"]).exit_code == 2
