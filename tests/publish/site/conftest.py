"""A site of a hostile repo with a conformance report, made once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from tests.git_host import commit_files
from tests.git_host.repos import git

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}"
HUBCONF = f'''
dependencies = ["torch", "timm"]

import torch as _torch
from torch import hub as _hub

_URL = "https://github.com/acme/nets/releases/download/v1.0/"


def tiny(pretrained: bool = False, width: int = 2) -> _torch.nn.Module:
    """A tiny net for drawings.

    Args:
        pretrained: Load the trained weights.
        width: How wide it is.
    """
    model = _torch.nn.Linear(width, 1)
    if pretrained:
        model.load_state_dict(_hub.load_state_dict_from_url(_URL + "tiny-0123456789abcdef.pth"))
    return model


def Tiny(width):
    """The same name in other letters."""
    return _torch.nn.Linear(width, 1)


def huge(source={HOSTILE!r}):
    """{HOSTILE}

    Args:
        source: {HOSTILE}
    """
    import timm

    return timm.create_model("huge")


def aux():
    return _torch.nn.Linear(1, 1)


def größe():
    """Größe \\u202e and \\x1b[31m."""
    return _torch.nn.Linear(1, 1)


def models():
    """Its name is that of a section."""
    return 3
'''
CARD = f"""---
license: mit
---
# Nets

See [the paper](https://example.org/paper), [the code](src/net.py#L3), [nothing](javascript:alert(1)),
[here](#usage) and [out](../../etc/passwd).

![A picture](https://example.org/x.png) <b onclick="alert(1)">bold</b> {HOSTILE}

## Usage

<!-- hubkit:begin usage, written by "hubkit card" -->
GENERATED
<!-- hubkit:end usage -->

## Evaluation

| model | score |
| --- | ---: |
| tiny | 1 |

```python
{"x" * 300}
```

#### Deep

<script>alert(1)</script>

## The end
"""


def make_case(name: str, **changes: object) -> dict[str, object]:
    check = {"code": "C101", "name": "builds", "level": 1, "required": True, "outcome": "passed"}
    case: dict[str, object] = {
        "entrypoint": name,
        "case": "",
        "kind": "model",
        "call": f"{name}()",
        "input": {"from": "hubkit.toml", "guessed": False},
        "measured": {"parameters": 3, "forward_seconds": 0.001, "memory_bytes": 4096},
        "unexercised": [],
        "checks": [check],
    }
    return {**case, **changes}


def make_report(commit: str) -> str:
    failed = {
        "code": "C201",
        "name": "runs",
        "level": 2,
        "required": True,
        "outcome": "failed",
        "reason": f"It fails: {HOSTILE}",
    }
    huge = {"parameters": 123_456_789, "forward_seconds": 0.5}
    document = {
        "schema": 1,
        "created": "2026-01-02T03:04:05Z",
        "interrupted": False,
        "repo": "acme/nets",
        "commit": commit,
        "uncommitted": 0,
        "digest": None,
        "policy": {},
        "lint": "passed",
        "environment": {"torch": "2.13.0", "python": "3.11", "platform": "Linux"},
        "whole": make_case("", measured={}, input=None, checks=[{**failed, "code": "C103"}]),
        "entrypoints": [
            make_case("tiny"),
            make_case("huge", measured=huge, checks=[make_case("")["checks"][0], failed]),  # type: ignore[index]
            make_case("models", kind="utility", measured={}, input=None),
        ],
    }
    return json.dumps(document)


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo of hostile models, at a tag, with a report that git does not track."""
    root = tmp_path_factory.mktemp("site") / "nets"
    files: dict[str, str | bytes] = {
        "hubconf.py": HUBCONF,
        "MODEL_CARD.md": CARD,
        "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge\n",
        "pyproject.toml": f"[project]\nname = 'nets'\ndescription = '''Nets {HOSTILE}'''\n"
        "keywords = ['toy', '<i>']\n[tool.hubkit.entrypoints.tiny]\n"
        "input = 'f32[B,3,8,8]'\nweights = { sha256 = '0123456789abcdef', bytes = 31042345 }\n",
    }
    sha = commit_files(root, files)
    git("tag", "-a", "-m", "1.0", "v1.0", cwd=root)
    git("remote", "add", "origin", "https://token:secret@github.com/acme/nets.git", cwd=root)
    (root / "conformance.json").write_text(make_report(sha))
    return root


@pytest.fixture(scope="session")
def site(nets: Path) -> Path:
    """The site of it."""
    folder = nets.parent / "out"
    done = CliRunner().invoke(main, ["site", str(nets), "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return folder
