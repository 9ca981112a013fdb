"""One reading of a URL: what our parser accepts, every library that we hand it to reads alike."""

from __future__ import annotations

import subprocess
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubkit._util.urls import (
    Url,
    UrlError,
    expand_scp,
    github_repo,
    parse_url,
    redact,
    try_parse,
)

if TYPE_CHECKING:
    from pathlib import Path

# Texts that are nearly URLs: the characters that parsers disagree about, in every place.
HOSTS = st.sampled_from(["github.com", "evil.org", "127.0.0.1", "[::1]", "localhost", "a-b", "h_x"])
ODD = st.sampled_from(
    [
        *"\\@:/?#%[]. \t\n\r\0-_;&=+$,!'()*~|^{}\"<>`",
        "%5c", "%40", "%2f", "\u2044", "\uff0f", "\u3002", "\u0131", "\xa0", "\u200b", "\u202e",
        "0x7f", "01", "443", "99999", "..", "//",
    ]
)  # fmt: skip
PIECES = st.lists(HOSTS | ODD | st.text(max_size=2), max_size=8).map("".join)
SCHEMES = st.sampled_from(["https://", "http://", "HTTPS://", "https:/", "https:", "//", ""])
NEARLY = st.builds("{}{}{}{}".format, SCHEMES, PIECES, HOSTS, PIECES)
AUTHORITIES = st.builds(
    "{}{}{}{}/{}".format,
    SCHEMES,
    st.sampled_from(["", "me@", "me:pw@", "@", "evil.org\\@", "a@b@", ":@", "x:y:z@"]),
    HOSTS,
    st.sampled_from(["", ":80", ":443", ":", ":0", ":065", ":8443", ":1x", "\\", ".", "%2e", "@"]),
    PIECES,
)
TRICKS = [
    "https://evil.org\\@github.com/x",
    "https://github.com\\@evil.org/x",
    "https://evil.org\\.github.com/x",
    "https:\\\\evil.org/x",
    "https://evil.org\t@github.com/",
    "https://git\nhub.com/",
    "\x01https://github.com/",
    " https://github.com/",
    "https://evil.org@github.com@x.org/",
    "https://github.com:443:80/",
    "https://github.com:/",
    "https://github.com:+443/",
    "https://github.com:\u0664\u0664\u0663/",
    "https://[::1]evil.org/",
    "https://[::1%25eth0]/",
    "https://[github.com]/",
    "https://github%2ecom/",
    "https://\uff47ithub.com/",
    "https://github.com\u2044@evil.org/",
    "https://github\u3002com/",
    "https://github.com./",
    "https://.github.com/",
    "https://github..com/",
    "https://-oProxyCommand=x/",
    "https://127.1/",
    "https://0x7f.0.0.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https:///github.com/x",
    "https:github.com/x",
    "https://",
    "//github.com/x",
    "github.com/x",
    "https://user[x@github.com/",
    "file://evil.org/x",
    "file://me@/x",
    "https://github.com/\u202ex",
]


@pytest.mark.parametrize("text", TRICKS)
def test_what_parsers_disagree_about_is_refused(text: str) -> None:
    with pytest.raises(UrlError):
        parse_url(text)
    assert "github" not in redact(text)
    assert "evil" not in redact(text)


def hosts_that_libraries_see(text: str) -> dict[str, tuple[str, int | None]]:
    import requests
    import urllib3

    split = urllib.parse.urlsplit(text)
    three = urllib3.util.parse_url(text)
    prepared = requests.Request("GET", text).prepare()
    assert prepared.url is not None
    again = urllib3.util.parse_url(prepared.url)
    pool = urllib3.PoolManager().connection_from_url(prepared.url)
    opened = urllib.request.Request(text).host
    return {
        "urlsplit": (split.hostname or "", split.port),
        "urllib3": (three.host or "", three.port),
        "requests": (again.host or "", again.port),
        "connection": (pool.host, pool.port),
        "urllib.request": (urllib.parse.urlsplit(f"//{opened}").hostname or "", None),
    }


@settings(max_examples=500)
@given(NEARLY | AUTHORITIES | st.text())
@example("https://github.com/a b")
@example("https://me:pw@github.com:443/x?y#z")
@example("https://github.com?x@evil.org")
@example("https://github.com#@evil.org/")
@example("http://[::1]:8080/[x]")
@example("https://github.com//evil.org/x")
@example("https://github.com/@evil.org:80")
def test_what_is_accepted_is_read_alike_by_every_library(text: str) -> None:
    url = try_parse(text)
    if url is None or url.scheme not in ("http", "https"):
        return
    default = {"http": 80, "https": 443}[url.scheme]
    for spelling in (text, str(url), url.redacted):
        for library, (host, port) in hosts_that_libraries_see(spelling).items():
            assert host.lower().strip("[]") == url.host, (library, spelling)
            if library != "urllib.request":
                assert (port or default) == (url.port or default), (library, spelling)
    assert parse_url(str(url)) == url or url.port == default


@settings(max_examples=150)
@given(HOSTS, NEARLY | AUTHORITIES | PIECES)
def test_a_redirect_leads_where_requests_would_go(host: str, location: str) -> None:
    base = parse_url(f"https://{host}/a/b?c")
    try:
        target = base.join(location)
    except UrlError:
        return
    if target.scheme not in ("http", "https"):
        return
    split = urllib.parse.urlsplit(urllib.parse.urljoin(str(base), location))
    assert split.hostname == target.host
    assert hosts_that_libraries_see(str(target))["urllib3"][0].strip("[]") == target.host


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/acme/shapes.git",
        "https://me@git.acme.org:8443/a/b",
        "https://GitHub.com/a/b",
        "http://127.0.0.1:80/a/b",
        "https://xn--80ak6aa92e.com/a",
        "ssh://git@git.acme.org:2222/a/b",
    ],
)
def test_git_sees_the_same_host(text: str, tmp_path: Path) -> None:
    out = tmp_path / "asked"
    helper = f"!cat >{out} #"
    command = ["git", "-c", "credential.helper=", "-c", f"credential.helper={helper}"]
    given = f"url={text}\nusername=x\npassword=y\n\n"
    subprocess.run([*command, "credential", "approve"], input=given, text=True, check=True)
    said = dict(line.split("=", 1) for line in out.read_text().splitlines() if line)
    url = parse_url(text)
    assert said["protocol"] == url.scheme
    assert parse_url(f"{url.scheme}://{said['host']}").host_key == url.host_key


@pytest.mark.parametrize(
    ("text", "url", "key"),
    [
        ("https://GitHub.com", Url("https", "", "github.com", None, ""), "github.com"),
        ("https://h:443/a", Url("https", "", "h", 443, "/a"), "h"),
        ("http://h:443/a", Url("http", "", "h", 443, "/a"), "h:443"),
        ("https://[::1]:80/a?b#c", Url("https", "", "::1", 80, "/a", "b", "c"), "[::1]:80"),
        ("https://me:pw@h/a", Url("https", "me:pw", "h", None, "/a"), "h"),
        ("file:///a%20b", Url("file", "", "", None, "/a%20b"), ""),
        ("file://localhost/a", Url("file", "", "", None, "/a"), ""),
        ("git+https://h:443/a@v1", Url("git+https", "", "h", 443, "/a@v1"), "h"),
    ],
)
def test_parts(text: str, url: Url, key: str) -> None:
    assert parse_url(text) == url
    assert url.host_key == key


def test_what_is_shown_holds_no_secret() -> None:
    assert redact("https://me:pw@h:8443/a?token=x#y") == "https://h:8443/a"
    assert redact("https://me:pw@evil\\@h/a") == "https://..."
    assert redact("nonsense") == "..."


@pytest.mark.parametrize(
    ("url", "loopback", "private"),
    [
        ("http://localhost:1/", True, True),
        ("http://127.8.9.1/", True, True),
        ("http://[::1]/", True, True),
        ("http://localhost.evil.org/", False, False),
        ("http://10.0.0.1/", False, False),
        ("https://10.0.0.1/", False, True),
        ("git+https://h/", False, True),
    ],
)
def test_loopback(url: str, loopback: bool, private: bool) -> None:
    assert parse_url(url).is_loopback is loopback
    assert parse_url(url).is_private is private


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("git@github.com:acme/shapes.git", "ssh://git@github.com/acme/shapes.git"),
        ("github.com:acme/shapes", "ssh://github.com/acme/shapes"),
        ("https://github.com/acme/shapes", "https://github.com/acme/shapes"),
        ("-oProxyCommand=x@host:acme/shapes", "-oProxyCommand=x@host:acme/shapes"),
        ("host:-x", "host:-x"),
        ("C:/repos/shapes", "C:/repos/shapes"),
    ],
)
def test_gits_short_form(address: str, url: str) -> None:
    assert expand_scp(address) == url


@pytest.mark.parametrize(
    ("remote", "repo"),
    [
        ("git@github.com:acme/shapes.git", ("acme", "shapes")),
        ("https://github.com/acme/shapes/", ("acme", "shapes")),
        ("https://me:pw@github.com/acme/shapes.git\n", ("acme", "shapes")),
        ("ssh://git@ssh.github.com:443/acme/shapes.git", ("acme", "shapes")),
        ("https://evil.org/github.com/acme/shapes", None),
        ("https://notgithub.com/acme/shapes", None),
        ("git@evil.org:github.com/acme/shapes", None),
        ("https://github.com/acme", None),
        ("/srv/github.com/acme/shapes", None),
        ("", None),
    ],
)
def test_the_repo_on_github_that_a_remote_leads_to(
    remote: str, repo: tuple[str, str] | None
) -> None:
    assert github_repo(remote) == repo
