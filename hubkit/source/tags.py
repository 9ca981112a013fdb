"""Tags of releases, and the versions that they name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.version import Version

FIRST_TAG = "v0.1.0"
# Tags such as "v1.2.0" and "unet-v1.2"; a single number is not a version.
_VERSION = re.compile(r"(?:.*[-_/])?v?(\d+\.\d.*)", re.IGNORECASE)

_NEWEST_MINOR = 20  # of Python 3, with some room


def parse_version(text: str) -> Version | None:
    """The version that a tag names; None if it does not name one."""
    from packaging.version import InvalidVersion, Version

    found = _VERSION.fullmatch(text)
    try:
        return Version(found[1]) if found else None
    except InvalidVersion:
        return None


def bare_version(tag: str) -> str:
    """The version that a tag names, as files spell it."""
    return re.sub(r"^(?:.*[-_/])?v(?=\d)", "", tag)


def allows_breaking(version: Version, previous: Version) -> bool:
    """Whether the step from one version to another announces breaking changes.

    Before 1.0 a new minor version does.
    """
    if version.major != previous.major:
        return version.major > previous.major
    return version.major == 0 and version.minor > previous.minor


def next_version(previous: Version, *, breaking: bool) -> str:
    """The smallest version after a version, for a release with or without breaking changes."""
    if not breaking:
        return f"{previous.major}.{previous.minor}.{previous.micro + 1}"
    return f"0.{previous.minor + 1}.0" if previous.major == 0 else f"{previous.major + 1}.0.0"


def declared_tag(versions: Mapping[str, str], previous: str) -> str:
    """The tag for the version that files declare, in the style of the previous one; "" for none."""
    version = next(iter(versions.values()), "")
    return f"{_prefix(previous)}{version}" if version else ""


def following_tag(previous: str) -> str:
    """The tag after the previous one, for a repo whose files declare no version."""
    version = parse_version(previous)
    return f"{_prefix(previous)}{next_version(version, breaking=False)}" if version else FIRST_TAG


def _prefix(previous: str) -> str:
    return "" if previous[:1].isdigit() else "v"


def allows_python(claimed: str, version: str) -> bool:
    """Whether a claim such as ">=3.8,<3.12" allows a version or a later one."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(claimed)
    except InvalidSpecifier:
        return True
    major, minor = version.split(".")
    return any(f"{major}.{later}" in specifiers for later in range(int(minor), _NEWEST_MINOR + 1))
