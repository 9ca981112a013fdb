"""Frozen values that one part of hubkit hands to another, and nothing that reads, checks or fetches.

``files`` is the tree that is read, ``hubconf`` what reading a repo yields, ``findings`` what linting
it yields, ``conformance`` what running it yields, ``hubdir`` what keeping repos and checkpoints
needs.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.facts.conformance import (
        ANOTHER_SHARD,
        ARCHIVE_CHECK,
        INTERRUPTED,
        LEVELS,
        NOT_REPRESENTATIVE,
        NOT_SELECTED,
        WEIGHTS_CHECKS,
        CaseResult,
        CheckFailure,
        CheckResult,
        ConformanceReport,
        EntrypointHelp,
        LintFindings,
        Measured,
        ModuleSize,
        Outcome,
        ParameterHelp,
        Unexercised,
        WeightsFile,
        WeightsResult,
    )
    from hubkit.facts.files import Entry, EntryKind, Files, Gap, Refs, WrappedFiles
    from hubkit.facts.findings import (
        INTERNAL_ERROR,
        SEVERITIES,
        Applicability,
        BaselineEntry,
        Edit,
        Finding,
        Fix,
        Fixable,
        Report,
        RuleFacts,
        Severity,
        SuppressedFinding,
        Suppression,
    )
    from hubkit.facts.hubconf import (
        Card,
        CardField,
        CheckpointUse,
        CodeBlock,
        DataFile,
        Dependencies,
        Dependency,
        DocstringFacts,
        Entrypoint,
        EntrypointTypes,
        EntrypointWeights,
        FailingDefault,
        GpuNeed,
        HardCodedPretrained,
        Hubconf,
        HubconfProblem,
        Import,
        LateImport,
        Leak,
        Limits,
        Load,
        Location,
        MissingExport,
        MissingFile,
        MisspelledName,
        ModuleClass,
        OwnImport,
        OwnModuleLookup,
        Parameter,
        RejectedCall,
        RelativeImport,
        RemovedName,
        RepoFacts,
        Returns,
        Snippet,
        UndefinedName,
        UnrequestedDownload,
        Use,
    )
    from hubkit.facts.hubdir import CachedCheckpoint, CachedRepo, FetchPolicy, RepoRef, ResolvedRef

__all__ = [
    "ANOTHER_SHARD",
    "ARCHIVE_CHECK",
    "INTERNAL_ERROR",
    "INTERRUPTED",
    "LEVELS",
    "NOT_REPRESENTATIVE",
    "NOT_SELECTED",
    "SEVERITIES",
    "WEIGHTS_CHECKS",
    "Applicability",
    "BaselineEntry",
    "CachedCheckpoint",
    "CachedRepo",
    "Card",
    "CardField",
    "CaseResult",
    "CheckFailure",
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
    "EntrypointHelp",
    "EntrypointTypes",
    "EntrypointWeights",
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
    "LateImport",
    "Leak",
    "Limits",
    "LintFindings",
    "Load",
    "Location",
    "Measured",
    "MissingExport",
    "MissingFile",
    "MisspelledName",
    "ModuleClass",
    "ModuleSize",
    "Outcome",
    "OwnImport",
    "OwnModuleLookup",
    "Parameter",
    "ParameterHelp",
    "Refs",
    "RejectedCall",
    "RelativeImport",
    "RemovedName",
    "RepoFacts",
    "RepoRef",
    "Report",
    "ResolvedRef",
    "Returns",
    "RuleFacts",
    "Severity",
    "Snippet",
    "SuppressedFinding",
    "Suppression",
    "UndefinedName",
    "Unexercised",
    "UnrequestedDownload",
    "Use",
    "WeightsFile",
    "WeightsResult",
    "WrappedFiles",
]

__getattr__ = lazy_names(
    __name__,
    {
        "conformance": (
            "ANOTHER_SHARD ARCHIVE_CHECK INTERRUPTED LEVELS NOT_REPRESENTATIVE NOT_SELECTED WEIGHTS_CHECKS CaseResult "
            "CheckFailure CheckResult ConformanceReport EntrypointHelp LintFindings Measured ModuleSize"
            " Outcome ParameterHelp Unexercised WeightsFile WeightsResult"
        ),
        "files": ("Entry EntryKind Files Gap Refs WrappedFiles"),
        "findings": (
            "INTERNAL_ERROR SEVERITIES Applicability Edit Finding Fix Fixable BaselineEntry "
            "SuppressedFinding Report RuleFacts Severity Suppression"
        ),
        "hubconf": (
            "Card CardField CheckpointUse CodeBlock DataFile Dependencies Dependency "
            "DocstringFacts Entrypoint EntrypointTypes EntrypointWeights FailingDefault GpuNeed "
            "HardCodedPretrained Hubconf HubconfProblem Import LateImport Leak Limits "
            "Load Location MissingExport MissingFile ModuleClass OwnImport OwnModuleLookup Parameter "
            "MisspelledName RejectedCall RelativeImport RemovedName RepoFacts Returns Snippet "
            "UndefinedName UnrequestedDownload Use"
        ),
        "hubdir": ("CachedCheckpoint CachedRepo FetchPolicy RepoRef ResolvedRef"),
    },
)
