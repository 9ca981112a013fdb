"""The frozen values that cross a floor, and nothing that reads, judges or fetches.

``hubconf`` holds what reading a repo's source yields, ``findings`` what judging it yields,
``files`` the tree that is read, ``repos`` what keeping repos in the hub dir needs.
"""

from hubkit.facts.code import (
    CheckpointUse,
    DataFile,
    FailingDefault,
    GpuNeed,
    Oddity,
    OwnImport,
    UnaskedDownload,
    Use,
)
from hubkit.facts.documents import Card, CardField, CodeBlock, Snippet
from hubkit.facts.files import Entry, EntryKind, Files, Gap, Refs
from hubkit.facts.findings import (
    INTERNAL_ERROR,
    SEVERITIES,
    Finding,
    KnownFinding,
    LeftOut,
    Report,
    RuleFacts,
    Severity,
    Suppression,
)
from hubkit.facts.fixes import Applicability, Edit, Fix, Fixable
from hubkit.facts.hubconf import (
    Dependencies,
    Dependency,
    DocstringFacts,
    Entrypoint,
    Hubconf,
    HubconfProblem,
    Import,
    Leak,
    Location,
    Parameter,
    Returns,
)
from hubkit.facts.repo import Limits, RepoFacts
from hubkit.facts.repos import CachedCheckpoint, CachedRepo, FetchPolicy, RepoRef, ResolvedRef

__all__ = [
    "INTERNAL_ERROR",
    "SEVERITIES",
    "Applicability",
    "CachedCheckpoint",
    "CachedRepo",
    "Card",
    "CardField",
    "CheckpointUse",
    "CodeBlock",
    "DataFile",
    "Dependencies",
    "Dependency",
    "DocstringFacts",
    "Edit",
    "Entry",
    "EntryKind",
    "Entrypoint",
    "FailingDefault",
    "FetchPolicy",
    "Files",
    "Finding",
    "Fix",
    "Fixable",
    "Gap",
    "GpuNeed",
    "Hubconf",
    "HubconfProblem",
    "Import",
    "KnownFinding",
    "Leak",
    "LeftOut",
    "Limits",
    "Location",
    "Oddity",
    "OwnImport",
    "Parameter",
    "Refs",
    "RepoFacts",
    "RepoRef",
    "Report",
    "ResolvedRef",
    "Returns",
    "RuleFacts",
    "Severity",
    "Snippet",
    "Suppression",
    "UnaskedDownload",
    "Use",
]
