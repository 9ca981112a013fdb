"""What reading a repo's source yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.facts.code import (
        CheckpointUse,
        DataFile,
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

EntrypointKind = Literal["function", "class", "value"]
ParameterKind = Literal[
    "positional-only", "positional", "var-positional", "keyword-only", "var-keyword"
]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file of the repo.

    Attributes:
        path: POSIX path relative to the repo's root.
        line: First line, counted from 1.
        column: First column in characters, counted from 1.
        end_line: Last line, or 0 when unknown.
        end_column: Column after the last character, or 0 when unknown.
    """

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an entrypoint, as written.

    Attributes:
        name: Its name, without stars.
        kind: How it is passed.
        default: Source text of the default, or None when it is required or variadic.
        annotation: Source text of the annotation, or None.
        ignored: Whether it is a ``**kwargs`` that the body never looks at.
    """

    name: str
    kind: ParameterKind = "positional"
    default: str | None = None
    annotation: str | None = None
    ignored: bool = False

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is None and self.kind not in ("var-positional", "var-keyword")


@dataclass(frozen=True, slots=True)
class Returns:
    """What an entrypoint gives back, as far as source tells.

    Attributes:
        shape: "module" for an ``nn.Module``, "other" for something that cannot be one, else
            "unknown".
        description: What was seen, such as "a tuple of 2" or "models.net.Net".
        location: The return that decided, or None.
    """

    shape: Literal["module", "other", "unknown"]
    description: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class DocstringFacts:
    """What a docstring says.

    Attributes:
        summary: Its first paragraph, on one line.
        parameters: Pairs of a described parameter's name, without stars, and its description.
        mentions: Every whole word that could be a name.
    """

    summary: str
    parameters: tuple[tuple[str, str], ...]
    mentions: frozenset[str]

    @property
    def described(self) -> frozenset[str]:
        """Names of the parameters described."""
        return frozenset(name for name, _ in self.parameters)


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """Something that ``torch.hub.load`` may call.

    Attributes:
        name: The name in ``hubconf.py``.
        kind: What it is.
        via: Dotted modules that it was followed through when re-exported, outermost first.
        parameters: Its parameters in order, or None when source does not tell them.
        docstring: Its cleaned docstring, or None.
        returns: What it gives back.
        location: Where the name enters ``hubconf.py``.
        definition: Where it is defined; the same as ``location`` when not re-exported.
        made_by: For a value, what made it: "partial", "lambda", "instance", or "" when unknown.
    """

    name: str
    kind: EntrypointKind
    via: tuple[str, ...]
    parameters: tuple[Parameter, ...] | None
    docstring: str | None
    returns: Returns
    location: Location
    definition: Location
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class Leak:
    """A public callable that ``torch.hub.list`` shows and the author did not publish.

    Attributes:
        name: The name in ``hubconf.py``.
        origin: Where it comes from, such as "torch.hub" or "a class of models.net".
        location: Where the name enters ``hubconf.py``.
    """

    name: str
    origin: str
    location: Location


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of ``dependencies``."""

    name: str
    location: Location


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The hubconf's ``dependencies`` variable.

    Attributes:
        entries: Its entries, or None when source does not tell them or they are not strings.
        problem: Why ``entries`` is None, such as "a string, not a list"; empty when it is not.
        location: The assignment.
    """

    entries: tuple[Dependency, ...] | None
    problem: str
    location: Location

    @property
    def names(self) -> tuple[str, ...]:
        """The entries' texts; empty when they are unknown."""
        return tuple(entry.name for entry in self.entries or ())


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a module in the hubconf's reach.

    Attributes:
        module: Absolute dotted name of what is imported.
        location: The statement.
        in_function: Whether it runs only when a function is called.
        guarded: Whether a failure is caught, or it is only for type checkers.
        chain: Modules of the repo that lead from hubconf to this file, hubconf first.
    """

    module: str
    location: Location
    in_function: bool
    guarded: bool
    chain: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        """The top-level name, which is what ``dependencies`` must hold."""
        return self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Hubconf:
    """A ``hubconf.py`` that parses.

    Attributes:
        path: POSIX path relative to the repo's root.
        source: Its text.
        dependencies: The ``dependencies`` variable, or None when there is none.
        imports: Imports in its reach that leave the repo: its own and those of the repo's modules
            that importing it imports.
        entrypoints: In the order in which they appear.
        leaks: Callables that ``torch.hub.list`` shows besides.
        checkpoints: Downloads in its reach.
        dynamic_names: Places that create names at run time (``globals()``, a star import that leaves the
            repo); while there are any, the names above may not be all.
        own_imports: Imports in its reach of the repo's own modules, one a module.
        uses: What importing it and calling its entrypoints does to the process and the machine.
        relative_imports: Relative imports in it.
        module_classes: Classes of ``nn.Module`` that it defines.
        own_module_lookups: Places that look it up in ``sys.modules``.
        late_imports: Imports of the repo's modules that run after loading.
        hard_coded_pretrained: Calls that request weights whatever the entrypoint was called with.
        rejected_calls: Calls whose arguments a signature of the repo rejects.
        missing_exports: Names in its ``__all__`` that it does not define.
        unasked: Downloads that entrypoints make without being asked for weights.
        failing: Entrypoints that cannot be called with their own defaults.
        gpu_needs: Entrypoints that want a GPU without being asked.
        data_files: Files of the repo that code in its reach names by way of ``__file__``.
    """

    path: str
    source: str
    dependencies: Dependencies | None
    imports: tuple[Import, ...]
    entrypoints: tuple[Entrypoint, ...]
    leaks: tuple[Leak, ...]
    checkpoints: tuple[CheckpointUse, ...]
    dynamic_names: tuple[Location, ...]
    own_imports: tuple[OwnImport, ...] = ()
    uses: tuple[Use, ...] = ()
    relative_imports: tuple[RelativeImport, ...] = ()
    module_classes: tuple[ModuleClass, ...] = ()
    own_module_lookups: tuple[OwnModuleLookup, ...] = ()
    late_imports: tuple[LateImport, ...] = ()
    hard_coded_pretrained: tuple[HardCodedPretrained, ...] = ()
    rejected_calls: tuple[RejectedCall, ...] = ()
    missing_exports: tuple[MissingExport, ...] = ()
    unasked: tuple[UnaskedDownload, ...] = ()
    failing: tuple[FailingDefault, ...] = ()
    gpu_needs: tuple[GpuNeed, ...] = ()
    data_files: tuple[DataFile, ...] = ()

    @property
    def has_dynamic_names(self) -> bool:
        """Whether names are created at run time, so that source does not show all of them."""
        return bool(self.dynamic_names)

    def entrypoint(self, name: str) -> Entrypoint | None:
        """The entrypoint of that name, or None."""
        return next((entry for entry in self.entrypoints if entry.name == name), None)


@dataclass(frozen=True, slots=True)
class HubconfProblem:
    """Why there is no ``Hubconf`` to speak of, or why one of its modules cannot be read.

    Attributes:
        kind: "missing" when there is no file, "syntax" when it does not parse, "encoding" when it
            is not text.
        message: What is wrong, in a clause.
        location: Where.
    """

    kind: Literal["missing", "syntax", "encoding"]
    message: str
    location: Location
