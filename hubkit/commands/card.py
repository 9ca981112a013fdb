"""``hubkit card``: the model card, made and refreshed from what the repo tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts
    from hubkit.publish.card import CardDraft, Source
    from hubkit.rules.card_keys import Site

_SITES = {"pytorch-hub": "pytorch-hub", "huggingface": "huggingface", "none": ""}


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "site",
    type=click.Choice([*_SITES]),
    help="Whose front matter.  [default: what the card has; huggingface for a new one]",
)
@click.option("--file", metavar="PATH", help="The card, in the repo.  [default: MODEL_CARD.md]")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What pytest --hubconf --hubconf-report wrote, for the part on conformance.",
)
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Where it is published on GitHub.")
@click.option("--tag", metavar="TAG", help="The tag that the snippet names.")
@click.option("--entrypoint", metavar="NAME", help="The entrypoint that the snippet loads.")
@click.option(
    "--set", "given", metavar="KEY=VALUE", multiple=True, help="A key of the front matter."
)
@click.option("--add", "added", metavar="PART", multiple=True, help="A part that the card lacks.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the card is stale.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--stdout", is_flag=True, help="Write nothing; print the whole card.")
def command(
    path: Path,
    site: str | None,
    file: str | None,
    report: Path | None,
    slug: str | None,
    tag: str | None,
    entrypoint: str | None,
    given: tuple[str, ...],
    added: tuple[str, ...],
    *,
    check: bool,
    diff: bool,
    stdout: bool,
) -> int:
    """Make the model card, or refresh what hubkit wrote in it.

    Entrypoints, snippet, weights and dependencies are read from source and settings. They stand
    between two comments each; what people wrote around them, and their front matter, stays as it
    is, byte for byte.
    """
    from hubkit.errors import UsageError
    from hubkit.publish.card import CardRequest, Source, draft_card, gather_facts

    if check + diff + stdout > 1:
        raise UsageError("--check, --diff and --stdout each stand alone")
    facts = _read(path)
    place = _place(facts, file)
    before = _read_card(facts.root / place)
    source = _source(facts, before, Source(slug or "", tag or "", entrypoint or ""))
    wanted: Site | None = _SITES[site] if site else None  # type: ignore[assignment]
    request = CardRequest(place, wanted, _pairs(given), added, _conformance(report))
    draft = draft_card(gather_facts(facts, source), request, before)
    if stdout:
        click.echo(draft.after, nl=False)
        return 0
    _tell(facts, draft)
    if check or diff:
        return _compare(draft, show=diff)
    return _write(facts, draft)


def _read(path: Path) -> RepoFacts:
    from hubkit.analysis import read_repo
    from hubkit.errors import UsageError
    from hubkit.source import open_files

    if not path.is_dir():
        raise UsageError(f"{path} is no folder", hint="Give the folder of a hub repo.")
    return read_repo(open_files(path))


def _place(facts: RepoFacts, file: str | None) -> str:
    """Where the card is, or will be, relative to the repo."""
    from hubkit.errors import UsageError
    from hubkit.publish.card import card_paths

    if file is None:
        return next(iter(card_paths(facts)), "MODEL_CARD.md")
    root = facts.root.resolve()
    place = (root / file).resolve()
    if not place.is_relative_to(root) or place == root:
        raise UsageError(f"{file} lies outside of {root}", hint="The card is a file of the repo.")
    return place.relative_to(root).as_posix()


def _read_card(path: Path) -> bytes | None:
    from hubkit.errors import UsageError

    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


def _source(facts: RepoFacts, before: bytes | None, given: Source) -> Source:
    """What the snippet loads: as the card's own does, unless the user says otherwise."""
    from hubkit.errors import UsageError, entrypoint_not_found
    from hubkit.publish.card import Source, find_source
    from hubkit.publish.identity import find_name, is_writable, require_name

    hubconf = facts.hubconf
    if given.entrypoint and hubconf and not hubconf.entrypoint(given.entrypoint):
        names = tuple(one.name for one in hubconf.entrypoints)
        raise entrypoint_not_found(given.entrypoint, names, "is not in the hubconf")
    if given.ref and not is_writable(given.ref):
        raise UsageError(f"nobody can write {given.ref!r} behind owner/name:", hint="Such as v1.0.")
    known = find_source(before)
    repo = require_name(given.repo) if given.repo else known.repo or find_name(facts)
    return Source(repo, given.ref or known.ref, given.entrypoint or known.entrypoint)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    from hubkit.errors import UsageError

    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(f"{text!r} is not KEY=VALUE", hint="Such as --set tags=vision,audio.")
        pairs[key.strip()] = value
    return pairs


def _conformance(report: Path | None) -> str | None:
    """The table that a report gives; None without one."""
    from hubkit.conformance import read_report, render_markdown

    return None if report is None else render_markdown(read_report(report))


def _tell(facts: RepoFacts, draft: CardDraft) -> None:
    """Say what the card lacks, and what its site would say."""
    from hubkit.publish.card import judge_card

    if draft.lacking and draft.after != draft.before:
        parts = " ".join(f"--add {name}" for name in draft.lacking)
        click.echo(f"{draft.path} does without: {', '.join(draft.lacking)} ({parts})", err=True)
    for finding in judge_card(facts, draft):
        line = finding.location.line if finding.location else 1
        click.echo(f"{draft.path}:{line}: {finding.code} {finding.message}", err=True)


def _compare(draft: CardDraft, *, show: bool) -> int:
    from hubkit.fixer import Change, render_diff

    if draft.before == draft.after:
        click.echo(f"{draft.path} is as it should be.", err=True)
        return 0
    if show:
        change = Change(draft.before or b"", draft.after)
        click.echo(render_diff({draft.path: change}), nl=False)
    else:
        what = "is not there" if draft.before is None else f"is stale: {', '.join(draft.stale)}"
        click.echo(f"{draft.path} {what}. Write it: hubkit card", err=True)
    return 1


def _write(facts: RepoFacts, draft: CardDraft) -> int:
    from hubkit.fixer import Change, write_changes
    from hubkit.publish.files import write_new

    if draft.before == draft.after:
        click.echo(f"{draft.path} is as it should be.", err=True)
    elif draft.before is None:
        write_new(facts.root / draft.path, draft.after)
        click.echo(f"wrote {draft.path}", err=True)
    else:
        write_changes(facts.root, {draft.path: Change(draft.before, draft.after)})
        click.echo(f"refreshed {draft.path}: {', '.join(draft.stale)}", err=True)
    return 0
