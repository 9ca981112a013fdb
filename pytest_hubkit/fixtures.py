"""Fixtures for a hub repo's own tests, which work without ``--hubconf``.

::

    def test_output_has_a_channel_per_class(hub_model):       # once per entrypoint
        assert hub_model(torch.rand(1, 3, 64, 64)).shape[1] == 10

    def test_weights(hubconf):
        model = hubconf.load("unet", pretrained=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.runtime import LoadedHubconf


class HubRepo:
    """The hubconf at pytest's rootdir, for tests.

    Attributes:
        root: The folder that holds ``hubconf.py``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def entrypoints(self) -> tuple[str, ...]:
        """Names of its entrypoints."""
        from hubkit.analysis import read_repo, require_hubconf

        hubconf = require_hubconf(read_repo(self.root))
        if hubconf.has_dynamic_names:
            leaks = {leak.name for leak in hubconf.leaks}
            return tuple(name for name in self.loaded.names() if name not in leaks)
        return hubconf.names

    @property
    def loaded(self) -> LoadedHubconf:
        """The hubconf, imported into a namespace of its own."""
        from hubkit.runtime import import_hubconf

        return import_hubconf(self.root)

    def load(self, name: str, **kwargs: object) -> Any:  # noqa: ANN401
        """Call an entrypoint, as ``hubkit.load`` would."""
        return self.loaded.call(name, **kwargs)

    def load_untrained(self, name: str) -> Any:  # noqa: ANN401
        """Call an entrypoint as the conformance suite does: without weights.

        Args:
            name: The entrypoint; the configuration has its arguments.
        """
        from hubkit.config import read_config
        from pytest_hubkit.case import make_cases

        case = make_cases(name, read_config(self.root))[0]
        return self.load(name, **case.arguments(self.loaded.entrypoint(name)))


@pytest.fixture(scope="session")
def hubconf(pytestconfig: pytest.Config) -> HubRepo:
    """The repo's hubconf: ``hubconf.load(name, **kwargs)``, ``hubconf.entrypoints``, ``.root``."""
    return HubRepo(pytestconfig.rootpath)


@pytest.fixture
def hub_entrypoint(request: pytest.FixtureRequest) -> str:
    """The name of each entrypoint in turn."""
    name: str = request.param
    return name


@pytest.fixture
def hub_model(hub_entrypoint: str, hubconf: HubRepo) -> Any:  # noqa: ANN401
    """A new model of each entrypoint in turn, built without weights."""
    from pytest_hubkit.checks import NotApplicableError

    try:
        return hubconf.load_untrained(hub_entrypoint)
    except NotApplicableError as reason:
        pytest.skip(f"{hub_entrypoint}: {reason}")


@pytest.fixture
def hub_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub dir for the test: your own is neither read nor changed."""
    import sys

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch-home"))
    # A folder from set_dir would take precedence over the variable.
    for module in ("torch.hub", "hubkit.hubdir.layout"):
        if module in sys.modules:
            monkeypatch.setattr(sys.modules[module], "_hub_dir", None)
    return tmp_path / "torch-home" / "hub"


def parametrize_entrypoints(metafunc: pytest.Metafunc) -> None:
    """Run a test once per entrypoint."""
    repo = HubRepo(metafunc.config.rootpath)
    metafunc.parametrize("hub_entrypoint", repo.entrypoints, indirect=True)
