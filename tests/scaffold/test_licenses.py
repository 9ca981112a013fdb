from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.errors import TemplateError
from hubkit.scaffold import read_template, render_template, resolve_answers
from hubkit.scaffold.answers import require_spdx
from hubkit.source import Folder
from hubkit.source.project import read_license
from tests.scaffold.conftest import FOUND

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["MIT", "Apache-2.0", "BSD-3-Clause"])
def test_a_license_that_we_write_is_read_as_itself(name: str, tmp_path: Path) -> None:
    template = read_template("classifier")
    answers = resolve_answers(template, {"license": name}, FOUND)
    files = {file.path: file.content for file in render_template(template, answers, FOUND)}
    assert b"2026" in files["LICENSE"]
    assert b"Ada Lovelace" in files["LICENSE"]
    (tmp_path / "LICENSE").write_bytes(files["LICENSE"])
    assert read_license(Folder(tmp_path)) == ("LICENSE", name)


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("COPYING", "  GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", "GPL-3.0-only"),
        ("LICENCE.md", "# Attribution-NonCommercial 4.0\nInternational\n", "CC-BY-NC-4.0"),
        ("LICENSE.txt", "You may look, but not touch.", "LicenseRef-LICENSE"),
        ("UNLICENSE", "This is free and unencumbered software", "Unlicense"),
        ("MIT-LICENSE.txt", "You may look.", "LicenseRef-LICENSE"),
        ("NOTICE", "Permission is hereby granted, free of charge", ""),
    ],
)
def test_other_licenses_are_distinguished(file: str, text: str, name: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text)
    assert read_license(Folder(tmp_path)) == (file if name else "", name)


def test_the_usual_name_comes_before_others(tmp_path: Path) -> None:
    (tmp_path / "COPYRIGHT").write_text("Copyright 2026 Ada Lovelace")
    (tmp_path / "LICENSES").mkdir()
    (tmp_path / "license.txt").write_text("Apache License\nVersion 2.0, January 2004")
    assert read_license(Folder(tmp_path)) == ("license.txt", "Apache-2.0")


@pytest.mark.parametrize(
    ("text", "name"),
    [("mit", "MIT"), ("apache-2.0", "Apache-2.0"), ("LicenseRef-Acme", "LicenseRef-Acme")],
)
def test_identifiers_get_their_own_spelling(text: str, name: str) -> None:
    assert require_spdx(text) == name


def test_a_misspelled_identifier_is_refused_with_the_nearest() -> None:
    with pytest.raises(TemplateError, match="not a well-known SPDX") as caught:
        require_spdx("Apache 2.0")
    assert "`Apache-2.0`" in caught.value.hint
