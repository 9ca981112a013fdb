"""``hubkit card``: generate and update the model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from hubkit._util.console import echo, echo_data, note
from hubkit._util.text import join_words
from hubkit.commands.base import Choice, print_answer, subcommand
from hubkit.commands.complete import complete_entrypoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubkit.facts import Finding, RepoFacts
    from hubkit.publish.card import CardDraft
    from hubkit.publish.card_facts import Source
    from hubkit.rules.card_keys import Site

_SITES: dict[str, Site] = {"pytorch-hub": "pytorch-hub", "huggingface": "huggingface", "none": ""}


@subcommand(answers=True)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "site",
    type=Choice([*_SITES]),
    help="Site to write the front matter for.  [default: that of the card, or huggingface]",
)
@click.option("--file", metavar="PATH", help="Path of the card.  [default: MODEL_CARD.md]")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Conformance report (JSON) to summarize in the card.",
)
@click.option("--repo", "slug", metavar="OWNER/NAME", help="Name of the repo on GitHub.")
@click.option("--tag", metavar="TAG", help="Tag to load in the usage snippet.")
@click.option(
    "--entrypoint",
    metavar="NAME",
    help="Entrypoint to load in the usage snippet.",
    shell_complete=complete_entrypoints,
)
@click.option(
    "--set", "pairs", metavar="KEY=VALUE", multiple=True, help="Set a key of the front matter."
)
@click.option("--add", "added", metavar="PART", multiple=True, help="Add a missing part.")
@click.option(
    "--check",
    is_flag=True,
    help="Exit with code 1 if the card is out of date, without updating it.",
)
@click.option("--diff", is_flag=True, help="Show what would change without changing it.")
@click.option("--stdout", is_flag=True, help="Print the card instead of writing it.")
def command(
    path: Path,
    site: str | None,
    file: str | None,
    report: Path | None,
    slug: str | None,
    tag: str | None,
    entrypoint: str | None,
    pairs: tuple[str, ...],
    added: tuple[str, ...],
    *,
    check: bool,
    diff: bool,
    stdout: bool,
    as_json: bool,
) -> int:
    """Generate the model card, or update the generated parts.

    Entrypoints, usage, weights and dependencies come from the source and the configuration. Each
    generated part is enclosed in two comments. All other text, and existing front matter, is kept
    byte for byte. Generated parts of the README and other documents are updated, too; with --file,
    only that file is.
    """
    from hubkit.errors import UsageError
    from hubkit.publish.card import (
        CardRequest,
        check_card,
        draft_card,
        draft_others,
        find_shown,
    )
    from hubkit.publish.card_facts import Source, at_tag, gather_facts, override_source
    from hubkit.publish.repo_name import find_name

    if check + diff + stdout > 1:
        raise UsageError("--check, --diff and --stdout cannot be combined")
    if as_json and stdout:
        raise UsageError("--json and --stdout cannot be combined")
    facts = _read_facts(path)
    place = _locate_card(facts, file)
    before = _read_card(facts.root, place)
    requested = Source(slug or "", tag or "", entrypoint or "")
    _require_valid(facts, requested)
    shown = find_shown(facts.files, place, before)
    declared = _find_declared_tag(facts, shown.ref)
    source = override_source(at_tag(shown, declared), requested)
    source = structs.replace(source, repo=source.repo or find_name(facts))
    wanted: Site | None = _SITES[site] if site else None
    request = CardRequest(place, wanted, _parse_pairs(pairs), added, _conformance(report))
    gathered = gather_facts(facts, source)
    draft = draft_card(gathered, request, before)
    if stdout:
        echo_data(draft.after)
        return 0

    def choose(known: Source) -> Source:
        return override_source(at_tag(known, declared), Source(slug or "", tag or ""))

    others = draft_others(facts, place, gathered, choose, request.conformance)
    drafts = (draft, *(() if file else others))
    findings = check_card(facts, draft)
    _print_problems(draft, findings)
    if (tag or entrypoint) and not any(one.has_usage for one in drafts):
        message = (
            f"{draft.path} has no generated usage part, so --tag and --entrypoint have no effect."
        )
        echo(f"{message} To add one: --add usage", err=True)
    if as_json:
        print_answer({"cards": [_as_json(one) for one in drafts], "findings": findings})
    if check or diff:
        return max([_compare(one, show=diff and not as_json) for one in drafts])
    _write(facts, drafts)
    return 0


def _as_json(draft: CardDraft) -> dict[str, object]:
    is_current = draft.before == draft.after
    state = "current" if is_current else "missing" if draft.before is None else "stale"
    stale = () if is_current else draft.stale
    return {"path": draft.path, "state": state, "stale": stale, "lacking": draft.lacking}


def _read_facts(path: Path) -> RepoFacts:
    from hubkit.analysis import read_repo
    from hubkit.commands.target import require_folder
    from hubkit.source import open_files

    require_folder(path)
    return read_repo(open_files(path))


def _locate_card(facts: RepoFacts, file: str | None) -> str:
    """The path of the card, relative to the repo."""
    from hubkit.errors import UsageError
    from hubkit.publish.card_facts import find_card

    if file is None:
        return find_card(facts) or "MODEL_CARD.md"
    root = facts.root.resolve()
    place = (root / file).resolve()
    if not place.is_relative_to(root) or place == root:
        raise UsageError(f"{file} is outside {root}", hint="Choose a file in the repo.")
    return place.relative_to(root).as_posix()


def _read_card(root: Path, place: str) -> bytes | None:
    from hubkit._util.paths import read_inside
    from hubkit.errors import UsageError

    try:
        return read_inside(root, place)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"Cannot read {root / place}: {error.strerror or error}") from None


def _find_declared_tag(facts: RepoFacts, shown: str) -> str:
    """The tag of the version that files declare, as for `hubkit release`; "" without one."""
    from hubkit.publish.release import find_previous_tag
    from hubkit.source.git import find_git
    from hubkit.source.project import read_versions
    from hubkit.source.tags import declared_tag

    git = find_git(facts.root)
    previous = find_previous_tag(git, None) if git else ""
    return declared_tag(read_versions(facts.files, facts.packages), previous or shown)


def _require_valid(facts: RepoFacts, requested: Source) -> None:
    """Check the repo, the tag and the entrypoint that the user passed.

    Raises:
        UsageError: One is not valid.
    """
    from hubkit.errors import UsageError, entrypoint_not_found
    from hubkit.publish.repo_name import is_usable_ref, require_name

    hubconf = facts.hubconf
    if requested.entrypoint and hubconf and not hubconf.entrypoint(requested.entrypoint):
        names = hubconf.names
        raise entrypoint_not_found(requested.entrypoint, names, "is not in the hubconf")
    if requested.ref and not is_usable_ref(requested.ref):
        raise UsageError(
            f"{requested.ref!r} cannot be used as a tag in owner/name:tag",
            hint="For example: --tag v1.0",
        )
    if requested.repo:
        require_name(requested.repo)


def _parse_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    from hubkit.errors import UsageError

    fields = {}
    for text in pairs:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(
                f"{text!r} is not KEY=VALUE", hint="For example: --set tags=vision,audio"
            )
        fields[key.strip()] = value
    return fields


def _conformance(report: Path | None) -> str | None:
    """The table of a report; None without one."""
    from hubkit.conformance import read_report, render_markdown

    return None if report is None else render_markdown(read_report(report))


def _print_problems(draft: CardDraft, findings: Sequence[Finding]) -> None:
    """Print which parts are missing, and what its site would reject."""
    if draft.lacking and draft.after != draft.before:
        parts = " ".join(f"--add {name}" for name in draft.lacking)
        note(f"{draft.path} has no {join_words(draft.lacking, 'or')}. To add: {parts}")
    for finding in findings:
        line = finding.location.line if finding.location else 1
        echo(f"{draft.path}:{line}: {finding.code} {finding.message}", err=True)


def _compare(draft: CardDraft, *, show: bool) -> int:
    from hubkit.lint import FileChange, render_diff

    if draft.before == draft.after:
        note(f"{draft.path} is up to date.")
        return 0
    if show:
        change = FileChange(draft.before or b"", draft.after)
        echo_data(render_diff({draft.path: change}))
    else:
        what = "is missing" if draft.before is None else f"is out of date: {', '.join(draft.stale)}"
        echo(f"{draft.path} {what}. To update it, run `hubkit card`.", err=True)
    return 1


def _write(facts: RepoFacts, drafts: tuple[CardDraft, ...]) -> None:
    from hubkit.lint import FileChange, write_changes

    changed = [one for one in drafts if one.before != one.after]
    write_changes(facts.root, {one.path: FileChange(one.before, one.after) for one in changed})
    for one in drafts:
        if one not in changed:
            note(f"{one.path} is up to date.")
        elif one.before is None:
            note(f"Wrote {one.path}.")
        else:
            note(f"Updated {one.path}: {join_words(one.stale)}.")
