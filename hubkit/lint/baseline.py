"""A file of known findings, so that only new ones are reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import ValidationError, convert
from msgspec.structs import asdict

from hubkit._util.paths import UnsafePathError, resolve_inside
from hubkit.errors import ConfigError
from hubkit.facts import BaselineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Finding


BASELINE = "hubkit-baseline.json"
SCHEMA = 1


def locate_baseline(root: Path, setting: str) -> Path:
    """Resolve the setting ``baseline`` to a file.

    Args:
        root: The folder of the repo.
        setting: A path in the repo; an absolute one comes from the command line.

    Raises:
        ConfigError: A symbolic link leads out of the repo.
    """
    path = root / setting
    if Path(setting).is_absolute():
        return path
    try:
        real = resolve_inside(root, setting)
    except UnsafePathError as error:
        raise ConfigError(
            f"Cannot use the baseline {path}: {error.strerror}",
            hint="The setting must name a file in the repo. --baseline FILE accepts any file.",
        ) from None
    return real if path.is_symlink() else path


def read_baseline(path: Path) -> tuple[BaselineEntry, ...]:
    """Read the entries of a baseline.

    Raises:
        ConfigError: It cannot be read or is not a baseline.
    """
    from hubkit._util.parse import read_json

    try:
        document = read_json(path, follow=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot read the baseline {path}: {error.strerror}",
            hint="Write one with --update-baseline.",
        ) from None
    except ValueError as error:
        raise _invalid(path, str(error)) from None
    if not isinstance(document, dict) or "schema" not in document:
        raise _invalid(path, "it has no `schema`")
    if document["schema"] != SCHEMA:
        raise ConfigError(
            f"{path} has schema {document['schema']!r}, but this version of hubkit reads {SCHEMA}",
            hint="Upgrade hubkit, or delete the file and write one with --update-baseline.",
        )
    try:
        return convert(document.get("findings"), tuple[BaselineEntry, ...])
    except ValidationError as error:
        raise _invalid(path, f"`findings`: {error}") from None


def _invalid(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"{path} is not a baseline: {reason}",
        hint="Delete it and write one with --update-baseline.",
    )


def render_baseline(findings: Iterable[BaselineEntry]) -> str:
    """Render a baseline, sorted so that its diffs are small."""
    import json

    ordered = sorted(findings, key=lambda one: (one.path, one.code, one.message, one.fingerprint))
    document = {"schema": SCHEMA, "findings": [asdict(entry) for entry in ordered]}
    return json.dumps(document, indent=2) + "\n"


def to_entry(finding: Finding) -> BaselineEntry:
    """Make the baseline entry of a finding."""
    path = finding.location.path if finding.location else ""
    return BaselineEntry(finding.fingerprint, finding.code, path, finding.message)
