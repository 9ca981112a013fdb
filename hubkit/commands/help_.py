"""``hubkit help``: describe an entrypoint from its source."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit._util.colors import paint
from hubkit._util.console import echo
from hubkit.commands.base import print_answer, subcommand
from hubkit.commands.complete import complete_entrypoints, complete_repos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import CheckpointUse, Entrypoint, Hubconf


@subcommand(answers=True)
@click.argument("repo", metavar="PATH|OWNER/NAME[:REF]", default=".", shell_complete=complete_repos)
@click.argument("entrypoint", metavar="ENTRYPOINT", default="", shell_complete=complete_entrypoints)
@click.option(
    "--run",
    is_flag=True,
    help="Run the hubconf of a local folder if it creates the entrypoint at run time.",
)
def command(repo: str, entrypoint: str, *, run: bool, as_json: bool) -> None:
    """Describe an entrypoint.

    Shows its signature, help text, return value, dependencies and the weights it downloads. No code
    of the repo is imported or run, unless --run is passed and the source does not show the
    entrypoint.
    """
    from hubkit.analysis import (
        read_repo,
        read_weights,
        render_signature,
        require_hubconf,
    )
    from hubkit.commands.target import is_own, locate_target, require_own_to_run
    from hubkit.errors import UsageError, entrypoint_not_found

    if not entrypoint:
        is_repo = "/" in repo or Path(repo).is_dir()
        example = f"{repo} unet" if is_repo else f". {repo}"
        raise UsageError(
            "`hubkit help` needs a repo and one of its entrypoints",
            hint=f"For example: `hubkit help {example}`. Run `hubkit list` to see the entrypoints, and"
            " `hubkit COMMAND --help` for help on a command.",
        )
    if run:
        require_own_to_run(repo)
    root = locate_target(repo)
    facts = read_repo(root, entrypoint)
    hubconf = require_hubconf(facts)
    found = hubconf.entrypoint(entrypoint)
    if found is None and hubconf.has_dynamic_names and run:
        _print_made(root, entrypoint, as_json=as_json)
        return
    if found is None:
        error = entrypoint_not_found(entrypoint, hubconf.names, "is not in the hubconf")
        if hubconf.has_dynamic_names:
            advice = "pass --run, which runs the hubconf" if is_own(repo) else "use hubkit.help"
            error.hint = f"The hubconf creates names at run time. To describe them, {advice}."
        raise error
    weights = read_weights(facts.files, hubconf, [found.name])[found.name]
    if as_json:
        print_answer(_as_json(found, hubconf, weights.downloads))
        return
    _write_text(render_signature(found), found.docstring or found.wrapped_docstring)
    for name, value in _rows(found, hubconf, weights.downloads):
        echo(paint(f"{name:10}", "bold"), "  ", value)


def _print_made(root: Path, name: str, *, as_json: bool) -> None:
    """Describe an entrypoint that only running the hubconf shows."""
    from hubkit.runtime.probe import probe_entrypoint

    made = probe_entrypoint(root, name)
    signature = f"{name}{made.signature}"
    if as_json:
        fields = {"kind": "value", "signature": signature, "docstring": made.docstring}
        print_answer({"name": name, **fields})
    else:
        _write_text(signature, made.docstring)


def _as_json(
    entrypoint: Entrypoint, hubconf: Hubconf, downloads: tuple[CheckpointUse, ...]
) -> dict[str, object]:
    from hubkit.analysis import distribution_name, render_signature

    names = hubconf.dependencies.names if hubconf.dependencies else ()
    return {
        "name": entrypoint.name,
        "kind": entrypoint.kind,
        "signature": render_signature(entrypoint),
        "parameters": entrypoint.parameters,
        "docstring": entrypoint.docstring,
        "returns": {
            "shape": entrypoint.returns.shape,
            "description": entrypoint.returns.description,
        },
        "path": entrypoint.definition.path,
        "line": entrypoint.definition.line,
        "dependencies": names,
        "distributions": [distribution_name(name) for name in names],
        "weights": [
            {"url": use.url, "file": use.file_name, "check_hash": use.check_hash}
            for use in downloads
        ],
    }


def _write_text(signature: str, docstring: str | None) -> None:
    from hubkit.analysis import render_docstring

    echo(paint(signature, "bold"))
    echo()
    for line in (render_docstring(docstring) if docstring else "(no help text)").splitlines():
        echo(f"  {line}".rstrip())
    echo()


def _rows(
    entrypoint: Entrypoint, hubconf: Hubconf, downloads: tuple[CheckpointUse, ...]
) -> Iterator[tuple[str, str]]:
    """Labels and values; further values of a label have the label ""."""
    yield "Returns", _returns(entrypoint)
    yield "Defined in", f"{entrypoint.definition.path}, line {entrypoint.definition.line}"
    names = hubconf.dependencies.names if hubconf.dependencies else ()
    if names:
        from hubkit.analysis import distribution_name

        distributions = shlex.join(distribution_name(name) for name in names)
        yield "Needs", ", ".join(names)
        yield "Install", f"pip install {distributions}"
    heading = "Weights"
    for line in dict.fromkeys(map(_weights, downloads)):
        yield heading, line
        heading = ""
    if not downloads and hubconf.checkpoints:
        yield heading, "none found; other entrypoints of this hubconf download weights"


def _returns(entrypoint: Entrypoint) -> str:
    returns = entrypoint.returns
    if returns.shape == "unknown":
        return "unknown"
    described = returns.description or "something"
    return f"an nn.Module: {described}" if returns.shape == "module" else described


def _weights(use: CheckpointUse) -> str:
    from hubkit._util.urls import try_parse

    if use.url is None:
        return f"from a URL computed at run time ({use.location.path}, line {use.location.line})"
    from hubkit.torchhub import SHORTEST_HASH, hash_in_name

    url = try_parse(use.url)
    name = use.file_name or (url.file_name if url else "")
    digits = hash_in_name(name) or ""
    if len(digits) < SHORTEST_HASH:  # a word that looks like a hash
        return f"{use.url} (no hash in the file name)"
    checked = "verified" if use.check_hash else "not verified"
    return f"{use.url} (sha256 {digits}…, {checked})"
