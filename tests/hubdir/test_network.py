"""Ways through a network: proxies, certificates, SOCKS; and none at all."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import (
    BaseHandler,
    HTTPBasicAuthHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    build_opener,
    urlopen,
)

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import (
    certificates,
    download_url_to_file,
    fetch_checkpoint,
    fetch_repo,
    parse_repo,
)
from tests.git_host import GitHost, commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASK = FetchPolicy()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_proxy_is_asked_in_place_of_the_host(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_host.add_file("/net.pt", b"weights")
    monkeypatch.setenv("HTTP_PROXY", git_host.url)
    download_url_to_file("http://weights.invalid/net.pt", str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == b"weights"
    assert git_host.requests[0].headers["host"] == "weights.invalid"
    monkeypatch.setenv("NO_PROXY", "weights.invalid")
    with pytest.raises(errors.UnreachableError, match=r"weights\.invalid cannot be reached"):
        download_url_to_file("http://weights.invalid/net.pt", str(tmp_path / "other.pt"))


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"])
def test_a_proxy_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://me:secret@127.0.0.1:9")
    scheme = "http" if variable == "HTTP_PROXY" else "https"
    with pytest.raises(errors.UnreachableError, match="The proxy for") as refused:
        download_url_to_file(f"{scheme}://weights.invalid/net.pt", str(tmp_path / "out.pt"))
    assert refused.value.hint == f"Check {variable} and NO_PROXY."
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxy_variable_of_the_scheme_is_advised(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(errors.UnreachableError) as refused:
        download_url_to_file(f"{scheme}://127.0.0.1:9/net.pt", str(tmp_path / "out.pt"))
    assert refused.value.hint.endswith(f" {scheme.upper()}_PROXY.")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that 127.0.0.1 made for itself, with its key in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    path = tmp_path / "own.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", path, "-out", tmp_path / "c")
    subprocess.run([openssl, "req", "-x509", *made, *subject], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "c").read_text())
    return path


@pytest.fixture
def tls_host(certificate: Path, hub_dir: Path) -> Iterator[GitHost]:
    """A host that speaks TLS with that certificate and has a checkpoint."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    host = GitHost()
    host._server.socket = context.wrap_socket(host._server.socket, server_side=True)
    with host:
        host.add_file("/net.pt", b"weights")
        yield host
    assert not list(hub_dir.rglob("*.partial*"))


@pytest.fixture
def tls_url(tls_host: GitHost) -> str:
    """The URL of the checkpoint."""
    return f"{tls_host.url}/net.pt".replace("http:", "https:")


CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_each_variable_for_certificates_counts(
    tls_url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with pytest.raises(errors.UnreachableError, match="certificate of") as refused:
        fetch_checkpoint(tls_url, policy=ASK)
    assert "SSL_CERT_FILE" in refused.value.hint
    path = certificate
    if variable == "SSL_CERT_DIR":
        path = certificate.parent / "certificates"
        path.mkdir()
        shutil.copy(certificate.with_name("c"), path / "c.pem")
        subprocess.run(["openssl", "rehash", path], check=True)
    monkeypatch.setenv(variable, str(path))
    assert fetch_checkpoint(tls_url, policy=ASK).read_bytes() == b"weights"


def test_variables_for_certificates_add_up(
    tls_url: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
    assert fetch_checkpoint(tls_url, policy=ASK).read_bytes() == b"weights"


def make_opener(*handlers: BaseHandler, **headers: str) -> OpenerDirector:
    opener = build_opener(*handlers)
    opener.addheaders += headers.items()
    return opener


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ssl._create_default_https_context", ssl._create_unverified_context),
        ("urllib.request._opener", make_opener(ProxyHandler({"https": "http://127.0.0.1:9"}))),
        ("urllib.request._opener", make_opener(Authorization="Bearer t0ken")),
        ("urllib.request._opener", make_opener(HTTPBasicAuthHandler())),
        (
            "urllib.request._opener",
            make_opener(HTTPSHandler(context=ssl._create_unverified_context())),
        ),
        ("urllib.request._opener", SimpleNamespace(open=urlopen)),
        ("ssl._create_default_https_context", partial(ssl.create_default_context, cafile="x")),
    ],
    ids=["context", "proxy", "headers", "login", "opener's context", "own opener", "partial"],
)
def test_settings_of_urllib_are_ignored_with_one_warning(
    tls_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    setting: str,
    value: object,
) -> None:
    certificates._warn_once.cache_clear()
    monkeypatch.setattr(setting, value)
    for _ in range(2):
        with pytest.raises(errors.UnreachableError, match="certificate of"):
            fetch_checkpoint(tls_url, policy=ASK)
    name = setting if "ssl" in setting else "urllib.request.install_opener"
    warnings = [said.message for said in caplog.records if said.levelname == "WARNING"]
    assert [message.startswith(f"hubkit ignores {name}.") for message in warnings] == [True]


def test_an_opener_that_urlopen_installed_itself_is_not_worth_a_warning(
    tls_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    certificates._warn_once.cache_clear()
    monkeypatch.setattr("urllib.request._opener", None)
    with pytest.raises(URLError, match="CERTIFICATE"):
        urlopen(tls_url)
    with pytest.raises(errors.UnreachableError, match="certificate of"):
        fetch_checkpoint(tls_url, policy=ASK)
    assert "hubkit ignores" not in caplog.text


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_adds_to_the_systems_store(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificate))
    context = certificates.make_tls_context()
    assert type(context).__module__.startswith("truststore")
    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_variable_without_certificates_is_reported(
    tls_host: GitHost, tls_url: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/no/certificates")
    with pytest.raises(errors.UsageError, match=variable):
        fetch_checkpoint(tls_url, policy=ASK)
    assert tls_host.requests == []


def test_a_redirect_to_an_unencrypted_host_is_refused(
    tls_host: GitHost, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    url = tls_host.url.replace("http:", "https:")
    where = {"Location": "http://weights.invalid/net.pt?sig=secret"}
    tls_host.fail("moved", status=302, headers=where)
    with pytest.raises(errors.FetchError, match="which is unencrypted") as refused:
        fetch_checkpoint(f"{url}/moved.pt", policy=ASK)
    assert "secret" not in str(refused.value)
    tls_host.fail("moved", status=302, headers={"Location": "/net.pt"})
    assert fetch_checkpoint(f"{url}/moved.pt", policy=ASK).read_bytes() == b"weights"


class Socks:
    """A SOCKS5 proxy, https://www.rfc-editor.org/rfc/rfc1928, that leads anywhere to one port."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socks5h://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._server:
            client, _ = self._server.accept()
        with client, socket.create_connection(("127.0.0.1", self._port)) as there:
            client.recv(1 + 1 + 255)
            client.sendall(b"\x05\x00")  # nobody has to say who they are
            asked = client.recv(1024)
            self.asked.append(asked[5:-2].decode())
            client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            back = threading.Thread(target=_pour, args=(there, client), daemon=True)
            back.start()
            _pour(client, there)
            back.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(1 << 16):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def test_socks_leads_to_the_host(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("socks")
    git_host.add_file("/net.pt", b"weights")
    socks = Socks(git_host.port)
    monkeypatch.setenv("ALL_PROXY", socks.url)
    download_url_to_file("http://weights.invalid/net.pt", str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == b"weights"
    assert socks.asked == ["weights.invalid"]


def test_a_missing_pysocks_is_reported(tmp_path: Path) -> None:
    program = f"""
import sys
sys.modules["socks"] = None
from hubkit.hubdir import download_url_to_file
download_url_to_file("http://weights.invalid/net.pt", {str(tmp_path / "out.pt")!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "ALL_PROXY": "socks5://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'pip install "requests[socks]"' in done.stderr
    assert "UnreachableError" in done.stderr


OFFLINE = """
import sys
import hubkit
from hubkit.errors import OfflineError

opened = []
own = ("socket.gethostname",)  # what this machine is called; that opens none
sys.addaudithook(
    lambda event, _: opened.append(event) if event.startswith("socket.") and event not in own else None
)
url, other = sys.argv[1:]
assert hubkit.load("acme/shapes", "net", trust_repo=True, force_reload=True) == 1
assert hubkit.load("acme/shapes:main", "net", max_age=0) == 1
assert hubkit.list("acme/shapes") == ["net"]
assert hubkit.hubdir.fetch_checkpoint(url, policy=hubkit.facts.FetchPolicy()).is_file()
for call in (
    lambda: hubkit.load("acme/shapes:v9", "net", trust_repo=True),
    lambda: hubkit.load("acme/other", "net", trust_repo=True),
    lambda: hubkit.load("git+https://github.com/acme/other", "net", trust_repo=True),
    lambda: hubkit.help("https://git.example.org/acme/other", "net"),
    lambda: hubkit.load_state_dict_from_url(other),
    lambda: hubkit.download_url_to_file(other, "out.pt"),
):
    try:
        call()
    except OfflineError as error:
        print(error.message)
    else:
        raise AssertionError("it had to be fetched")
from click.testing import CliRunner
from hubkit.cli import main
for command in (["cache", "ls"], ["cache", "verify"], ["status"]):
    assert CliRunner().invoke(main, command).exit_code == 0, command
assert not opened, opened
"""


def test_offline_opens_no_socket_and_names_what_is_missing(
    host: GitHost, worktree: Path, tmp_path: Path
) -> None:
    commit_files(worktree, {"hubconf.py": "def net():\n    return 1\n"})
    host.add_repo("acme", "shapes", worktree)
    url = host.add_file("/net.pt", b"weights")
    fetch_repo(parse_repo("acme/shapes"), ASK)
    fetch_checkpoint(url, policy=ASK)
    host.forget_requests()
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, url, f"{host.url}/other.pt"],
        env={**os.environ, "HUBKIT_OFFLINE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    missing = ["acme/shapes:v9", "acme/other", "acme/other", "acme/other", "other.pt", "other.pt"]
    said = done.stdout.splitlines()
    assert len(said) == len(missing)
    for line, name in zip(said, missing, strict=True):
        assert name in line
        assert "offline" in line
    assert host.requests == []
