"""Tools that look at code while it runs, and at what it was made from."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import linecache
import sys
import trace
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.runtime.conftest import MakeRepo

FILES = {
    "hubconf.py": """
        import asyncio
        import part
        def net(x):
            return part.divide(x)
        def late():
            import importlib
            return importlib.import_module("part").NAME
        async def coroutine():
            await asyncio.sleep(0)
            return late()
        def task():
            return asyncio.get_running_loop().create_task(coroutine())
        def generator():
            yield late()
            yield late()
        async def stream():
            yield late()
            await asyncio.sleep(0)
            yield late()
        def mark(variable):
            variable.set(part.NAME)
    """,
    "part.py": """
        NAME = "$name"
        def divide(x):
            if x is None:
                return None
            return 1 / x  # here
    """,
}


def load(make_repo: MakeRepo, name: str = "a") -> Any:
    root = make_repo(name, {path: text.replace("$name", name) for path, text in FILES.items()})
    return import_hubconf(root)


def test_a_traceback_shows_the_repos_files_and_lines(make_repo: MakeRepo) -> None:
    loaded = load(make_repo)
    linecache.clearcache()
    with pytest.raises(ZeroDivisionError) as caught:
        loaded.call("net", 0)
    frames = traceback.extract_tb(caught.value.__traceback__)[-2:]
    root = loaded.root
    assert [(frame.filename, frame.line) for frame in frames] == [
        (str(root / "hubconf.py"), "return part.divide(x)"),
        (str(root / "part.py"), "return 1 / x  # here"),
    ]


def test_a_traceback_of_an_import_shows_the_repos_files_alone(make_repo: MakeRepo) -> None:
    files = {
        "hubconf.py": "import a",
        "a.py": "from b import c",
        "b.py": "import c",
        "c.py": "1 / 0",
    }
    root = make_repo("repo", files)
    with pytest.raises(ZeroDivisionError) as caught:
        import_hubconf(root)
    shown = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)[-4:]]
    assert shown == [str(root / name) for name in files]


def test_coverage_is_of_the_repos_files(make_repo: MakeRepo) -> None:
    loaded = load(make_repo)
    tracer = trace.Trace(count=1, trace=0)
    before = sys.gettrace()
    tracer.runfunc(loaded.call, "net", 2)
    sys.settrace(before)
    lines = {line for file, line in tracer.results().counts if file == str(loaded.root / "part.py")}
    assert lines == {4, 6}


def test_a_module_is_reloaded_in_place(make_repo: MakeRepo) -> None:
    loaded = load(make_repo)
    part = loaded.module.part
    (loaded.root / "part.py").write_text("import hubconf\nNAME = hubconf.late() + '2'\n")
    assert importlib.reload(part) is part
    assert loaded.module.late() == "a2"
    assert vars(part)["__builtins__"] is loaded.namespace.state.builtins


def test_tasks_and_generators_keep_to_their_repo(make_repo: MakeRepo) -> None:
    async def use(loaded: Any) -> list[str]:
        said = [loaded.call("late"), await loaded.call("coroutine"), await loaded.call("task")]
        return [*said, *loaded.call("generator"), *[one async for one in loaded.call("stream")]]

    async def together() -> list[list[str]]:
        return await asyncio.gather(*(use(load(make_repo, name)) for name in "aba"))

    assert asyncio.run(together()) == [[name] * 7 for name in "aba"]


def test_what_an_entrypoint_sets_in_the_context_stays_set(make_repo: MakeRepo) -> None:
    variable = contextvars.ContextVar("variable", default="")

    def set_by_repo() -> str:
        load(make_repo).call("mark", variable)
        return variable.get()

    assert contextvars.copy_context().run(set_by_repo) == "a"
    assert variable.get() == ""


def test_a_redirection_may_be_left_by_another_task() -> None:
    """As a fixture that is an async generator is: entered in one task and closed in another."""

    async def fixture() -> AsyncIterator[None]:
        with hubkit.as_torch_hub():
            yield

    async def use() -> None:
        opened = fixture()
        await anext(opened)
        await asyncio.create_task(opened.aclose())  # type: ignore[attr-defined]

    asyncio.run(use())


@pytest.fixture
def own_modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("test_with_a_repo"):
            del sys.modules[name]


@pytest.mark.usefixtures("own_modules")
def test_pytest_goes_on_explaining_assertions(
    make_repo: MakeRepo, pytester: pytest.Pytester
) -> None:
    root = load(make_repo).root
    pytester.makepyfile(
        test_with_a_repo=f"""
        import hubkit
        def test_it():
            part = hubkit.load({str(root)!r}, "net", 2, source="local")
            assert part == 3
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*assert 0.5 == 3*"])
