"""Tokens and logins: which one a host may get, and how to set one.

Each is for the host of the requested URL alone: no host that a redirect leads to gets any. They are
only sent encrypted, or to this machine, unless the URL itself holds them.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

from hubkit._util.logs import log
from hubkit._util.urls import try_parse
from hubkit.errors import UsageError
from hubkit.facts.hubdir import GITHUB
from hubkit.hubdir.addresses import github_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit._util.urls import Url

_OWN_TOKEN = "HUBKIT_TOKEN_"  # noqa: S105 - the start of a name
_TOKENS = {
    GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}


class Credential(Struct, frozen=True):
    """A token, or a user name with a password.

    Attributes:
        secret: The token or password.
        user: The user name; None for a token.
        check: What to do if it is refused.
        is_in_url: Whether the URL itself holds it, and so wants it sent at once.
    """

    secret: str
    user: str | None
    check: str
    is_in_url: bool = False

    @property
    def login(self) -> tuple[str, str]:
        """User name and password. GitHub asks for this user name with a token; others take any."""
        return "x-access-token" if self.user is None else self.user, self.secret

    def header(self, scheme: str) -> str:
        """The value of ``Authorization``.

        Args:
            scheme: "Basic" or "Bearer".
        """
        if scheme == "Bearer":
            return f"Bearer {self.secret}"
        import base64

        return f"Basic {base64.b64encode(':'.join(self.login).encode()).decode()}"


def find_credential(url: str) -> Credential | None:
    """What a URL's host may get: from the URL, the environment, or ``~/.netrc``; the first one wins.

    Raises:
        UsageError: A variable holds what cannot be a token.
    """
    parts = try_parse(url)
    if parts is None:
        return None
    if parts.user and parts.transport != "ssh":
        user, _, password = parts.user.partition(":")
        check = "Check the user name and password in the URL."
        return Credential(unquote(password), unquote(user), check, is_in_url=True)
    if not _may_send(parts):
        return None
    for name in token_variables(parts):
        if token := os.environ.get(name, "").strip():
            return Credential(_require_token(name, token), None, _check_token(name))
    return _read_netrc(parts.host)


def token_variables(url: Url) -> tuple[str, ...]:
    """The environment variables whose token is sent to the host of a URL; the first one wins.

    GitHub's also apply to ``$HUBKIT_GITHUB_URL``. Each host has its own ``HUBKIT_TOKEN_<HOST>``, which no
    other host or port shares: ``_`` for dots, ``__`` for hyphens, and a suffix such as ``_8443`` for a port
    other than the default. A host with an underscore in its name has none.
    """
    if not _may_send(url):
        return ()
    own = () if "_" in url.host else (f"{_OWN_TOKEN}{_variable_part(url)}",)
    names = (*own, *_TOKENS.get(url.host_key, ()))
    mirror = try_parse(github_url())
    if mirror is not None and mirror.origin == url.origin and url.host_key != GITHUB:
        names += _TOKENS[GITHUB]
    return names


class TokenSource(Struct, frozen=True):
    """Where a token or login comes from; the secret itself is not read.

    Attributes:
        name: The environment variable, or the netrc file.
        host: The host that gets it, with a port if it is not the default.
        problem: Why it is not used, or "".
    """

    name: str
    host: str
    problem: str = ""


def list_token_sources() -> Iterator[TokenSource]:
    """The variables and netrc files that hold tokens and logins, and for which hosts."""
    usual = {name: host for host, names in _TOKENS.items() for name in names}
    for name, value in sorted(os.environ.items()):
        host = usual.get(name) or _host_of_variable(name)
        if not host:
            continue
        problem = "" if value.strip() else "it is empty"
        if not (value.strip().isascii() and value.strip().isprintable()):
            problem = "it contains a character that no token has"
        yield TokenSource(name, host, problem)
    for path in _netrc_files():
        yield from _list_netrc(path)


def _host_of_variable(name: str) -> str:
    """The host of ``HUBKIT_TOKEN_<HOST>``; "" for another variable."""
    part = name.removeprefix(_OWN_TOKEN)
    if part == name or not part:
        return ""
    labels, port = re.fullmatch(r"(.*?)(?:_(\d+))?", part, re.DOTALL).groups()  # type: ignore[union-attr]
    host = labels.replace("__", "-").replace("_", ".").lower()
    return f"{host}:{port}" if port else host


def _list_netrc(path: str) -> Iterator[TokenSource]:
    import netrc

    try:
        hosts = netrc.netrc(path).hosts
    except netrc.NetrcParseError as error:  # its message may quote a password
        yield TokenSource(path, "", f"line {error.lineno} cannot be read")
    except (OSError, UnicodeError):
        return
    else:
        yield from (TokenSource(path, host) for host in hosts)


def token_advice(url: str) -> str:
    """How to set a token for the host of a URL, such as "set GITHUB_TOKEN"; "" if none is sent."""
    parts = try_parse(url)
    if parts is None or not _may_send(parts):
        return ""
    usual = _TOKENS.get(parts.host_key, ())
    chosen = next(iter([*usual, *token_variables(parts)]), "")
    return f"set {chosen}" if chosen else f"add {parts.host} to ~/.netrc"


def _may_send(url: Url) -> bool:
    return bool(url.host) and url.is_private and url.transport != "ssh"


def _variable_part(url: Url) -> str:
    """The host of a URL as part of a variable's name; different hosts have different names."""
    port = f"_{url.port}" if ":" in url.host_key.rpartition("]")[2] else ""
    if ":" in url.host:  # no other host's name starts with "_"
        from ipaddress import ip_address

        return f"_{ip_address(url.host).exploded.upper().replace(':', '_')}{port}"
    return re.sub(r"[.-]", lambda found: "__" if found[0] == "-" else "_", url.host.upper()) + port


def _require_token(name: str, token: str) -> str:
    """Refuse a token that libraries would refuse, with the token in their messages."""
    if not token.isascii() or not token.isprintable():
        raise UsageError(
            f"{name} contains a character that no token has.", hint=f"Set {name} again."
        )
    return token


def _check_token(name: str) -> str:
    return f"Check the permissions and expiration date of the token in {name}."


def _read_netrc(host: str) -> Credential | None:
    """The login for a host, from ``$NETRC`` or ``~/.netrc``."""
    import netrc

    for path in _netrc_files():
        try:
            found = netrc.netrc(path).authenticators(host)
        except (OSError, UnicodeError):
            continue
        except netrc.NetrcParseError as error:
            _warn_of_netrc(path, error.lineno)  # its message may quote a password
            continue
        if found is None or not found[2]:
            return None
        check = f"Check the login for {host} in {path}."
        return Credential(found[2], found[0] or found[1] or "", check)
    return None


def _netrc_files() -> list[str]:
    own = os.environ.get("NETRC")
    if own is not None:
        return [own]
    try:
        return [str(Path.home() / name) for name in (".netrc", "_netrc")]
    except RuntimeError:  # there is no home folder
        return []


@functools.cache
def _warn_of_netrc(path: str, line: int | None) -> None:
    log.warning("%s, line %s cannot be read; its logins are not used", path, line)
