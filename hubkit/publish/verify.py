"""Load a commit as its users will: its archive, with torch.hub and hubkit, in another process."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit._util.atomic import create_file
from hubkit._util.text import join_words
from hubkit.errors import ProbeError
from hubkit.publish.card_facts import Source, gather_facts
from hubkit.publish.card_sections import arguments_of, render_call
from hubkit.publish.checklist import find_local_weights
from hubkit.publish.release import ChecklistItem
from hubkit.publish.stand_in import Hosted, run_codes
from hubkit.source.commit import write_archive
from hubkit.torchhub import arguments_without_weights, weights_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.config import EntrypointConfig
    from hubkit.facts import Entrypoint
    from hubkit.publish.release import ReleaseContext
    from hubkit.publish.stand_in import Outcome

_SHOWN = 3
_LOADERS = ("torch.hub", "hubkit")


class _Call(Struct, frozen=True):
    """A call of an entrypoint, as code for each loader."""

    name: str
    arguments: str
    is_trained: bool

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f"{loader}.load({self.arguments})" for loader in _LOADERS)


class Verified(Struct, frozen=True):
    """What running the calls showed.

    Attributes:
        items: The items of the checklist.
        lines: The lines of code that ran.
    """

    items: tuple[ChecklistItem, ...]
    lines: frozenset[str] = frozenset()


def verify(context: ReleaseContext, others: Iterable[str] = ()) -> Verified:
    """Load every entrypoint of the commit, without and with its weights.

    A process without a network runs the calls with torch.hub and with hubkit, each with an empty
    hub dir. The commit's archive stands in for GitHub, and local files for their URLs, so that
    neither uncommitted nor cached files can be used.

    Args:
        context: The commit to release.
        others: More lines of code to run, such as "hubkit.load(...)".
    """
    repo, calls = context.repo or "OWNER/NAME", tuple(_find_calls(context))
    lines = tuple(dict.fromkeys([*(line for call in calls for line in call.lines), *others]))
    with tempfile.TemporaryDirectory(prefix="hubkit-release-") as folder:
        hosted = Hosted(_host_repo(context, repo, Path(folder)), find_local_weights(context))
        codes = tuple(f"import {line.partition('.load')[0]}\n\n{line}\n" for line in lines)
        try:
            outcomes = dict(zip(lines, run_codes(context.root, codes, hosted, repo), strict=True))
        except ProbeError as error:
            reason = error.message.rstrip(".")
            return Verified((ChecklistItem("load", "missing", reason, error.hint),))
    ran = frozenset(line for line, outcome in outcomes.items() if not _is_failure(outcome))
    return Verified((*_judge(calls, outcomes, ran), *_report_unknown(context, calls)), ran)


def _is_failure(outcome: Outcome) -> bool:
    """Whether a call failed, or ran without something that it requests."""
    return bool(outcome.error or outcome.unreachable)


def _judge(
    calls: tuple[_Call, ...], outcomes: dict[str, Outcome], ran: frozenset[str]
) -> Iterator[ChecklistItem]:
    for call in calls:
        line = next((line for line in call.lines if line not in ran), None)
        if line is None:
            continue
        outcome = outcomes[line]
        if call.is_trained and outcome.unreachable:
            message = f"not tried: {line}: it requests {outcome.unreachable}"
            yield ChecklistItem("load", "missing", message, "put the file into dist")
        else:
            reason = outcome.shown or f"it requests {outcome.unreachable}"
            message = f"{line} fails: {reason}"
            code = "C305" if call.is_trained else "C301"
            yield ChecklistItem("load", "missing", message, f"pytest --hubconf -k {code}")
    for is_trained, how in ((False, "without weights"), (True, "with weights")):
        chosen = [
            one for one in calls if one.is_trained is is_trained and ran.issuperset(one.lines)
        ]
        if chosen:
            names = join_words([one.name for one in chosen], most=_SHOWN)
            message = f"{how}, from the commit alone, with torch.hub and hubkit: {names}"
            yield ChecklistItem("load", "ok", message)


def _report_unknown(context: ReleaseContext, calls: tuple[_Call, ...]) -> Iterator[ChecklistItem]:
    entries = context.facts.hubconf.entrypoints if context.facts.hubconf else ()
    known = {call.name for call in calls}
    skipped = [entry.name for entry in entries if entry.name not in known]
    if not entries:
        message = "the source defines no entrypoint to load"
        yield ChecklistItem("load", "note", message, "pytest --hubconf runs the hubconf")
    if skipped:
        listed = join_words(skipped, most=_SHOWN)
        message = f"skipped, because the arguments are unknown: {listed}"
        yield ChecklistItem("load", "note", message, "declare `call` or `untrained` for them")


def _find_calls(context: ReleaseContext) -> Iterator[_Call]:
    """The calls of each entrypoint, without and with weights, as far as they are known."""
    source = f"{context.repo or 'OWNER/NAME'}:{context.tag or context.sha}"
    facts = gather_facts(context.facts, Source(context.repo, context.tag))
    for entry in facts.entrypoints:
        plain = _arguments_without_weights(entry, context.config.entrypoint(entry.name))
        shown = arguments_of(facts, entry)
        if plain is not None:
            yield _Call(entry.name, render_call(source, entry, plain), is_trained=False)
        if shown is not None and shown != plain and (shown or plain is None):
            yield _Call(entry.name, render_call(source, entry, shown), is_trained=True)


def _host_repo(context: ReleaseContext, repo: str, folder: Path) -> dict[str, str]:
    """What GitHub returns for the repo, as files by URL, as if the commit were tagged."""
    sha, ref = context.sha, context.tag or context.sha
    archive, refs = folder / "archive.zip", folder / "refs"
    write_archive(context.git, sha, archive, f"{repo.replace('/', '-')}-{sha[:7]}")
    names = ("HEAD\0symref=HEAD:refs/heads/main", "refs/heads/main", f"refs/tags/{ref}")
    packets = ["# service=git-upload-pack\n", "", *(f"{sha} {name}\n" for name in names), ""]
    advertised = (f"{len(one.encode()) + 4:04x}{one}" if one else "0000" for one in packets)
    create_file(refs, "".join(advertised))
    create_file(folder / "tags", json.dumps([{"name": ref, "commit": {"sha": sha}}]))
    create_file(folder / "branches", "[]")
    web, api = f"https://github.com/{repo}", f"https://api.github.com/repos/{repo}"
    return {
        f"{web}.git/info/refs": str(refs),
        f"{web}/archive/{sha}.zip": str(archive),
        f"{web}/zipball/{ref}": str(archive),
        f"{api}/tags": str(folder / "tags"),
        f"{api}/branches": str(folder / "branches"),
    }


def _arguments_without_weights(
    entry: Entrypoint, config: EntrypointConfig
) -> dict[str, Any] | None:
    """Arguments that build a model without weights; None if they are unknown."""
    if entry.parameters is None:
        return None
    arguments = arguments_without_weights(weights_defaults(entry.parameters), config)
    if arguments is None:
        return None
    is_complete = all(one.name in arguments for one in entry.parameters if one.required)
    return arguments if is_complete else None
