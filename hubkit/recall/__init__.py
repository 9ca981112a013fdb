"""RECALL: the report of an earlier run, where all that it was made from is as it was.

Judging a repo asks its files some hundred questions: what lies in this folder, what stands in that
file. The same answers make the same report. ``questions`` notes them while a repo is judged and
asks them again, ``store`` keeps them with the report in the user's cache folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.recall.questions import Witness, has_same_answers
from hubkit.recall.store import find_record, key_of, write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.facts import Files, Report

__all__ = ["recall_report"]


def recall_report(files: Files, settings: object, judge: Callable[[Files], Report]) -> Report:
    """The report on a repo, from an earlier run where nothing changed that it came from.

    Args:
        files: The repo's files.
        settings: All else that the report depends on, as a value whose ``repr`` tells it whole.
        judge: Makes the report. It may depend on nothing but what it asks the files it is given,
            and on the settings.

    Raises:
        HubkitError: What ``judge`` raises; such a run is not kept.
    """
    key = key_of(files, settings)
    record = find_record(key)
    if record is not None and has_same_answers(files, record.answers):
        return record.report
    witness = Witness(files)
    report = judge(witness)
    if not report.stopped:
        write_record(key, witness.answers, report)
    return report
