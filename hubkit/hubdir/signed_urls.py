"""Parts of a query that are not about which file is meant: signatures and credentials.

Hosts sign links anew each time, so a key that held the signature would never be found again; and
keys are written into records and lock files, where credentials do not belong. A parameter that
only might be one of them, such as ``token=small``, may just as well tell two models apart: it is
dropped only beside the parameters that make it part of a signature.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

Pair = tuple[str, str]


class _Scheme(Struct, frozen=True):
    """A way to sign a link: what shows it, and which parameters belong to it."""

    marks: frozenset[str]
    names: frozenset[str]
    prefix: str = ""


def _scheme(marks: str, names: str = "", prefix: str = "") -> _Scheme:
    return _Scheme(frozenset(marks.split()), frozenset(f"{marks} {names}".split()), prefix)


_SCHEMES = (
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, and 2 before it
    _scheme("x-amz-signature", prefix="x-amz-"),
    _scheme("awsaccesskeyid signature", "expires x-amz-security-token"),
    # https://cloud.google.com/storage/docs/authentication/signatures
    _scheme("x-goog-signature", prefix="x-goog-"),
    _scheme("googleaccessid signature", "expires"),
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide, signed URLs
    _scheme("key-pair-id signature", "policy expires hash-algorithm"),
    # https://learn.microsoft.com/rest/api/storageservices/create-service-sas
    _scheme(
        "sig sv",
        "sr se sp st si sip spr ss srt sdd ses scid skoid sktid skt ske sks skv saoid suoid",
    ),
    # https://help.aliyun.com/document_detail/31952.html
    _scheme("ossaccesskeyid signature", "expires security-token"),
)
_AKAMAI = ("hdnea", "hdnts", "__token__")
# Hosts that sign with a lone parameter.
_TOKEN_HOSTS = ("raw.githubusercontent.com", "codeload.github.com", "media.githubusercontent.com")
_CREDENTIAL = re.compile(
    r"((x|private|personal|access|auth|oauth2?|api|app|job|id|refresh|session|bearer|deploy|user"
    r"|gitlab|github|gh|hf|ci)[-_]?)+(token|key)|(client|api|app)[-_]?secret|secret([-_]?key)?"
    r"|passw(or)?d|passphrase|pwd|authorization|credentials?|jwt|bearer|[-_.a-z0-9]*signature",
    2,  # re.IGNORECASE
)
_PERHAPS = ("token", "auth", "key", "sig")
# What generators of secrets make: long, and of letters and digits at random.
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_+/=.~-]{20,}")


def strip_secrets(host: str, query: Sequence[Pair]) -> list[Pair]:
    """The parameters of a query that say which file is meant.

    Signatures and credentials go. Of a parameter such as ``token`` whose value looks like a
    secret only a digest stays, which still tells two of them apart.

    Args:
        host: The host that is asked.
        query: The parameters, decoded.
    """
    names = {name.lower() for name, _ in query}
    signed = [scheme for scheme in _SCHEMES if scheme.marks <= names]
    left = [pair for pair in query if not _is_secret(host, pair, signed)]
    return [(name, _blur(name, value)) for name, value in left]


def _is_secret(host: str, pair: Pair, signed: list[_Scheme]) -> bool:
    name, value = pair[0].lower(), pair[1]
    if any(
        name in scheme.names or (scheme.prefix and name.startswith(scheme.prefix))
        for scheme in signed
    ):
        return True
    if name in _AKAMAI and "hmac=" in value:
        return True
    if name == "token" and host in _TOKEN_HOSTS:
        return True
    return _CREDENTIAL.fullmatch(name) is not None


def _blur(name: str, value: str) -> str:
    if name.lower() not in _PERHAPS or not _RANDOM.fullmatch(value):
        return value
    return f"sha256-{hashlib.sha256(value.encode()).hexdigest()[:16]}"
