"""The hooks that are at work when ``--hubconf`` was given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import UsageError
from pytest_hubkit.checks import all_checks
from pytest_hubkit.items import HubconfItem
from pytest_hubkit.nodes import HubconfFile, select
from pytest_hubkit.recording import Recorder
from pytest_hubkit.selection import require_known

if TYPE_CHECKING:
    from collections.abc import Generator

HUBCONF = "hubconf.py"


class Suite:
    """The conformance suite in one run of pytest.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._path = config.rootpath / HUBCONF

    def reach_hubconf(self) -> None:
        """See to it that the rootdir's hubconf is collected, wherever the arguments point.

        Whoever names a hubconf, or nodes in one, has chosen. ``--hubconf`` among the ini-file's
        ``addopts`` adds it to runs of everything, and not to runs of chosen tests.
        """
        if not self._path.is_file() or self._is_reached():
            return
        if self._was_chosen_by_hand() or not self._has_arguments():
            self._config.args.append(str(self._path))

    def _is_reached(self) -> bool:
        named = [self._config.invocation_params.dir / _path_of(arg) for arg in self._config.args]
        return any(path.name == HUBCONF or path in self._path.parents for path in named)

    def _was_chosen_by_hand(self) -> bool:
        return "--hubconf" in map(str, self._config.invocation_params.args)

    def _has_arguments(self) -> bool:
        return self._config.args_source is pytest.Config.ArgsSource.ARGS

    def pytest_report_header(self) -> str:
        """Say what is exercised, and under which policy."""
        network = self._config.getoption("hubconf_network")
        where = HUBCONF if self._path.is_file() else f"no {HUBCONF} in {self._config.rootpath}"
        return f"hubconf: {where}, network: {network}"

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """Collect the rootdir's hubconf, and those that are named; not those of vendored repos."""
        found = yield
        if file_path.name != HUBCONF:
            return found
        if file_path != self._path and not parent.session.isinitpath(file_path):
            return found
        # For pytest a file that is named is a test module, to be imported as such.
        others = [one for one in found if type(one) is not pytest.Module]
        return [HubconfFile.from_parent(parent, path=file_path), *others]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Let a hubconf that is not there fail, where otherwise nothing would be said."""
        if self._path.is_file() or any(isinstance(item, HubconfItem) for item in items):
            return
        if not self._names_another():
            file: HubconfFile = HubconfFile.from_parent(session, path=self._path)
            items.extend(item for item in file.collect() if isinstance(item, pytest.Item))

    def _names_another(self) -> bool:
        return any(_path_of(arg).name == HUBCONF for arg in self._config.args)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell each hubconf what of it was selected."""
        select(session.items)


def register(config: pytest.Config) -> None:
    """Put the suite to work in a run of pytest.

    Args:
        config: pytest's configuration.

    Raises:
        pytest.UsageError: An option names a check or a kind of report that there is not.
    """
    words = (*config.getoption("hubconf_select"), *config.getoption("hubconf_ignore"))
    try:
        require_known(words, all_checks())
        recorder = Recorder(config)
    except UsageError as error:
        raise pytest.UsageError(f"{error.message} {error.hint}") from None
    suite = Suite(config)
    suite.reach_hubconf()
    config.pluginmanager.register(suite, "hubkit-suite")
    config.pluginmanager.register(recorder, "hubkit-recorder")


def _path_of(argument: str) -> Path:
    """The path in an argument of pytest, without names of tests."""
    return Path(argument.partition("::")[0])
