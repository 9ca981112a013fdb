"""A file of known findings, so that only new ones are reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from hubkit._util.paths import UnsafePathError, resolve_inside
from hubkit.errors import ConfigError
from hubkit.facts import KnownFinding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Finding


BASELINE = "hubkit-baseline.json"
SCHEMA = 1
_FIELDS = KnownFinding.__struct_fields__


def locate_baseline(root: Path, setting: str) -> Path:
    """The file that the setting ``baseline`` names.

    Args:
        root: The repo's folder.
        setting: A path in the repo; an absolute one comes from the command line.

    Raises:
        ConfigError: A link on the way leads out of the repo.
    """
    path = root / setting
    if Path(setting).is_absolute():
        return path
    try:
        real = resolve_inside(root, setting)
    except UnsafePathError as error:
        raise ConfigError(
            f"the baseline {path} is not used: {error.strerror}",
            hint="A baseline in the settings is a file of the repo; --baseline FILE takes any.",
        ) from None
    return real if path.is_symlink() else path


def read_baseline(path: Path) -> tuple[KnownFinding, ...]:
    """The entries of a baseline.

    Args:
        path: The file.

    Raises:
        ConfigError: It cannot be read, or is no baseline.
    """
    from hubkit._util.parse import read_json

    try:
        document = read_json(path, follow=True)
    except OSError as error:
        raise ConfigError(
            f"the baseline {path} cannot be read: {error.strerror}",
            hint="Write one with --update-baseline.",
        ) from None
    except ValueError as error:
        raise _refuse(path, str(error)) from None
    if not isinstance(document, dict) or "schema" not in document:
        raise _refuse(path, "it does not say its schema")
    if document["schema"] != SCHEMA:
        raise ConfigError(
            f"{path} has the form {document['schema']!r}; this hubkit knows {SCHEMA}",
            hint="Update hubkit, or remove it and write one with --update-baseline.",
        )
    findings = document.get("findings")
    if not isinstance(findings, list) or not all(map(_is_entry, findings)):
        raise _refuse(path, f"its findings are not entries with {', '.join(_FIELDS)}")
    return tuple(KnownFinding(**entry) for entry in findings)


def _is_entry(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == set(_FIELDS)
        and all(isinstance(text, str) for text in value.values())
    )


def _refuse(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"{path} is no baseline of hubkit's: {reason}",
        hint="Remove it and write one with --update-baseline.",
    )


def render_baseline(findings: Iterable[KnownFinding]) -> str:
    """A baseline's text, in an order that keeps its history readable."""
    import json

    ordered = sorted(findings, key=lambda one: (one.path, one.code, one.message, one.fingerprint))
    document = {"schema": SCHEMA, "findings": [asdict(entry) for entry in ordered]}
    return json.dumps(document, indent=2) + "\n"


def to_known(finding: Finding) -> KnownFinding:
    """A finding as a baseline keeps it."""
    path = finding.location.path if finding.location else ""
    return KnownFinding(finding.fingerprint, finding.code, path, finding.message)
