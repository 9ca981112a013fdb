"""Library code that resolves dotted names on a repo's behalf finds the repo's modules."""

from __future__ import annotations

import importlib
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

LIBRARY = """
import importlib
import pickle
import sys

def locate(dotted):
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)

def locate_by_statement(module, name):
    space = {}
    exec(f"from {module} import {name} as found", space)
    return space["found"]

def unpickle(data):
    return pickle.loads(data)

def unpickle_slowly(data):
    import io
    return pickle._Unpickler(io.BytesIO(data)).load()

def optional():
    try:
        import config
    except ImportError:
        return None
    return config.WHOSE
"""
NETS = """
class Net:
    def __init__(self, who={name!r}): self.who = who
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A library as it might be installed."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "hydralike.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield importlib.import_module("hydralike")
    del sys.modules["hydralike"]


def repo(make_repo: MakeRepo, name: str, body: str) -> Path:
    return make_repo(
        name,
        {
            "hubconf.py": f"import hydralike\ndef net(*args):\n    {body}\n",
            "models/__init__.py": "",
            "models/nets.py": NETS.format(name=name),
        },
    )


def pickled_as(name: str) -> bytes:
    """A pickle that names a class as a training script at the repo's root would."""
    module, _, cls = name.rpartition(".")
    return f"c{module}\n{cls}\n)R.".encode()


@pytest.mark.parametrize(
    "body",
    [
        "return hydralike.locate('models.nets.Net')()",
        "return hydralike.locate_by_statement('models.nets', 'Net')()",
        "return hydralike.unpickle(b'cmodels.nets\\nNet\\n)R.')",
        "return hydralike.unpickle_slowly(b'cmodels.nets\\nNet\\n)R.')",
    ],
)
@pytest.mark.usefixtures("library")
def test_a_library_finds_what_the_repo_means(make_repo: MakeRepo, body: str) -> None:
    before = set(sys.modules)
    roots = {name: repo(make_repo, name, body) for name in ("a", "b")}
    made = [import_hubconf(roots[name]).call("net") for name in ("a", "b", "a")]
    assert [net.who for net in made] == ["a", "b", "a"]
    assert type(made[0]) is type(made[2])
    assert not {name for name in set(sys.modules) - before if name.startswith("models")}


@pytest.mark.usefixtures("library")
def test_a_missing_module_is_missing_as_usual(make_repo: MakeRepo) -> None:
    loaded = import_hubconf(repo(make_repo, "a", "hydralike.locate('models.nothing.Net')"))
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'models\.nothing'"):
        loaded.call("net")
    assert "models" not in sys.modules


def test_outside_of_entrypoints_nothing_is_found(make_repo: MakeRepo, library: Any) -> None:
    import_hubconf(repo(make_repo, "a", "return hydralike.locate('models.nets.Net')")).call("net")
    with pytest.raises(ModuleNotFoundError):
        library.locate("models.nets.Net")


@pytest.mark.usefixtures("library")
def test_what_is_installed_is_not_hidden_from_libraries(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    (tmp_path / "site" / "config.py").write_text("WHOSE = 'the library'")
    files = {"hubconf.py": "import hydralike\nnet = hydralike.optional\n", "config.py": ""}
    assert import_hubconf(make_repo("a", files)).call("net") == "the library"
    del sys.modules["config"]


@pytest.mark.usefixtures("library")
def test_two_repos_at_once_get_their_own(make_repo: MakeRepo) -> None:
    body = "args[0](); first = hydralike.locate('models.nets.Net'); args[0](); return first, hydralike.locate('models.nets.Net')"
    loaded = [import_hubconf(repo(make_repo, str(number), body)) for number in range(8)]
    together = Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        pairs = [*pool.map(lambda one: one.call("net", together.wait), loaded)]
    assert [(one().who, two().who) for one, two in pairs] == [(str(n), str(n)) for n in range(8)]
    assert "models" not in sys.modules


@pytest.mark.usefixtures("library")
def test_another_thread_gets_its_own_module_meanwhile(make_repo: MakeRepo, tmp_path: Path) -> None:
    """A first import of the caller's own ``models`` while an entrypoint has the name in use."""
    (tmp_path / "site" / "models.py").write_text("WHOSE = 'the caller'")
    sys.path_importer_cache.clear()
    looked, done = Event(), Event()

    def look(found: object) -> None:
        assert found
        looked.set()
        assert done.wait(120)

    body = "args[0](hydralike.locate('models.nets.Net')); return 1"
    (tmp_path / "site" / "models.py").rename(tmp_path / "site" / "hidden.py")
    loaded = import_hubconf(repo(make_repo, "a", body))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(loaded.call, "net", look)
        assert looked.wait(120)
        (tmp_path / "site" / "hidden.py").rename(tmp_path / "site" / "models.py")
        importlib.invalidate_caches()
        import models  # type: ignore[import-not-found]

        whose = models.WHOSE
        done.set()
        assert running.result() == 1
    assert whose == models.WHOSE == "the caller"
    assert sys.modules.pop("models").WHOSE == "the caller"


def test_a_repos_own_pickles_load_at_any_time(make_repo: MakeRepo) -> None:
    """Also when the caller has a module of that name."""
    hubconf = """
        import pickle
        from models.nets import Net
        class Reader:
            def read(self, data):
                from pickle import Unpickler, load
                import io
                return pickle.loads(data), Unpickler(io.BytesIO(data)).load(), load(io.BytesIO(data))
    """
    mine = sys.modules["models"] = type(sys)("models")
    files = {"hubconf.py": hubconf, "models/nets.py": NETS.format(name="a")}
    reader = import_hubconf(make_repo("a", files)).call("Reader")
    assert [net.who for net in reader.read(pickled_as("models.nets.Net"))] == ["a"] * 3
    assert sys.modules.pop("models") is mine


def test_pickles_that_name_others_load_as_usual(make_repo: MakeRepo) -> None:
    root = make_repo("a", {"hubconf.py": "import pickle\ndef net(data): return pickle.loads(data)"})
    value = {"a": [1, 2.0, Event]}
    assert import_hubconf(root).call("net", pickle.dumps(value)) == value


def test_old_names_that_a_repo_keeps_alive_by_hand_load(make_repo: MakeRepo) -> None:
    hubconf = """
        import pickle, sys
        import models.nets
        def net(data):
            sys.modules["models.old"] = models.nets
            return pickle.loads(data)
    """
    files = {"hubconf.py": hubconf, "models/nets.py": NETS.format(name="a")}
    assert (
        import_hubconf(make_repo("a", files)).call("net", pickled_as("models.old.Net")).who == "a"
    )
    assert "models.old" not in sys.modules


LATER = """
    import hydralike
    class Late:
        def find(self): return hydralike.locate('models.nets.Net')().who
"""


READS_SPECS = sys.version_info >= (3, 11)


def test_what_a_library_finds_later_is_nobody_elses(make_repo: MakeRepo, library: Any) -> None:
    """Once ``load`` has returned: two repos, a caller without such modules, one that looks."""
    import inspect

    made = []
    for name in ("a", "b"):
        files = {"hubconf.py": LATER, "models/nets.py": NETS.format(name=name)}
        made.append(import_hubconf(make_repo(name, files)).call("Late"))
    assert [late.find() for late in (*made, made[0])] == ["a", "b", "a"]
    home: Any = inspect.getmodule(library.locate)
    assert home is library
    left = sys.modules.get("models")
    assert not hasattr(left, "__path__")
    if not READS_SPECS:
        return  # import_module reads no spec there: it returns what is left, which has no attributes
    with pytest.raises(ModuleNotFoundError, match="'models'"):
        importlib.import_module("models")
    with pytest.raises(ModuleNotFoundError, match="'models'"):
        library.locate("models.nets.Net")
    assert "models" not in sys.modules
    assert made[1].find() == "b"
    import_hubconf(make_repo("c", {"hubconf.py": "def net(): ..."})).call("net")
    assert not {"models", "models.nets"} & {*sys.modules}
