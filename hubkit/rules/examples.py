"""HUB3xx: examples in the text that ``torch.hub.help`` prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.analysis import find_code, find_snippets, select_own, syntax_problem
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, Finding, RepoFacts

_PYTHON = ("python", "py", "python3", "pycon")
_PROMPT = re.compile(r"^[ \t]*(>>>|\.\.\.) ?(.*)$", re.MULTILINE)
# What readers type elsewhere than in Python.
_SHELL = re.compile(r"^\s*(?:[!%$#]|pip |git |python |cd |conda |wget |curl |bash |sh )")


@rule("HUB307", "bad-example", "warning", preview=True)
def bad_example(repo: RepoFacts) -> Iterator[Finding]:
    """An example in a docstring is no Python, or loads what the repo does not have.

    `torch.hub.help` prints it, and readers copy it.

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

    Blocks that are fenced as python and lines after `>>>` are read. A snippet that loads from
    another repo is that repo's affair.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    names = frozenset(entry.name for entry in hubconf.entrypoints)
    known = names | {leak.name for leak in hubconf.leaks}
    shown = [
        (entry, one)
        for entry in hubconf.entrypoints
        for one in find_snippets(entry.docstring or "", entry.definition.path)
    ]
    own = frozenset(one.repo for one in select_own([one for _, one in shown], known))
    for entry in hubconf.entrypoints:
        problem = next(_unparsable(entry.docstring or ""), "")
        if problem:
            yield _finding(entry, f"does not parse: {problem}", "Correct it.")
    for entry, one in shown:
        is_unknown = one.entrypoint is not None and one.entrypoint not in known
        if one.repo in own and is_unknown and not one.is_pinned and not hubconf.has_dynamic_names:
            yield _finding(
                entry,
                f"loads `{one.entrypoint}`, which hubconf.py does not have",
                f"Did you mean `{entry.name}`?",
            )


def _finding(entry: Entrypoint, what: str, hint: str) -> Finding:
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
        if block.language in _PYTHON and ">>>" not in block.text:
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
        # Three dots without a prompt above are no continuation.
        if prompt == ">>>" or code:
            code.append(line)
    if code:
        yield "\n".join(code)
