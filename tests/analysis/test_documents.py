"""Calls of ``torch.hub.load`` in documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.analysis import read_snippets
from hubkit.source import Folder

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = [
    "import torch\n",
    'repo = "acme/net:v1.0"\n',
    "net = torch.hub.load(  # the small one\n",
    "    repo,\n",
    '    "net", pretrained=True\n',
    ")\n",
]


@pytest.mark.parametrize("source", [SOURCE, "".join(SOURCE)])
@pytest.mark.parametrize("options", [{"indent": 1}, {}, {"separators": (",", ":")}])
def test_notebooks_are_read_however_they_are_saved(
    tmp_path: Path, source: list[str] | str, options: dict[str, Any]
) -> None:
    cells = [{"cell_type": "code", "source": "x = 1"}, {"cell_type": "code", "source": source}]
    (tmp_path / "usage.ipynb").write_text(json.dumps({"cells": cells}, **options))
    (snippet,) = read_snippets(Folder(tmp_path))
    assert (snippet.repo, snippet.ref, snippet.entrypoint) == ("acme/net", "v1.0", "net")
    assert snippet.values == {"pretrained": True}
    lines = (tmp_path / "usage.ipynb").read_text().splitlines()
    assert "torch.hub.load" in lines[snippet.location.line - 1]


@pytest.mark.parametrize(
    "text", ['{"source": 3', '{"source": ["torch.hub.load(', '{"source": [1]}']
)
def test_broken_notebooks_have_no_calls(tmp_path: Path, text: str) -> None:
    (tmp_path / "usage.ipynb").write_text(f'{text} "torch.hub.load(x)"')
    assert not read_snippets(Folder(tmp_path))
