"""``hubkit doctor``: what it says of a machine, and that it keeps every secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from tests.git_host import commit_files

if TYPE_CHECKING:
    from tests.git_host import GitHost

SECRET = "s3cr3t"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def describe(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return answer


@pytest.fixture(autouse=True)
def _here(hub_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not hub_dir.exists()
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_versions_and_the_hub_dir_are_described(hub_dir: Path) -> None:
    found = describe()
    assert found["versions"]["requests"] == version("requests")
    assert found["system"]["python"] == sys.executable
    assert found["git"]["version"][0].isdigit()
    assert found["hub_dir"]["path"] == str(hub_dir)
    assert (found["hub_dir"]["set_by"], found["hub_dir"]["exists"]) == ("TORCH_HOME", False)
    assert found["hub_dir"]["free_bytes"] > 0
    assert (found["problems"], run().exit_code) == ([], 0)
    assert str(hub_dir) in run().stdout


def test_contents_and_settings_are_counted(git_host: GitHost, tmp_path: Path) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": "def net():\n    return 1\n"})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    assert CliRunner().invoke(main, ["list", "own/rep:main"]).exit_code == 0
    Path("hubkit.toml").write_text("preview = true\n")
    found = describe()
    assert (found["hub_dir"]["repos"], found["hub_dir"]["checkpoints"]) == (1, 0)
    assert found["settings"]["file"] == "hubkit.toml"
    assert found["settings"]["HUBKIT_GITHUB_URL"] == git_host.url
    assert "network" not in found


def test_what_hubkit_sets_for_its_children_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a notebook that has loaded a repo.
    monkeypatch.setenv("HUBKIT_LOADED", "[]")
    monkeypatch.setenv("HUBKIT_LAODED", "")
    (problem,) = describe()["problems"]
    assert problem.startswith("hubkit has no variable HUBKIT_LAODED.")


def test_secrets_are_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "GITHUB_TOKEN": f"ghp_{SECRET}",
        "HUBKIT_TOKEN_GIT_MY__COMPANY_ORG_8443": SECRET,
        "HUBKIT_TOKEN_OTHER_ORG": f"{SECRET}\x80",
        "GITLAB_TOKEN": f"two words {SECRET}",
        "HTTPS_PROXY": f"http://me:{SECRET}@proxy.example:3128",
        "http_proxy": f"me:{SECRET}@proxy.example:3128",
        "ALL_PROXY": f"socks5://me:{SECRET}/@proxy.example",
        "HUBKIT_GITHUB_URL": f"https://me:{SECRET}@mirror.example/github?key={SECRET}",
        "HUBKIT_DOCS_URL": f"https://{SECRET}@docs.example/",
        "HUBKIT_TOKN": SECRET,
        "HUBKIT_PASSWORD": SECRET,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "PIP_INDEX_URL": f"https://me:{SECRET}@index.example/",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "home" / ".netrc").write_text(
        f"machine git.example login me password {SECRET}\nmachine b.example login {SECRET} password x\n"
    )
    subprocess.run(["git", "init", "-q"], check=True)
    origin = f"https://me:{SECRET}@git.example/own/rep"
    subprocess.run(["git", "remote", "add", "origin", origin], check=True)
    for options in ([], ["--json"], ["-v"], ["-vv"]):
        done = run(*options)
        assert SECRET not in done.output, options
        assert SECRET not in done.stderr
    found = describe()
    tokens = {one["name"]: one["host"] for one in found["tokens"]}
    netrc = str(tmp_path / "home" / ".netrc")
    assert tokens["GITHUB_TOKEN"] == "github.com"
    assert tokens["HUBKIT_TOKEN_GIT_MY__COMPANY_ORG_8443"] == "git.my-company.org:8443"
    assert [one["host"] for one in found["tokens"] if one["name"] == netrc] == [
        "git.example",
        "b.example",
    ]
    assert found["proxies"]["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert found["proxies"]["http_proxy"] == "proxy.example:3128"
    assert found["settings"]["HUBKIT_GITHUB_URL"] == "https://mirror.example/github"


def test_a_netrc_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "home" / ".netrc").write_text(f"machine a login b password\n{SECRET} oops\n")
    done = run()
    assert done.exit_code == 1
    assert "cannot be read" in done.stdout
    assert SECRET not in done.output


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HUBKIT_OFLINE", "1", "Did you mean `HUBKIT_OFFLINE`?"),
        ("GITHUB_TOKEN", "a\x80", "GITHUB_TOKEN is not used: it contains a character"),
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not used: it is empty"),
        (
            "SSL_CERT_FILE",
            "/nowhere",
            "SSL_CERT_FILE is '/nowhere', which contains no certificates",
        ),
        ("PATH", "", "git cannot be used"),
    ],
)
def test_faults_are_found(
    name: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    done = run()
    assert (done.exit_code, problem in done.stdout) == (1, True), done.stdout


def test_invalid_settings_and_a_hub_dir_that_cannot_be_used_are_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("hubkit.toml").write_text("preveiw = true\n")
    assert "unknown key 'preveiw'" in run().stdout
    monkeypatch.setenv("TORCH_HOME", "~nobody-of-that-name/torch")
    assert "needs a home folder" in run().stdout
    if os.geteuid():  # root may write anywhere
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        monkeypatch.setenv("TORCH_HOME", str(locked))
        assert "is not writable" in run().stdout


def test_hosts_are_reached_only_on_request(
    git_host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubkit.commands.doctor._WEIGHTS", "http://127.0.0.1:9")
    asked = len(git_host.requests)
    run()
    assert len(git_host.requests) == asked
    found = describe("--network")
    assert [one["reached"] for one in found["network"]] == [True, False]
    assert found["network"][0]["url"] == git_host.url
    assert found["network"][0]["detail"].startswith("HTTP ")
    assert "http://127.0.0.1:9 cannot be reached" in found["problems"][0]
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert "hubkit is offline" in describe("--network")["problems"][0]


def test_torch_is_not_imported(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from hubkit.__main__ import main\nsys.argv = ['hubkit', 'doctor']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "torch" in done.stdout) == (0, True), done.stderr
