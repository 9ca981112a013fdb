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
        ({"setup.py": 'setup(name="x", description="Small nets")\n'}, "Small nets"),
        ({"setup.cfg": "[metadata]\ndescription = Small nets\n"}, "Small nets"),
        ({"setup.cfg": "[metadata]\ndescription = file: README\n"}, "Models of here."),
        ({"pyproject.toml": '[tool.poetry]\ndescription = "Small nets"\n'}, "Small nets"),
        ({"CITATION.cff": "abstract: >-\n  Small\n  nets. More.\ntitle: X\n"}, "Small nets."),
        ({"CITATION.cff": 'abstract: "Small nets"  # really\n'}, "Small nets"),
        ({"README.md": "![logo](x.png)\n\n# **Nets** for `you` [x](y)\n"}, "Nets for you x"),
        ({"readme.rst": "Nets\n====\n\nText.\n"}, "Text."),
        ({"readme.rst": "Nets\n====\n"}, "Models of here."),
        ({"README.md": "# nuclei\n"}, "Models of here."),
        (
            {
                "README.md": "# nuclei\n\n[![ci](x)](y)\n\n_Segments_ nuclei\nin cell_1. For a paper.\n"
            },
            "Segments nuclei in cell_1.",
        ),
        ({"README.md": f"# {'x' * 300}\n"}, "Models of here."),
        ({}, "Models of here."),
    ],
)
def test_what_it_does_is_read_too(files: dict[str, str], description: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "here", {".keep": "", **files})
    assert read_discovery(folder).description == description
    has_readme = any(name.lower().startswith("readme") for name in files)
    assert bool(read_discovery(folder).readme) == has_readme


@pytest.mark.parametrize(
    ("name", "text", "license_name"),
    [
        ("setup.py", "setup(license='Apache License 2.0')\n", "Apache-2.0"),
        ("setup.py", "setup(license='BSD')\n", ""),  # which of them?
        ("setup.cfg", "[metadata]\nlicense = MIT License\n", "MIT"),
        ("pyproject.toml", '[project]\nlicense = { text = "BSD 3-Clause" }\n', "BSD-3-Clause"),
        (
            "pyproject.toml",
            '[project]\nclassifiers = ["License :: OSI Approved :: MIT License"]\n',
            "MIT",
        ),
        ("pyproject.toml", '[tool.poetry]\nlicense = "Apache-2.0"\n', "Apache-2.0"),
        ("CITATION.cff", "license: MIT\n", "MIT"),
        ("README.md", "# Nets\n\n## License\n\nReleased under the MIT License.\n", "MIT"),
        ("README.md", "# Nets\n\n## License\n\nMIT for code, CC-BY-4.0 for weights.\n", ""),
        ("README.md", "# Nets\n\nBased on X, under the MIT license.\n", ""),
    ],
)
def test_the_license_that_files_name_is_known(
    name: str, text: str, license_name: str, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "here", {name: text})
    assert read_discovery(folder).license == license_name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.py", "setup(version='1.2.0')\n"),
        ("setup.cfg", "[metadata]\nversion = 1.2.0\n"),
        ("CITATION.cff", 'cff-version: 1.2.0\nversion: "1.2.0"\n'),
    ],
)
def test_the_tag_is_that_of_the_declared_version(name: str, text: str, tmp_path: Path) -> None:
    assert read_discovery(write_tree(tmp_path / "here", {name: text})).tag == "v1.2.0"
