"""Repos that are wrong as a whole. None of them needs torch, so that they are quick to try."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.conftest import HubRepo

_ENTRYPOINT = '''

def labels():
    """Names of the classes."""
    return ["cat", "dog"]
'''
_CONFIG = '[entrypoints.labels]\nkind = "utility"\n'


@dataclass(frozen=True, slots=True)
class RepoDefect:
    """One mistake.

    Attributes:
        name: What it is called.
        code: The item that fails.
        good: Files of the repo as it should be.
        bad: Files that spoil it.
        says: What the failure must contain.
        commit: Whether the files that spoil it are committed.
        more: What else spoils it.
    """

    name: str
    code: str
    good: dict[str, str]
    bad: dict[str, str]
    says: tuple[str, ...] = ()
    commit: bool = True
    more: Callable[[HubRepo], None] | None = field(default=None)

    def spoil(self, repo: HubRepo) -> None:
        """Make the mistake."""
        repo.write(self.bad)
        if self.more is not None:
            self.more(repo)
        if self.commit:
            repo.git("add", "--all")
            repo.git("commit", "--quiet", "--allow-empty", "--message", "Change")


def _hubconf(head: str, body: str = _ENTRYPOINT, **files: str) -> dict[str, str]:
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    return {"hubconf.py": dedent(head) + body, "hubkit.toml": _CONFIG, **named}


def _link(repo: HubRepo) -> None:
    (repo.root / "acme_words" / "names.py").unlink()
    (repo.root / "acme_words" / "names.py").symlink_to("all_names.py")


def _replace_by_pointer(repo: HubRepo) -> None:
    """Commit what git-lfs would, and keep the file itself in the work tree."""
    path = repo.root / "acme_words" / "names.txt"
    real = path.read_text("utf-8")
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 8\n", "utf-8")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "Large files")
    repo.git("update-index", "--assume-unchanged", "acme_words/names.txt")
    path.write_text(real, "utf-8")


def _make_submodule(repo: HubRepo) -> None:
    """Move a package to a repo of its own."""
    inner = repo.root / "acme_words"
    subprocess.run(["git", "init", "--quiet"], cwd=inner, check=True)
    inside = ("-C", str(inner))
    repo.git(*inside, "add", "--all")
    repo.git(*inside, "commit", "--quiet", "--message", "Words")
    repo.git("rm", "-r", "--cached", "--quiet", "acme_words")
    repo.write({".gitmodules": '[submodule "acme_words"]\npath = acme_words\nurl = ../words\n'})


_IMPORTS = "import acme_words.names as _names\n"
_PACKAGE = {"acme_words/__init__.py": "", "acme_words/names.py": "NAMES = ['cat', 'dog']\n"}
_READS = (
    "from pathlib import Path as _Path\n\n"
    "_TEXT = (_Path(__file__).parent / 'acme_words' / 'names.txt').read_text()\n"
    "assert 'version' not in _TEXT, 'invalid load key, v'\n"
)

_SIZED = '''

def labels(size):
    """Names of the classes.

    Args:
        size: How many.
    """
    return ["cat", "dog"][:size]
'''
_README = "```python\nhub.load('acme/words:v1', 'labels', size=2)\n```\n"

REPO_DEFECTS = (
    RepoDefect(
        "own_metadata",
        "C101",
        _hubconf(""),
        _hubconf(
            "from importlib.metadata import version as _version\n\n_VERSION = _version('torch-hubkit')\n",
        )
        | {"pyproject.toml": '[project]\nname = "Torch_Hubkit"\nversion = "1"\n'},
        ("*PackageNotFoundError*", "The repo is not installed where torch.hub loads it*"),
    ),
    RepoDefect(
        "parses_on_import",
        "C101",
        _hubconf("import argparse as _argparse\n"),
        _hubconf("import argparse as _argparse\n\n_argparse.ArgumentParser().parse_args()\n"),
        ("*SystemExit*", "torch.hub runs it inside other programs*"),
    ),
    RepoDefect(
        "parses_on_call",
        "labels::C106",
        _hubconf("import argparse as _argparse\n"),
        _hubconf(
            "import argparse as _argparse\n",
            _ENTRYPOINT.replace(
                "    return", "    _argparse.ArgumentParser().parse_args()\n    return"
            ),
        ),
        ("labels() fails with SystemExit*", "torch.hub runs it inside other programs*"),
    ),
    RepoDefect(
        "fails_beside_pytest",
        "C103",
        _hubconf("import sys as _sys\n"),
        _hubconf("import sys as _sys\n\nassert 'pytest' not in _sys.modules, 'not in tests'\n"),
        ("Importing hubconf.py fails with AssertionError: not in tests",),
    ),
    RepoDefect(
        "undeclared_argument",
        "labels::C106",
        {**_hubconf("", _SIZED), "hubkit.toml": f"{_CONFIG}call = {{ size = 1 }}\n"},
        {"hubkit.toml": _CONFIG, "README.md": _README},
        (
            "labels cannot be called without size, and no value is declared.",
            "README.md:2 passes size=2",
            "Declare it in [[]entrypoints.labels[]] in hubkit.toml: call = { size = 2 }",
        ),
    ),
    RepoDefect(
        "pypi_name",
        "C101",
        _hubconf("dependencies = ['typing_extensions']\n"),
        _hubconf("dependencies = ['typing-extensions']\n"),
        ("torch.hub cannot load anything: there is no module 'typing-extensions'",),
    ),
    RepoDefect(
        "dataclass_future",
        "C101",
        _hubconf("import dataclasses as _dc\n\n@_dc.dataclass\nclass _Word:\n    text: str\n"),
        _hubconf(
            "from __future__ import annotations\nimport dataclasses as _dc\n\n"
            "@_dc.dataclass\nclass _Word:\n    text: str\n"
        ),
        ("Importing hubconf.py fails in a fresh process: AttributeError",),
    ),
    RepoDefect(
        "leak_names",
        "C103",
        _hubconf("from pathlib import Path as _Path\n\n_HERE = _Path()\n"),
        _hubconf("from pathlib import Path\n\n_HERE = Path()\n"),
        ("torch.hub.list shows 1 name that is not an entrypoint.", "Path: pathlib*, line 1"),
    ),
    RepoDefect(
        "described_and_absent",
        "C103",
        _hubconf(""),
        {"hubkit.toml": f"{_CONFIG}[entrypoints.lables]\nkind = 'utility'\n"},
        ("hubkit.toml describes the entrypoint lables", "Did you mean `labels`?"),
    ),
    RepoDefect(
        "registers_twice",
        "labels::C108",
        _hubconf("import acme_words.registry as _r\n", acme_words__registry="NAMES = {'a'}\n"),
        _hubconf(
            "import acme_words.registry as _r\n\n"
            "if 'b' in _r.NAMES:\n    raise ValueError('namespace b registered twice')\n"
            "_r.NAMES.add('b')\n"
        ),
        ("The second torch.hub.load in a process fails: ValueError: namespace b registered twice",),
    ),
    RepoDefect(
        "path_at_import",
        "labels::C109",
        _hubconf("import sys as _sys\n"),
        _hubconf("import sys as _sys\n\n_sys.path.append('/somewhere')\n"),
        ("Importing hubconf.py changes global state.", "sys.path was *"),
    ),
    RepoDefect(
        "reseed_at_import",
        "labels::C110",
        _hubconf("import random as _random\n"),
        _hubconf("import random as _random\n\n_random.seed(0)\n"),
        (
            "Importing hubconf.py reseeds the global*",
            "afterwards, random.random() returns 0.84442 *",
        ),
    ),
    RepoDefect(
        "symlink_module",
        "labels::C301",
        {**_hubconf(_IMPORTS), **_PACKAGE},
        {"acme_words/all_names.py": "NAMES = ['cat', 'dog']\n"},
        ("acme_words/names.py: it is a symbolic link, which torch.hub unpacks as a text file",),
        more=_link,
    ),
    RepoDefect(
        "lfs_pointer",
        "labels::C301",
        {**_hubconf(_READS), "acme_words/names.txt": "cat dog\n"},
        {},
        ("acme_words/names.txt: it is stored in Git LFS*",),
        more=_replace_by_pointer,
    ),
    RepoDefect(
        "submodule_needed",
        "labels::C301",
        {**_hubconf(_IMPORTS), **_PACKAGE},
        {},
        ("acme_words/names.py: it is in a git submodule*",),
        more=_make_submodule,
    ),
    RepoDefect(
        "generic_models_pair",
        "C303",
        {**_hubconf(_IMPORTS), **_PACKAGE},
        {
            **_hubconf("from models import names as _names\n"),
            "models/__init__.py": "",
            "models/names.py": "",
        },
        (
            "torch.hub cannot load the repo after another one with a top-level models: *from 'models' (models/__init__.py)",
        ),
    ),
)
