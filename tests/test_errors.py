"""Errors are what torch.hub raises in the same situation, and can be sent to other processes."""

from __future__ import annotations

import copy
import pickle
import socket
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

import pytest

import hubkit
from hubkit import errors
from hubkit.errors import FetchError, HubkitError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

STATUS = {
    errors.NotThereError: 404,
    errors.RepoNotFoundError: 404,
    errors.AccessDeniedError: 403,
    errors.RateLimitedError: 429,
}
URL = "https://example.org/net.pt"


@pytest.mark.parametrize("kind", STATUS)
def test_an_error_with_a_status_is_an_http_error(kind: type[FetchError]) -> None:
    for status in (None, 401):
        with pytest.raises(HTTPError) as caught:
            raise kind("Not for you.", url=URL, status=status, hint="Log in.")
        assert type(caught.value).__name__ == kind.__name__
        error: Any = caught.value
        assert (error.code, error.status) == ((status or STATUS[kind]),) * 2
        assert error.url == error.geturl() == URL
        assert error.reason == error.msg
        assert error.reason
        assert error.headers.get("Retry-After") is None
        assert error.read() == b""
        assert str(error) == "Not for you.\nLog in."
        assert not hasattr(error, "no_such_attribute")
        with error:
            error.close()


@pytest.mark.parametrize("status", [500, 503])
def test_a_busy_host_is_an_http_error(status: int) -> None:
    error: Any = errors.UnreachableError("Later.", url=URL, status=status)
    assert isinstance(error, HTTPError)
    assert (error.code, error.url) == (status, URL)


@pytest.mark.parametrize(
    "kind",
    [errors.UnreachableError, errors.OfflineError, errors.IncompleteDownloadError, FetchError],
)
def test_an_error_of_the_network_is_a_url_error(kind: type[FetchError]) -> None:
    error: Any = kind("No network.", url=URL)
    assert isinstance(error, URLError)
    assert not isinstance(error, HTTPError)
    assert error.reason == "No network."
    refused: Any = ConnectionRefusedError(111, "refused")
    error.__cause__ = RuntimeError()
    error.__cause__.__context__ = refused
    assert error.reason is refused


@pytest.mark.parametrize("kind", [errors.CacheWriteError, errors.LockTimeoutError])
def test_other_errors_are_no_url_errors(kind: type[FetchError]) -> None:
    assert not isinstance(kind("Disk full."), URLError)


def all_errors(kind: type[HubkitError]) -> list[HubkitError]:
    extra = {
        errors.EntrypointNotFoundError: {"entrypoint": "net"},
        errors.MissingDependenciesError: {"missing": ("numpy",)},
        errors.NotBuiltError: {"part": "net._C"},
        errors.AmbiguousModuleError: {"name": "models.net"},
        errors.SharedOperatorError: {"operator": "acme::scale"},
        errors.UntrustedRepoError: {"repo": "own/rep"},
        errors.HashMismatchError: {"expected": "1a", "actual": "2b"},
    }
    made = [kind("Wrong.", hint="Do this.", **extra.get(kind, {}))]  # type: ignore[arg-type]
    if issubclass(kind, FetchError) and kind not in extra:
        made.append(kind("Wrong.", hint="Do this.", url=URL, status=418))
    below = [one for one in kind.__subclasses__() if vars(errors).get(one.__name__) is one]
    return made + [error for one in dict.fromkeys(below) for error in all_errors(one)]


def test_copies_are_equal() -> None:
    for error in all_errors(HubkitError):
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is type(error)
            assert (str(again), vars(again), again.args) == (str(error), vars(error), error.args)


def test_downloads_raise_them(tmp_path: Path) -> None:
    with socket.socket() as listener:  # bound, but not listening
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        url, path = f"http://127.0.0.1:{port}/net.pt", str(tmp_path / "net.pt")
        with pytest.raises(URLError) as caught:
            hubkit.download_url_to_file(url, path, progress=False)
    reason: object = caught.value.reason
    assert isinstance(reason, ConnectionRefusedError)


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize("status", [401, 403, 404, 410, 418, 429, 501])
def test_downloads_raise_the_status_of_the_host(git_host: GitHost, status: int) -> None:
    url = git_host.add_file("/net.pt", b"weights")
    later = {"Retry-After": "3600"} if status == 429 else {}  # or it would be asked again
    git_host.fail("/net.pt", times=9, status=status, headers=later)
    with pytest.raises(HTTPError) as caught:
        hubkit.load_state_dict_from_url(url, progress=False)
    assert caught.value.code == status


def test_reading_the_reason_ends_if_causes_form_a_circle() -> None:
    error: Any = errors.UnreachableError("Later.", url=URL)
    error.__cause__ = error
    assert error.reason == "Later."


def test_a_missing_dependency_is_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        raise errors.MissingDependenciesError("It needs yaml.", missing=("yaml",))
    assert caught.value.name == "yaml"
    assert errors.missing_requirement(caught.value) is None


def test_an_unreadable_checkpoint_is_an_unpickling_error() -> None:
    assert issubclass(errors.CheckpointError, pickle.UnpicklingError)
