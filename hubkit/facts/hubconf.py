"""A hub repo as it is read: its hubconf, the code in reach, its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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
        end_line: Last line, or 0 when unknown.
        end_column: Column after the last character, or 0 when unknown.
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


class Returns(Struct, frozen=True):
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


class DocstringFacts(Struct, frozen=True):
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


class Entrypoint(Struct, frozen=True):
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


class Leak(Struct, frozen=True):
    """A public callable that ``torch.hub.list`` shows and the author did not publish.

    Attributes:
        name: The name in ``hubconf.py``.
        origin: Where it comes from, such as "torch.hub" or "a class of models.net".
        location: Where the name enters ``hubconf.py``.
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


class Import(Struct, frozen=True):
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


class Hubconf(Struct, frozen=True):
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
        unrequested_downloads: Downloads that entrypoints make without being asked for weights.
        failing_defaults: Entrypoints that cannot be called with their own defaults.
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
    unrequested_downloads: tuple[UnrequestedDownload, ...] = ()
    failing_defaults: tuple[FailingDefault, ...] = ()
    gpu_needs: tuple[GpuNeed, ...] = ()
    data_files: tuple[DataFile, ...] = ()

    @property
    def has_dynamic_names(self) -> bool:
        """Whether names are created at run time, so that source does not show all of them."""
        return bool(self.dynamic_names)

    def entrypoint(self, name: str) -> Entrypoint | None:
        """The entrypoint of that name, or None."""
        return next((entry for entry in self.entrypoints if entry.name == name), None)


class HubconfProblem(Struct, frozen=True):
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


class OwnImport(Struct, frozen=True):
    """The surest import of one of the repo's own modules.

    Attributes:
        module: Absolute dotted name.
        location: The statement.
        in_function: Whether it runs only when a function of the hubconf is called.
        guarded: Whether a failure is caught.
        chain: Modules of the repo that lead from hubconf to this file, hubconf first.
        missing: What it asks for and the repo does not hold, such as "`models` has no `UNet`";
            empty when all is there.
        path: Its file; for a folder or compiled module, that; empty when there is nothing.
    """

    module: str
    location: Location
    in_function: bool
    guarded: bool
    chain: tuple[str, ...] = ()
    missing: str = ""
    path: str = ""

    @property
    def top(self) -> str:
        """The top-level name."""
        return self.module.partition(".")[0]


class DataFile(Struct, frozen=True):
    """A file of the repo that code in reach names by way of ``__file__``.

    Attributes:
        path: The file.
        location: Where it is named, the first time.
        tested: Whether the module also asks whether files exist, so that it may do without.
    """

    path: str
    location: Location
    tested: bool


class Use(Struct, frozen=True):
    """Something outside the repo that is called, or assigned to, on the way to a model.

    Attributes:
        name: Its dotted name, such as "torch.manual_seed"; a builtin's is the bare "open".
        location: The call or assignment.
        on_import: Whether it happens when hubconf.py is imported; else when an entrypoint is called.
        is_call: False for an assignment.
        arguments: The positional arguments, as far as they are strings that source tells.
        keywords: Pairs of a keyword argument's name, or "**" for many, and the source text of its
            value.
        own_file: The file of the repo that the first argument names, taken relative to the working
            directory; empty when there is none.
    """

    name: str
    location: Location
    on_import: bool
    is_call: bool = True
    arguments: tuple[str | None, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    own_file: str = ""

    def keyword(self, name: str) -> str | None:
        """The source text of a keyword argument, or None."""
        return dict(self.keywords).get(name)


class RelativeImport(Struct, frozen=True):
    """A relative import in the hubconf, which is part of no package.

    Attributes:
        module: The module as written, dots included.
        location: The statement.
    """

    module: str
    location: Location


class ModuleClass(Struct, frozen=True):
    """A class of ``nn.Module`` that the hubconf itself defines."""

    name: str
    location: Location


class OwnModuleLookup(Struct, frozen=True):
    """Code of the hubconf that looks the hubconf up in ``sys.modules``, where it is not.

    Attributes:
        code: What does so, as written or in a few words.
        location: Where.
    """

    code: str
    location: Location


class LateImport(Struct, frozen=True):
    """An import of the repo's own modules that runs after torch.hub.load."""

    module: str
    location: Location


class HardCodedPretrained(Struct, frozen=True):
    """A call that requests weights from another factory, whatever the entrypoint was called with.

    Attributes:
        call: The call, as written, shortened.
        location: Where.
    """

    call: str
    location: Location


class RejectedCall(Struct, frozen=True):
    """A call of the repo's own code whose arguments the signature rejects.

    Attributes:
        reason: What is called and why it fails, in a clause.
        location: The call.
    """

    reason: str
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
    """One call that downloads weights.

    Attributes:
        function: Dotted name of what is called, such as "torch.hub.load_state_dict_from_url".
        url: The URL when source tells it, else None.
        file_name: The literal ``file_name=`` argument, else None.
        arguments: Names of the keyword arguments given, positional ones mapped to their names.
        check_hash: The literal value of ``check_hash``, None when absent or not literal.
        weights_only: The literal value of ``weights_only``, None when absent or not literal.
        forwards_keywords: Whether ``**something`` is passed on, so that more may arrive.
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
        files: Files of the repo, by path, weights among them.
    """

    downloads: tuple[CheckpointUse, ...] = ()
    files: tuple[str, ...] = ()


class UnrequestedDownload(Struct, frozen=True):
    """A download that calling an entrypoint makes although no weights are asked for.

    Attributes:
        entrypoint: Its name in the hubconf.
        switch: The parameter that chooses weights, such as "pretrained"; empty when it has none.
        without: The value of it that leaves them out.
        function: Dotted name of what downloads.
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
        statement: What raises, as written.
        location: Where.
    """

    entrypoint: str
    statement: str
    location: Location


class GpuNeed(Struct, frozen=True):
    """An entrypoint that fails without a GPU unless it is told otherwise.

    Attributes:
        entrypoint: Its name in the hubconf.
        parameter: The parameter whose default is a GPU; empty when it is the code that wants one.
        location: The definition, or the call that wants it.
        call: What is called, as written; empty for a default.
    """

    entrypoint: str
    parameter: str
    location: Location
    call: str = ""


class Snippet(Struct, frozen=True):
    """A call of ``torch.hub.load`` shown in a document or docstring.

    Attributes:
        repo: "owner/name", as written.
        ref: What follows the colon; "" when nothing does.
        entrypoint: What it loads, or None when that is no literal.
        keywords: Names of the keyword arguments that go on to the entrypoint.
        location: The call.
    """

    repo: str
    ref: str
    entrypoint: str | None
    keywords: tuple[str, ...]
    location: Location

    @property
    def is_pinned(self) -> bool:
        """Whether it names a commit or a tag, and not the branch that everybody gets."""
        return self.ref not in ("", "main", "master")


class CodeBlock(Struct, frozen=True):
    """A fenced block in a document.

    Attributes:
        language: What its fence says, in lower case; "" when nothing.
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
        kind: What its value is.
        values: The scalar, or the scalars of a list, as texts; empty for a mapping and for null.
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
        fields: Its keys, in order; empty when the front matter cannot be read.
        problem: Why it cannot be read; "" when it can.
        problem_line: Where.
        body: The text after the front matter.
        body_line: The line on which that starts.
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
    """What the author declares about the archives that hosts make of the repo.

    Attributes:
        archive_mb: How many megabytes (10^6 bytes) the files of an archive may have.
        lfs_in_archives: Whether the host puts LFS objects into archives.
    """

    archive_mb: float = 50
    lfs_in_archives: bool = False


class RepoFacts(Struct, frozen=True):
    """A hub repo, read.

    Attributes:
        files: Its files, of which only those in the hubconf's reach were read; others, such as
            its documents, can be.
        hubconf: Its hubconf, or None; then ``problem`` says why.
        problem: What kept the hubconf from being read, or None.
        packages: Top-level import names that the repo itself provides.
        suppressions: Comments in the hubconf's reach that ask for findings to be left out.
        unreadable: Modules of the repo that the hubconf needs and that do not parse.
        sources: Text of the hubconf and of the modules that it reaches, by path, with newlines
            normalised: what locations count in.
        limits: What the author declares about archives.
        before: The repo at the commit that it is compared with, or None.
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
