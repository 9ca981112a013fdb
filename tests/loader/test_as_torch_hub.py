"""Code that calls torch.hub, unedited, on hubkit's cache."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

import hubkit
from tests.git_host import commit_files
from tests.warm import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost
    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("install", [False, True], ids=["with", "install"])
def test_a_library_that_bound_the_names_early_uses_hubkits_cache(
    git_host: GitHost, tmp_path: Path, hub_dir: Path, install: bool
) -> None:
    import torch

    torch.save({"bias": torch.arange(2.0)}, tmp_path / "w.pt")
    hubconf = "dependencies = []\ndef net(n):\n    'A net.'\n    return n + 1\n"
    commit = commit_files(tmp_path / "rep", {"hubconf.py": hubconf})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    (tmp_path / "library.py").write_text(
        dedent("""
        from torch.hub import download_url_to_file, get_dir, help, list, load
        from torch.hub import load_state_dict_from_url as fetch
        from torch.utils.model_zoo import load_url
        def use(url, to):
            print(list("own/rep"), help("own/rep", "net"), load("own/rep", "net", 3, trust_repo=True))
            print(fetch(url), load_url(url), get_dir(), sep="; ")
            download_url_to_file(url, to)
        """)
    )
    url = git_host.add_file("/w.pt", tmp_path / "w.pt")
    program = """
        import contextlib, sys
        sys.path.append(sys.argv[1])
        import library
        import hubkit
        if sys.argv[4]:
            hubkit.install_as_torch_hub()
            scope = contextlib.nullcontext()
        else:
            scope = hubkit.as_torch_hub()
        with scope:
            library.use(sys.argv[2], sys.argv[3])
    """
    arguments = str(tmp_path), url, str(tmp_path / "copy.pt"), "yes" if install else ""
    said = run_python("-c", dedent(program), *arguments, check=True).stdout
    assert said.splitlines() == [
        "['net'] A net. 4",
        f"{{'bias': tensor([0., 1.])}}; {{'bias': tensor([0., 1.])}}; {hub_dir}",
    ]
    assert (tmp_path / "copy.pt").is_file()
    assert [*hub_dir.glob(f".hubkit/repos/*/own/rep/{commit}")]
    assert (hub_dir / "checkpoints" / "w.pt").is_file()


def is_ours() -> bool:
    """Whether hubkit answers a call of torch.hub."""
    import torch

    with pytest.raises(Exception, match="source") as refused:
        torch.hub.load("no-repo", "net", source="elsewhere")  # type: ignore[no-untyped-call]
    return isinstance(refused.value, hubkit.HubkitError)


@pytest.mark.usefixtures("hub_dir")
def test_it_is_undone_and_may_be_nested() -> None:
    assert not is_ours()
    with hubkit.as_torch_hub():
        with hubkit.as_torch_hub():
            assert is_ours()
        assert is_ours()
        with pytest.raises(KeyError), hubkit.as_torch_hub():
            raise KeyError
        assert is_ours()
    assert not is_ours()
    assert hubkit.as_torch_hub()(is_ours)()
    assert not is_ours()


@pytest.mark.usefixtures("hub_dir")
def test_the_context_is_the_threads_and_the_install_everybodys() -> None:
    with ThreadPoolExecutor(1) as pool:
        with hubkit.as_torch_hub():
            assert not pool.submit(is_ours).result()
        hubkit.install_as_torch_hub()
        hubkit.install_as_torch_hub()
        try:
            assert is_ours()
            assert pool.submit(is_ours).result()
        finally:
            hubkit.uninstall_as_torch_hub()
        hubkit.uninstall_as_torch_hub()
        assert not is_ours()
        assert not pool.submit(is_ours).result()


@pytest.mark.usefixtures("hub_dir")
def test_asyncio_tasks_do_not_see_each_others() -> None:
    async def inside(entered: asyncio.Event, left: asyncio.Event) -> bool:
        with hubkit.as_torch_hub():
            entered.set()
            await left.wait()
            return is_ours()

    async def both() -> tuple[bool, bool]:
        entered, left = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(inside(entered, left))
        await entered.wait()
        outside = is_ours()
        left.set()
        return outside, await task

    assert asyncio.run(both()) == (False, True)


def test_torch_may_be_imported_later(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(n): return n, __name__"})
    program = """
        import sys
        import hubkit
        with hubkit.as_torch_hub():
            assert "torch" not in sys.modules
            from torch.hub import load
            print(*load(sys.argv[1], "net", 3, source="local"))
        print(*load(sys.argv[1], "net", 3, source="local"))
    """
    command = [sys.executable, "-c", dedent(program), str(root)]
    inside, outside = subprocess.check_output(command, text=True).splitlines()
    assert inside.startswith("3 hubkit.repos.")
    assert outside in ("3 hubconf", "3 hubconf.py")
