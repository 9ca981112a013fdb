"""Which parameters of a URL make it another file, and which are signatures or credentials."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from hubkit.errors import HashMismatchError, NotThereError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, key_of
from hubkit.lockfile import read_lockfile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

SECRET = "s3cr3tS3cr3tS3cr3tS3cr3t"
BASE = "https://weights.example.org/net.pt"


@pytest.mark.parametrize(
    "signature",
    [
        "X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Date=1&X-Amz-Expires=9&X-Amz-Signature={}",
        "AWSAccessKeyId=A&Signature={}&Expires=1",
        "X-Goog-Date=1&X-Goog-Expires=9&X-Goog-Signature={}",
        "GoogleAccessId=a&Expires=1&Signature={}",
        "Expires=1&Signature={}&Key-Pair-Id=K",
        "Policy=p&Signature={}&Key-Pair-Id=K",
        "sv=2024&st=1&se=2&sr=b&sp=r&sig={}",
        "hdnea=exp=1~acl=/*~hmac={}",
        "Signature={}",
    ],
)
def test_signatures_of_a_link_are_not_in_its_key(signature: str) -> None:
    signed = signature.format(SECRET)
    assert key_of(f"{BASE}?{signed}") == BASE
    assert key_of(f"{BASE}?id=7&{signed}&v=2") == f"{BASE}?id=7&v=2"


@pytest.mark.parametrize(
    "name", ["token", "policy", "expires", "sr", "se", "sv", "st", "sp", "sig", "key", "x-amz-date"]
)
def test_a_parameter_that_signs_nothing_tells_two_files_apart(name: str) -> None:
    assert key_of(f"{BASE}?{name}=small") != key_of(f"{BASE}?{name}=large")
    assert key_of(f"{BASE}?{name}=small") == f"{BASE}?{name}=small"


@pytest.mark.parametrize(
    "name",
    [
        "private_token", "access_token", "api_key", "apikey", "API-KEY", "auth_token", "job_token",
        "client_secret", "password", "jwt", "gitlab-private-token", "authorization", "secret",
    ],
)  # fmt: skip
def test_a_credential_is_not_in_the_key(name: str) -> None:
    assert key_of(f"{BASE}?{name}={SECRET}&id=7") == f"{BASE}?id=7"


@pytest.mark.parametrize("name", ["token", "auth", "key", "sig"])
def test_secrets_of_a_url_are_in_its_key_as_a_digest(name: str) -> None:
    one, other = key_of(f"{BASE}?{name}={SECRET}"), key_of(f"{BASE}?{name}={SECRET}0")
    assert SECRET not in one
    assert one != other


def test_a_lone_token_is_a_signature_where_the_host_signs_so() -> None:
    url = "https://raw.githubusercontent.com/a/b/main/net.pt"
    assert key_of(f"{url}?token=abc") == url


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://me:pw@H.example.org:443/a?x=1#y", "https://h.example.org/a?x=1"),
        ("https://h.example.org/a?x=%20&y", "https://h.example.org/a?x=+&y="),
        ("file:///a%20b", "file:///a%20b"),
    ],
)
def test_keys_leave_out_credentials_fragments_and_usual_ports(url: str, key: str) -> None:
    assert key_of(url) == key


@pytest.mark.parametrize("name", ["private_token", "access_token", "api_key", "token"])
def test_a_secret_is_in_no_record_lock_file_or_message(
    git_host: GitHost, hub_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG, "hubkit")
    url = f"{git_host.add_file('/net.pt', b'weights')}?{name}={SECRET}&id=7"
    fetch_checkpoint(url, policy=FetchPolicy())
    assert git_host.requests[0].query == f"{name}={SECRET}&id=7"
    lock = tmp_path / "hubkit.lock"
    done = CliRunner().invoke(main, ["lock", "--checkpoint", url, "-o", str(lock)])
    assert done.exit_code == 0
    with pytest.raises(HashMismatchError) as refused:
        load_pinned(url, lock)
    git_host.fail("gone", status=404)
    with pytest.raises(NotThereError) as gone:
        fetch_checkpoint(url.replace("net.pt", "gone.pt"), policy=FetchPolicy())
    kept = [path.read_bytes() for path in hub_dir.rglob("*") if path.is_file()]
    said = f"{done.output} {caplog.text} {refused.value} {refused.value.url} {gone.value}"
    assert SECRET not in f"{said} {gone.value.url} {lock.read_text()} {kept}"
    assert "id=7" in lock.read_text()


def load_pinned(url: str, lock: Path) -> object:
    """Ask for other bytes than those that are pinned."""
    from hubkit.loader.weights import _pin

    return _pin(url, "0" * 8, read_lockfile(lock))
