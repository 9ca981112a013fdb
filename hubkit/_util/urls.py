"""The only parser of URLs.

Parsers disagree about backslashes, spaces, several ``@`` and unusual hosts. If the code that chooses
a token saw another host than the code that connects, the token would go to the wrong host. So this
parser accepts only URLs that urllib, urllib3, requests and git read in the same way.
"""

from __future__ import annotations

import functools
import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urljoin

from msgspec import Struct

_URL = (
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<user>[A-Za-z0-9._~!$&'()*+,;=:%-]*)@)?"
    r"(?P<host>\[[^\[\]]*\]|[^\[\]@:/?#]*)"
    r"(?::(?P<port>[^@/?#]*))?"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
# The last label of a host name is never a number: libraries read such hosts as IP addresses, each in
# its own way (127.1, 0x7f.1, 2130706433).
_NUMBER = r"[0-9]+|0x[0-9a-f]*"
_PORT = r"[1-9][0-9]{0,4}"
_SCP = r"(?a)((?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9_][\w.-]*):(?![-:/\\])(.+)"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
_GITHUB_HOSTS = ("github.com", "www.github.com", "ssh.github.com")
_MAX_HOST = 253  # characters of a host name, RFC 1035
_MAX_PORT = 65535


class UrlError(ValueError):
    """A text is not a URL, or parsers disagree about it.

    The message is a clause that follows the URL, such as "has no host". It does not quote the URL,
    which may contain credentials.
    """


class Url(Struct, frozen=True):
    """A URL, split once.

    Attributes:
        scheme: In lower case.
        user: User name and password as written; "" for none.
        host: In lower case; an IPv6 address without brackets; "" for a file on this machine.
        port: As written; None for the default port.
        path: As written; starts with "/" unless it is empty.
        query: As written, without "?".
        fragment: As written, without "#".
    """

    scheme: str
    user: str
    host: str
    port: int | None
    path: str
    query: str = ""
    fragment: str = ""

    @property
    def transport(self) -> str:
        """The scheme without pip's ``git+``."""
        return self.scheme.removeprefix("git+")

    @property
    def host_key(self) -> str:
        """Host and port, without the default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port in (None, _DEFAULT_PORTS.get(self.transport))
        return host if is_default else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port. A token is only sent to one origin."""
        return f"{self.scheme}://{self.host_key}"

    @property
    def redacted(self) -> str:
        """The URL without its possibly secret parts: credentials, query and fragment."""
        return f"{self.origin}{self.path}"

    @property
    def file_name(self) -> str:
        """The last part of the path, which is torch.hub's name for a file."""
        return self.path.rpartition("/")[2]

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.host)

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self.transport in ("https", "ssh")

    @property
    def is_private(self) -> bool:
        """Whether a secret may be sent: the connection is encrypted, or stays on this machine."""
        return self.is_encrypted or self.is_loopback

    def join(self, reference: str) -> Url:
        """The target of a redirect.

        Args:
            reference: The ``Location`` header: a URL, or a relative one.

        Raises:
            UrlError: It is not a URL.
        """
        _require_plain(reference)
        # Parsers disagree whether "///host/" has a host.
        if reference.startswith("//"):
            reference = f"{self.scheme}:{reference}"
        return parse_url(reference if _has_scheme(reference) else urljoin(str(self), reference))

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{user}{self.host_key}{self.path}{query}{fragment}"


@functools.lru_cache(maxsize=64)  # a fetch parses the same few again and again
def parse_url(text: str) -> Url:
    """Split a URL.

    Backslashes, spaces, control characters, a second ``@``, ports that are not numbers, and hosts that
    are empty, percent-encoded or not ASCII are errors. Only a ``file`` URL has no host.

    Raises:
        UrlError: It is not a URL, or parsers disagree about it.
    """
    _require_plain(text)
    found = re.fullmatch(_URL, text)
    if not found:
        raise UrlError("is not a URL of the form scheme://host/path")
    scheme = found["scheme"].lower()
    local = scheme in ("file", "git+file")
    host = _require_host(found["host"].lower(), local=local)
    port = _require_port(found["port"])
    if local and (host or port or found["user"] is not None):
        raise UrlError("is a file URL with a host")
    return Url(
        scheme,
        found["user"] or "",
        host,
        port,
        found["path"] or "",
        found["query"] or "",
        found["fragment"] or "",
    )


def parse_web_url(text: str, base: Url | None = None) -> Url:
    """Split an https or http URL.

    Args:
        text: The URL, or the target of a redirect.
        base: The URL that redirects.

    Raises:
        UrlError: It is not an https or http URL.
    """
    url = base.join(text) if base else parse_url(text)
    if url.scheme not in ("https", "http"):
        raise UrlError("is not an https URL")
    return url


def try_parse(text: str) -> Url | None:
    """Split a URL; None if it is invalid."""
    try:
        return parse_url(text)
    except UrlError:
        return None


def redact(text: str) -> str:
    """A URL without credentials, query and fragment, for messages.

    For an invalid URL this is only its scheme.
    """
    url = try_parse(text)
    if url is not None:
        return url.redacted
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", text)
    return f"{scheme[0]}://..." if scheme else "..."


def redact_proxy(text: str) -> str:
    """The address of a proxy, which may lack a scheme, without its login; "..." for the rest."""
    shown = redact(text if "://" in text else f"http://{text}")
    return shown if "://" in text else shown.removeprefix("http://")


def expand_scp(address: str) -> str:
    """Git's short form ``user@host:owner/name`` as an ``ssh`` URL; other addresses as they are."""
    found = None if "://" in address else re.fullmatch(_SCP, address)
    return f"ssh://{found[1]}/{found[2]}" if found else address


def github_repo(address: str) -> tuple[str, str] | None:
    """Owner and name of the GitHub repo of a git remote; None for other hosts."""
    url = try_parse(expand_scp(address.strip()))
    if url is None or url.host not in _GITHUB_HOSTS:
        return None
    owner, _, name = url.path.strip("/").removesuffix(".git").partition("/")
    return (owner, name) if owner and name and "/" not in name else None


def is_loopback(host: str) -> bool:
    """Whether a host name, without port, is this machine."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _require_plain(text: str) -> None:
    if "\\" in text:
        raise UrlError("contains a backslash")
    if not all(char.isprintable() and char != " " for char in text):
        raise UrlError("contains a space or a control character")


def _has_scheme(reference: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", reference) is not None


def _require_host(host: str, *, local: bool) -> str:
    if not host:
        if local:
            return ""
        raise UrlError("has no host")
    if local and host == "localhost":
        return ""
    if host.startswith("["):
        return _require_ipv6(host[1:-1])
    if not host.isascii():
        raise UrlError("has a host that is not ASCII; write it as xn--...")
    labels = host.split(".")
    if len(host) > _MAX_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise UrlError("has a host that is not a host name")
    if re.fullmatch(_NUMBER, labels[-1]):
        _require_ipv4(host)
    return host


def _require_ipv4(host: str) -> None:
    try:
        IPv4Address(host)
    except ValueError as error:
        raise UrlError("has a host that is not an IP address of four numbers") from error


def _require_ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError as error:
        raise UrlError("has a host that is not an IPv6 address") from error
    if address.scope_id is not None:
        raise UrlError("has a host with a zone")
    return str(address)


def _require_port(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(_PORT, text) or int(text) > _MAX_PORT:
        raise UrlError("has a port that is not a number from 1 to 65535")
    return int(text)
