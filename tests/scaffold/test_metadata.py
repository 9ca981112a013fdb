"""Whose repo it is and what it is for, from what its files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.scaffold import read_discovery
from tests.scaffold.conftest import write_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "text", "author"),
    [
        ("LICENSE", "MIT License\n\nCopyright (c) 2019-2021 Ada Lovelace\n", "Ada Lovelace"),
        ("LICENSE", "Copyright 2018 Acme, Inc. All rights reserved.\n", "Acme, Inc"),
        ("LICENSE.txt", "  © 2020, Ada and Grace <a@b.org>\n", "Ada and Grace"),
        ("LICENSE", "Copyright (C) 2007 Free Software Foundation, Inc.\n", None),
        ("LICENSE", "Copyright [yyyy] [name of copyright owner]\n", None),
        ("setup.py", "from setuptools import setup\nsetup(author='Phil', version=V)\n", "Phil"),
        ("setup.py", "setup(author=AUTHOR\n", None),
        ("pyproject.toml", '[project]\nauthors = [{ email = "x" }, { name = "Ada" }]\n', "Ada"),
        ("pyproject.toml", '[tool.poetry]\nauthors = ["Ada <a@b.org>"]\n', "Ada"),
        ("pyproject.toml", "[project\n", None),
        ("pyproject.toml", "project = 1\ntool = 2\n", None),
    ],
)
def test_the_author_is_read_where_projects_write_it(
    name: str, text: str, author: str | None, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "here", {name: text})
    assert read_discovery(folder).author == (author or "The here authors")


@pytest.mark.parametrize(
    ("files", "description"),
    [
        ({"pyproject.toml": '[project]\ndescription = "Small nets"\n'}, "Small nets"),
        ({"README.md": "![logo](x.png)\n\n# **Nets** for `you` [x](y)\n"}, "Nets for you x"),
        ({"readme.rst": "Nets\n====\n\nText.\n"}, "Nets"),
        ({"README.md": f"# {'x' * 300}\n"}, "Models of here."),
        ({}, "Models of here."),
    ],
)
def test_what_it_does_is_read_too(files: dict[str, str], description: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "here", {".keep": "", **files})
    assert read_discovery(folder).description == description
    assert read_discovery(folder).readme.lower().startswith("readme") == (
        "pyproject.toml" not in files and bool(files)
    )
