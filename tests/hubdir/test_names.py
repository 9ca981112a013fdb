"""What users type to name a repo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.errors import RepoSpecError
from hubkit.facts import RepoRef
from hubkit.hubdir import parse_repo

WORD = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
REF = st.lists(WORD, min_size=1, max_size=3).map("/".join)


@given(WORD, WORD, st.none() | REF)
def test_written_names_are_read_back(owner: str, name: str, ref: str | None) -> None:
    repo = RepoRef(owner, name, ref)
    assert parse_repo(str(repo)) == repo


@given(st.text())
def test_nonsense_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        repo = parse_repo(text)
    except RepoSpecError:
        return
    assert repo.owner
    assert repo.name
    assert not {"", ".", ".."} & {*repo.owner.split("/"), repo.name}


@pytest.mark.parametrize(
    ("text", "repo"),
    [
        ("acme/shapes", RepoRef("acme", "shapes")),
        ("acme/shapes:v1.0", RepoRef("acme", "shapes", "v1.0")),
        ("acme/shapes@v1.0", RepoRef("acme", "shapes", "v1.0")),
        (" acme/shapes:feature/x ", RepoRef("acme", "shapes", "feature/x")),
        ("https://github.com/acme/shapes", RepoRef("acme", "shapes")),
        ("https://www.github.com/acme/shapes.git/", RepoRef("acme", "shapes")),
        ("https://github.com/acme/shapes:v1", RepoRef("acme", "shapes", "v1")),
        ("https://github.com/acme/shapes@v1", RepoRef("acme", "shapes", "v1")),
        ("https://github.com/acme/shapes/tree/feature/x", RepoRef("acme", "shapes", "feature/x")),
        ("https://github.com/acme/shapes/blob/main/a/b.py", RepoRef("acme", "shapes", "main")),
        ("https://github.com/acme/shapes/commit/abc1234", RepoRef("acme", "shapes", "abc1234")),
        ("https://github.com/acme/shapes/releases/tag/v1", RepoRef("acme", "shapes", "v1")),
        ("https://github.com/acme/shapes/releases", RepoRef("acme", "shapes")),
        ("https://github.com/acme/shapes/tree/main?tab=x#y", RepoRef("acme", "shapes", "main")),
        ("gitlab.com/g/sub/shapes:v1", RepoRef("g/sub", "shapes", "v1", "gitlab.com")),
        (
            "https://gitlab.com/g/sub/shapes/-/tree/v1",
            RepoRef("g/sub", "shapes", "v1", "gitlab.com"),
        ),
        ("https://git.acme.org:8443/a/b:c", RepoRef("a", "b", "c", "git.acme.org:8443")),
        ("http://127.0.0.1:8080/a/b", RepoRef("a", "b", None, "127.0.0.1:8080", "http")),
        ("http://[::1]:8080/a/b", RepoRef("a", "b", None, "[::1]:8080", "http")),
        ("https://git.acme.org:443/a/b", RepoRef("a", "b", None, "git.acme.org")),
        ("https://www.acme.org/a/b", RepoRef("a", "b", None, "www.acme.org")),
        ("HTTPS://GitHub.com/acme/shapes", RepoRef("acme", "shapes")),
        ("https://github.com/acme/shapes/?tab=readme-ov-file", RepoRef("acme", "shapes")),
        ("https://github.com/acme/shapes#readme", RepoRef("acme", "shapes")),
        ("https://github.com/acme/shapes/tree/feature%2Fx", RepoRef("acme", "shapes", "feature/x")),
    ],
)
def test_spellings(text: str, repo: RepoRef) -> None:
    assert parse_repo(text) == repo


@pytest.mark.parametrize(
    ("text", "repo"),
    [
        (
            "git+https://github.com/acme/shapes.git@v1#egg=shapes",
            RepoRef("acme", "shapes", "v1", "github.com", "git+https"),
        ),
        (
            "git+https://git.acme.org/g/sub/shapes@feature/x",
            RepoRef("g/sub", "shapes", "feature/x", "git.acme.org", "git+https"),
        ),
        (
            "git+ssh://git@github.com/acme/shapes@v1",
            RepoRef("acme", "shapes", "v1", "github.com", "git+ssh"),
        ),
        (
            "git+ssh://me@git.acme.org:2222/acme/shapes.git",
            RepoRef("acme", "shapes", None, "me@git.acme.org:2222", "git+ssh"),
        ),
        (
            "git@github.com:acme/shapes.git",
            RepoRef("acme", "shapes", None, "github.com", "git+ssh"),
        ),
        ("git+http://[::1]:81/a/b", RepoRef("a", "b", None, "[::1]:81", "git+http")),
        (
            "git+file:///srv/my%20git/shapes.git@feature/x",
            RepoRef("srv/my git", "shapes.git", "feature/x", "", "git+file"),
        ),
        (
            "git+file:///srv/shapes.git:feature/x",
            RepoRef("srv", "shapes.git", "feature/x", "", "git+file"),
        ),
        ("git+file:///C:/git/shapes:v1", RepoRef("C:/git", "shapes", "v1", "", "git+file")),
        ("git+file:///srv/a%3Ab/shapes", RepoRef("srv/a:b", "shapes", None, "", "git+file")),
        ("git+file:///home/a%40b/shapes", RepoRef("home/a@b", "shapes", None, "", "git+file")),
    ],
)
def test_pips_and_gits_spellings_are_left_to_git(text: str, repo: RepoRef) -> None:
    assert parse_repo(text) == repo
    assert parse_repo(str(repo)) == repo


def test_trust_does_not_depend_on_how_the_repo_is_fetched() -> None:
    assert parse_repo("git+ssh://git@github.com/acme/shapes").full_name == "acme/shapes"
    assert parse_repo("git+https://git.acme.org/a/b").full_name == "git.acme.org/a/b"
    local = parse_repo("git+file:///srv/a%40b/shapes@v1")
    assert local.full_name == "git+file:///srv/a%40b/shapes"
    assert parse_repo(local.full_name).full_name == local.full_name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/home/me/repo", "folder"),
        ("./repo", "folder"),
        ("~/repo", "folder"),
        ("C:\\Users\\me", "folder"),
        ("D:/repo", "folder"),
        ("shapes", "owner/name"),
        ("a/b/c", "owner/name"),
        ("acme/shapes:", "a branch, a tag"),
        ("acme/shapes:-x", "a branch, a tag"),
        ("acme/shapes:a..b", "a branch, a tag"),
        ("acme/../shapes", "owner/name"),
        ("git://github.com/acme/shapes", "https"),
        ("file:///home/me/shapes", "git+file"),
        ("git+http://github.com/acme/shapes", "https"),
        ("git+https://github.com/acme/shapes@-x", "a branch, a tag"),
        ("git+https://github.com/acme/shapes@", "a branch, a tag"),
        ("git+ssh://git@github.com/acme/shapes@--upload-pack=x", "a branch, a tag"),
        ("git+ssh://-oProxyCommand=x/acme/shapes", "owner/name"),
        ("git+ssh://git:secret@github.com/acme/shapes", "credentials"),
        ("git+https://user:secret@github.com/acme/shapes", "credentials"),
        ("git+https://github.com/acme/shapes#subdirectory=net", "local"),
        ("git+file:///srv/shapes#egg=x&subdirectory=net", "local"),
        ("https://g\u0456thub.com/pytorch/vision", "xn--"),
        ("https://\uff47ithub.com/pytorch/vision", "xn--"),
        ("\u0430cme/shapes", "owner/name"),
        ("git+file://host/srv/shapes", "absolute path"),
        ("git+file:///srv/../shapes", "absolute path"),
        ("git+file://./shapes", "absolute path"),
        ("git+file:///srv/shapes@", "a branch, a tag"),
        ("-oProxyCommand=x@host:acme/shapes", "owner/name"),
        ("http://github.com/acme/shapes", "https"),
        ("https://github.com/acme", "owner/name"),
        ("https://user:secret@github.com/acme/shapes", "credentials"),
        ("https://evil.org\\@github.com/acme/shapes", "backslash"),
        ("git+https://evil.org\\@github.com/acme/shapes", "backslash"),
        ("git+ssh://evil.org\\@github.com/acme/shapes", "backslash"),
        ("git@evil.org\\:acme/shapes", "folder"),
        ("https://evil.org\t@github.com/acme/shapes", "control character"),
        ("https://evil.org @github.com/acme/shapes", "space"),
        ("https://me:secret@evil.org\\@github.com/acme/shapes", "backslash"),
        ("https://a@b@github.com/acme/shapes", "form"),
        ("https://github%2ecom/acme/shapes", "host name"),
        ("https://github.com:x/acme/shapes", "port"),
        ("https://github.com./acme/shapes", "host name"),
        ("-evil.org/acme/shapes", "host name"),
        ("127.1/acme/shapes", "four numbers"),
    ],
)
def test_text_that_names_no_repo_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(RepoSpecError) as refused:
        parse_repo(text)
    assert hint in str(refused.value)
    assert "secret" not in str(refused.value)
