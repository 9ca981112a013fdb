"""A hubconf once it has been imported."""

from __future__ import annotations

import inspect
import sys
import typing
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import EntrypointNotFoundError, HubconfNotFoundError
from hubkit.runtime import LoadedHubconf, import_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

HUBCONF = '''
from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING
from typing import ClassVar as _ClassVar

if TYPE_CHECKING:
    from nowhere import Nothing

log = logging.getLogger(__name__)
ran_as_script = __name__ == "__main__"
_private = 1
value = 2

@dataclasses.dataclass
class Config:
    """A config."""
    size: int = 3
    many: _ClassVar[int] = 4

def net(config: Config) -> Config:
    """A net."""
    return config
'''


@pytest.fixture
def loaded(make_repo: MakeRepo) -> LoadedHubconf:
    return import_hubconf(make_repo("repo", {"hubconf.py": HUBCONF}))


def test_a_hubconf_is_a_module_like_any_other(loaded: LoadedHubconf) -> None:
    module = loaded.module
    assert sys.modules[module.__name__] is module
    assert module.__file__ == str(loaded.root / "hubconf.py")
    assert not module.ran_as_script
    assert module.Config() == module.Config(3)
    assert typing.get_type_hints(module.net) == {"config": module.Config, "return": module.Config}
    assert inspect.getsource(module.net).startswith("def net(config")
    assert inspect.getmodule(module.Config) is module


def test_names_are_those_that_torch_hub_lists(loaded: LoadedHubconf) -> None:
    assert loaded.names() == ("Config", "net")


def test_an_unknown_entrypoint_says_what_there_is(loaded: LoadedHubconf) -> None:
    with pytest.raises(EntrypointNotFoundError, match="Did you mean `net`") as caught:
        loaded.entrypoint("nets")
    assert caught.value.available == ("Config", "net")
    with pytest.raises(EntrypointNotFoundError, match="Available: Config, net"):
        loaded.entrypoint("zzz")
    with pytest.raises(EntrypointNotFoundError, match="'value' is not callable"):
        loaded.entrypoint("value")


def test_a_name_that_an_entrypoint_wants_too_reaches_it(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(name, self=0): return name, self"})
    assert import_hubconf(root).call("net", name=1, self=2) == (1, 2)


def test_a_missing_hubconf_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HubconfNotFoundError, match=r"no hubconf\.py"):
        import_hubconf(tmp_path)


def test_what_a_hubconf_raises_comes_out_and_it_may_try_again(make_repo: MakeRepo) -> None:
    root = make_repo(
        "repo",
        {"hubconf.py": "import plain\nraise KeyError(plain.NAME)", "plain.py": "NAME = 'plain'"},
    )
    for _ in range(2):
        with pytest.raises(KeyError, match="plain"):
            import_hubconf(root)
    (root / "hubconf.py").write_text("import plain")
    assert import_hubconf(root).module.plain.NAME == "plain"
