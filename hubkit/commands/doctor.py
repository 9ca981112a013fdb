"""``hubkit doctor``: what a bug report should say of a machine, without secrets."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from hubkit import __version__
from hubkit._util.colors import find_docs, paint
from hubkit._util.console import echo, note
from hubkit._util.progress import show_wait
from hubkit._util.text import did_you_mean, display_width, plural
from hubkit._util.urls import redact, redact_proxy, try_parse
from hubkit.commands.base import print_answer, subcommand
from hubkit.errors import REQUIREMENTS, HubkitError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUILT_IN = {"tomli"} if sys.version_info >= (3, 11) else set()
_OPTIONAL = ("numpy", "pytest-xdist")
# Variables that hold no secrets; of those that hold URLs, logins are removed.
_VARIABLES = (
    *("HUBKIT_DOCS_URL", "HUBKIT_GITHUB_URL", "HUBKIT_LOCKFILE", "HUBKIT_MAX_AGE"),
    *("HUBKIT_NO_CACHE", "HUBKIT_NO_PROGRESS", "HUBKIT_OFFLINE", "HUBKIT_TRUST"),
    *("CI", "FORCE_COLOR", "NO_COLOR", "NETRC", "TERM", "TORCH_HOME", "XDG_CACHE_HOME"),
)
# What hubkit itself sets for git and for child processes.
_INTERNAL = ("HUBKIT_GIT_USER", "HUBKIT_GIT_PASSWORD", "HUBKIT_LOADED")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_WEIGHTS = "https://download.pytorch.org"
_LIMIT = 5.0  # seconds for each host
_MOST_HOSTS = 8


@subcommand(answers=True)
@click.option(
    "--network",
    is_flag=True,
    help="Connect to GitHub, to the hosts of repos in the hub dir, and to that of torch's weights.",
)
def command(*, network: bool, as_json: bool) -> int:
    """Describe this installation, for a bug report.

    Shows versions, the hub dir, settings, proxies, certificates, and the names of variables and
    files that hold tokens, but no token and no password. Finds some faults.

    Exit codes: 0 nothing is wrong, 1 something is.
    """
    problems: list[str] = []
    sections: dict[str, Any] = {
        "versions": _read_versions(),
        "system": _describe_system(),
        "git": _describe_git(problems),
        "hub_dir": _describe_hub_dir(problems),
        "settings": _describe_settings(problems),
        "tokens": _list_tokens(problems),
        "proxies": _list_proxies(),
        "certificates": _describe_certificates(problems),
        "addresses": _list_addresses(),
    }
    if network:
        sections["network"] = _list_reached(problems)
    if as_json:
        print_answer({**sections, "problems": problems})
    else:
        _print(sections, problems)
    return 1 if problems else 0


def _read_versions() -> dict[str, str]:
    """Versions as installed; nothing is imported."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"hubkit": __version__, "python": platform.python_version()}
    names = sorted({*REQUIREMENTS.values()} - _BUILT_IN)
    for name in (*names, *_OPTIONAL):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # noqa: PERF203
            found[name] = "not installed"
    return found


def _list_addresses() -> dict[str, str]:
    """Where the project is; a clone or a git address that it was installed from counts, too."""
    from hubkit._util.addresses import find_address
    from hubkit.scaffold.requirement import UNKNOWN, find_requirement

    requirement, docs = find_requirement(), find_docs()
    return {
        "installed_from": "none" if requirement == UNKNOWN else requirement.partition(" @ ")[2],
        "documentation": redact(docs) if docs else "none",
        "issues": find_address("Issues") or "none",
    }


def _describe_system() -> dict[str, object]:
    return {
        "platform": platform.platform(),
        "python": sys.executable,
        "environment": sys.prefix if sys.prefix != sys.base_prefix else "none",
        "encoding": sys.stdout.encoding,
        "terminal": sys.stdout.isatty(),
        "columns": shutil.get_terminal_size().columns,
    }


def _describe_git(problems: list[str]) -> dict[str, str]:
    from hubkit._util import git

    try:
        words = git.work(Path.cwd(), "version").text.split()
    except git.GitError as error:
        problems.append(f"git cannot be used: {error}. Install git.")
        return {"version": "none"}
    return {"version": words[2] if len(words) > 2 else "unknown"}


def _describe_hub_dir(problems: list[str]) -> dict[str, object]:
    from hubkit.hubdir import get_dir, read_inventory, read_trust
    from hubkit.hubdir.layout import find_dir_setting

    try:
        path = Path(get_dir())
    except HubkitError as error:
        problems.append(f"{error.message} {error.hint}")
        return {"path": None}
    there = next((one for one in (path, *path.parents) if one.exists()), path)
    is_writable = os.access(there, os.W_OK)
    if not is_writable:
        problems.append(f"{there} is not writable, so nothing can be put into the hub dir.")
    inventory = read_inventory()
    return {
        "path": path,
        "set_by": find_dir_setting() or "the default",
        "exists": path.is_dir(),
        "writable": is_writable,
        "free_bytes": shutil.disk_usage(there).free,
        "bytes": inventory.size,
        "repos": len(inventory.trees),
        "checkpoints": len(inventory.checkpoints),
        "leftovers": len(inventory.leftovers),
        "trusted_repos": len(read_trust()),
    }


def _describe_settings(problems: list[str]) -> dict[str, object]:
    from hubkit.config import read_config

    variables = {
        name: redact(value) if "://" in value or "@" in value else value
        for name in _VARIABLES
        if (value := os.environ.get(name)) is not None
    }
    for name in sorted(os.environ):
        is_own = name.startswith("HUBKIT_") and not name.startswith("HUBKIT_TOKEN_")
        if is_own and name not in (*_VARIABLES, *_INTERNAL):
            meant = did_you_mean(name, _VARIABLES)
            problems.append(f"hubkit has no variable {name}. {meant}".rstrip())
    try:
        file = read_config(Path.cwd()).path or None
    except HubkitError as error:
        problems.append(error.message)
        file = None
    return {"file": file, **variables}


def _list_tokens(problems: list[str]) -> list[dict[str, str]]:
    from hubkit.hubdir.credentials import list_token_sources

    sources = list(list_token_sources())
    problems += [f"{one.name} is not used: {one.problem}." for one in sources if one.problem]
    return [{"name": one.name, "host": one.host} for one in sources]


def _list_proxies() -> dict[str, str]:
    found = {}
    for name in (*_PROXIES, *map(str.lower, _PROXIES)):
        if value := os.environ.get(name):
            found[name] = value if name.upper() == "NO_PROXY" else redact_proxy(value)
    return found


def _describe_certificates(problems: list[str]) -> dict[str, object]:
    from hubkit.hubdir.certificates import describe_certificates

    found = describe_certificates()
    problem = found.pop("problem")
    problems += [str(problem)] if problem else []
    return found


class Reached(Struct, frozen=True):
    """Whether a host answers.

    Attributes:
        url: What was requested.
        reached: Whether there was a response.
        detail: Its status and how long it took, or why there was none.
    """

    url: str
    reached: bool
    detail: str


def _list_reached(problems: list[str]) -> list[Reached]:
    """Request the start page of each host that hubkit may need."""
    from hubkit.facts.hubdir import FetchPolicy
    from hubkit.hubdir.http import Client

    policy = FetchPolicy(connect_timeout=_LIMIT, read_timeout=_LIMIT)
    found = []
    try:
        with show_wait("Trying hosts"), Client(policy) as client:
            found = [_reach(client, url) for url in _list_hosts()]
    except HubkitError as error:  # hubkit is offline
        problems.append(f"{error.message} {error.hint}")
    problems += [f"{one.url} cannot be reached: {one.detail}" for one in found if not one.reached]
    return found


def _reach(client: Any, url: str) -> Reached:  # noqa: ANN401 - http is imported late
    start = time.monotonic()
    try:
        with client.get(url, once=True) as response:
            seconds = time.monotonic() - start
            return Reached(redact(url), True, f"HTTP {response.status} in {seconds:.2f} s")
    except HubkitError as error:
        return Reached(redact(url), False, error.message)


def _list_hosts() -> list[str]:
    from hubkit.hubdir.addresses import base_url, github_url
    from hubkit.hubdir.inventory import read_recorded_refs

    urls = [github_url(), _WEIGHTS]
    for repo, _ in read_recorded_refs():
        url = try_parse(base_url(repo))
        if url and url.scheme in ("https", "http"):
            urls.append(url.origin)
    return list(dict.fromkeys(urls))[:_MOST_HOSTS]


def _print(sections: dict[str, Any], problems: list[str]) -> None:
    for title, content in sections.items():
        echo(paint(title.replace("_", " "), "bold"))
        rows = list(_rows(content))
        width = max((display_width(name) for name, _ in rows), default=0)
        for name, value in rows or [("none", "")]:
            echo(f"  {name:{width}}  {value}".rstrip())
    for problem in problems:
        echo(paint("problem:", "error"), " ", problem)
    if not problems:
        note("No problem found.")
    else:
        note(f"Found {plural(len(problems), 'problem')}.")


def _rows(content: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a section
    if isinstance(content, dict):
        for name, value in content.items():
            title = name.replace("_bytes", "").replace("bytes", "size").replace("_", " ")
            yield name if name.isupper() else title, _shown(name, value)
        return
    for one in content:
        if isinstance(one, Reached):
            yield one.url, one.detail if one.reached else "not reached"
        else:
            yield one["name"], f"for {one['host']}" if one["host"] else ""


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if name.endswith("bytes") and isinstance(value, int):
        from hubkit._util.text import format_size

        return format_size(value)
    return str(value)
