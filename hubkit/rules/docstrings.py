"""HUB3xx: docstrings, the text that ``torch.hub.help`` prints."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import closest, quoted
from hubkit.analysis import find_code, find_snippets, read_docstring, select_own, syntax_problem
from hubkit.rules.fixes import (
    add_help,
    document_parameters,
    remove_leftover,
    rename_documented,
    write_docstring,
)
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, Finding, RepoFacts


# How entrypoints are made whose help is that of another object, or empty.
_WITHOUT_OWN_HELP = ("partial", "lambda")
_LEFTOVER = re.compile(
    r"^.*\bdocstring shows up in (?:torch\.)?hub\.help.*$|\b(?:TODO|FIXME|XXX)\b.*$"
    r"|\[(?:summary|description|type)\]|_(?:summary|description|type)_|<[a-z]+ (?:here|goes here)>",
    re.MULTILINE | re.IGNORECASE,
)


@rule(
    "HUB301",
    "missing-docstring",
    "warning",
    fixable="sometimes",
    applicability="unsafe",
    several="{count} entrypoints have no docstring, so torch.hub.help shows nothing",
)
def missing_docstring(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint has no docstring.

    `torch.hub.help` shows only the docstring: no signature and no defaults. Without a docstring,
    users have to read the source to call the model.

    Bad:
        def unet(pretrained=False):
            ...

    Good:
        def unet(pretrained=False):
            \"""U-Net for binary segmentation of MRI slices.

            Args:
                pretrained: Load weights trained on LGG (31 MB).
            \"""
            ...

    The docstring of a re-exported entrypoint belongs to its definition.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        # Without parameters, the definition was not found, and neither was its docstring.
        is_found = entry.parameters is not None and entry.made_by not in _WITHOUT_OWN_HELP
        if is_found and not (entry.docstring or "").strip():
            yield missing_docstring.finding(
                f"`{entry.name}` has no docstring, so torch.hub.help shows nothing",
                entry.definition,
                entrypoint=entry.name,
                hint="Document what it returns and what its parameters mean.",
                fix=partial(write_docstring, repo, entry),
            )


@rule(
    "HUB302",
    "undocumented-parameter",
    "warning",
    fixable="sometimes",
    applicability="unsafe",
    several="the docstrings of {count} entrypoints do not mention all parameters",
)
def undocumented_parameter(repo: RepoFacts) -> Iterator[Finding]:
    """The docstring of an entrypoint does not mention a parameter.

    `torch.hub.help` prints the docstring without the signature, so users do not learn that the
    parameter exists.

    Bad:
        def unet(pretrained=False, width=64):
            \"""U-Net.

            Args:
                pretrained: Load weights.
            \"""

    Good:
        def unet(pretrained=False, width=64):
            \"""U-Net.

            Args:
                pretrained: Load weights.
                width: Channels of the first layer; must be 64 when pretrained.
            \"""

    Any docstring style counts, and so does a sentence that names the parameter. `*args`, `**kwargs`
    and names with a leading underscore are not reported.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        names = _undocumented(entry)
        if names:
            yield undocumented_parameter.finding(
                f"the docstring of `{entry.name}` does not mention {quoted(names)}",
                entry.definition,
                entrypoint=entry.name,
                hint="Document it under `Args:`. torch.hub.help does not show the signature."
                if len(names) == 1
                else "Document them under `Args:`. torch.hub.help does not show the signature.",
                fix=partial(document_parameters, repo, entry, names, _misspelled(entry)),
            )


@rule(
    "HUB303",
    "unknown-parameter",
    "warning",
    preview=True,
    fixable="sometimes",
    applicability="unsafe",
)
def unknown_parameter(repo: RepoFacts) -> Iterator[Finding]:
    """The docstring of an entrypoint describes a parameter that it does not have.

    Usually the name is misspelled, or the parameter was renamed. Users who pass it get a TypeError,
    or with `**kwargs` no error at all.

    Bad:
        def unet(weights=None):
            \"""U-Net.

            Args:
                wieghts: File to load.
            \"""

    Good:
        def unet(weights=None):
            \"""U-Net.

            Args:
                weights: File to load.
            \"""

    Reported only if the name is similar to that of an undocumented parameter.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        for name, close in _misspelled(entry).items():
            yield unknown_parameter.finding(
                f"the docstring of `{entry.name}` describes `{name}`, which is not a parameter",
                entry.definition,
                entrypoint=entry.name,
                hint=f"Did you mean `{close}`?",
                fix=partial(rename_documented, repo, entry, {name: close}),
            )


@rule(
    "HUB304",
    "leftover-text",
    "info",
    fixable="sometimes",
    applicability="safe",
    several="the docstrings of {count} entrypoints contain leftover text",
)
def leftover_text(repo: RepoFacts) -> Iterator[Finding]:
    """The docstring of an entrypoint contains leftover text of a template.

    The example docstring of torch's documentation starts with a comment on docstrings, and editors
    insert templates. `torch.hub.help` shows both to users.

    Bad:
        def resnet18(pretrained=False):
            \""" # This docstring shows up in hub.help()
            Resnet18 model. TODO: describe pretrained
            \"""

    Good:
        def resnet18(pretrained=False):
            \"""ResNet-18; pretrained loads ImageNet weights.\"""
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        found = _LEFTOVER.search(entry.docstring or "")
        if found:
            yield leftover_text.finding(
                f'leftover text in the docstring of `{entry.name}`: "{found[0].strip()}"',
                entry.definition,
                entrypoint=entry.name,
                hint="Remove it. torch.hub.help shows it to users.",
                fix=partial(remove_leftover, repo, entry, found[0].strip())
                if "shows up" in found[0]
                else None,
            )


@rule(
    "HUB305",
    "generic-help",
    "warning",
    fixable="sometimes",
    applicability="unsafe",
    several="{count} entrypoints made by `functools.partial` or `lambda` have no docstring",
)
def generic_help(repo: RepoFacts) -> Iterator[Finding]:
    """An entrypoint made by `functools.partial` or `lambda` has no docstring.

    For a partial, `torch.hub.help` shows the docstring of the class `partial` ("partial(func,
    *args, **keywords) - new function with..."). For a lambda, it shows nothing.

    Bad:
        unet_small = functools.partial(_unet, width=16)

    Good:
        def unet_small(pretrained=False):
            \"""U-Net with 16 channels; pretrained loads weights.\"""
            return _unet(pretrained, width=16)

    Or assign a text to `__doc__`.
    """
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        if entry.made_by in _WITHOUT_OWN_HELP and not (entry.docstring or "").strip():
            shown = "the help of `partial`" if entry.made_by == "partial" else "nothing"
            yield generic_help.finding(
                f"torch.hub.help shows {shown} for `{entry.name}`",
                entry.location,
                entrypoint=entry.name,
                hint=f"Make it a `def` with a docstring, or assign one to `{entry.name}.__doc__`.",
                fix=partial(add_help, repo, entry),
            )


@rule("HUB306", "duplicate-help", "info", preview=True)
def duplicate_help(repo: RepoFacts) -> Iterator[Finding]:
    """Two entrypoints have the same docstring.

    Users cannot choose between the two by their help. Often the copy still names the other one.

    Bad:
        def hardnet39(pretrained=False):
            \"""HarDNet-68; pretrained loads weights.\"""

        def hardnet68(pretrained=False):
            \"""HarDNet-68; pretrained loads weights.\"""

    Good:
        def hardnet39(pretrained=False):
            \"""HarDNet-39; pretrained loads weights.\"""

        def hardnet68(pretrained=False):
            \"""HarDNet-68; pretrained loads weights.\"""

    Two names for one definition are not reported.
    """
    seen: dict[str, Entrypoint] = {}
    for entry in repo.hubconf.distinct if repo.hubconf else ():
        text = " ".join((entry.docstring or "").split())
        first = seen.setdefault(text, entry)
        if text and first.definition != entry.definition:
            yield duplicate_help.finding(
                f"`{entry.name}` has the same docstring as `{first.name}`",
                entry.definition,
                entrypoint=entry.name,
                hint="Document how they differ.",
            )


def _undocumented(entry: Entrypoint) -> list[str]:
    if not entry.docstring or not entry.docstring.strip():
        return []
    facts = read_docstring(entry.docstring)
    known = facts.described | facts.mentions
    return [
        parameter.name
        for parameter in entry.parameters or ()
        if parameter.kind not in ("var-positional", "var-keyword")
        and not parameter.name.startswith("_")
        and parameter.name not in known
    ]


def _misspelled(entry: Entrypoint) -> dict[str, str]:
    """Names that the docstring describes and that are like an undocumented parameter, with that."""
    if not entry.docstring or entry.parameters is None:
        return {}
    described = read_docstring(entry.docstring).described
    missing = _undocumented(entry)
    names = sorted(described - {parameter.name for parameter in entry.parameters})
    close = ((name, closest(name, missing, cutoff=0.75)) for name in names)
    return {name: found for name, found in close if found}


_PYTHON_FENCES = ("python", "py", "python3", "pycon")
_PROMPT = re.compile(r"^[ \t]*(>>>|\.\.\.) ?(.*)$", re.MULTILINE)
# Commands for a shell.
_SHELL = re.compile(r"^\s*(?:[!%$#]|pip |git |python |cd |conda |wget |curl |bash |sh )")


@rule("HUB307", "bad-example", "warning", preview=True)
def bad_example(repo: RepoFacts) -> Iterator[Finding]:
    """An example in a docstring has a syntax error or loads an unknown entrypoint.

    `torch.hub.help` prints the example, and users copy it.

    Bad:
        def unet(pretrained=False):
            \"""U-Net.

            >>> model = torch.hub.load("acme/unet", "unett", pretrained=True
            \"""

    Good:
        def unet(pretrained=False):
            \"""U-Net.

            >>> model = torch.hub.load("acme/unet", "unet", pretrained=True)
            \"""

    The rule checks fenced Python blocks and lines after `>>>`. Examples that load from another repo
    are not reported.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    names = frozenset(hubconf.names)
    known = names | {leak.name for leak in hubconf.leaks}
    shown = [
        (entry, one)
        for entry in hubconf.distinct
        for one in find_snippets(entry.docstring or "", entry.definition.path)
    ]
    own = frozenset(one.repo for one in select_own([one for _, one in shown], known))
    for entry in hubconf.distinct:
        problem = next(_unparsable(entry.docstring or ""), "")
        if problem:
            yield _bad_example(entry, f"does not parse: {problem}", "Fix the example.")
    for entry, one in shown:
        is_unknown = one.entrypoint is not None and one.entrypoint not in known
        if one.repo in own and is_unknown and not one.is_pinned and not hubconf.has_dynamic_names:
            yield _bad_example(
                entry,
                f"loads `{one.entrypoint}`, which is not an entrypoint",
                f"Did you mean `{entry.name}`?",
            )


def _bad_example(entry: Entrypoint, what: str, hint: str) -> Finding:
    return bad_example.finding(
        f"an example in the docstring of `{entry.name}` {what}",
        entry.definition,
        entrypoint=entry.name,
        hint=hint,
    )


def _unparsable(text: str) -> Iterator[str]:
    for code in _examples(text):
        problem = syntax_problem(code)
        if problem:
            yield problem


def _examples(text: str) -> Iterator[str]:
    from textwrap import dedent

    for block in find_code(text):
        if block.language in _PYTHON_FENCES and ">>>" not in block.text:
            lines = dedent(block.text).splitlines()
            yield "\n".join(line for line in lines if not _SHELL.match(line) or line[:1] == "#")
    session = [(found[1], found[2]) for found in _PROMPT.finditer(text)]
    code: list[str] = []
    for prompt, line in session:
        if _SHELL.match(line):
            continue
        if prompt == ">>>" and code:
            yield "\n".join(code)
            code = []
        # Three dots without a prompt above do not continue anything.
        if prompt == ">>>" or code:
            code.append(line)
    if code:
        yield "\n".join(code)
