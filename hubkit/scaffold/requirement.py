"""The requirement that installs this hubkit on another machine, such as a CI runner."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from hubkit._util.urls import Url, expand_scp, try_parse
from hubkit.errors import TemplateError
from hubkit.source.git import git_output

NAME = "torch-hubkit"
# For a reader to replace: pip fails on it, and installs nothing of somebody else's.
UNKNOWN = f"{NAME} @ git+https://github.com/OWNER/hubkit@COMMIT"

# Nothing in it can end a string or run a command in YAML and in a shell.
_ADDRESS = r"[A-Za-z0-9._~:/@+%-]+(?:#[A-Za-z0-9._~/=&-]+)?"
_VERSION = r"(?:==|~=|!=|<=|>=|<|>)[A-Za-z0-9.*+!-]+"
_REQUIREMENT = rf"{NAME}(?: @ {_ADDRESS}|{_VERSION}(?:,{_VERSION})*)?"


class _Vcs(Struct, frozen=True):
    vcs: str
    commit_id: str


class _Archive(Struct, frozen=True):
    hashes: dict[str, str] = {}


class _DirectUrl(Struct, frozen=True):
    """What pip records of a package that comes from no index (PEP 610)."""

    url: str
    vcs_info: _Vcs | None = None
    archive_info: _Archive | None = None
    subdirectory: str = ""


def find_requirement() -> str:
    """The requirement that this hubkit was installed from.

    A folder on this machine means nothing elsewhere, so a clone counts as its ``origin`` at the
    commit that is checked out.

    Returns:
        ``torch-hubkit`` with a URL and a commit, or with a version if an index has it; `UNKNOWN` if
        neither is known.
    """
    try:
        installed = distribution(NAME)
        record = installed.read_text("direct_url.json")
        if record is None:
            return f"{NAME}=={installed.version}"
        address = _find_address(msgspec.json.decode(record, type=_DirectUrl))
    except (PackageNotFoundError, OSError, ValueError):
        return UNKNOWN
    found = f"{NAME} @ {address}"
    return found if address and re.fullmatch(_REQUIREMENT, found) else UNKNOWN


def add_extra(requirement: str, extra: str) -> str:
    """The requirement with an extra: ``torch-hubkit[pytest]==1.0``.

    Args:
        requirement: An answer that `require_requirement` returned.
        extra: The name of the extra.
    """
    return f"{NAME}[{extra}]{requirement.removeprefix(NAME)}"


def require_requirement(text: str) -> str:
    """Return the text if it is a requirement for hubkit that can be quoted anywhere.

    Raises:
        TemplateError: It is not.
    """
    if not re.fullmatch(_REQUIREMENT, text.strip()):
        raise TemplateError(
            f"{text[:100]!r} is not a requirement for {NAME}",
            hint=f"For example: {NAME}==0.1.0, or {UNKNOWN}.",
        )
    return text.strip()


def _find_address(record: _DirectUrl) -> str:
    """The part of the requirement after the "@"; "" if only this machine has it."""
    url = try_parse(record.url)
    if url is None:
        return ""
    commit = record.vcs_info.commit_id if record.vcs_info else ""
    if url.scheme == "file":
        return _find_origin(Path(unquote(url.path)), commit)
    if record.vcs_info:
        address = _git_address(url, commit) if record.vcs_info.vcs == "git" else ""
        return f"{address}#subdirectory={record.subdirectory}" if record.subdirectory else address
    sha256 = record.archive_info.hashes.get("sha256") if record.archive_info else None
    return f"{url.redacted}#sha256={sha256}" if sha256 else url.redacted


def _find_origin(folder: Path, commit: str) -> str:
    """The address of the clone's origin at a commit; "" if there is none.

    Args:
        folder: The clone, or an archive.
        commit: The commit; "" for the one that is checked out.
    """
    # A folder in somebody else's repo, such as an unpacked archive, is not a clone of hubkit.
    if not (folder / ".git").exists():
        return ""
    url = try_parse(expand_scp(git_output(folder, "config", "--get", "remote.origin.url")))
    commit = commit or git_output(folder, "rev-parse", "--verify", "HEAD")
    if url is None or not url.host or not commit:
        return ""
    # CI has no ssh key.
    is_ssh = url.transport == "ssh"
    web = Url("https", "", url.host, None, url.path) if is_ssh else url
    return _git_address(web, commit)


def _git_address(url: Url, commit: str) -> str:
    # Without credentials: the requirement is written into public files.
    user = "git@" if url.transport == "ssh" and url.user == "git" else ""
    return f"git+{url.transport}://{user}{url.host_key}{url.path}@{commit}"
