"""Weights: where they come from under each policy, and what is said when they are wrong."""

from __future__ import annotations

import hashlib
import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.conformance import read_report
from tests.plugin.conftest import outcomes
from tests.plugin.defects import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]

HUBCONF = '''
import urllib.request as _request
from torch.hub import load_state_dict_from_url as _load

from shapes.model import Net as _Net

dependencies = ["torch"]


def _make(pretrained, file, **options):
    net = _Net()
    if pretrained:
        net.load_state_dict(_load(f"{URL}/{file}", map_location="cpu", **options))
    return net


def good(pretrained=False):
    """Loads."""
    return _make(pretrained, "good-{DIGEST}.pth", weights_only=True, check_hash=True)


def gone(pretrained=False):
    """Has a dead URL."""
    return _make(pretrained, "gone.pth")


def other_keys(pretrained=False):
    """Has weights of another model."""
    return _make(pretrained, "other.pth")


def renamed(pretrained=False):
    """Has a digest in its name that is not its own."""
    return _make(pretrained, "renamed-00000000.pth")


def declared(pretrained=False):
    """Is declared to be larger."""
    return _make(pretrained, "plain.pth")


def unsafe(pretrained=False):
    """Has a checkpoint that runs code."""
    net = _Net()
    if pretrained:
        net.load_state_dict(_load("{URL}/unsafe.pth", weights_only=False)["state"])
    return net


def always_online(pretrained=False):
    """Asks for news each time."""
    if pretrained:
        _request.urlopen("{URL}/plain.pth").read()
    return _make(pretrained, "plain.pth")


def wider(pretrained=False):
    """Is another model with weights."""
    net = _Net(width=5 if pretrained else 4)
    return net


def only_with(size=4):
    """Cannot do without."""
    return _make(True, "plain.pth")
'''
CONFIG = """
[entrypoints.declared.weights]
bytes = 1
params = 37
[entrypoints.only_with]
untrained = false
input = "f32[B,4]"
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A server of weights on this machine: its address, and the digest of the good ones."""
    import argparse

    import torch

    scope: dict[str, Any] = {}
    exec(MODEL, scope)
    state = scope["Net"]().state_dict()
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()[:8]
    folder = tmp_path / "served"
    folder.mkdir()
    for name in (f"good-{digest}.pth", "renamed-00000000.pth", "plain.pth"):
        (folder / name).write_bytes(data)
    torch.save({"other": torch.zeros(1)}, folder / "other.pth")
    torch.save({"state": state, "options": argparse.Namespace()}, folder / "unsafe.pth")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", digest
        server.shutdown()


@pytest.mark.slow
def test_weights_are_downloaded_once_and_judged(
    repo: HubRepo, served: tuple[str, str], tmp_path: Path
) -> None:
    url, digest = served
    source = HUBCONF.replace("{URL}", url).replace("{DIGEST}", digest)
    repo.write(
        {
            "hubconf.py": source,
            "shapes/__init__.py": "",
            "shapes/model.py": MODEL,
            "hubkit.toml": CONFIG,
        }
    )
    only = ("--hubconf", "-v", "-rs", "-k", "C305 or C306 or C307 or (only_with and C201)")
    # pytest takes a folder that is an argument of its own for a place to look for tests.
    folder = (f"--hubconf-weights={tmp_path / 'weights'}",)

    result = repo.run(*only, *folder, "--hubconf-network=allow", "--hubconf-loopback")
    said = outcomes(result)
    assert {name for name, outcome in said.items() if outcome == "FAILED"} == {
        "gone::C305",
        "other_keys::C305",
        "renamed::C307",
        "declared::C307",
        "unsafe::C307",
        "always_online::C306",
        "wider::C307",
    }
    assert said["only_with::C201"] == "PASSED"
    assert (tmp_path / "weights" / f"good-{digest}.pth").is_file()
    for line in (
        "*gone(pretrained=True) fails: HTTPError: *404*",
        "*The weights of renamed do not match their hash.",
        "*the file name has 00000000",
        "*plain.pth has * bytes, not 1",
        "*declared has 38 parameters, but 37 are declared.",
        "*unsafe.pth needs argparse.Namespace",
        "*always_online(pretrained=True) fails the second time, without a network*",
        "*wider has different parameters with and without its weights.",
    ):
        result.stdout.fnmatch_lines([line])

    select = ("-k", "good and (C305 or C306 or C307)")
    cached = repo.run("--hubconf", "-v", *folder, *select)
    assert outcomes(cached) == {f"good::{code}": "PASSED" for code in ("C305", "C306", "C307")}


def test_weights_that_cannot_be_served_are_not_tried(
    repo: HubRepo, served: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, digest = served
    address = address.replace("127.0.0.1", "weights.example.org")
    source = HUBCONF.replace("{URL}", address).replace("{DIGEST}", digest)
    source += FAILING_FIRST.replace("{URL}", address)
    repo.write(
        {
            "hubconf.py": source,
            "shapes/__init__.py": "",
            "shapes/model.py": MODEL,
            "hubkit.toml": "[entrypoints.only_with]\nuntrained = false\n",
        }
    )
    good, weights = f"good-{digest}.pth", tmp_path / "weights"
    weights.mkdir()
    hub = tmp_path / "home" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    data = (tmp_path / "served" / good).read_bytes()
    (repo.root / "dist").mkdir()
    (repo.root / "dist" / "local.pth").write_bytes(data)  # found by the digest in the URL
    (weights / "other.pth").write_bytes((tmp_path / "served" / "other.pth").read_bytes())
    (hub / "plain.pth").write_bytes(data)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    result = repo.run_here(
        "--hubconf", "-v", "-rs", "--hubconf-select=C101,C106,C305,C201",
        f"--hubconf-weights={weights}", "--hubconf-report=conformance.json",
        "--hubconf-report=hub.svg",
    )  # fmt: skip
    found = {name: one for name, one in outcomes(result).items() if name.endswith("C305")}
    assert found == {
        "good::C305": "PASSED",
        "gone::C305": "SKIPPED",
        "other_keys::C305": "FAILED",
        "renamed::C305": "SKIPPED",
        "declared::C305": "PASSED",
        "unsafe::C305": "SKIPPED",
        "always_online::C305": "PASSED",
        "wider::C305": "PASSED",
        "only_with::C305": "PASSED",
        "typo::C305": "FAILED",
        "late::C305": "SKIPPED",
    }
    report = read_report(repo.root / "conformance.json")
    (gone,) = (one.weights for one in report.cases if one.label == "gone")
    assert gone is not None
    assert gone.verdict == "not tried"
    assert gone.reason == (
        f"not tried: gone(pretrained=True) requests {address}/gone.pth, which is not on this machine: "
        "put the file into dist/, pass --hubconf-weights=DIR, or run with --hubconf-network=allow"
    )
    (one,) = (one.weights for one in report.cases if one.label == "good")
    assert one is not None
    assert [file.path for file in one.files] == ["dist/local.pth"]
    assert report.level < 3
    result.stdout.fnmatch_lines(
        [
            "gone * weights not tried *",
            "weights not tried: gone(pretrained=True)*--hubconf-weights*",
        ]
    )


FAILING_FIRST = """

def typo(pretrained=False):
    net = _Net()
    if pretrained:
        net.load_state_dict(_load("{URL}/" + name_of_file))
    return net


def late(pretrained=False):
    net = _Net()
    if pretrained:
        try:
            net.load_state_dict(_load("{URL}/nowhere.pth"))
        except OSError:
            pass
    return net
"""
