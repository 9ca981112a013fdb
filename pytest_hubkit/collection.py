"""The hooks and collectors of a run with ``--hubconf``."""

from __future__ import annotations

import gc
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.errors import ConfigError, UsageError
from pytest_hubkit import progress
from pytest_hubkit.case import PlannedCase, make_cases
from pytest_hubkit.checks import all_checks
from pytest_hubkit.children import Children
from pytest_hubkit.context import CaseContext, ModelCache, RepoContext
from pytest_hubkit.crashes import crashes_of
from pytest_hubkit.items import BrokenItem, CheckItem, HubconfItem, LintItem
from pytest_hubkit.options import read_options, require_known
from pytest_hubkit.report import Recorder
from pytest_hubkit.session import HubconfSession

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from hubkit.config import Config
    from pytest_hubkit.inputs import Inputs

LINT = "check"


class HubconfFile(pytest.File):
    """A ``hubconf.py``.

    Attributes:
        repo: The hubconf, or None if its configuration cannot be read.
        models: The cases that have their models in memory.
        contexts: All cases on which checks may run, by label.
    """

    repo: RepoContext | None = None
    models: ModelCache
    contexts: dict[str, CaseContext]

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The lint item, the checks of the repo as a whole, and a node per case."""
        from hubkit.config import read_config

        try:
            config = read_config(self.path.parent)
        except ConfigError as error:
            yield BrokenItem.from_parent(self, name=LINT, error=error)
            return
        self.repo = repo = self._make_context(config)
        session = repo.session
        self.config.add_cleanup(session.close)
        readable = session.facts.hubconf is not None
        if readable:
            yield LintItem.from_parent(self, name=LINT, repo=repo)
        for check in all_checks():
            if check.scope != "repo" or not (readable or check.code == "C101"):
                continue
            reason = session.options.selection.why_not_on_repo(check)
            if reason:
                session.plan.deselected[check.code] = reason
            else:
                yield CheckItem.from_parent(self, name=check.name, check=check, repo=repo)
        if readable:
            yield from self._collect_cases(repo)

    def _make_context(self, config: Config) -> RepoContext:
        from hubkit.analysis import read_repo

        hook = self.config.hook.pytest_hubkit_inputs
        session = HubconfSession(
            read_repo(self.path.parent),
            config,
            read_options(self.config),
            hook if hook.get_hookimpls() else None,
            crashes=crashes_of(self.config),
            share=_read_share(self.config),
            note=progress.note_of(self.config),
        )
        self.models, self.contexts = ModelCache(session.options.keep), {}
        return RepoContext(session, Children(session, self._find_inputs))

    def _find_inputs(self, planned: PlannedCase) -> Inputs | None:
        return self.contexts[planned.label].find_inputs()

    def _collect_cases(self, repo: RepoContext) -> Iterator[pytest.Collector]:
        session = repo.session
        checks = [one for one in all_checks() if one.scope == "case"]
        cases = [
            case for name in _entrypoint_names(session) for case in make_cases(name, session.config)
        ]
        named = self._labels_in_arguments()
        for number, case in enumerate(cases):
            planned = PlannedCase(case)
            session.plan.cases.append(planned)
            patterns = () if case.label in named else session.config.representative
            for check in checks:
                reason = session.options.selection.why_not_on_case(
                    check, case.entrypoint, number, patterns
                )
                if reason:
                    planned.deselected[check.code] = reason
            if len(planned.deselected) < len(checks):
                context = CaseContext(session, repo.children, planned)
                self.contexts[case.label] = context
                yield CaseNode.from_parent(
                    self, name=case.label, repo=repo, context=context, models=self.models
                )

    def _labels_in_arguments(self) -> set[str]:
        """Labels of cases that the command line names; other cases do not represent them."""
        return {one.split("::")[1] for one in self.config.args if "::" in one}

    def teardown(self) -> None:
        """Release models, and restore the state of the process for other tests."""
        if self.repo is not None:
            self.models.clear()
            for context in self.contexts.values():
                context.release()
            self.repo.session.pause()


class CaseNode(pytest.Collector):
    """One case of one entrypoint. Its checks share a model, which is released after the last."""

    def __init__(
        self,
        *,
        repo: RepoContext,
        context: CaseContext,
        models: ModelCache,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.repo, self.context, self.models = repo, context, models

    def collect(self) -> Iterator[pytest.Item]:
        """An item per check."""
        for check in all_checks():
            if check.scope == "case" and check.code not in self.context.planned.deselected:
                yield CheckItem.from_parent(
                    self,
                    name=check.name,
                    check=check,
                    repo=self.repo,
                    context=self.context,
                    models=self.models,
                )

    def teardown(self) -> None:
        """Release the model, unless more of them may stay."""
        if self.repo.session.options.keep == 1:
            self.context.release()


def select_checks(items: list[pytest.Item]) -> None:
    """Complete the plan of each hubconf: pytest has dropped the items that do not run."""
    for item in items:
        if not isinstance(item, CheckItem):
            continue
        plan, context = item.repo.session.plan, item.context
        if context is None:
            plan.selected.add(item.check.code)
            continue
        context.selected.add(item.check.code)
        if context.planned not in plan.active:
            plan.active.append(context.planned)


def _entrypoint_names(session: HubconfSession) -> list[str]:
    """Names in the order of the source; then those created at run time, sorted."""
    from hubkit.errors import ProbeError
    from hubkit.runtime.probe import list_names

    hubconf = session.source
    names = [*hubconf.names]
    if not hubconf.has_dynamic_names:
        return names
    try:
        made = list_names(session.root)
    except ProbeError:
        # C101 reports it.
        return names
    leaks = {leak.name for leak in hubconf.leaks}
    return names + [name for name in made if name not in names and name not in leaks]


_IS_DEALT = "hubkit-is-dealt"


def _read_share(config: pytest.Config) -> tuple[int, int]:
    """Which worker of xdist this process is, and of how many; the cases are dealt out to them."""
    workerinput = getattr(config, "workerinput", {})
    if not workerinput.get(_IS_DEALT):
        return 0, 1
    from pytest_hubkit.scheduling import read_share

    return read_share(workerinput)


HUBCONF = "hubconf.py"


class Suite:
    """The conformance suite in one run of pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._path = config.rootpath / HUBCONF

    def add_hubconf(self) -> None:
        """Collect the hubconf in rootdir, whatever paths the arguments name.

        An argument that names a hubconf, or nodes in one, is left alone. ``--hubconf`` in the
        ini-file's ``addopts`` adds it to runs of everything, not to runs of selected tests.
        """
        if not self._path.is_file() or self._is_named():
            return
        if self._is_on_command_line() or not self._has_arguments():
            self._config.args.append(str(self._path))

    def _is_named(self) -> bool:
        named = [self._config.invocation_params.dir / _path_of(arg) for arg in self._config.args]
        return any(path.name == HUBCONF or path in self._path.parents for path in named)

    def _is_on_command_line(self) -> bool:
        return "--hubconf" in map(str, self._config.invocation_params.args)

    def _has_arguments(self) -> bool:
        return self._config.args_source is pytest.Config.ArgsSource.ARGS

    def pytest_sessionstart(self) -> None:
        """Show progress; only now is there pytest's own output."""
        progress.register(self._config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist's own
        """Tell a worker whether the cases are dealt out: its own options do not."""
        node.workerinput[_IS_DEALT] = self._config.getoption("dist") == "load"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:  # noqa: ANN401
        """Deal out the cases to xdist's workers, unless another distribution is chosen."""
        if config.getoption("dist") != "load":
            return None
        from pytest_hubkit.scheduling import HubconfScheduling

        return HubconfScheduling(config, log)

    def pytest_report_header(self) -> str:
        """Show which hubconf is checked, and its network policy."""
        network = self._config.getoption("hubconf_network")
        where = HUBCONF if self._path.is_file() else f"no {HUBCONF} in {self._config.rootpath}"
        return f"hubconf: {where}, network: {network}"

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """Collect the hubconf in rootdir, and those that are named; not those of vendored repos."""
        found = yield
        if file_path.name != HUBCONF:
            return found
        if file_path != self._path and not parent.session.isinitpath(file_path):
            return found
        # pytest takes a file that is named for a test module.
        others = [one for one in found if type(one) is not pytest.Module]
        return [HubconfFile.from_parent(parent, path=file_path), *others]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add a failing item if there is no hubconf, so that it does not go unnoticed."""
        if self._path.is_file() or any(isinstance(item, HubconfItem) for item in items):
            return
        if not self._names_another():
            file: HubconfFile = HubconfFile.from_parent(session, path=self._path)
            items.extend(item for item in file.collect() if isinstance(item, pytest.Item))

    def _names_another(self) -> bool:
        return any(_path_of(arg).name == HUBCONF for arg in self._config.args)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Complete the plan of each hubconf."""
        select_checks(session.items)
        if all(isinstance(item, HubconfItem) for item in session.items):
            # Then pytest need not look for garbage of tests among all that torch has made.
            self._config.add_cleanup(gc.freeze)


def register(config: pytest.Config) -> None:
    """Register the hooks of the suite.

    Raises:
        pytest.UsageError: An option names an unknown check or report format.
    """
    words = (*config.getoption("hubconf_select"), *config.getoption("hubconf_ignore"))
    try:
        require_known(words, all_checks())
        recorder = Recorder(config)
    except UsageError as error:
        raise pytest.UsageError(f"{error.message.rstrip('.')}. {error.hint}") from None
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        from pytest_hubkit.scheduling import share_cores

        share_cores(int(workerinput["workercount"]))
    suite = Suite(config)
    suite.add_hubconf()
    config.pluginmanager.register(suite, "hubkit-suite")
    config.pluginmanager.register(recorder, "hubkit-recorder")
    _end_when_terminated(config)


def _end_when_terminated(config: pytest.Config) -> None:
    """Let SIGTERM end the run as Ctrl-C does, so that it prints and writes what it has."""
    is_ours = threading.current_thread() is threading.main_thread()
    if hasattr(config, "workerinput") or not is_ours:
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    process = os.getpid()

    def interrupt(number: int, frame: object) -> None:
        del frame
        if os.getpid() != process:  # a forked one, such as a worker of a DataLoader
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)

    def restore() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    config.add_cleanup(restore)


def _path_of(argument: str) -> Path:
    """The path in an argument of pytest, without names of tests."""
    return Path(argument.partition("::")[0])
