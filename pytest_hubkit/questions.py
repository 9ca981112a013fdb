"""What child processes are told: cases, their input, and the environment that they start in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_hubkit.first_runs import ask_for_inputs
from pytest_hubkit.inputs import find_declared

if TYPE_CHECKING:
    from pytest_hubkit.subject import Subject

Json = dict[str, Any]
ON_ARCHIVE = ("C301", "C302", "C310")


def describe_case(subject: Subject, *, run: bool) -> Json:
    """A case as a child is told about it.

    Args:
        subject: The case.
        run: Whether it is to be run there too.
    """
    config = subject.case.config
    return {
        "label": subject.label,
        "name": subject.case.entrypoint,
        "call": dict(config.call),
        "untrained": dict(config.untrained) if config.untrained else config.untrained,
        "pickle": "C210" in subject.selected,
        "digests": "C304" in subject.selected,
        "dims": dict(config.dims),
        "run": _folder_to_run_in(subject) if run else "",
        "inputs": _save_inputs(subject) if run else None,
    }


def _folder_to_run_in(subject: Subject) -> str:
    """Where a case is run; "" where nobody asks how that goes."""
    if not subject.selected.intersection(ON_ARCHIVE):
        return ""
    return str(_file_for(subject, ".cwd"))


def _file_for(subject: Subject, suffix: str) -> Path:
    number = subject.conformance.subjects.index(subject)
    return subject.conformance.folder / f"case-{number}{suffix}"


def _save_inputs(subject: Subject) -> str | None:
    """Input that somebody answers for, in a file; None where a child can guess as well."""
    if not subject.selected.intersection(ON_ARCHIVE):
        return None
    import torch

    from pytest_hubkit.checks.registry import NotApplicableError, PrerequisiteError

    try:
        inputs = find_declared(subject.case) or ask_for_inputs(subject)
    except (NotApplicableError, PrerequisiteError):
        # It cannot be built to ask about it, which C106 tells.
        return None
    if inputs is None:
        return None
    path = _file_for(subject, ".pt")
    torch.save((inputs.args, inputs.kwargs), path)
    return str(path)


def module_names(names: tuple[str, ...]) -> set[str]:
    """Top-level modules that ``dependencies`` means, distribution names taken for what they are.

    Args:
        names: What it holds.
    """
    from hubkit.analysis import import_name

    return {name.partition(".")[0] for name in names} | {import_name(name) or "" for name in names}


def clean_environment(root: Path) -> dict[str, str | None]:
    """What to change of the environment, so that nothing leads to a work tree.

    Args:
        root: The work tree.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [
        entry
        for entry in entries
        if entry and not Path(entry).resolve().is_relative_to(root.resolve())
    ]
    return {"PYTHONPATH": os.pathsep.join(kept) or None}
