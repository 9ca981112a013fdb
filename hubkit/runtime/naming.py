"""Names of the packages under which hub repos are imported.

A repo at ``/home/me/net`` is imported as the package ``hubkit.repos._Shome_Sme_Snet``. The name
spells the folder, so that another process with hubkit importable finds the code behind a pickled
object (and runs it if it may, see `hubkit.repos`); it is an identifier, because ``torch.jit``
writes it into source and parses it again.
"""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = "hubkit.repos"
PREFIX = f"{PACKAGE}."

_SPELLED = {"_": "__", "/": "_S", ".": "_D", "-": "_H"}
_READ = {spelling[1]: character for character, spelling in _SPELLED.items()}
_PLAIN = re.compile(r"[A-Za-z0-9]")
_TOKEN = re.compile(r"_(?:([_SDH])|X([0-9a-f]+)_|(E[0-9]+)$)|[A-Za-z0-9]")


def package_name(root: Path, edition: int = 0) -> str:
    """The package for a tree.

    Args:
        root: The tree's folder, absolute.
        edition: How often the files of this folder were seen changed in this process.
    """
    key = "".join(_spell(character) for character in root.as_posix())
    if key[0].isdigit():
        key = f"_X{ord(key[0]):x}_{key[1:]}"
    return f"{PREFIX}{key}_E{edition}" if edition else PREFIX + key


def root_of(package: str) -> Path | None:
    """The folder that a package's name spells, or None when it spells none."""
    key = package.removeprefix(PREFIX)
    parts: list[str] = []
    at = 0
    while at < len(key):
        match = _TOKEN.match(key, at)
        if match is None:
            return None
        short, code, edition = match.groups()
        if not edition:
            parts.append(_READ[short] if short else chr(int(code, 16)) if code else match.group())
        at = match.end()
    return Path("".join(parts))


def _spell(character: str) -> str:
    if _PLAIN.match(character):
        return character
    return _SPELLED.get(character) or f"_X{ord(character):x}_"
