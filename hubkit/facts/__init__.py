"""The frozen values that cross a floor, and nothing that reads, judges or fetches.

``hubconf`` holds what reading a repo's source yields, ``findings`` what judging it yields,
``files`` the tree that is read, ``repos`` what keeping repos in the hub dir needs.
"""

from hubkit.facts.code import CheckpointUse, FailingDefault, Oddity, OwnImport, UnaskedDownload, Use
from hubkit.facts.files import Entry, Files, Gap
from hubkit.facts.findings import (
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
    RepoFacts,
    Returns,
)
from hubkit.facts.repos import CachedCheckpoint, CachedRepo, FetchPolicy, RepoRef, ResolvedRef

__all__ = [
    "SEVERITIES",
    "Applicability",
    "CachedCheckpoint",
    "CachedRepo",
    "CheckpointUse",
    "Dependencies",
    "Dependency",
    "DocstringFacts",
    "Edit",
    "Entry",
    "Entrypoint",
    "FailingDefault",
    "FetchPolicy",
    "Files",
    "Finding",
    "Fix",
    "Fixable",
    "Gap",
    "Hubconf",
    "HubconfProblem",
    "Import",
    "KnownFinding",
    "Leak",
    "LeftOut",
    "Location",
    "Oddity",
    "OwnImport",
    "Parameter",
    "RepoFacts",
    "RepoRef",
    "Report",
    "ResolvedRef",
    "Returns",
    "RuleFacts",
    "Severity",
    "Suppression",
    "UnaskedDownload",
    "Use",
]
