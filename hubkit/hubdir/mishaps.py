"""Failures after which a copy that is there already is used instead.

A host that says no (no such repo, no such ref, no access) is heard; one that says nothing, or says
"later", or breaks off, is not waited for.
"""

from hubkit.errors import (
    IncompleteDownloadError,
    LockTimeoutError,
    RateLimitedError,
    UnreachableError,
)

MISHAPS = (UnreachableError, RateLimitedError, IncompleteDownloadError, LockTimeoutError)
