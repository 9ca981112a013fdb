"""The git program: asked without a prompt, within a time, and kept from running anything else.

The user's own configuration stays in force, since it knows the way past proxies and where
credentials lie; hooks, filters and odd transports do not.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hubkit.errors import MissingGitError, UnreachableError
from hubkit.hubdir.hosts import find_token, redact
from hubkit.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import FetchPolicy

LOCAL_LIMIT = 600.0  # seconds, for what needs no network
# What of git's environment is about this user and machine, and not about a repo we are inside of.
_KEPT = (
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
)
_NEVER = {
    "GIT_ASKPASS": "",  # empty: nothing is run to ask, SSH_ASKPASS neither
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "LC_ALL": "C",
}
_TOKEN = "HUBKIT_GIT_TOKEN"  # noqa: S105 - the name of a variable
_HELPER = f'!f() {{ echo username=x-access-token; echo "password=${_TOKEN}"; }}; f'


class GitFailed(Exception):  # noqa: N818 - never leaves the hub dir: it becomes a typed error
    """git ended with an error; the text is what it said, fit to be shown."""


@dataclass(frozen=True, slots=True)
class Git:
    """The git program, at work in one bare repo.

    Attributes:
        folder: The bare repo; any folder for what needs no repo.
        policy: How long to wait for a host.
    """

    folder: Path
    policy: FetchPolicy

    def run(self, *arguments: str) -> str:
        """Run a command that needs no network; gives what it says.

        Raises:
            GitFailed: It ended with an error.
            MissingGitError: git is not installed.
        """
        return self._run(arguments, self._environment(), LOCAL_LIMIT)

    def ask(self, url: str, *arguments: str, limit: float) -> str:
        """Run a command that asks the host of a URL; gives what it says.

        Args:
            url: The address, which is among the arguments.
            *arguments: The command.
            limit: Seconds after which it is given up.

        Raises:
            GitFailed: It ended with an error.
            UnreachableError: It did not end in time.
            MissingGitError: git is not installed.
        """
        scheme = urlsplit(url).scheme
        environment = self._environment()
        # ssh too: users' own settings may have git use it in place of https.
        allowed = {"https", "ssh", scheme} if scheme in ("http", "file") else {"https", "ssh"}
        environment["GIT_ALLOW_PROTOCOL"] = ":".join(sorted(allowed))
        environment["GIT_SSH_COMMAND"] = self._ssh(environment)
        stall = max(1, int(self.policy.read_timeout))
        options = ["-c", "http.lowSpeedLimit=1", "-c", f"http.lowSpeedTime={stall}"]
        token = find_token(url)
        if token:
            # By way of the environment, since others may list our arguments; for that host only,
            # since git would send a header of ours along wherever it is redirected.
            parts = urlsplit(url)
            name = f"credential.{parts.scheme}://{parts.netloc}.helper"
            options += ["-c", f"{name}=", "-c", f"{name}={_HELPER}"]
            environment[_TOKEN] = token
        try:
            return self._run([*options, *arguments], environment, limit)
        except subprocess.TimeoutExpired:
            shown = redact(url)
            raise UnreachableError(
                f"git got nowhere with {shown} in {limit:.0f} s.", url=shown
            ) from None

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        kept |= {k: v for k, v in os.environ.items() if k.startswith(_KEPT)}
        return kept | _NEVER

    def _ssh(self, environment: dict[str, str]) -> str:
        """The user's ssh command, or the usual one told never to ask."""
        own = environment.get("GIT_SSH_COMMAND") or environment.get("GIT_SSH")
        if own is None:
            try:
                own = self._run(["config", "core.sshCommand"], environment, LOCAL_LIMIT).strip()
            except GitFailed:
                own = None
        wait = max(1, int(self.policy.connect_timeout))
        return own or f"ssh -o BatchMode=yes -o ConnectTimeout={wait} -o ServerAliveInterval=15"

    def _run(
        self, arguments: tuple[str, ...] | list[str], env: dict[str, str], limit: float
    ) -> str:
        program = shutil.which("git")
        if program is None:
            raise MissingGitError(
                "The git program is needed and not installed.",
                hint='Install git; or leave out "git+": most hosts hand out archives.',
            )
        quiet = ["-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false"]
        quiet += [
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
            "-c",
            "advice.detachedHead=false",
        ]
        with subprocess.Popen(  # noqa: S603 - the arguments are vetted where they are made
            [program, *quiet, *arguments],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # no terminal to ask on, and one group to end
        ) as process:
            try:
                said, complaint = process.communicate(timeout=limit)
            except BaseException:
                _end(process)
                raise
        if process.returncode:
            raise GitFailed(_shown(complaint.decode("utf-8", "replace"), env.get(_TOKEN)))
        return said.decode("utf-8", "surrogateescape")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and the programs that it runs, which would outlive it."""
    if os.name == "nt":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _shown(complaint: str, token: str | None) -> str:
    """The start of what git said, in one line and without credentials."""
    text = re.sub(r"://[^/@\s]+@", "://", complaint)
    if token:
        text = text.replace(token, "***")
    said = re.findall(r"^(?:(?:fatal|error|remote|ERROR): )*(.*\S)", text, re.MULTILINE)
    return "; ".join(line.rstrip(".") for line in said[:3]) or "it gave no reason"
