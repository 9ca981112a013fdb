"""The frozen values that cross a floor, and nothing that reads, judges or fetches.

``hubconf`` holds what reading a repo's source yields, ``findings`` what judging it yields,
``conformance`` what running it yields, ``files`` the tree that is read, ``offer`` what a repo
without a hubconf has, ``repos`` what keeping repos in the hub dir needs.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import find_lazily

if TYPE_CHECKING:
    from hubkit.facts.code import (
        CheckpointUse,
        DataFile,
        EntrypointWeights,
        FailingDefault,
        GpuNeed,
        HardCodedPretrained,
        LateImport,
        MissingExport,
        ModuleClass,
        OwnImport,
        OwnModuleLookup,
        RejectedCall,
        RelativeImport,
        UnaskedDownload,
        Use,
    )
    from hubkit.facts.conformance import (
        ANOTHER_SHARD,
        INTERRUPTED,
        LEVELS,
        NOT_REPRESENTATIVE,
        NOT_SELECTED,
        CaseResult,
        CheckResult,
        ConformanceReport,
        Measured,
        Outcome,
        Unexercised,
        Verdict,
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
    from hubkit.facts.offer import Example, Model, Offer, WeightsFile
    from hubkit.facts.repo import Limits, RepoFacts
    from hubkit.facts.repos import CachedCheckpoint, CachedRepo, FetchPolicy, RepoRef, ResolvedRef

__all__ = [
    "ANOTHER_SHARD",
    "INTERNAL_ERROR",
    "INTERRUPTED",
    "LEVELS",
    "NOT_REPRESENTATIVE",
    "NOT_SELECTED",
    "SEVERITIES",
    "Applicability",
    "CachedCheckpoint",
    "CachedRepo",
    "Card",
    "CardField",
    "CaseResult",
    "CheckResult",
    "CheckpointUse",
    "CodeBlock",
    "ConformanceReport",
    "DataFile",
    "Dependencies",
    "Dependency",
    "DocstringFacts",
    "Edit",
    "Entry",
    "EntryKind",
    "Entrypoint",
    "EntrypointWeights",
    "Example",
    "FailingDefault",
    "FetchPolicy",
    "Files",
    "Finding",
    "Fix",
    "Fixable",
    "Gap",
    "GpuNeed",
    "HardCodedPretrained",
    "Hubconf",
    "HubconfProblem",
    "Import",
    "KnownFinding",
    "LateImport",
    "Leak",
    "LeftOut",
    "Limits",
    "Location",
    "Measured",
    "MissingExport",
    "Model",
    "ModuleClass",
    "Offer",
    "Outcome",
    "OwnImport",
    "OwnModuleLookup",
    "Parameter",
    "Refs",
    "RejectedCall",
    "RelativeImport",
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
    "Unexercised",
    "Use",
    "Verdict",
    "WeightsFile",
]

__getattr__ = find_lazily(
    __name__,
    {
        "code": (
            "CheckpointUse DataFile EntrypointWeights FailingDefault GpuNeed HardCodedPretrained "
            "LateImport MissingExport ModuleClass OwnImport OwnModuleLookup RejectedCall "
            "RelativeImport UnaskedDownload Use"
        ),
        "conformance": (
            "ANOTHER_SHARD INTERRUPTED LEVELS NOT_REPRESENTATIVE NOT_SELECTED CaseResult "
            "CheckResult ConformanceReport Measured Outcome Unexercised Verdict"
        ),
        "documents": "Card CardField CodeBlock Snippet",
        "files": "Entry EntryKind Files Gap Refs",
        "findings": (
            "INTERNAL_ERROR SEVERITIES Finding KnownFinding LeftOut Report RuleFacts Severity "
            "Suppression"
        ),
        "fixes": "Applicability Edit Fix Fixable",
        "hubconf": (
            "Dependencies Dependency DocstringFacts Entrypoint Hubconf HubconfProblem Import "
            "Leak Location Parameter Returns"
        ),
        "offer": "Example Model Offer WeightsFile",
        "repo": "Limits RepoFacts",
        "repos": "CachedCheckpoint CachedRepo FetchPolicy RepoRef ResolvedRef",
    },
)
