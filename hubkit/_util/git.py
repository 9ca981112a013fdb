"""The git program. No other module starts it.

There are four modes, by what may run besides git itself:

========== ============================================ =====================================
mode       the repo                                     what may run
========== ============================================ =====================================
`read`     anybody's                                    nothing; no host is asked
`work`     an empty one that hubkit made                nothing; no host is asked
`fetch`    an empty one that hubkit made                ssh, the user's credential helpers
`write`    the user's own                               its hooks, and the program that signs
========== ============================================ =====================================

In every mode git sees no ``GIT_*`` variable but a vetted few, asks no questions, and has a time
limit. Text that comes from a repo or a host never becomes part of a ``-c`` option, which git
splits at the first "=": such settings travel as ``GIT_CONFIG_KEY_<n>`` and ``GIT_CONFIG_VALUE_<n>``.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.console import detail
from hubkit._util.urls import parse_url, redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit._util.urls import Url

LIMIT = 600.0  # seconds, for whatever asks no host

# Variables about this user and machine. The others may point git at another repo: a hook's, say.
_KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH")
_KEPT_TO_FETCH = (
    *("GIT_HTTP_LOW_SPEED_LIMIT", "GIT_HTTP_LOW_SPEED_TIME"),
    *("GIT_HTTP_PROXY_AUTHMETHOD", "GIT_HTTP_USER_AGENT"),
    *("GIT_PROXY_SSL_CAINFO", "GIT_PROXY_SSL_CERT", "GIT_PROXY_SSL_KEY"),
    "GIT_PROXY_SSL_CERT_PASSWORD_PROTECTED",
    *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT"),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_CERT_PASSWORD_PROTECTED"),
    *("GIT_SSL_CIPHER_LIST", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY", "GIT_SSL_VERSION"),
)
_KEPT_TO_WRITE = (
    *("GIT_AUTHOR_DATE", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_NAME"),
    *("GIT_COMMITTER_DATE", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_NAME"),
)
_QUIET = {
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "",  # no host is asked, whatever protocol.<name>.allow says
    "GIT_ASKPASS": "",  # empty: no program asks, not even SSH_ASKPASS
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS_REQUIRE": "never",
}
_NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_UNTOUCHED = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",  # older gits do not know it; GIT_ALLOW_PROTOCOL is what counts
    "GIT_NO_REPLACE_OBJECTS": "1",  # consumers do not get the replacements
    "GIT_OPTIONAL_LOCKS": "0",
}
# These are ours alone, so `-c` is safe; gits before 2.31 would ignore them in the environment.
_NO_PROGRAMS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
}
_READING = {
    **_NO_PROGRAMS,
    "core.attributesFile": os.devnull,
    # git takes no attributes from files that a sparse checkout leaves out; archives do.
    "core.sparseCheckout": "false",
    "core.sshCommand": "false",
    "credential.helper": "",
    "fetch.bundleURI": "",
    "protocol.allow": "never",
}
# Reading commands that hubkit uses: none has options that name a program.
_READERS = frozenset(
    {
        *("cat-file", "check-attr", "check-ignore", "check-ref-format", "config", "describe"),
        *("diff-tree", "for-each-ref", "ls-files", "ls-tree", "read-tree", "rev-list"),
        *("rev-parse", "status", "symbolic-ref"),
    }
)
_CONVERTERS = frozenset({"status"})  # these run filters to compare files with objects
_FILTER = re.compile(r"filter\.(.+)\.(?:clean|smudge|process|required)", re.DOTALL)
_OFF = {"clean": "", "smudge": "", "process": "", "required": "false"}

_USER, _PASSWORD = "HUBKIT_GIT_USER", "HUBKIT_GIT_PASSWORD"
_HELPER = f"""!f() {{ printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""
_PLAIN_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class GitError(Exception):
    """git gave no result. Callers convert it to an error of their own."""


class GitMissingError(GitError):
    """The git program is not installed."""


class GitTimeoutError(GitError):
    """git did not end in time and was killed."""


class GitResult(Struct, frozen=True):
    """The result of a git command.

    Attributes:
        returncode: Its exit status; 0 if all went well.
        stdout: What it printed.
        stderr: Its errors.
    """

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """What it printed; bytes that are not UTF-8 survive a round trip to paths."""
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def complaint(self) -> str:
        """Its errors as text."""
        return self.stderr.decode("utf-8", "replace")


class Remote(Struct, frozen=True):
    """A host that git may contact.

    Attributes:
        url: The address of a repo: https, ssh, http or file.
        login: User name and password, sent to this host only; None for none.
        target: Where the URL redirects to, which git does not find out by itself.
        connect_timeout: Seconds to wait for a connection over ssh.
        read_timeout: Seconds without a byte over https after which git gives up.
    """

    url: str
    login: tuple[str, str] | None = None
    target: str = ""
    connect_timeout: float = 10.0
    read_timeout: float = 30.0


class _Call(Struct, frozen=True):
    command: list[str]
    environment: dict[str, str]
    own_group: bool = True


def read(
    folder: Path, *arguments: str, bare: bool = False, stdin: bytes = b"", index: Path | None = None
) -> GitResult:
    """Run a command that reads a repo. Programs in the repo's configuration do not run.

    Args:
        folder: A folder of a work tree, or a bare repo.
        *arguments: The command.
        bare: Whether the folder is a bare repo.
        stdin: What git reads from its standard input.
        index: The index to use in place of the repo's own.

    Raises:
        GitError: git is not installed, runs into the time limit, or cannot be kept from running
            the repo's filters.
    """
    call = _reading(folder, arguments, bare=bare, index=index)
    if arguments[0] in _CONVERTERS:
        call.environment.update(_turn_off_filters(folder, bare=bare))
    return _run(call, stdin, LIMIT)


def start_reading(folder: Path, *arguments: str, bare: bool = False) -> subprocess.Popen[bytes]:
    """Start a reading command that replies to one request after the other.

    Args:
        folder: A folder of a work tree, or a bare repo.
        *arguments: The command.
        bare: Whether the folder is a bare repo.

    Raises:
        GitMissingError: git is not installed.
    """
    call = _reading(folder, arguments, bare=bare, index=None)
    return _start(call, subprocess.PIPE, subprocess.DEVNULL)


def wait_for_reply(process: subprocess.Popen[bytes]) -> None:
    """Wait until a started command replies or ends. On Windows nothing is waited for.

    Raises:
        GitTimeoutError: It did neither in time, and was ended.
    """
    if os.name == "nt" or process.stdout is None:
        return
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN | select.POLLHUP)
    if not poll.poll(LIMIT * 1000):
        from hubkit._util.process import kill_group

        kill_group(process)
        raise GitTimeoutError(_too_slow(LIMIT))


def work(folder: Path, *arguments: str, objects: Path | None = None) -> GitResult:
    """Run a command in a repo that hubkit made, without network and without settings of the user.

    Args:
        folder: The repo; any folder for commands that need none.
        *arguments: The command.
        objects: A folder of git objects to use besides the repo's own.

    Raises:
        GitError: git is not installed, or runs into the time limit.
    """
    environment = _environment(_KEPT) | _NO_SETTINGS
    if objects is not None:
        environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = _quote(os.fspath(objects))
    return _run(_Call(_command(folder, _NO_PROGRAMS, arguments), environment), b"", LIMIT)


def fetch(folder: Path, remote: Remote, *arguments: str, limit: float) -> GitResult:
    """Run a command that contacts a host, in a repo that hubkit made.

    Args:
        folder: The repo; any folder for commands that need none.
        remote: The host; its URL is among the arguments too.
        *arguments: The command.
        limit: Seconds after which git is killed.

    Raises:
        GitError: git is not installed, or runs into the time limit.
        ValueError: The URL is not one that git may fetch from.
    """
    scheme = remote.url.partition("://")[0]
    host = "" if scheme == "file" else _host_of(remote.url)
    environment = _environment((*_KEPT, *_KEPT_TO_FETCH))
    # ssh too: users' own settings may have git use it in place of https.
    allowed = {"https", "ssh", scheme} if scheme in ("http", "file") else {"https", "ssh"}
    environment["GIT_ALLOW_PROTOCOL"] = ":".join(sorted(allowed))
    if not environment.get("GIT_SSH_COMMAND"):
        environment["GIT_SSH_COMMAND"] = _ssh(folder, remote)
    settings: list[tuple[str, str]] = []
    if remote.login and host:
        # By way of the environment, since others may list our arguments; for that host only,
        # since git would send a header of ours along wherever it is redirected.
        key = f"credential.{scheme}://{host}.helper"
        environment |= dict(zip((_USER, _PASSWORD), remote.login, strict=True))
        settings += [(key, ""), (key, _HELPER)]
    own = {"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(max(1, int(remote.read_timeout)))}
    # libcurl would read ~/.netrc for each host that a redirect leads to.
    own["http.followRedirects"] = "false"
    if remote.target:
        settings.append((f"url.{remote.target}.insteadOf", remote.url))
        if _host_of(remote.target) != host and os.name != "nt":  # Windows would send its own login
            own["http.emptyAuth"] = (
                "true"  # libcurl reads no ~/.netrc beside a login, even this one
            )
    environment |= _settings(settings)
    return _run(_Call(_command(folder, _NO_PROGRAMS | own, arguments), environment), b"", limit)


def write(folder: Path, *arguments: str) -> GitResult:
    """Run a command that changes the user's own repo. Its hooks and the signing program run.

    Args:
        folder: A folder of the work tree.
        *arguments: The command.

    Raises:
        GitError: git is not installed, or runs into the time limit.
    """
    environment = _environment((*_KEPT, *_KEPT_TO_WRITE))
    # The user's session: programs that sign may have to ask for a passphrase.
    return _run(_Call(_command(folder, {}, arguments), environment, own_group=False), b"", LIMIT)


def has_plain_user(url: Url) -> bool:
    """Whether an address holds no credentials: no user, or over ssh one with a plain name."""
    return not url.user or (url.scheme == "ssh" and bool(_PLAIN_USER.fullmatch(url.user)))


def _host_of(text: str) -> str:
    """``host`` or ``host:port`` of an address that git may fetch from.

    Raises:
        ValueError: Parsers may disagree about it, or it holds credentials.
    """
    url = parse_url(text)
    if url.scheme not in ("https", "http", "ssh", "git") or not has_plain_user(url):
        raise ValueError("not an address that git may fetch from")
    return url.host_key


def _reading(folder: Path, arguments: tuple[str, ...], *, bare: bool, index: Path | None) -> _Call:
    if arguments[0] not in _READERS:
        raise ValueError(f"git {arguments[0]} is not a read-only command")
    environment = _environment(_KEPT) | _UNTOUCHED
    if index is not None:
        environment["GIT_INDEX_FILE"] = os.fspath(index)
    return _Call(_command(folder, _READING, arguments, bare=bare), environment)


def _turn_off_filters(folder: Path, *, bare: bool) -> dict[str, str]:
    """Variables that keep git from running any filter of the repo's or the user's.

    Raises:
        GitError: This git takes no settings from the environment.
    """
    keys = map(_FILTER.fullmatch, _read_filters(folder, {}, bare=bare))
    names = {key[1] for key in keys if key}
    wanted = {f"filter.{name}.{key}": value for name in names for key, value in _OFF.items()}
    if not wanted:
        return {}
    settings = _settings(list(wanted.items()))
    found = _read_filters(folder, settings, bare=bare)
    if any(found.get(key) != off for key, off in wanted.items()):
        raise GitError("the repo has filters, and only git 2.31 or newer can turn them off")
    return settings


def _read_filters(folder: Path, settings: Mapping[str, str], *, bare: bool) -> dict[str, str]:
    """Settings of filters as they count, by key."""
    arguments = ("config", "--null", "--get-regexp", r"^filter\.")
    call = _reading(folder, arguments, bare=bare, index=None)
    call.environment.update(settings)
    entries = os.fsdecode(_run(call, b"", LIMIT).stdout).split("\0")
    return dict(entry.partition("\n")[::2] for entry in entries if entry)


def _environment(kept: tuple[str, ...]) -> dict[str, str]:
    """This process's environment, without what it says about another repo."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or not name.startswith("GIT_")
    } | _QUIET


def _settings(entries: list[tuple[str, str]]) -> dict[str, str]:
    """Variables that pass settings to git, which may contain any characters."""
    found = {"GIT_CONFIG_COUNT": str(len(entries))}
    for number, (key, value) in enumerate(entries):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def _quote(path: str) -> str:
    """A path in a list that ":" separates."""
    return '"' + path.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'


def _ssh(folder: Path, remote: Remote) -> str:
    """The user's ssh command, or one that asks nothing."""
    own = os.environ.get("GIT_SSH")
    if own is None:
        asking = _Call(_command(folder, {}, ("config", "core.sshCommand")), _environment(_KEPT))
        own = _run(asking, b"", LIMIT).text.strip()
    wait = max(1, int(remote.connect_timeout))
    return own or f"ssh -o BatchMode=yes -o ConnectTimeout={wait} -o ServerAliveInterval=15"


def _command(
    folder: Path, settings: Mapping[str, str], arguments: tuple[str, ...], *, bare: bool = False
) -> list[str]:
    program = _find_git()
    if program is None:
        raise GitMissingError("git is not installed")
    place = ("--git-dir", os.fspath(folder)) if bare else ("-C", os.fspath(folder))
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return [os.path.abspath(program), "--no-pager", *place, *options, *arguments]  # noqa: PTH100


def _find_git() -> str | None:
    """The path of git. Importing ``shutil`` costs milliseconds, and only Windows needs its rules."""
    if os.name == "nt":
        import shutil

        return shutil.which("git")
    paths = (os.path.join(folder or os.curdir, "git") for folder in os.get_exec_path())  # noqa: PTH118
    return next((path for path in paths if _is_program(path)), None)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113


def _start(call: _Call, stdin: int, stderr: int) -> subprocess.Popen[bytes]:
    detail(_shown(call.command), degree=2)
    try:
        return subprocess.Popen(  # noqa: S603 - no shell; callers vet what they hand on
            call.command,
            env=call.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=call.own_group,
        )
    except FileNotFoundError:
        raise GitMissingError("git is not installed") from None
    except OSError as error:
        raise GitError(f"cannot start git: {error}") from None


def _shown(command: list[str]) -> str:
    """A command without settings, and without logins in URLs."""
    settings = {at + 1 for at, word in enumerate(command) if word == "-c"}
    words = [
        redact(word) if "://" in word else word
        for at, word in enumerate(command[1:], 1)
        if at not in settings and word not in ("-c", "--no-pager")
    ]
    return " ".join(("git", *words))


def _run(call: _Call, stdin: bytes, limit: float) -> GitResult:
    source = subprocess.PIPE if stdin else subprocess.DEVNULL
    with _start(call, source, subprocess.PIPE) as process:
        try:
            stdout, stderr = process.communicate(stdin or None, timeout=limit)
        except BaseException as error:
            from hubkit._util.process import kill_group

            kill_group(process) if call.own_group else process.terminate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise GitTimeoutError(_too_slow(limit)) from None
            raise
    return GitResult(process.returncode, stdout, stderr)


def _too_slow(limit: float) -> str:
    return f"git did not finish within {limit:.0f} s"
