"""The git program at work for the hub dir: typed errors, and the token for a host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util import git
from hubkit.errors import FetchError, MissingGitError, UnreachableError
from hubkit.hubdir.hosts import find_token, redact

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import FetchPolicy

_CREDENTIALS = re.compile(r"://[^/@\s]+@")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class GitFailed(Exception):  # noqa: N818 - never leaves the hub dir: it becomes a typed error
    """git ended with an error; the text is its complaint, fit to be shown."""


class Git(Struct, frozen=True):
    """The git program, at work in one repo that hubkit made.

    Attributes:
        folder: The repo; any folder for what needs no repo.
        policy: How long to wait for a host.
    """

    folder: Path
    policy: FetchPolicy

    def run(self, *arguments: str) -> str:
        """Run a command that asks no host; returns what it prints.

        Raises:
            GitFailed: It ended with an error, or not in time.
            MissingGitError: git is not installed.
        """
        try:
            result = git.work(self.folder, *arguments)
        except git.GitMissingError as error:
            raise _missing() from error
        except git.GitError as error:
            raise GitFailed(str(error)) from error
        return _require_success(result, None)

    def ask(self, url: str, *arguments: str, limit: float) -> str:
        """Run a command that asks the host of a URL; returns what it prints.

        Args:
            url: The address, which is among the arguments.
            *arguments: The command.
            limit: Seconds after which git is ended.

        Raises:
            GitFailed: It ended with an error.
            UnreachableError: It did not end in time.
            FetchError: The URL is not one that git may fetch from.
            MissingGitError: git is not installed.
        """
        token, shown = find_token(url), redact(url)
        policy = self.policy
        remote = git.Remote(url, token, policy.connect_timeout, policy.read_timeout)
        try:
            result = git.fetch(self.folder, remote, *arguments, limit=limit)
        except ValueError as error:
            raise FetchError(
                f"git does not fetch from {shown!r}: it is {error}.",
                url=shown,
                hint="Check the address: https://host/owner/name or ssh://git@host/owner/name.",
            ) from error
        except git.GitTimeoutError as error:
            raise UnreachableError(
                f"git got no result from {shown} within {limit:.0f} s.",
                url=shown,
                hint="Check the network, and try again.",
            ) from error
        except git.GitMissingError as error:
            raise _missing() from error
        except git.GitError as error:
            raise GitFailed(str(error)) from error
        return _require_success(result, token)


def _missing() -> MissingGitError:
    return MissingGitError(
        "The git program is needed and not installed.",
        hint='Install git; or leave out "git+": most hosts hand out archives.',
    )


def _require_success(result: git.GitResult, token: str | None) -> str:
    if result.returncode:
        raise GitFailed(_shown(result.complaint, token))
    return result.text


def _shown(complaint: str, token: str | None) -> str:
    """The start of what git complained of, in one line, without credentials or escapes."""
    text = _CREDENTIALS.sub("://", complaint)
    if token:
        text = text.replace(token, "***")
    text = _CONTROLS.sub("?", text.replace("\r", "\n"))
    said = re.findall(r"^(?:(?:fatal|error|remote|ERROR): )*(.*\S)", text, re.MULTILINE)
    return "; ".join(line.rstrip(".") for line in said[:3]) or "it gave no reason"
