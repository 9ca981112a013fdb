"""The facts of a hub repo: its hubconf, the code that it reaches, its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.facts.files import Files
    from hubkit.facts.findings import Suppression

EntrypointKind = Literal["function", "class", "value"]
ParameterKind = Literal[
    "positional-only", "positional", "var-positional", "keyword-only", "var-keyword"
]


class Location(Struct, frozen=True, order=True):
    """A place in a file of the repo.

    Attributes:
        path: POSIX path relative to the repo's root.
        line: First line, counted from 1.
        column: First column in characters, counted from 1.
        end_line: Last line; 0 if unknown.
        end_column: Column after the last character; 0 if unknown.
    """

    path: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0


class Parameter(Struct, frozen=True):
    """One parameter of an entrypoint, as written.

    Attributes:
        name: Its name, without stars.
        kind: How it is passed.
        default: Source text of the default, or None if it is required or variadic.
        annotation: Source text of the annotation, or None.
        ignored: Whether it is a ``**kwargs`` that the body does not use.
        ignored_by: For a ``**kwargs`` that is only passed on, the function that does not use it; else
            empty.
    """

    name: str
    kind: ParameterKind = "positional"
    default: str | None = None
    annotation: str | None = None
    ignored: bool = False
    ignored_by: str = ""

    @property
    def required(self) -> bool:
        """Whether calls must pass it."""
        return self.default is None and self.kind not in ("var-positional", "var-keyword")


class Returns(Struct, frozen=True):
    """What an entrypoint returns, as far as the source shows.

    Attributes:
        shape: "module" for an ``nn.Module``, "other" for something that cannot be one, else
            "unknown".
        description: What it is, such as "a tuple of 2" or "models.net.Net".
        location: The return that decided, or None.
        items: What each item of a tuple is; empty for anything else.
    """

    shape: Literal["module", "other", "unknown"]
    description: str = ""
    location: Location | None = None
    items: tuple[Returns, ...] = ()


class EntrypointTypes(Struct, frozen=True):
    """Types of an entrypoint that code outside the repo can write.

    They name builtins, `Any`, `Literal`, and classes of torch and of the standard library by their
    dotted names, such as "torch.Tensor | None".

    Attributes:
        parameters: The type of each parameter, without stars, for which the source shows one.
        returns: The type of what it returns.
    """

    parameters: dict[str, str]
    returns: str


class DocstringFacts(Struct, frozen=True):
    """The contents of a docstring.

    Attributes:
        summary: Its first paragraph, on one line.
        parameters: Pairs of a described parameter's name, without stars, and its description.
        mentions: Every whole word that could be a name.
        types: The types of described parameters, as written, for those that have one.
        returns: The type of the result, as written; "" without one.
    """

    summary: str
    parameters: tuple[tuple[str, str], ...]
    mentions: frozenset[str]
    types: dict[str, str] = field(default_factory=dict)
    returns: str = ""

    @property
    def described(self) -> frozenset[str]:
        """Names of the described parameters."""
        return frozenset(name for name, _ in self.parameters)


class Entrypoint(Struct, frozen=True):
    """Something that ``torch.hub.load`` may call.

    Attributes:
        name: The name in ``hubconf.py``.
        kind: What it is.
        via: For a re-export, the dotted modules that lead to its definition, outermost first.
        parameters: Its parameters in order; None if the source does not show them.
        docstring: Its cleaned docstring, or None.
        returns: What it returns.
        location: Where ``hubconf.py`` defines or imports the name.
        definition: Where it is defined; same as ``location`` unless re-exported.
        made_by: For a value, what made it: "partial", "lambda", "instance", or "" if unknown.
        is_announced: Whether ``__all__`` of the hubconf names it, or a document loads it.
        wrapped_docstring: For a ``partial``, the docstring of the function that it calls, or None.
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
    is_announced: bool = False
    wrapped_docstring: str | None = None

    @property
    def summary(self) -> str:
        """The first line of its docstring, or of that of the function it calls; empty without one."""
        return (self.docstring or self.wrapped_docstring or "").strip().partition("\n")[0]


class Leak(Struct, frozen=True):
    """A public callable that ``torch.hub.list`` shows although it is not an entrypoint.

    Attributes:
        name: The name in ``hubconf.py``.
        origin: Where it comes from, such as "torch.hub" or "a class of models.net".
        location: Where ``hubconf.py`` defines or imports the name.
    """

    name: str
    origin: str
    location: Location


class Dependency(Struct, frozen=True):
    """One entry of ``dependencies``."""

    name: str
    location: Location


class Dependencies(Struct, frozen=True):
    """The hubconf's ``dependencies`` variable.

    Attributes:
        entries: Its entries; None if the source does not show them, or if they are not strings.
        problem: Why ``entries`` is None, such as "a string, not a list"; else empty.
        location: The assignment.
    """

    entries: tuple[Dependency, ...] | None
    problem: str
    location: Location

    @property
    def names(self) -> tuple[str, ...]:
        """The texts of the entries; empty if unknown."""
        return tuple(entry.name for entry in self.entries or ())


# Modules of torch that import another distribution, which torch does not install.
_NEEDED_BY = {"torch.utils.tensorboard": "tensorboard"}


class Import(Struct, frozen=True):
    """An import in the hubconf, or in a module that it reaches.

    Attributes:
        module: Absolute dotted name of the imported module.
        location: The statement.
        in_function: Whether it runs only when a function is called.
        guarded: Whether a failure is caught, or the import is only for type checkers.
        chain: Modules of the repo that import one another up to this file, hubconf first.
    """

    module: str
    location: Location
    in_function: bool
    guarded: bool
    chain: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        """The top-level name, which ``dependencies`` must contain."""
        parts = self.module.split(".")
        return _NEEDED_BY.get(".".join(parts[:3]), parts[0])


class Hubconf(Struct, frozen=True):
    """A ``hubconf.py`` that parses.

    Attributes:
        path: POSIX path relative to the repo's root.
        source: Its text.
        dependencies: The ``dependencies`` variable, or None.
        imports: Imports from outside the repo, in it and in the modules that it reaches.
        entrypoints: In the order in which they appear.
        leaks: Other callables that ``torch.hub.list`` shows.
        checkpoints: Downloads that importing it or calling its entrypoints may reach.
        dynamic_names: Places that create names at run time which the source does not show (a star
            import from outside the repo); if there are any, the names above may be incomplete.
        own_imports: Imports of the repo's own modules, one per module.
        uses: What importing it and calling its entrypoints does to the process and the machine.
        relative_imports: Relative imports in it.
        module_classes: Subclasses of ``nn.Module`` that it defines.
        own_module_lookups: Places that look it up in ``sys.modules``.
        late_imports: Imports of the repo's modules that run after loading.
        hard_coded_pretrained: Calls that request weights regardless of the entrypoint's arguments.
        rejected_calls: Calls whose arguments a signature of the repo rejects.
        missing_exports: Names in its ``__all__`` that it does not define.
        unrequested_downloads: Downloads by entrypoints that are called without weights.
        failing_defaults: Entrypoints that cannot be called with their own defaults.
        gpu_needs: Entrypoints that use a GPU by default.
        data_files: Files of the repo that code finds by ``__file__``.
        loads: Calls that load a file of the repo or a whole model.
        missing_files: Files that code finds by ``__file__``, without which entrypoints fail.
        undefined_names: Names that nothing defines, in functions that entrypoints may reach.
        removed_names: Uses of what newer releases no longer have or accept.
        misspelled_names: Parameters and keywords of calls that are one letter off a usual name.
        unchecked: Further entrypoints, so many of which are made at run time that only their names
            and docstrings were read.
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
    unrequested_downloads: tuple[UnrequestedDownload, ...] = ()
    failing_defaults: tuple[FailingDefault, ...] = ()
    gpu_needs: tuple[GpuNeed, ...] = ()
    data_files: tuple[DataFile, ...] = ()
    loads: tuple[Load, ...] = ()
    missing_files: tuple[MissingFile, ...] = ()
    undefined_names: tuple[UndefinedName, ...] = ()
    removed_names: tuple[RemovedName, ...] = ()
    misspelled_names: tuple[MisspelledName, ...] = ()
    unchecked: tuple[Entrypoint, ...] = ()

    @property
    def has_dynamic_names(self) -> bool:
        """Whether names are created at run time which the source does not show."""
        return bool(self.dynamic_names)

    @property
    def distinct(self) -> tuple[Entrypoint, ...]:
        """The entrypoints, without further ones that the same line makes from the same definition."""
        places = {(entry.location, entry.definition): entry for entry in reversed(self.entrypoints)}
        return tuple(reversed(places.values()))

    @property
    def listed(self) -> tuple[Entrypoint, ...]:
        """All entrypoints whose names the source shows."""
        return self.entrypoints + self.unchecked

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(entry.name for entry in self.listed)

    def entrypoint(self, name: str) -> Entrypoint | None:
        """The entrypoint of that name, or None."""
        return next((entry for entry in self.listed if entry.name == name), None)


class HubconfProblem(Struct, frozen=True):
    """Why the hubconf, or one of its modules, cannot be read.

    Attributes:
        kind: "missing" if the file does not exist, "syntax" if it does not parse, "encoding" if it
            is not text.
        message: What is wrong, in a clause.
        location: The place.
    """

    kind: Literal["missing", "syntax", "encoding"]
    message: str
    location: Location


class OwnImport(Struct, frozen=True):
    """The import of one of the repo's own modules that is the most certain to run.

    Attributes:
        module: Absolute dotted name.
        location: The statement.
        in_function: Whether it runs only when a function of the hubconf is called.
        guarded: Whether a failure is caught.
        chain: Modules of the repo that import one another up to this file, hubconf first.
        missing: What the repo lacks of it, such as "`models` has no `UNet`"; else empty.
        path: Its source file, folder or compiled file; empty if it does not exist.
        correct: The import that would work, if the module lies beside the file; else empty.
    """

    module: str
    location: Location
    in_function: bool
    guarded: bool
    chain: tuple[str, ...] = ()
    missing: str = ""
    path: str = ""
    correct: str = ""

    @property
    def top(self) -> str:
        """The top-level name."""
        return self.module.partition(".")[0]


class DataFile(Struct, frozen=True):
    """A file of the repo that code finds by ``__file__``.

    Attributes:
        path: The file.
        location: The first place that names it.
        tested: Whether the module checks that files exist, so that it may work without.
    """

    path: str
    location: Location
    tested: bool


class Use(Struct, frozen=True):
    """A call of, or assignment to, something outside the repo while a model is loaded.

    Attributes:
        name: Its dotted name, such as "torch.manual_seed"; a builtin's is the bare "open".
        location: The call or assignment.
        on_import: Whether it happens when hubconf.py is imported, or else when an entrypoint is called.
        is_call: False for an assignment.
        arguments: The positional arguments that are strings which the source shows.
        keywords: Pairs of a keyword argument's name, or "**" for many, and the source text of its
            value.
        own_file: The file of the repo that the first argument names, relative to the working
            directory; else empty.
        guarded: Whether it looks metadata up and code catches that there is none.
        on_late_import: Whether it happens when an entrypoint imports a module.
    """

    name: str
    location: Location
    on_import: bool
    is_call: bool = True
    arguments: tuple[str | None, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    own_file: str = ""
    guarded: bool = False
    on_late_import: bool = False

    def keyword(self, name: str) -> str | None:
        """The source text of a keyword argument, or None."""
        return dict(self.keywords).get(name)


class RelativeImport(Struct, frozen=True):
    """A relative import in the hubconf, which is not in a package.

    Attributes:
        module: The module as written, dots included.
        location: The statement.
    """

    module: str
    location: Location


class ModuleClass(Struct, frozen=True):
    """A subclass of ``nn.Module`` that the hubconf itself defines."""

    name: str
    location: Location


class OwnModuleLookup(Struct, frozen=True):
    """Code of the hubconf that looks for the hubconf in ``sys.modules``, where it is missing.

    Attributes:
        code: The code, as written or in a few words.
        location: The place.
    """

    code: str
    location: Location


class LateImport(Struct, frozen=True):
    """An import of the repo's own modules that runs after torch.hub.load."""

    module: str
    location: Location


class HardCodedPretrained(Struct, frozen=True):
    """A call that requests weights from another factory, regardless of the entrypoint's arguments.

    Attributes:
        call: The shortened source of the call.
        location: The place.
    """

    call: str
    location: Location


class RejectedCall(Struct, frozen=True):
    """A call of the repo's own code whose arguments the signature rejects.

    Attributes:
        reason: The called function and why the call fails, as a clause.
        location: The call.
    """

    reason: str
    location: Location


class RemovedName(Struct, frozen=True):
    """A use of what a newer release of Python or of a package no longer has or accepts.

    Attributes:
        name: The dotted name, or the source of a default.
        since: The first release without it, such as "Python 3.12".
        location: The use.
        on_import: Whether importing hubconf.py reaches it, or else a call of an entrypoint.
        kind: "name", or "default" for that of a field of a dataclass.
    """

    name: str
    since: str
    location: Location
    on_import: bool
    kind: Literal["name", "default"] = "name"


class MisspelledName(Struct, frozen=True):
    """A parameter, or the keyword of a call, that is one letter off a usual name.

    Attributes:
        name: The name.
        correct: The usual name.
        location: The place.
    """

    name: str
    correct: str
    location: Location


class UndefinedName(Struct, frozen=True):
    """A name that a function uses although nothing defines it.

    Attributes:
        name: The name.
        location: The use.
    """

    name: str
    location: Location


class MissingExport(Struct, frozen=True):
    """A name in the hubconf's ``__all__`` that it does not define.

    Attributes:
        name: The name.
        location: The assignment of ``__all__``.
    """

    name: str
    location: Location


class CheckpointUse(Struct, frozen=True):
    """A call that downloads weights; a call with several possible URLs is one use for each.

    Attributes:
        function: Dotted name of the called function, such as "torch.hub.load_state_dict_from_url".
        url: The URL if the source shows it, else None.
        file_name: The literal ``file_name=`` argument, else None.
        arguments: Names of the arguments, those of positional ones included.
        check_hash: The literal value of ``check_hash``, None if absent or not literal.
        weights_only: The literal value of ``weights_only``, None if absent or not literal.
        forwards_keywords: Whether ``**something`` is passed, which may contain more arguments.
        location: The call.
    """

    function: str
    url: str | None
    file_name: str | None
    arguments: frozenset[str]
    check_hash: bool | None
    weights_only: bool | None
    forwards_keywords: bool
    location: Location


class EntrypointWeights(Struct, frozen=True):
    """What calling an entrypoint may load.

    Attributes:
        downloads: Calls that download weights.
        files: Paths of files of the repo, including weights.
    """

    downloads: tuple[CheckpointUse, ...] = ()
    files: tuple[str, ...] = ()


class UnrequestedDownload(Struct, frozen=True):
    """A download by an entrypoint that is called without weights.

    Attributes:
        entrypoint: Its name in the hubconf.
        switch: The parameter that chooses weights, such as "pretrained"; empty if it has none.
        without: Its value for no weights.
        function: Dotted name of the downloading function.
        location: The call.
    """

    entrypoint: str
    switch: str
    without: bool | None
    function: str
    location: Location


class FailingDefault(Struct, frozen=True):
    """An entrypoint that is certain to raise when it is called without arguments.

    Attributes:
        entrypoint: Its name in the hubconf.
        statement: The source of the statement that raises.
        location: The place.
    """

    entrypoint: str
    statement: str
    location: Location


class Load(Struct, frozen=True):
    """A call that unpickles weights, about which the source shows more than its arguments.

    Attributes:
        location: The call.
        path: The file of the repo that it loads; "" if that is unknown.
        is_model: Whether the code uses the result as a whole model.
    """

    location: Location
    path: str
    is_model: bool


class MissingFile(Struct, frozen=True):
    """A file beside the code that an entrypoint is certain to open, and that does not exist.

    Attributes:
        entrypoint: Its name in the hubconf.
        path: The file.
        location: The call that opens it.
    """

    entrypoint: str
    path: str
    location: Location


class GpuNeed(Struct, frozen=True):
    """An entrypoint that fails by default on a machine without a GPU.

    Attributes:
        entrypoint: Its name in the hubconf.
        parameter: A parameter whose default is a GPU; empty if the code requires one.
        location: The definition, or the call that requires one.
        call: The source of the call; empty for a default.
    """

    entrypoint: str
    parameter: str
    location: Location
    call: str = ""


class Snippet(Struct, frozen=True):
    """A call of ``torch.hub.load`` in a document or docstring.

    Attributes:
        repo: "owner/name", as written.
        ref: The ref after the colon; "" for none.
        entrypoint: The entrypoint, or None if it is not a literal.
        keywords: Names of the keyword arguments for the entrypoint.
        location: The call.
        values: Those keyword arguments that are literals, with their values.
        positional: The number of positional arguments for the entrypoint.
    """

    repo: str
    ref: str
    entrypoint: str | None
    keywords: tuple[str, ...]
    location: Location
    values: dict[str, Any] = field(default_factory=dict)
    positional: int = 0

    @property
    def is_pinned(self) -> bool:
        """Whether its ref is a commit or tag, and not the default branch."""
        return self.ref not in ("", "main", "master")


class CodeBlock(Struct, frozen=True):
    """A fenced block in a document.

    Attributes:
        language: The language after the fence, in lower case; "" for none.
        text: The code.
        line: The line of the document on which it starts.
    """

    language: str
    text: str
    line: int


class CardField(Struct, frozen=True):
    """One key of a card's front matter.

    Attributes:
        key: The key.
        kind: The type of its value.
        values: The scalar, or the scalars of a list, as text; empty for a mapping and for null.
        location: The key's line.
    """

    key: str
    kind: Literal["scalar", "list", "mapping", "null"]
    values: tuple[str, ...]
    location: Location


class Card(Struct, frozen=True):
    """A document that begins with front matter.

    Attributes:
        path: The document.
        fields: Its keys, in order; empty if the front matter cannot be read.
        problem: Why the front matter cannot be read; "" if it can.
        problem_line: The line of the problem.
        body: The text after the front matter.
        body_line: The line on which the body starts.
    """

    path: str
    fields: tuple[CardField, ...]
    problem: str
    problem_line: int
    body: str
    body_line: int

    def field(self, key: str) -> CardField | None:
        """The field of that key, or None."""
        return next((one for one in self.fields if one.key == key), None)


class Limits(Struct, frozen=True):
    """The author's declarations about archives of the repo.

    Attributes:
        archive_mb: Maximum size of the files of an archive in megabytes (10^6 bytes).
        lfs_in_archives: Whether the host puts LFS objects into archives.
    """

    archive_mb: float = 50
    lfs_in_archives: bool = False


class RepoFacts(Struct, frozen=True):
    """The facts of a hub repo.

    Attributes:
        files: Its files. Rules may read more of them, such as documents.
        hubconf: Its hubconf; None if there is a ``problem``.
        problem: Why the hubconf cannot be read, or None.
        packages: Top-level import names that the repo provides.
        suppressions: Comments that suppress findings.
        unreadable: Modules that the hubconf reaches and that do not parse.
        sources: Text of the hubconf and of the modules that it reaches, by path, with normalized
            newlines. Locations refer to it.
        limits: The author's declarations about archives.
        before: The repo at the commit to compare it with, or None.
    """

    files: Files
    hubconf: Hubconf | None
    problem: HubconfProblem | None
    packages: frozenset[str]
    suppressions: tuple[Suppression, ...]
    unreadable: tuple[HubconfProblem, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    before: RepoFacts | None = None

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        return self.files.root
