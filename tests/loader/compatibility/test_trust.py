"""What torch.hub's documentation promises of trust, asserted of both by the same lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from tests.loader.compatibility.conftest import at_terminal, load, trusted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = [
    pytest.mark.torch,
    pytest.mark.parametrize("hub", ["torch.hub", "hubkit", "installed"], indirect=True),
]


@pytest.mark.usefixtures("host")
def test_trust_that_is_given_is_kept(
    hub: Any, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(monkeypatch, None)
    load(hub, "acme/shapes:v1")
    assert "acme_shapes" in trusted(hub_dir)
    before = trusted(hub_dir)
    hub.load("acme/shapes:main", "net")
    assert trusted(hub_dir) == before


@pytest.mark.usefixtures("host")
def test_who_says_yes_is_not_asked_again(
    hub: Any, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_terminal(monkeypatch, "y")
    assert hub.load("acme/shapes:main", "net")[0] == "two"
    assert "acme_shapes" in trusted(hub_dir)
    at_terminal(monkeypatch, None)
    assert hub.load("acme/shapes:main", "net")[0] == "two"


@pytest.mark.parametrize("mode", [False, "check"])
@pytest.mark.parametrize("answer", ["", "no", "y"])
def test_a_replaced_input_is_asked_once_for_each_load(
    hub: Any, git_host: GitHost, worktree: Path, hub_dir: Path, mode: Any, answer: str
) -> None:
    git_host.add_repo("acme", "more_shapes", worktree)
    for turn in range(2):
        with mock.patch("builtins.input", return_value=answer) as asked:
            if answer == "y":
                assert hub.load("acme/more_shapes:main", "net", trust_repo=mode)[0] == "two"
                assert "acme_more_shapes" in (hub_dir / "trusted_list").read_text().split()
            else:
                with pytest.raises(Exception, match=r"Untrusted repository\."):
                    hub.load("acme/more_shapes:main", "net", trust_repo=mode)
                assert (hub_dir / "trusted_list").read_text() == ""
        assert asked.call_count == (0 if turn and answer == "y" and mode == "check" else 1)


@pytest.mark.parametrize("answer", ["n", ""])
def test_who_says_no_runs_and_keeps_nothing(
    hub: Any, host: GitHost, hub_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    at_terminal(monkeypatch, answer)
    with pytest.raises(Exception, match="trust"):
        hub.load("acme/shapes:main", "net")
    assert trusted(hub_dir) == []
    assert not host.paths("zip")


@pytest.mark.usefixtures("host")
def test_trust_repo_false_asks_each_time(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load(hub, "acme/shapes:main")
    at_terminal(monkeypatch, "n")
    with pytest.raises(Exception, match="trust"):
        hub.load("acme/shapes:main", "net", trust_repo=False)
    at_terminal(monkeypatch, "yes")
    assert hub.load("acme/shapes:main", "net", trust_repo=False)[0] == "two"


def test_torchs_own_owners_need_no_trust(
    hub: Any,
    git_host: GitHost,
    worktree: Path,
    hub_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    git_host.add_repo("pytorch", "vision", worktree)
    at_terminal(monkeypatch, None)
    assert hub.load("pytorch/vision:main", "net")[0] == "two"
    assert (hub_dir / "trusted_list").read_text() == ""


@pytest.mark.usefixtures("git_host")
def test_what_was_fetched_before_there_was_a_list_is_trusted(
    hub: Any, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hub_dir / "acme_own_main"
    folder.mkdir(parents=True)
    (folder / "hubconf.py").write_text("def net():\n    return 'seeded'\n")
    at_terminal(monkeypatch, None)
    assert hub.load("acme/own:main", "net") == "seeded"
    assert trusted(hub_dir)[-1:] in ([], ["acme_own"])


@pytest.mark.usefixtures("host")
def test_one_is_true(hub: Any, hub_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_terminal(monkeypatch, None)
    assert hub.load("acme/shapes:main", "net", trust_repo=1)[0] == "two"
    assert "acme_shapes" in trusted(hub_dir)
