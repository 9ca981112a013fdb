"""Repos made to make a reader crash, hang or eat memory: files by path, in groups."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Files: TypeAlias = "dict[str, str | bytes]"

DEEP = 10_000
MANY = 5000
LONG = 1200  # links of a chain: more than Python's limit of recursion
PROBLEMS = 1000  # which make as many findings, each with an edit or two
TWICE = range(40)  # doublings: a trillion
NET = """dependencies = ["torch"]
import torch
def net(x=1):
    "A net."
    return torch.nn.Linear(1, 1)
"""


def load(expression: str) -> str:
    """A hubconf that downloads from what an expression gives."""
    return f"import torch\ndef net(): return torch.hub.load_state_dict_from_url({expression})\n"


def lines(text: str) -> str:
    """A text once for each doubling, with ``{n}`` and ``{m}``, the next number, filled in."""
    return "".join(text.replace("{n}", str(n)).replace("{m}", str(n + 1)) for n in TWICE)


def hubconfs(**sources: str | bytes) -> dict[str, Files]:
    """Repos of a hubconf alone."""
    return {name.replace("_", " "): {"hubconf.py": text} for name, text in sources.items()}


_NESTING = hubconfs(
    parens=NET + "x = " + "(" * DEEP + "1" + ")" * DEEP,
    lists="dependencies = " + "[" * DEEP + "]" * DEEP,
    functions=NET + "".join(" " * n + f"def f{n}():\n" for n in range(99)) + " " * 99 + "pass",
    more_functions=NET + "".join(" " * n + "def f():\n" for n in range(DEEP // 5)),
    ifs=NET + "".join(" " * n + "if x:\n" for n in range(99)) + " " * 99 + "pass",
    tries="def net():\n" + "".join(" " * n + "try:\n" for n in range(1, 20)),
    elifs=NET + "if a:\n    x = 1\n" + "elif b:\n    x = 1\n" * DEEP,
    fewer_elifs=NET + "if a:\n    x = 1\n" + "elif b:\n    x = 1\n" * 900,
    attributes="def net():\n    return x" + ".a" * DEEP,
    fewer_attributes="def net():\n    return x" + ".a" * 900,
    calls="def net():\n    return x" + ".eval()" * 900,
    subscripts="def net():\n    return x" + "[0]" * 900,
    operators=NET + "y = " + " + ".join(["1"] * DEEP),
    fewer_operators="def net():\n    return " + " + ".join(["1"] * 900),
    concatenation=load(" + ".join(["'a'"] * DEEP)),
    shorter_concatenation=load(" + ".join(["'a'"] * 900)),
    implicit_concatenation=load(" ".join(["'a'"] * DEEP)),
    nots="def net():\n    if " + "not " * 900 + "x:\n        return 1",
    lambdas=NET + "y = " + "lambda: " * 900 + "x",
    conditional_expressions="def net():\n    return " + "1 if a else " * 900 + "2",
    minuses="def net(x=" + "-" * 900 + "1): pass",
    annotation="def net(x: " + "A[" * 900 + "int" + "]" * 900 + "): pass",
    text_annotation="def net() -> '" + "A[" * 900 + "int" + "]" * 900 + "': return f()",
    open_text_annotation="def net() -> '" + "(" * 5000 + "': return f()",
    decorators="@x\n" * DEEP + "def net(): pass\n",
    partials="from functools import partial\nnet = " + "partial(" * 90 + "len" + ")" * 90,
)
_NESTING["modules in reach"] = {
    "hubconf.py": NET + "import a\nfrom b import *\nimport c\nfrom d import q\n",
    "a.py": "x = " + "(" * DEEP + ")" * DEEP,
    "b.py": "x = y" + ".a" * DEEP,
    "c.py": b"\xff\xfe\0",
    "d.py": "q = " + "+".join(["1"] * 5000) + "\n",
}

_SIZE = hubconfs(
    fifty_megabytes=NET + "#" * (50 << 20),
    a_line_of_five_megabytes="x = '" + "a" * (5 << 20) + "'\n" + NET,
    a_docstring_of_five_megabytes="def net():\n    '" + "a" * (5 << 20) + "'\n",
    entrypoints="".join(f"def n{n}(pretrained): return x\n" for n in range(PROBLEMS)),
    imports=NET + "".join(f"import mod{n}\n" for n in range(PROBLEMS)),
    imported_names=NET + "from mod import " + ", ".join(f"a{n}" for n in range(MANY)),
    dependencies="dependencies = [" + ", ".join(f"'d{n}'" for n in range(MANY)) + "]\n",
    parameters="def net(" + ", ".join(f"p{n}=1" for n in range(MANY)) + "): 'N.'\n",
    ignores=NET + "x = 1  # hubkit: ignore[HUB101] why\n" * 1000,
    integers="def net(x=0x" + "f" * 9000 + "): return [x][0x" + "f" * 9000 + "]\n",
    an_integer_in_a_text="N = 0x" + "f" * 9000 + "\n" + load("f'{N}'"),
    a_field_number=load("'{" + "9" * 5000 + "}'.format(1)"),
    a_name="import " + ".".join(["a"] * 5000) + "\ndef " + "n" * 100_000 + "(): pass\n",
    dots="from " + "." * DEEP + " import x\n",
)

_TEXT = hubconfs(
    NUL=NET + "\0",
    UTF_16=NET.encode("utf-16"),
    UTF_16_unmarked=NET.encode("utf-16-le"),
    UTF_32=NET.encode("utf-32"),
    marked=b"\xef\xbb\xbf" + NET.encode(),
    marked_twice=b"\xef\xbb\xbf\xef\xbb\xbf" + NET.encode(),
    marked_and_declared=b"\xef\xbb\xbf# coding: latin-1\n" + NET.encode(),
    undeclared=NET.encode() + b"s = '\xe9'\n",
    surrogates=NET + "__all__ = ['\\ud800']\ndependencies = ['\\ud800', 'a\\x00b', '']\n",
    a_surrogate_docstring="def net():\n    '\\ud800 \\udfff'\n",
    surrogate_URLs=load("'http://\\ud800/[x'"),
    line_ends="\f\n\x0b\x1c\u2028\x85\ndef net():\n\f  pass # hubkit: ignore[HUB1] \u2028 x\n",
    carriage_returns=NET.replace("\n", "\r"),
    nothing="",
    a_comment="# hubkit: ignore[HUB101]",
    a_backslash=NET + "\\",
    an_open_text=NET + "x = '''",
    URLs="import torch\ndef net():\n    'N.'\n"
    + "".join(
        f"    torch.hub.load_state_dict_from_url({url!r})\n"
        for url in (
            *("http://[", "http://[::1", "://", "http://a:b:c", "http://a:99999999/x.pt", "\0"),
            *("//", "https://huggingface.co", "https://github.com/", "x" * 4000, "http://a/%zz"),
        )
    ),
    paths="def net():\n    return open('" + "a/" * 3000 + "b'), open('\\0'), open('../../x')\n",
    search_paths="import sys\n"
    + "".join(f"sys.path.insert(0, {path!r})\n" for path in ("a/" * 3000, "\0", "..", "/")),
    blanks_in_a_docstring="def net():\n    '''\n    x" + " " * 100_000 + "y\n    '''\n",
    parens_in_a_docstring="def net():\n    '''\n    x (" + "(" * 50_000 + "\n    '''\n",
    dashes_in_a_docstring="def net():\n    '''A.\n\n    Parameters\n    " + "-" * 100_000 + "\n    x : int\n    '''\n",
    defaults_in_a_docstring="def net():\n    '''A.\n\n    Args:\n        x: " + "Defaults to " * 20_000 + "\n    '''\n",
    commas_to_ignore=NET + "x = 1 # hubkit: ignore[" + "," * 100_000 + "] why\n",
    blanks_to_ignore=NET + "x = 1 # hubkit:" + " " * 100_000 + "ignore[\n",
    dashes_to_ignore=NET + "x = 1 # hubkit: ignore[HUB1]" + " -" * 50_000 + "\n",
)  # fmt: skip
_TEXT |= {
    f"declared {codec}": {"hubconf.py": f"# coding: {codec}\n{NET}s = 'é'\n".encode("latin-1")}
    for codec in (
        *("latin-1", "utf-7", "utf-16", "idna", "punycode", "rot13", "hex", "zlib", "undefined"),
        *("unicode_escape", "mbcs", "nonsense", "utf-8-sig"),
    )
}
_TEXT |= {
    "weird names": {
        "hubconf.py": NET + "from pkg import *\nimport a\n",
        **{f"pkg/{name}.py": "x" for name in ("__init__", "\udcff", "a b", "", "\u2028", "-")},
        "a.py/x": "",
        "a/__init__.py/x": "",
    },
    "configuration is cut": {"hubconf.py": NET, "hubkit.toml": "[[["},
    "configuration is deep": {"hubconf.py": NET, "hubkit.toml": "x = " + "[" * DEEP + "]" * DEEP},
    "deep tables": {"hubconf.py": NET, "hubkit.toml": "[" + ".".join(["a"] * 5000) + "]\n"},
    "configuration is binary": {"hubconf.py": NET, "hubkit.toml": b"\xff\xfe\0"},
    "a large number": {"hubconf.py": NET, "hubkit.toml": "select = " + "9" * 10_000},
    "configuration is a folder": {"hubconf.py": NET, "hubkit.toml/x": "", "pyproject.toml/x": ""},
}

_CIRCLES = hubconfs(
    functions="def net(): return a()\ndef a(): return b() if x else c()\n"
    "def b(): return a() or c()\ndef c(): return b() and a()\n",
    partials="from functools import partial\na = partial(b)\nb = partial(a)\nnet = partial(net)\n",
    names="a = b\nb = c\nc = a\nnet = a\n",
    lists="__all__ = a\na = b\nb = __all__\n",
    classes="class A(B): ...\nclass B(C): ...\nclass C(A): ...\ndef net(): return A()\n",
)
_CIRCLES |= {
    "classes over files": {
        "hubconf.py": "from a import A\ndef net(): return A()\n",
        "a.py": "from b import B\nclass A(B): ...\n",
        "b.py": "from a import A\nclass B(A): ...\n",
    },
    "re-exports": {
        "hubconf.py": "from a import net\n",
        "a.py": "from b import net\n",
        "b.py": "from a import net\n",
    },
    "stars with decorators": {
        "hubconf.py": "from a import *\n",
        "a.py": "from b import *\n@reg\ndef f(): ...\n",
        "b.py": "from a import *\n@reg2\ndef g(): ...\n",
    },
    "a package of itself": {
        "hubconf.py": "from p import net\nimport p.p.p.p\n",
        "p/__init__.py": "from . import p\nfrom .p import net\nfrom p import *\n",
    },
}

_DOUBLING = hubconfs(
    f_strings="a0 = 'x'\n" + lines("a{m} = f'{a{n}}{a{n}}'\n") + load("a40"),
    empty_f_strings="a0 = ''\n" + lines("a{m} = f'{a{n}}{a{n}}'\n") + load("a40"),
    formats="a0 = ''\n" + lines("a{m} = '{0}{0}'.format(a{n})\n") + load("a40"),
    percents="a0 = ''\n" + lines("a{m} = '%s%s' % (a{n}, a{n})\n") + load("a40"),
    concatenations="a0 = 'x'\nb0 = 'y'\n" + lines("a{m}=b{n}+b{n}; b{m}=a{n}+a{n}\n") + load("a40"),
    tables="t0 = {'a': 'x'}\n"
    + lines("t{m} = {'a': t{n}, 'b': t{n}}\n")
    + load("t40" + "['a']" * 41),
    conditions="def net():\n    a0 = 1\n"
    + lines("    a{m} = a{n} if x else a{n}\n")
    + "    return a40\n",
    assignments="def net():\n    a0 = 1\n"
    + lines("    a{m} = a{n}\n    a{m} = a{n}\n")
    + "    return a40\n",
    switches="import torch\ndef net(pretrained=False):\n    a0 = pretrained\n"
    + lines("    a{m} = a{n} or a{n}\n")
    + "    if a40: torch.hub.load_state_dict_from_url('http://a')\n",
    builders="def f0(): return 1\n"
    + lines("T{n} = {'a': f{n}, 'b': f{n}}\ndef f{m}(): return T{n}[x]()\n")
    + "def net(): return f40()\n",
    calls="def f0(): pass\n" + lines("def f{m}():\n    f{n}()\n    f{n}()\n") + "f40()\n",
    all="__all__ = ['a']\n" + "__all__ += __all__\n" * 60,
)
_DOUBLING |= {
    "stars": {
        "hubconf.py": "from a0 import *\nfrom a0 import net\n",
        **{f"a{n}.py": f"from b{n} import *\nfrom c{n} import *\n" for n in TWICE},
        **{f"{side}{n}.py": f"from a{n + 1} import *\n" for n in TWICE for side in "bc"},
        "a40.py": "def net(): 'N.'\n",
    },
    "re-exports": {
        "hubconf.py": "from a0 import net\n",
        **{
            f"a{n}.py": f"try:\n    from b{n} import net\nexcept ImportError:\n    from c{n} import net\n"
            for n in TWICE
        },
        **{f"{side}{n}.py": f"from a{n + 1} import net\n" for n in TWICE for side in "bc"},
        "a40.py": "def net(): 'N.'\n",
    },
}

_CHAINS = hubconfs(
    aliases="def a0(): 'A.'\n" + "".join(f"a{n + 1} = a{n}\n" for n in range(LONG)),
    classes="import torch\nclass A0(torch.nn.Module): ...\n"
    + "".join(f"class A{n + 1}(A{n}): ...\n" for n in range(LONG))
    + f"def net(): return A{LONG}()\n",
    functions="def f0(): return 1\n"
    + "".join(f"def f{n + 1}(): return f{n}()\n" for n in range(LONG))
    + f"def net(): return f{LONG}()\n",
    partials="from functools import partial\ndef f0(x=1): 'F.'\n"
    + "".join(f"f{n + 1} = partial(f{n}, x={n})\n" for n in range(500)),
    bases="class A(" + ", ".join(f"B{n}" for n in range(5000)) + "): pass\ndef net(): return A()\n",
)
_CHAINS |= {
    "re-exports": {
        "hubconf.py": "from a0 import net\n",
        **{f"a{n}.py": f"from a{n + 1} import net\n" for n in range(LONG)},
        f"a{LONG}.py": "def net(): 'N.'\n",
    },
    "stars": {
        "hubconf.py": "from a0 import *\n",
        **{f"a{n}.py": f"from a{n + 1} import *\n" for n in range(300)},
        "a300.py": "def net(): 'N.'\n",
    },
}

GROUPS: dict[str, dict[str, Files]] = {
    "nesting": _NESTING,
    "size": _SIZE,
    "text": _TEXT,
    "circles": _CIRCLES,
    "doubling": _DOUBLING,
    "chains": _CHAINS,
}


def _hubconf(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def build(root: Path) -> None:
        make(root / "hubconf.py")

    return build


def _modules(root: Path) -> None:
    (root / "hubconf.py").write_text(
        NET + "import a\nfrom b import *\nimport c\nimport d.d.d.hubconf\nfrom d import hubconf\n"
    )
    os.mkfifo(root / "a.py")
    (root / "b.py").symlink_to("b.py")
    (root / "c.py").symlink_to("/dev/zero")
    (root / "d").symlink_to(".")


def _settings(root: Path) -> None:
    (root / "hubconf.py").write_text(NET)
    for name in ("hubkit.toml", "pyproject.toml", ".git"):
        os.mkfifo(root / name)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "hubconf is a folder": _hubconf(lambda path: path.mkdir()),
    "hubconf is a pipe": _hubconf(os.mkfifo),
    "hubconf is a link to itself": _hubconf(lambda path: path.symlink_to("hubconf.py")),
    "hubconf is a device": _hubconf(lambda path: path.symlink_to("/dev/zero")),
    "hubconf leads nowhere": _hubconf(lambda path: path.symlink_to("nowhere")),
    "modules": _modules,
    "settings": _settings,
}
