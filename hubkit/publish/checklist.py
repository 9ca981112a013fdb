"""The checklist of a release: one function for each requirement, in the order of `CHECKS`."""

from __future__ import annotations

import re
import sys
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from hubkit._util.paths import is_inside
from hubkit._util.text import join_words, plural
from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.conformance import read_report
from hubkit.errors import HubkitError, UsageError
from hubkit.facts import NOT_REPRESENTATIVE
from hubkit.limits import MIB
from hubkit.lint import lint_repo
from hubkit.publish.card import (
    CardRequest,
    check_card,
    draft_card,
    draft_others,
    find_shown,
    find_source,
)
from hubkit.publish.card_facts import at_tag, find_card, find_checkpoints, gather_facts, may_match
from hubkit.publish.release import (
    ChecklistItem,
)
from hubkit.publish.repo_name import find_name, is_usable_ref, read_own_snippets
from hubkit.rules.published import HOST_FILE_BYTES
from hubkit.rules.weights import hash_digits
from hubkit.source import open_commit, open_files
from hubkit.source.git import find_unpushed
from hubkit.source.project import PLACEHOLDER_OWNER, read_remote, select_licenses
from hubkit.source.tags import (
    allows_breaking,
    bare_version,
    following_tag,
    next_version,
    parse_version,
)
from hubkit.source.worktree import read_changes
from hubkit.torchhub import arguments_with_weights, weights_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from hubkit.facts import ConformanceReport, Finding, Location, Snippet
    from hubkit.publish.card import CardDraft
    from hubkit.publish.card_facts import Checkpoint, Source
    from hubkit.publish.release import ReleaseContext, State
    from hubkit.source.git import Git

_SHOWN = 3  # examples in one message
_DIGITS_SHOWN = 8
# What torch.hub, and people, take for a commit.
_LIKE_A_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SHA = re.compile(r"[0-9a-f]{40,64}")
_CHANGELOG = re.compile(
    r"(?:change(?:s|log)|history|news|releases?)(?:\.(?:md|rst|txt))?", re.IGNORECASE
)
_DOCUMENT = re.compile(r".*\.(?:md|markdown|rst|cff)", re.IGNORECASE)
_EXAMPLES = "C215"
_SUITE = "pytest --hubconf --hubconf-report conformance.json"
_ASSET = re.compile(r"https://github\.com/([^/]+/[^/]+)/releases/download/([^/]+)/[^/]+")
_SHORTEST_HASH = 6  # digits; torch.hub compares as many as there are
# Folders in which files wait to be uploaded.
_UPLOADS = ("", "dist", "weights", "checkpoints", "release", "releases", "build", "models")


class Asset(Struct, frozen=True):
    """A file that the code downloads from the release.

    Attributes:
        name: Its name.
        path: The local file, relative to the repo; "" if there is none.
    """

    name: str
    path: str


def run_checks(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Check each requirement of a release, one after the other.

    Args:
        context: The commit to release.
    """
    for check in CHECKS:
        yield from check(context)


def find_assets(context: ReleaseContext) -> tuple[Asset, ...]:
    """The files that the code downloads from the release to create."""
    found: dict[str, Asset] = {}
    for one in list_checkpoints(context):
        asset = _ASSET.fullmatch(one.url)
        if asset and asset[2] == context.tag and asset[1].lower() == context.repo.lower():
            local = find_local(context.root, one.name)
            path = local.relative_to(context.root).as_posix() if local else ""
            found[one.name] = Asset(one.name, path)
    return tuple(found.values())


def find_local_weights(context: ReleaseContext) -> dict[str, str]:
    """The files on this machine that the code downloads, by name."""
    found = ((one.name, find_local(context.root, one.name)) for one in list_checkpoints(context))
    return {name: str(path.resolve()) for name, path in found if path}


def _check_work_tree(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """All changes are committed."""
    changes = read_changes(context.git)
    changed = changes.tracked
    where = f"on {context.branch}" if context.branch else "HEAD is detached; only the tag keeps it"
    if changed:
        differ = "differs" if len(changed) == 1 else "differ"
        yield ChecklistItem(
            "working tree",
            "missing",
            f"{plural(len(changed), 'file')} {differ} from the commit: {_some(changed)}",
            "git commit -a, or git stash; if a filter rewrites files, run git status first",
        )
    elif changes.untracked:
        yield ChecklistItem(
            "working tree",
            "note",
            f"{context.sha[:10]}, {where}; untracked: {_some(changes.untracked)}",
            "git add the files that belong to the release, and ignore the others",
        )
    else:
        yield ChecklistItem("working tree", "ok", f"clean, {context.sha[:10]}, {where}")


def _check_name(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """The files, git's origin and the release use the same name: URLs of weights contain it."""
    used, origin = find_name(context.facts), read_remote(context.root)
    if used.startswith(f"{PLACEHOLDER_OWNER}/"):
        yield ChecklistItem(
            "name",
            "missing",
            f"the files use the placeholder {used}",
            f"replace {PLACEHOLDER_OWNER} by the owner: git grep -n {PLACEHOLDER_OWNER}",
        )
    elif not context.repo:
        yield ChecklistItem("name", "note", "the repo's name is unknown", "--repo owner/name")
    elif used and used.lower() != context.repo.lower():
        message = f"the files use {used}, not {context.repo}"
        yield ChecklistItem("name", "note", message, "use one name everywhere")
    elif origin and origin.lower() != context.repo.lower():
        message = f"{context.repo}, but git's origin is {origin}"
        yield ChecklistItem("name", "note", message, "use one name, unless this is a fork")
    else:
        yield ChecklistItem("name", "ok", context.repo)


def _check_tag(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """The tag can be created, and is not ambiguous."""
    if not context.tag:
        message = "no file declares a version to name it after"
        yield ChecklistItem(
            "tag", "missing", message, f"--tag {following_tag(context.previous_tag)}"
        )
        return
    problem = _tag_problem(context)
    if problem:
        yield ChecklistItem("tag", "missing", problem, _another_tag(context))
    elif context.tag in context.tags:
        yield ChecklistItem("tag", "ok", f"{context.tag} exists at this commit")
    else:
        yield ChecklistItem("tag", "ok", f"{context.tag} is not taken in this clone")


def _another_tag(context: ReleaseContext, tag: str = "") -> str:
    """How to release with another tag: files that declare the version come first."""
    version = bare_version(context.tag)
    declaring = [path for path, declared in context.versions.items() if declared == version]
    if not declaring:
        return f"choose another tag: --tag {tag or 'vX.Y.Z'}"
    to = f" to {bare_version(tag)}" if tag else ""
    return f"raise the version in {_some(declaring)}{to}, and commit it"


def _tag_problem(context: ReleaseContext) -> str:
    """Why the tag cannot be created or would be ambiguous; "" if it is fine."""
    name = context.tag
    status = context.git.try_to("check-ref-format", f"refs/tags/{name}").returncode
    if status or name.startswith("-"):
        return f"{name!r} is not a valid name of a git tag"
    if not is_usable_ref(name):
        return f"{name!r} cannot be used in owner/name:tag"
    if _LIKE_A_COMMIT.fullmatch(name):
        return f"{name!r} looks like a commit"
    if name in context.branches:
        return f"there is a branch {name} too, so torch.hub could load either"
    taken = context.tags.get(name)
    if taken and taken != context.sha:
        return f"{name} exists at {taken[:10]}; a published tag must not move"
    return ""


def _check_versions(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Every version in a file is that of the tag."""
    wanted = bare_version(context.tag)
    others = {path: version for path, version in context.versions.items() if version != wanted}
    if not context.versions:
        yield ChecklistItem("versions", "ok", "no file declares one")
    elif not context.tag or not others:
        yield ChecklistItem("versions", "ok", f"{wanted} in {_some(context.versions)}")
    else:
        listed = [f"{path} declares {version}" for path, version in others.items()]
        message = join_words([*listed, f"the tag is {context.tag}"])
        yield ChecklistItem("versions", "missing", message, "make them equal")


def _check_changelog(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """The changelog mentions the version."""
    files, version = context.facts.files, bare_version(context.tag)
    paths = [*sorted(files.names("")), *(f"docs/{name}" for name in sorted(files.names("docs")))]
    path = next((one for one in paths if _CHANGELOG.fullmatch(one.rpartition("/")[2])), None)
    if path is None:
        yield ChecklistItem("changelog", "ok", "the repo has none")
    elif version:
        text = files.read_text(path).replace(f"v{version}", version)
        if re.search(rf"(?<![\w.]){re.escape(version)}(?![\w]|\.\d)", text):
            yield ChecklistItem("changelog", "ok", f"{path} mentions {version}")
        else:
            message = f"{path} does not mention {version}"
            yield ChecklistItem("changelog", "missing", message, "describe the changes")


def _check_breaking(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Calls that worked with the previous tag still work, or the version says that they may not."""
    previous = context.previous_tag
    if not previous:
        message = "this clone is shallow, so the previous tag is unknown"
        yield (
            ChecklistItem("breaking changes", "note", message, "git fetch --unshallow --tags")
            if _is_shallow(context.git)
            else ChecklistItem("breaking changes", "ok", "there is no earlier tag")
        )
        return
    before = read_repo(open_commit(context.root, previous))
    facts = structs.replace(context.facts, before=before)
    config = structs.replace(context.config, select=("HUB209",), extend_select=())
    found = [one for one in lint_repo(facts, config).findings if one.severity != "info"]
    yield _compare_versions(context, found)


def _is_shallow(git: Git) -> bool:
    return git.ask("rev-parse", "--is-shallow-repository").strip() == b"true"


def _compare_versions(context: ReleaseContext, found: list[Finding]) -> ChecklistItem:
    """Whether the step from the previous tag to the tag allows the breaking changes.

    Those of severity warning, such as a new default, do not require it.
    """
    previous, topic = context.previous_tag, "breaking changes"
    old, new = parse_version(previous), parse_version(context.tag)
    errors = [one for one in found if one.severity == "error"]
    listed = _some(one.message for one in errors or found)
    if (old is None or new is None) and found:
        names = _some(name for name in (previous, context.tag) if parse_version(name) is None)
        message = f"{listed}; {names or 'the tag'} is not a version, so it cannot announce them"
        action = f"hubkit check --against {previous} lists them"
        return ChecklistItem(topic, "note", message, action)
    if old is None or new is None:
        return ChecklistItem(topic, "ok", f"none since {previous}")
    prefix = "" if previous[:1].isdigit() else "v"
    following = f"{prefix}{next_version(old, breaking=bool(found))}"
    if new < old or (new == old and context.tag not in context.tags):
        message = f"{context.tag} is not newer than {previous}"
        return ChecklistItem(topic, "missing", message, _another_tag(context, following))
    if found and not allows_breaking(new, old):
        message = f"{listed}; {context.tag} announces no breaking changes"
        action = f"{_another_tag(context, following)}, or restore them: "
        action += f"hubkit check --against {previous}"
        return ChecklistItem(topic, "missing" if errors else "note", message, action)
    if found:
        message = f"{plural(len(found), 'change')} since {previous}, announced by {context.tag}"
        return ChecklistItem(topic, "ok", message)
    return ChecklistItem(topic, "ok", f"none since {previous}")


def _check_lint(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """`hubkit check` passes on the commit, and in the working tree if that is the same."""
    report, command = lint_repo(context.facts, context.config), "hubkit check --ref HEAD"
    failing = [one for one in report.findings if report.fails(one)]
    if not failing and not read_changes(context.git).tracked:
        # Only the working tree has the files that the commit lacks.
        command = "hubkit check"
        report = lint_repo(read_repo(open_files(context.root)), context.config)
        failing = [one for one in report.findings if report.fails(one)]
    if failing:
        message = f"{plural(len(failing), 'finding')}: {_some(map(_code_and_place, failing))}"
        yield ChecklistItem("check", "missing", message, command)
    else:
        suppressed = f", {len(report.suppressed)} suppressed" if report.suppressed else ""
        message = f"{plural(len(report.rules), 'rule')} passed{suppressed}"
        yield ChecklistItem("check", "ok", message)


def _code_and_place(finding: Finding) -> str:
    return f"{finding.code} {_place(finding.location)}" if finding.location else finding.code


def _place(location: Location) -> str:
    return f"{location.path}:{location.line}"


def _check_license(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """There is a license file."""
    found = select_licenses(context.facts.files.names(""))
    if found:
        yield ChecklistItem("license", "ok", _some(found))
    else:
        message = "there is no license file, so others may not use the code or the weights"
        yield ChecklistItem("license", "missing", message, "add a file LICENSE, then commit it")


def _check_files(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """GitHub accepts every file, also those that only earlier commits have."""
    files, most = context.facts.files, f"{HOST_FILE_BYTES // MIB} MiB"
    entries = files.large_entries(sys.maxsize, HOST_FILE_BYTES)
    present = [one.path for one in entries if one.size > HOST_FILE_BYTES]
    sent = find_unpushed(context.git, context.sha, HOST_FILE_BYTES)
    earlier = [path for path in sent if path not in present]
    if present or earlier:
        listed = [*present, *(f"{path} in commits that are not pushed yet" for path in earlier)]
        message = f"GitHub rejects pushes of files above {most}: {_some(listed)}"
        action = "remove them from all commits that you push, for example with git rebase -i, and "
        action += "attach weights to the release: hubkit weights add FILE --to dist"
        yield ChecklistItem("files", "missing", message, action)
    else:
        yield ChecklistItem(
            "files", "ok", f"{plural(len(files.paths()), 'file')}, none above {most}"
        )


def _check_weights(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Checkpoints match their names and their records in the configuration."""
    found = [one for one in list_checkpoints(context) if one.url or one.path]
    problems = [item for one in found for item in _weights_problems(one, context)]
    problems += _late_uploads(found, context)
    yield from dict.fromkeys(problems)
    if not found:
        yield ChecklistItem("checkpoints", "ok", "the source mentions none")
    elif not problems:
        match = "matches its record" if len(found) == 1 else "match their records"
        yield ChecklistItem("checkpoints", "ok", f"{plural(len(found), 'file')} {match}")


def list_checkpoints(context: ReleaseContext) -> tuple[Checkpoint, ...]:
    """The checkpoints that the code of the commit may load."""
    hubconf = context.facts.hubconf
    return tuple(find_checkpoints(context.facts, hubconf, context.config)) if hubconf else ()


def _weights_problems(one: Checkpoint, context: ReleaseContext) -> Iterator[ChecklistItem]:
    yield from _record_problems(one, context)
    digits = hash_digits(one.name) or ""
    is_named = len(digits) >= _SHORTEST_HASH
    tag = _release_of(one, context)
    if one.url and not is_named:
        yield ChecklistItem(
            "checkpoints",
            "missing" if tag else "note",
            f"the name {one.name} contains no hash, so torch.hub cannot check the file",
            f"{_add_command(one)}, and publish the copy",
        )
    if tag:
        yield from _asset_problems(one, tag, context)
    if one.path and is_named and not may_match(one.sha256, digits):
        message = f"{one.path} does not match its name: its sha256 starts with "
        message += one.sha256[:_DIGITS_SHOWN]
        yield ChecklistItem("checkpoints", "missing", message, "rename it, or restore it")


def _release_of(one: Checkpoint, context: ReleaseContext) -> str:
    """The tag of the release of this repo that a URL names; "" for other URLs."""
    asset = _ASSET.fullmatch(one.url)
    return asset[2] if asset and asset[1].lower() == context.repo.lower() else ""


def _late_uploads(found: list[Checkpoint], context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Files that have to be attached to a release that exists: users of its tag load others."""
    tags = {one: _release_of(one, context) for one in found}
    old = {tag for tag in tags.values() if context.tags.get(tag, context.sha) != context.sha}
    if not old:
        return
    earlier = {tag: _list_earlier(tag, context) for tag in {*old, context.previous_tag} - {""}}
    for one, tag in tags.items():
        sources = [earlier[name] for name in (tag, context.previous_tag) if name in earlier]
        known = [other for files in sources for other in files or ()]
        if tag not in old or any(_is_same_file(one, other) for other in known):
            continue
        message = f"{one.name} would have to be attached to {tag}, which exists without it"
        if (
            earlier[tag] is None or parse_version(tag) is None
        ):  # a tag for files, or before hubconf.py
            action = "make sure that this release has the file"
            yield ChecklistItem("checkpoints", "note", message, action)
            continue
        local = find_local(context.root, one.name)
        path = local.relative_to(context.root).as_posix() if local else "FILE"
        first = "raise the version, then " if context.tag == tag else ""
        action = f"{first}hubkit weights add {path} --wire {one.entrypoint or 'ENTRYPOINT'}"
        yield ChecklistItem("checkpoints", "missing", message, action)


def _list_earlier(tag: str, context: ReleaseContext) -> tuple[Checkpoint, ...] | None:
    """The checkpoints that the code of a tag may load; None if its hubconf cannot be read."""
    try:
        facts = read_repo(open_commit(context.root, tag))
        config = read_config(facts.files)
    except HubkitError:
        return None
    return tuple(find_checkpoints(facts, facts.hubconf, config)) if facts.hubconf else None


def _is_same_file(one: Checkpoint, other: Checkpoint) -> bool:
    known = one.sha256 and other.sha256
    return one.url == other.url and (not known or may_match(one.sha256, other.sha256))


def _record_problems(one: Checkpoint, context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Records of the entrypoint that do not match the file that it loads."""
    entry = context.config.entrypoint(one.entrypoint)
    records = [case.weights for case in (entry, *entry.cases.values()) if case.weights]
    digests = [record.sha256 for record in records if record.sha256]
    if one.sha256 and len(digests) == 1 and not may_match(one.sha256, digests[0]):
        yield ChecklistItem(
            "checkpoints",
            "missing",
            f"the sha256 of {one.path or one.name} is {one.sha256[:_DIGITS_SHOWN]}…, but "
            f"{context.config.path} records {digests[0][:_DIGITS_SHOWN]}… for {one.entrypoint}",
            f"{_add_command(one)}, or correct the code",
        )
    sizes = [record.bytes for record in records if record.bytes is not None]
    if one.path and one.size is not None and len(sizes) == 1 and one.size != sizes[0]:
        message = f"{one.path} has {one.size:,} bytes, but {context.config.path} records "
        message += f"{sizes[0]:,}"
        yield ChecklistItem("checkpoints", "missing", message, _add_command(one))


def _asset_problems(one: Checkpoint, tag: str, context: ReleaseContext) -> Iterator[ChecklistItem]:
    """What is wrong with a URL of a file of this repo's releases."""
    from hubkit.hubdir import sha256_of

    if context.tag and tag != context.tag and tag not in context.tags:
        message = f"the URL of {one.name} names the release {tag}, but there is no such tag"
        yield ChecklistItem("checkpoints", "missing", message, f"correct the URL, or --tag {tag}")
    local = find_local(context.root, one.name)
    digits = hash_digits(one.name) or ""
    wanted = one.sha256 if may_match(one.sha256, digits) else digits
    if local is None and tag == context.tag:
        message = f"{one.name} must be attached to {tag}, but is in none of the usual folders"
        yield ChecklistItem("checkpoints", "note", message, "have the file ready")
    elif local and wanted and not may_match(sha256_of(local), wanted):
        path = local.relative_to(context.root).as_posix()
        message = f"{path} does not match its {'name' if wanted == digits else 'record'}"
        yield ChecklistItem("checkpoints", "missing", message, "restore the file, or remove it")


def _add_command(one: Checkpoint) -> str:
    option = f" --entrypoint {one.entrypoint}" if one.entrypoint else ""
    return f"hubkit weights add {one.path or 'FILE'}{option}"


def find_local(root: Path, name: str) -> Path | None:
    """A file that waits to be uploaded; None if no folder for these has it."""
    places = (root / folder / name for folder in _UPLOADS)
    return next((path for path in places if path.is_file() and is_inside(root, path)), None)


def _check_card(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """The model card is up to date."""
    path = find_card(context.facts)
    if not path:
        message = "there is no model card"
        yield ChecklistItem("card", "missing", message, "hubkit card, then commit it")
        return
    before = context.facts.files.read(path)
    try:
        shown = find_shown(context.facts.files, path, before)
        gathered = gather_facts(context.facts, _at_tag(shown, context))
        draft = draft_card(gathered, CardRequest(path), before)
        choose = partial(_at_tag, context=context)
        drafts = (draft, *draft_others(context.facts, path, gathered, choose))
    except UsageError as error:
        yield ChecklistItem("card", "missing", error.message.rstrip("."), error.hint)
        return
    if not draft.has_parts:
        message = f"{path} has no parts that hubkit generates"
        yield ChecklistItem("card", "note", message, "hubkit card adds those that it lacks")
    stale = [one for one in drafts if one.has_parts and one.after != one.before]
    findings = check_card(context.facts, draft)
    if stale:
        listed = _some(f"{one.path} is out of date: {join_words(one.stale)}" for one in stale)
        option = (
            f" --tag {context.tag}" if any(_is_at_another(one, context) for one in stale) else ""
        )
        yield ChecklistItem("card", "missing", listed, f"hubkit card{option}, then commit it")
    elif findings:
        message = f"{path}: {_some(map(_code_and_place, findings))}"
        yield ChecklistItem("card", "missing", message, "hubkit check --select HUB8")
    elif draft.has_parts:
        verb = "are" if len(drafts) > 1 else "is"
        listed = join_words(one.path for one in drafts)
        yield ChecklistItem("card", "ok", f"{listed} {verb} up to date")


def _at_tag(source: Source, context: ReleaseContext) -> Source:
    """What a snippet of the release should load."""
    source = structs.replace(source, repo=source.repo or context.repo)
    return at_tag(source, context.tag, context.tags)


def _is_at_another(draft: CardDraft, context: ReleaseContext) -> bool:
    source = find_source(draft.before)
    return source != _at_tag(source, context)


def _check_snippets(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Every tag in a snippet exists or is that of the release, and one shows the weights."""
    own = [one for one in read_own_snippets(context.facts) if one.entrypoint]
    known = {*context.tags, *context.branches, context.tag, ""}
    gone = [
        one
        for one in own
        if not (one.ref in known or _SHA.fullmatch(one.ref) or _is_generated(one, context))
    ]
    if gone:
        listed = _some(f"{_place(one.location)} loads {one.ref}" for one in gone)
        is_partial = not context.tags and _is_shallow(context.git)
        yield ChecklistItem(
            "snippets",
            "note" if is_partial else "missing",
            f"{listed}, but there is no such tag",
            "git fetch --tags" if is_partial else f"load {context.tag or 'an existing tag'}",
        )
    unused = _unused_weights(context, own)
    if own and unused:
        message = f"no document shows how to load the weights: {_some(unused)}"
        yield ChecklistItem("snippets", "note", message, "hubkit card --add usage")
    if own and not (gone or unused):
        yield ChecklistItem("snippets", "ok", f"{plural(len(own), 'call')} in documents")


def _is_generated(one: Snippet, context: ReleaseContext) -> bool:
    """Whether a snippet is in a generated part, which the card's item compares."""
    lines = context.facts.files.read_text(one.location.path).splitlines()
    before = [line for line in lines[: one.location.line] if "<!-- hubkit:" in line]
    return bool(before) and "hubkit:begin" in before[-1]


def _unused_weights(context: ReleaseContext, own: Iterable[Snippet]) -> list[str]:
    """The calls that load weights, if every snippet calls entrypoints without them."""
    hubconf = context.facts.hubconf
    calls = []
    for entry in hubconf.entrypoints if hubconf else ():
        parameters, config = entry.parameters or (), context.config.entrypoint(entry.name)
        arguments = arguments_with_weights(weights_defaults(parameters), config) or {}
        defaults = {one.name: one.default for one in parameters}
        shown = [one for one in own if one.entrypoint == entry.name]
        needed = {
            name: value
            for name, value in arguments.items()
            if name not in config.call and defaults.get(name) != repr(value)
        }
        names = [one.name for one in parameters]
        passed_by = [{*one.keywords, *names[: one.positional]} for one in shown]
        if shown and needed and not any(needed.keys() & one for one in passed_by):
            passed = ", ".join(f"{name}={value!r}" for name, value in needed.items())
            calls.append(f"{entry.name}({passed})")
    return calls


def _check_conformance(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """The conformance suite passed on this very commit."""
    required, topic = context.request.level, "conformance"
    if not required:
        yield ChecklistItem(topic, "note", "not required", "--level 1 requires the protocol")
        return
    if context.request.report is None:
        action = f"{_SUITE}, then --report conformance.json; or --conform runs it"
        yield ChecklistItem(topic, "missing", "there is no report of the suite", action)
        return
    report = read_report(context.request.report)
    problem = _report_problem(report, context)
    if problem:
        yield ChecklistItem(topic, "missing", problem, _SUITE)
        return
    yield from check_tried_weights(report)
    if report.level < required:
        message = f"level {report.level} of the required {required}: {_obstacles(report, required)}"
        action = f"hubkit conform --from {context.request.report} shows the failures"
        yield ChecklistItem(topic, "missing", message, action)
    else:
        same = report.commit == context.sha
        at = "at this commit" if same else "at a commit that differs in documents only"
        yield ChecklistItem(topic, "ok", f"level {report.level}, {at}")
        yield from _example_problems(report)


def check_tried_weights(report: ConformanceReport) -> Iterator[ChecklistItem]:
    """Whether each entrypoint was called with its weights. No level below 3 requires it."""
    for one in report.cases:
        weights = one.weights
        if weights is None:
            continue
        call = weights.call or one.label
        reason = _first_reason(weights.reason).removeprefix("not tried: ")
        reason = reason.removeprefix(f"{call} fails: ")
        if reason.startswith(f"{call} "):
            reason = f"it{reason.removeprefix(call)}"
        if weights.verdict == "tried":
            listed = f", with {_some(file.path for file in weights.files)}" if weights.files else ""
            yield ChecklistItem("weights", "ok", f"tried: {call}{listed}")
        elif weights.verdict == "failed":
            message = f"{call} was tried and fails: {reason}"
            yield ChecklistItem(
                "weights", "missing", message, "hubkit conform -v shows the failure"
            )
        else:
            state: State = "note" if reason == NOT_REPRESENTATIVE else "missing"
            action = (
                "hubkit conform --all" if state == "note" else f"{_SUITE} --hubconf-weights=DIR"
            )
            yield ChecklistItem("weights", state, f"not tried: {call}: {reason}", action)


def _first_reason(text: str) -> str:
    """The first line of a message, and the next one if it ends with a colon, as torch's do."""
    first, _, rest = text.partition("\n")
    following = rest.strip().partition("\n")[0] if first.endswith(":") else ""
    return f"{first} {following}".strip().rstrip(".")


def _example_problems(report: ConformanceReport) -> Iterator[ChecklistItem]:
    """Examples that do not run. No level requires them to run, but a release does."""
    checks = [check for one in report.cases for check in one.checks if check.code == _EXAMPLES]
    broken = [one.reason for one in checks if one.outcome in ("unsupported", "failed")]
    if broken:
        message = _some(dict.fromkeys(reason.partition("\n")[0] for reason in broken)).rstrip(".")
        yield ChecklistItem("examples", "missing", message, f"hubkit explain {_EXAMPLES}")


def _report_problem(report: ConformanceReport, context: ReleaseContext) -> str:
    """Why a report does not count for the commit; "" if it does."""
    if report.commit != context.sha and not _differs_in_documents_only(report.commit, context):
        of = f"commit {report.commit[:10]}" if report.commit else "no commit"
        return f"the report is for {of}, not for {context.sha[:10]}"
    if report.uncommitted:
        files = plural(report.uncommitted, "file")
        return f"the report includes {files} that the commit lacks: commit or ignore what git status lists"
    if report.interrupted:
        return "the report is of a run that was interrupted"
    return "" if report.cases else "the report is of a run without entrypoints"


def _differs_in_documents_only(commit: str, context: ReleaseContext) -> bool:
    """Whether only documents changed since, as when the report's table was added to the card."""
    if not _SHA.fullmatch(commit):
        return False
    done = context.git.try_to(
        "diff-tree", "-r", "--name-only", "-z", "--no-renames", commit, context.sha
    )
    changed = [path for path in done.stdout.decode("utf-8", "replace").split("\0") if path]
    return not done.returncode and all(_DOCUMENT.fullmatch(path) for path in changed)


def _obstacles(report: ConformanceReport, required: int) -> str:
    """What keeps the report below a level, in a few words."""
    reasons = []
    for one in (report.whole, *report.cases):
        for level in range(1, required + 1):
            failed = one.codes(level, "failed")
            codes = failed or one.codes(level, "skipped") or one.missed(level)
            if codes:
                verb = "failed" if failed else "did not run"
                reasons.append(f"{one.label or 'the repo'}: {_some(codes)} {verb}")
    return _some(reasons) or "no check ran"


def _some(words: Iterable[str]) -> str:
    """The first few words, and the number of the others."""
    return join_words(words, most=_SHOWN)


CHECKS: tuple[Callable[[ReleaseContext], Iterator[ChecklistItem]], ...] = (
    _check_work_tree,
    _check_name,
    _check_tag,
    _check_versions,
    _check_changelog,
    _check_breaking,
    _check_lint,
    _check_license,
    _check_files,
    _check_weights,
    _check_card,
    _check_snippets,
    _check_conformance,
)
