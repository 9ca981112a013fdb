"""Repos that do odd things to Python while they are imported or run."""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo


def net(make_repo: MakeRepo, hubconf: str, **modules: str) -> Any:
    """What the entrypoint of a repo gives; ``part="..."`` makes a ``part.py``."""
    files = {f"{name}.py": code for name, code in modules.items()}
    return import_hubconf(make_repo("repo", {"hubconf.py": hubconf, **files})).call("net")


def test_what_a_repo_puts_into_builtins_is_there(make_repo: MakeRepo) -> None:
    """As training code does that silences ``print`` on all ranks but the first."""
    code = """
        import builtins
        def quiet(*args): return "quiet"
        def net():
            loud = builtins.print
            builtins.print, builtins.flag = quiet, 1
            said = print("x"), flag
            builtins.print = loud
            del builtins.flag
            return said, print is loud, hasattr(builtins, "flag")
    """
    before = print
    assert net(make_repo, code) == (("quiet", 1), True, False)
    assert print is before


def test_what_others_put_into_builtins_is_seen(make_repo: MakeRepo) -> None:
    """As ``gettext.install`` and debugging tools do."""
    loaded = import_hubconf(make_repo("repo", {"hubconf.py": "def net(): return later"}))
    vars(builtins)["later"] = 1
    try:
        assert loaded.call("net") == 1
    finally:
        del vars(builtins)["later"]


def test_a_library_may_set_what_it_finds_by_a_dotted_name(make_repo: MakeRepo) -> None:
    code = """
        from unittest import mock
        import part
        def net():
            with mock.patch("part.N", 9):
                during = part.N
            return during, part.N
    """
    assert net(make_repo, code, part="N = 3") == (9, 3)


def test_a_library_may_run_a_module_by_its_name(make_repo: MakeRepo) -> None:
    code = "import runpy\ndef net(): return runpy.run_module('tool')['N']"
    assert net(make_repo, code, tool="import part\nN = part.N", part="N = 3") == 3


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit", "ValueError"])
def test_after_an_interrupted_import_the_next_one_starts_afresh(
    make_repo: MakeRepo, kind: str
) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        net(make_repo, f"import part\nraise {kind}", part="N = 3")
    assert type(caught.value).__name__ == kind
    assert net(make_repo, "import part\ndef net(): return part.N + 1") == 4


@pytest.mark.parametrize(
    ("code", "modules", "expected"),
    [
        ("import módulo\ndef net(): return módulo.N", {"módulo": "N = 1"}, 1),
        ("import hubkit\ndef net(): return hubkit.N", {"hubkit": "N = 2"}, 2),
        ("X = 1\nimport part\ndef net(): return part.X", {"part": "from hubconf import X"}, 1),
        (
            "import part\ndef net(): return part.lazy",
            {"part": "def __getattr__(name):\n    import late\n    return late.N", "late": "N = 3"},
            3,
        ),
        (
            "import part\ndef net(): return part.N",
            {"part": "import sys, types\nnew = types.ModuleType(__name__)\nnew.N = 4\nsys.modules[__name__] = new"},
            4,
        ),
        (
            ("import threading\nsaid = []\ndef work():\n    import part\n    said.append(part.N)\n"
            "thread = threading.Thread(target=work)\nthread.start()\nthread.join()\ndef net(): return said"),
            {"part": "N = 5"},
            [5],
        ),
        (
            "def net():\n    for i in range(2):\n        import part\n        yield part.N + i",
            {"part": "N = 6"},
            [6, 7],
        ),
    ],
    ids=["unicode", "hubkit", "hubconf", "getattr", "replaced", "thread", "generator"],
)  # fmt: skip
def test_odd_repos_work(
    make_repo: MakeRepo, code: str, modules: dict[str, str], expected: object
) -> None:
    before = set(sys.modules)
    made = net(make_repo, code, **modules)
    assert (list(made) if isinstance(expected, list) else made) == expected
    assert not (set(modules) - {"hubkit"}) & (set(sys.modules) - before)


def test_coroutines_keep_to_their_repo(make_repo: MakeRepo) -> None:
    import asyncio

    code = "import asyncio\nasync def net():\n    await asyncio.sleep(0)\n    import part\n    return part.N"
    repos = [make_repo(name, {"hubconf.py": code, "part.py": f"N = {name!r}"}) for name in "abc"]

    async def together() -> list[Any]:
        return await asyncio.gather(*(import_hubconf(root).call("net") for root in repos))

    assert asyncio.run(together()) == ["a", "b", "c"]
