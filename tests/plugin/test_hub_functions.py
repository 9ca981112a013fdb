"""What stands in for functions of torch.hub has their signatures."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from hubkit.loader import api, drop_in
from hubkit.runtime import HubFunctions
from hubkit.runtime.sandbox import NetworkDeniedError, Policy, guarded_network
from pytest_hubkit.child.worker import ExampleRun, run_example
from pytest_hubkit.isolation import guarded_hub_functions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
NAMES = [*HubFunctions.__struct_fields__]


def torchs(name: str) -> inspect.Signature:
    import torch

    return inspect.signature(inspect.unwrap(getattr(torch.hub, name)))


@pytest.mark.parametrize("name", NAMES)
def test_the_suites_functions_have_torchs_signatures(name: str) -> None:
    assert inspect.signature(getattr(guarded_hub_functions(), name)) == torchs(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [lambda: api.hub_functions(None, None), drop_in._prepare])
def test_the_loaders_functions_take_what_torchs_take(name: str, make: Any) -> None:
    """In the same order; what they take besides is by keyword only."""

    def split(signature: inspect.Signature) -> tuple[list[str], set[str]]:
        known = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        by_keyword = {one.name for one in known if one.kind is one.KEYWORD_ONLY}
        return [one.name for one in known if one.name not in by_keyword], by_keyword

    ours, theirs = split(inspect.signature(getattr(make(), name))), split(torchs(name))
    assert ours[0] == theirs[0]
    assert ours[1] >= theirs[1]


def test_calls_by_keyword_reach_torch_and_the_guard(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def net(width): return width")
    functions = guarded_hub_functions()
    with guarded_network(tmp_path, "net()") as guard:
        made = functions.load(model="net", repo_or_dir=str(tmp_path), source="local", width=3)
        denied = pytest.raises(NetworkDeniedError, match="the hub repo a/b")
        with denied:
            functions.list(github="a/b")
        with denied:
            functions.help(model="net", github="a/b")
        with denied:
            functions.load("a/b", "net", source="github")
        with pytest.raises(TypeError, match="model"):
            functions.load(repo_or_dir=str(tmp_path))
    assert made == 3
    assert len(guard.attempts) == 3


def test_a_checkpoints_name_counts_by_position_too(tmp_path: Path) -> None:
    import torch

    torch.save({}, tmp_path / "mine.pt")
    url = "http://a.example/theirs.pt"
    load = guarded_hub_functions().load_state_dict_from_url
    with guarded_network(tmp_path, "net()") as guard:
        assert load(url, str(tmp_path), None, False, False, "mine.pt") == {}
    assert guard.checkpoints == {url: str(tmp_path / "mine.pt")}


EXAMPLE = """
import inspect
import torch, hubkit
from inspect import signature, unwrap
for hub in (torch.hub, hubkit):
    for name in ("load", "list", "help"):
        function = getattr(hub, name)
        assert signature(function) == signature(function.__wrapped__), name
assert torch.hub.load(repo_or_dir="me/repo", model="net") == "net"
assert hubkit.list(github="me/repo") == ["net"]
"""


def test_an_examples_functions_have_theirs(tmp_path: Path, hub_dir: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "hubconf.py").write_text("def net(): return 'net'")
    hub_dir.mkdir(parents=True)
    before = inspect.signature(hubkit.load)
    run = ExampleRun(EXAMPLE, "README.md", 1, str(root), ("me/repo",), str(hub_dir), Policy())
    end = run_example(run)
    assert (end.error, end.message) == ("", "")
    assert inspect.signature(hubkit.load) == before
