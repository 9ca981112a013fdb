"""Licences: their SPDX identifiers, and telling which one a text is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.paths import read_inside
from hubkit._util.text import did_you_mean
from hubkit.errors import TemplateError

if TYPE_CHECKING:
    from pathlib import Path

# The identifiers (https://spdx.org/licenses/) that code and weights are published under, and
# words that only that licence's text has. Each is tried before those that it quotes.
_MARKS = {
    "MIT": ("Permission is hereby granted, free of charge", "The above copyright notice"),
    "Apache-2.0": ("Apache License", "Version 2.0, January 2004"),
    "BSD-3-Clause": ("Redistribution and use in source and binary forms", "Neither the name of"),
    "BSD-2-Clause": ("Redistribution and use in source and binary forms",),
    "ISC": ("Permission to use, copy, modify, and/or distribute this software",),
    "MPL-2.0": ("Mozilla Public License Version 2.0",),
    "AGPL-3.0-only": ("GNU AFFERO GENERAL PUBLIC LICENSE", "Version 3"),
    "LGPL-3.0-only": ("GNU LESSER GENERAL PUBLIC LICENSE", "Version 3"),
    "GPL-3.0-only": ("GNU GENERAL PUBLIC LICENSE", "Version 3"),
    "GPL-2.0-only": ("GNU GENERAL PUBLIC LICENSE", "Version 2"),
    "Unlicense": ("This is free and unencumbered software",),
    "CC0-1.0": ("CC0 1.0 Universal",),
    "CC-BY-NC-SA-4.0": ("Attribution-NonCommercial-ShareAlike 4.0 International",),
    "CC-BY-NC-4.0": ("Attribution-NonCommercial 4.0 International",),
    "CC-BY-SA-4.0": ("Attribution-ShareAlike 4.0 International",),
    "CC-BY-4.0": ("Attribution 4.0 International",),
}
_OTHERS = ("AGPL-3.0-or-later", "GPL-2.0-or-later", "GPL-3.0-or-later", "LGPL-3.0-or-later")
_UNLISTED = "LicenseRef-LICENSE"
# What SPDX documents say where there is no licence.
_NO_LICENSE = "NONE"
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")


def read_license(folder: Path) -> tuple[str, str]:
    """Name and SPDX identifier of the folder's licence file.

    Returns:
        Both; ``LicenseRef-LICENSE`` for a text that is none of the well-known ones; ("", "") when
        there is no licence file.
    """
    path = next((path for path in sorted(folder.glob("*")) if _is_license(path)), None)
    if path is None:
        return "", ""
    try:
        text = " ".join(read_inside(folder, path.name).decode("utf-8", "replace").split())
    except OSError:
        return "", ""
    known = (name for name, marks in _MARKS.items() if all(mark in text for mark in marks))
    return path.name, next(known, _UNLISTED)


def require_spdx(text: str) -> str:
    """The identifier in SPDX's own spelling.

    Raises:
        TemplateError: It is none that hubkit knows, nor ``LicenseRef-`` and a name, nor NONE.
    """
    known = (*_MARKS, *_OTHERS, _NO_LICENSE)
    for name in known:
        if name.lower() == text.strip().lower():
            return name
    if _REFERENCE.fullmatch(text.strip()):
        return text.strip()
    raise TemplateError(
        f"{text!r} is not a well-known SPDX licence identifier",
        hint=did_you_mean(text, known)
        or "Such as MIT, Apache-2.0 or BSD-3-Clause; for your own terms: LicenseRef-NAME.",
    )


def _is_license(path: Path) -> bool:
    stem = path.name.upper().partition(".")[0]
    return path.is_file() and stem in ("LICENSE", "LICENCE", "COPYING")
