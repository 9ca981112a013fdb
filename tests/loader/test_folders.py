"""Loading, listing and asking for help from folders."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

import hubkit
from hubkit.errors import (
    EntrypointNotFoundError,
    HubconfNotFoundError,
    HubconfSyntaxError,
    MissingDependenciesError,
    ProbeError,
    RepoSpecError,
    UntrustedRepoError,
)
from hubkit.loader import locate_repo

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

NET = """
    from utils import NAME
    from os.path import join
    def net(size=1):
        '''A net.'''
        return join(NAME, str(size))
    def bare():
        return __name__
"""


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo("repo", {"hubconf.py": NET, "utils.py": "NAME = 'utils'"})


def test_a_folder_is_loaded_however_it_is_spelled(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(repo.parent))
    monkeypatch.chdir(repo.parent)
    assert hubkit.load("repo", "net", source="local") == "utils/1"
    for spelling in (repo, str(repo), "./repo", "~/repo", Path("repo")):
        assert hubkit.load(spelling, "net", source="local") == "utils/1"
        assert hubkit.load(spelling, "net", 2) == "utils/2"
        assert hubkit.load(spelling, "net", size=3, source="LOCAL") == "utils/3"
        assert hubkit.list(spelling) == ["bare", "net"]
        assert hubkit.help(spelling, "net") == "A net."
        assert locate_repo(spelling).resolve() == repo


def test_loading_twice_runs_the_hubconf_once(repo: Path) -> None:
    assert hubkit.load(repo, "bare") == hubkit.load(repo, "bare", force_reload=True)


def test_nothing_is_written_to_standard_output(
    repo: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        hubkit.load(repo, "net")
        hubkit.list(repo)
        hubkit.help(repo, "net")
    assert capfd.readouterr() == ("", "")


def test_listing_a_closed_hubconf_runs_nothing(make_repo: MakeRepo) -> None:
    hubconf = """
        import no_such_module
        dependencies = ["no_such_module"]
        raise SystemExit("this ran")
        def net():
            "A net."
    """
    root = make_repo("repo", {"hubconf.py": hubconf})
    assert hubkit.list(root) == ["net"]
    assert hubkit.help(root, "net") == "A net."


def test_listing_an_open_hubconf_runs_it_elsewhere(make_repo: MakeRepo) -> None:
    hubconf = """
        import sys
        for size in "sl"[:]:
            def net():
                "A net."
            globals()["net_" + size] = net
        del net
        sys.ran_here = True
        print("running")
    """
    root = make_repo("repo", {"hubconf.py": hubconf})
    assert hubkit.list(root, trust_repo=True) == ["net_l", "net_s"]
    assert hubkit.help(root, "net_s", trust_repo=True) == "A net."
    with pytest.raises(EntrypointNotFoundError, match="net_s"):
        hubkit.help(root, "net_x", trust_repo=True)
    assert not hasattr(sys, "ran_here")


def test_an_open_hubconf_that_fails_is_one_error(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "globals()['x'[:]] = 1\nraise KeyError('why')"})
    with pytest.raises(ProbeError, match="KeyError: 'why'"):
        hubkit.list(root, trust_repo=True)


@pytest.mark.parametrize("trust_repo", ["check", None, False])
def test_an_open_hubconf_in_a_folder_runs_only_when_trusted(
    make_repo: MakeRepo, tmp_path: Path, trust_repo: Literal["check"] | bool | None
) -> None:
    canary = tmp_path / "canary"
    root = make_repo(
        "repo",
        {"hubconf.py": f"__import__('os').mkdir({str(canary)!r})\nglobals()['x'[:]] = print"},
    )
    with pytest.raises(UntrustedRepoError, match="at run time") as caught:
        hubkit.list(root, trust_repo=trust_repo)
    assert "trust_repo=True" in caught.value.hint
    with pytest.raises(UntrustedRepoError, match="at run time"):
        hubkit.help(root, "x", trust_repo=trust_repo)
    assert not canary.exists()


def test_help_of_what_is_defined_elsewhere_asks_the_code(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "from click import echo\n"})
    assert hubkit.list(root) == ["echo"]
    assert str(hubkit.help(root, "echo", trust_repo=True)).startswith("Print a message and newline")


def test_help_of_what_has_none_is_none(repo: Path) -> None:
    assert hubkit.help(repo, "bare") is None


@pytest.mark.parametrize("call", [hubkit.load, hubkit.help])
def test_an_unknown_entrypoint_is_named_with_close_ones(repo: Path, call: object) -> None:
    assert callable(call)
    with pytest.raises(EntrypointNotFoundError, match="Did you mean `net`") as caught:
        call(str(repo), "nett")
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.entrypoint == "nett"


def test_a_folder_without_hubconf_says_where_there_is_one(repo: Path) -> None:
    for spelling in (repo.parent, str(repo.parent)):
        with pytest.raises(HubconfNotFoundError) as caught:
            hubkit.load(spelling, "net")
        assert str(repo) in caught.value.hint
        assert isinstance(caught.value, FileNotFoundError)


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HubconfNotFoundError, match="There is no folder /"):
        hubkit.load(str(tmp_path / "nowhere"), "net", source="local")


def test_a_hubconf_that_does_not_parse_is_reported(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(:"})
    with pytest.raises(HubconfSyntaxError):
        hubkit.list(root)
    with pytest.raises(SyntaxError):
        hubkit.load(root, "net")


@pytest.mark.parametrize("source", ["gitlab", ""])
def test_an_unknown_source_is_refused(repo: Path, source: str) -> None:
    with pytest.raises(RepoSpecError, match="Unknown source") as caught:
        hubkit.load(repo, "net", source=source)
    assert isinstance(caught.value, ValueError)


def test_a_name_that_is_not_a_string_is_refused(repo: Path) -> None:
    with pytest.raises(ValueError, match="a string"):
        hubkit.load(repo, 3)  # type: ignore[arg-type]


def test_all_missing_dependencies_are_reported_at_once_before_any_code_runs(
    make_repo: MakeRepo,
) -> None:
    hubconf = """
        dependencies = ["os", "sklearn_missing", "json.decoder", "no_yaml", "own", "cv3>=2"]
        raise SystemExit("this ran")
    """
    root = make_repo("repo", {"hubconf.py": hubconf, "own/__init__.py": ""})
    with pytest.raises(MissingDependenciesError) as caught:
        hubkit.load(root, "net")
    assert caught.value.missing == ("sklearn_missing", "no_yaml", "cv3")
    assert "pip install sklearn_missing no_yaml cv3" in caught.value.hint
    assert isinstance(caught.value, RuntimeError)


def test_missing_dependencies_are_called_by_what_is_to_be_installed(make_repo: MakeRepo) -> None:
    if any(name in sys.modules for name in ("cv2", "skimage")):
        pytest.skip("they are installed here")
    root = make_repo("repo", {"hubconf.py": "dependencies = ['cv2', 'skimage', 'scikit-image']"})
    with pytest.raises(MissingDependenciesError) as caught:
        hubkit.load(root, "net")
    assert caught.value.missing == ("cv2", "skimage")
    assert caught.value.hint.endswith("pip install opencv-python scikit-image")


def test_looking_for_a_dependency_does_not_run_its_parents(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_repo("site", {"loud/__init__.py": "raise SystemExit", "loud/quiet.py": ""})
    monkeypatch.syspath_prepend(str(site))
    hubconf = "dependencies = ['loud.quiet', 'loud.absent']"
    with pytest.raises(MissingDependenciesError) as caught:
        hubkit.load(make_repo("repo", {"hubconf.py": hubconf}), "net")
    assert caught.value.missing == ("loud.absent",)


def test_a_missing_torch_is_reported_with_its_install_line(make_repo: MakeRepo) -> None:
    """In a Python that has hubkit's requirements and no torch."""
    import subprocess

    declared = make_repo("declared", {"hubconf.py": "dependencies = ['torch']\nimport torch"})
    silent = make_repo("silent", {"hubconf.py": "import torch.nn"})
    program = f"""
import sys
class NoTorch:
    def find_spec(self, name, path, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, NoTorch())
import hubkit
from hubkit.errors import MissingExtraError
for root in ({str(declared)!r}, {str(silent)!r}):
    try:
        hubkit.load(root, "net")
    except MissingExtraError as error:
        print(isinstance(error, ImportError), error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    line = "True Install it: pip install torch numpy"
    assert done.stdout.splitlines() == [line, line]


@pytest.mark.parametrize("text", [".", "..", "./empty", "empty/../empty"])
def test_messages_name_the_folder_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    here = tmp_path / "above" / "here"
    (here / "empty").mkdir(parents=True)
    monkeypatch.chdir(here)
    where = {".": here, "..": here.parent}.get(text, here / "empty")
    with pytest.raises(HubconfNotFoundError) as refused:
        hubkit.load(text, "net", source="local")
    assert refused.value.message == f"There is no hubconf.py in {where}."
