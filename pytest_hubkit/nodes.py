"""pytest's collectors of a hubconf: the file, and a node per case of an entrypoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hubkit.errors import ConfigError
from pytest_hubkit.cases import make_cases
from pytest_hubkit.checks import all_checks
from pytest_hubkit.deaths import deaths_of
from pytest_hubkit.items import BrokenItem, CheckItem, LintItem
from pytest_hubkit.options import read_options
from pytest_hubkit.session import Conformance
from pytest_hubkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

LINT = "check"


class HubconfFile(pytest.File):
    """A ``hubconf.py``.

    Attributes:
        conformance: What is known about it, or None when its configuration cannot be read.
    """

    conformance: Conformance | None = None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The lint item, the checks of the repo as a whole, and a node per entrypoint."""
        from hubkit.analysis import read_repo
        from hubkit.config import read_config

        root = self.path.parent
        try:
            config = read_config(root)
        except ConfigError as error:
            yield BrokenItem.from_parent(self, name=LINT, error=error)
            return
        options, hook = read_options(self.config), self.config.hook.pytest_hubkit_inputs
        ask = hook if hook.get_hookimpls() else None
        self.conformance = conformance = Conformance(read_repo(root), config, options, ask)
        conformance.deaths = deaths_of(self.config)
        self.config.add_cleanup(conformance.close)
        readable = conformance.facts.hubconf is not None
        if readable:
            yield LintItem.from_parent(self, name=LINT, conformance=conformance)
        for check in all_checks():
            if check.scope != "repo" or not (readable or check.code == "C101"):
                continue
            why = options.selection.why_not_whole(check)
            if why:
                conformance.left_out[check.code] = why
            else:
                yield CheckItem.from_parent(
                    self, name=check.name, check=check, conformance=conformance
                )
        if readable:
            yield from self._collect_entrypoints(conformance)

    def _collect_entrypoints(self, conformance: Conformance) -> Iterator[pytest.Collector]:
        checks = [one for one in all_checks() if one.scope == "case"]
        cases = [
            case
            for name in _entrypoint_names(conformance)
            for case in make_cases(name, conformance.config)
        ]
        chosen = self._chosen_by_hand()
        for number, case in enumerate(cases):
            subject = Subject(conformance, case)
            conformance.known.append(subject)
            standing = () if case.label in chosen else conformance.config.representative
            for check in checks:
                why = conformance.options.selection.why_not(
                    check, case.entrypoint, number, standing
                )
                if why:
                    subject.left_out[check.code] = why
            if len(subject.left_out) < len(checks):
                yield EntrypointNode.from_parent(self, name=case.label, subject=subject)

    def _chosen_by_hand(self) -> set[str]:
        """Labels of cases that the command line names; others do not stand for them."""
        return {one.split("::")[1] for one in self.config.args if "::" in one}

    def teardown(self) -> None:
        """Let go of models, and let others find the process as it was."""
        if self.conformance is not None:
            self.conformance.pause()


class EntrypointNode(pytest.Collector):
    """One case of one entrypoint. Its checks share a model, which goes when the last is done."""

    def __init__(self, *, subject: Subject, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.subject = subject

    def collect(self) -> Iterator[pytest.Item]:
        """An item per check."""
        for check in all_checks():
            if check.scope == "case" and check.code not in self.subject.left_out:
                yield CheckItem.from_parent(
                    self,
                    name=check.name,
                    check=check,
                    conformance=self.subject.conformance,
                    subject=self.subject,
                )

    def teardown(self) -> None:
        """Let the model go, unless more of them may stay."""
        if self.subject.conformance.options.keep == 1:
            self.subject.release()


def select(items: list[pytest.Item]) -> None:
    """Tell each hubconf what of it is going to run."""
    for item in items:
        if not isinstance(item, CheckItem):
            continue
        conformance, subject = item.conformance, item.subject
        if subject is None:
            conformance.selected.add(item.check.code)
            continue
        subject.selected.add(item.check.code)
        if subject not in conformance.subjects:
            conformance.subjects.append(subject)


def _entrypoint_names(conformance: Conformance) -> list[str]:
    """Names in the order of the source; those made at run time, sorted, after them."""
    from hubkit.errors import ProbeError
    from hubkit.runtime.probe import list_names

    hubconf = conformance.source
    names = [entrypoint.name for entrypoint in hubconf.entrypoints]
    if not hubconf.has_dynamic_names:
        return names
    try:
        made = list_names(conformance.root)
    except ProbeError:
        # C101 says so.
        return names
    leaks = {leak.name for leak in hubconf.leaks}
    return names + [name for name in made if name not in names and name not in leaks]
