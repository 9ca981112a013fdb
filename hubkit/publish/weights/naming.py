"""Names of checkpoints that hold the start of their sha256, where ``check_hash=True`` looks."""

from __future__ import annotations

import re

from hubkit.errors import UsageError

SHORTEST = 8  # digits, as torch.hub's documentation asks for
LONGEST = 64
_SUFFIX = re.compile(r"(?:\.[A-Za-z][A-Za-z0-9]*(?:\.(?:tar|gz|zip))?)$")
_CLAIM = re.compile(r"-([0-9a-fA-F]{8,64})$")
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
# Hosts of release files replace what is none of these, and then the name is another one.
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def hash_name(name: str, sha256: str, digits: int = SHORTEST) -> str:
    """``stem-<start of the sha256>.suffix``, such that torch.hub finds the hash in it.

    torch.hub takes the first ``-`` that is followed by nothing but hexadecimal digits and a dot, so
    that no dot may be left in the stem: ``vit-b.16.pth`` becomes ``vit-b_16-4f1c09ab.pth``.

    Args:
        name: The file's name now.
        sha256: Its digest, 64 hexadecimal digits.
        digits: How many of them the name is to hold.

    Raises:
        UsageError: The name already holds a hash, and it is another file's; or ``digits`` is none
            that a name could hold.
    """
    if not SHORTEST <= digits <= LONGEST:
        raise UsageError(f"a name holds {SHORTEST} to {LONGEST} digits of a hash, not {digits}")
    stem, suffix = _split(name)
    claim = _CLAIM.search(stem)
    if claim is not None and sha256.startswith(claim[1].lower()):
        stem, digits = stem[: claim.start()], max(digits, len(claim[1]))
    elif claim is not None and not _DATE.fullmatch(claim[1]):
        raise UsageError(
            f"{name} is named by the hash {claim[1]}, and its sha256 starts with {sha256[:8]}",
            hint="Either the file is damaged, or it is a new one under an old name: then rename it "
            f"to {stem[: claim.start()]}{suffix} first.",
        )
    return f"{_clean(stem)}-{sha256[:digits]}{suffix}"


def _split(name: str) -> tuple[str, str]:
    found = _SUFFIX.search(name)
    if found is None or not found.start():
        return name.lstrip("."), ".pth"
    return name[: found.start()], found[0]


def _clean(stem: str) -> str:
    return _UNSAFE.sub("_", stem).strip("_-") or "weights"
