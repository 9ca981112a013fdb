"""Code that few people write, and what fixes make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lint.fixing import plan

if TYPE_CHECKING:
    from pathlib import Path

LOAD = "_torch.hub.load_state_dict_from_url"
YAML = """\
import yaml as _yaml
def net():
    return _yaml.load(  # why
        open('x'),  # what
        Loader=_yaml.FullLoader,
    )
"""
HEAD = 'dependencies = ["torch"]\nimport torch as _torch\n'


def after(repo: Path, code: str, text: str) -> str:
    """The hubconf once it is fixed; no fix may have failed."""
    (repo / "hubconf.py").write_text(text, "utf-8", newline="")
    outcome = plan(repo, code)
    assert not outcome.failed
    change = outcome.changes.get("hubconf.py")
    return change.after.decode() if change else text


CHANGED = {
    "quotes-in-an-f-string": (
        "HUB504",
        f"v = 1\ndef net():\n    return f\"{{{LOAD}(f'https://example.org/{{v}}-0123abcd.pth')}}\"\n",
        "')}",
        "', map_location='cpu')}",
    ),
    "lambda-in-a-lambda": (
        "HUB305",
        "net = lambda f=lambda: 1: f\n",
        "net = lambda f=lambda: 1: f\n",
        '''\
def net(f=lambda: 1):
    """Build `net`.

    Args:
        f: Defaults to lambda: 1.
    """
    return f
''',
    ),
    "keywords-that-nobody-looks-at": (
        "HUB301",
        "import functools as _f\n@_f.cache\ndef net(**kwargs):\n    return 1\n",
        "    return 1\n",
        '    """Build `net`.\n\n    Args:\n        **kwargs: Ignored.\n    """\n    return 1\n',
    ),
    "raw-docstring": (
        "HUB302",
        'def net(a, b):\n    r"""\\alpha.\n\n    Args:\n        a: x\n    """\n',
        "        a: x\n",
        "        a: x\n        b: Required.\n",
    ),
    "docstring-with-tabs": (
        "HUB302",
        'def net(a, b):\n    """Net.\n\n\tArgs:\n\t\ta: x\n    """\n',
        "\t\ta: x\n",
        "\t\ta: x\n\t\tb: Required.\n",
    ),
    "docstring-that-closes-on-its-last-line": (
        "HUB302",
        'def net(a, b):\n    """Net.\n\n    :param a: x"""\n',
        ':param a: x"""',
        ':param a: x\n    :param b: Required."""',
    ),
    "yaml-with-a-comment": (
        "HUB704",
        YAML,
        "load(  # why\n        open('x'),  # what\n        Loader=_yaml.FullLoader,\n",
        "safe_load(  # why\n        open('x'),  # what\n",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_it_is_fixed(case: str, tmp_path: Path) -> None:
    code, text, old, new = CHANGED[case]
    assert text.count(old) == 1
    assert after(tmp_path, code, HEAD + text) == HEAD + text.replace(old, new)


KEPT = {
    "f-string-that-shows-a-name": (
        "HUB201",
        "from pathlib import Path\ndef net():\n    return f'{Path=}'\n",
    ),
    "type-comment": (
        "HUB201",
        "from typing import List\ndef net(a):\n    # type: (List[int]) -> int\n    return 1\n",
    ),
    "same-name-in-other-letters": (
        "HUB201",
        "from pathlib import Path\ndef net():\n    return P\uff41th\n",
    ),
    "lambda-before-a-statement": ("HUB305", "net = lambda: 1; _other = 2\n"),
    "lambda-behind-a-condition": ("HUB305", "if _torch: net = lambda: 1\n"),
    "partial-behind-a-condition": (
        "HUB305",
        "import functools as _f\nif _torch: net = _f.partial(_torch.nn.Linear, 1)\n",
    ),
    "partial-below-a-condition": (
        "HUB305",
        "import functools as _f\nif _torch: \\\n    net = _f.partial(_torch.nn.Linear, 1)\n",
    ),
    "header-that-goes-on": ("HUB301", "def net(): \\\n    return 1\n"),
}


@pytest.mark.parametrize("case", KEPT)
def test_it_stays(case: str, tmp_path: Path) -> None:
    code, text = KEPT[case]
    assert after(tmp_path, code, HEAD + text) == HEAD + text
    assert plan(tmp_path, code).report.findings


@pytest.mark.parametrize(
    "body",
    [
        "import ops\n        if x:\n            import ops\n        return ops.f(x)",
        "from ops import sum\n        return sum(x)\ndef total(x):\n    return sum(x)",
        "from ops import Net\n        return Net(x)",
        "from ops import *",
    ],
    ids=["bound-again", "built-in", "own-class", "star"],
)
def test_an_import_stays_where_its_name_means_more(body: str, tmp_path: Path) -> None:
    (tmp_path / "ops.py").write_text("def f(x): ...\n", "utf-8")
    net = "class Net:\n    def forward(self, x):\n        " + body
    (tmp_path / "net.py").write_text(net, "utf-8")
    (tmp_path / "hubconf.py").write_text(
        "from net import Net as _Net\ndef net():\n    return _Net()\n", "utf-8"
    )
    outcome = plan(tmp_path, "HUB403")
    assert outcome.report.findings
    assert not outcome.changes
    assert not outcome.failed


def test_a_set_keeps_its_last_entry(tmp_path: Path) -> None:
    for before, fixed in (
        ('{"os"}', '{"os"}'),
        ('{"os", "torch"}', '{"torch"}'),
    ):
        text = f"dependencies = {before}\n"
        assert after(tmp_path, "HUB107", text) == f"dependencies = {fixed}\n"


def test_a_docstring_says_what_the_signature_is_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "hubkit.toml").write_text("preview = true\n", "utf-8")
    text = 'def net(device="cuda", **kwargs):\n    return _torch.nn.Linear(1, 1)\n'
    fixed = after(tmp_path, "HUB", HEAD + text)
    assert 'def net(device="cpu"):' in fixed
    assert 'Device of the model. Defaults to "cpu".' in fixed
    assert "kwargs" not in fixed
