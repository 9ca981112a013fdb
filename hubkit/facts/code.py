"""What the code in a hubconf's reach does, as far as rules look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.facts.hubconf import Location


@dataclass(frozen=True, slots=True)
class OwnImport:
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


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of the repo that code in reach names by way of ``__file__``.

    Attributes:
        path: The file.
        location: Where it is named, the first time.
        tested: Whether the module also asks whether files exist, so that it may do without.
    """

    path: str
    location: Location
    tested: bool


@dataclass(frozen=True, slots=True)
class Use:
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


@dataclass(frozen=True, slots=True)
class RelativeImport:
    """A relative import in the hubconf, which is part of no package.

    Attributes:
        module: The module as written, dots included.
        location: The statement.
    """

    module: str
    location: Location


@dataclass(frozen=True, slots=True)
class ModuleClass:
    """A class of ``nn.Module`` that the hubconf itself defines.

    Attributes:
        name: Its name.
        location: Its definition.
    """

    name: str
    location: Location


@dataclass(frozen=True, slots=True)
class OwnModuleLookup:
    """Code of the hubconf that looks the hubconf up in ``sys.modules``, where it is not.

    Attributes:
        code: What does so, as written or in a few words.
        location: Where.
    """

    code: str
    location: Location


@dataclass(frozen=True, slots=True)
class LateImport:
    """An import of the repo's own modules that runs after torch.hub.load.

    Attributes:
        module: The module.
        location: The statement.
    """

    module: str
    location: Location


@dataclass(frozen=True, slots=True)
class HardCodedPretrained:
    """A call that requests weights from another factory, whatever the entrypoint was called with.

    Attributes:
        call: The call, as written, shortened.
        location: Where.
    """

    call: str
    location: Location


@dataclass(frozen=True, slots=True)
class RejectedCall:
    """A call of the repo's own code whose arguments the signature rejects.

    Attributes:
        reason: What is called and why it fails, in a clause.
        location: The call.
    """

    reason: str
    location: Location


@dataclass(frozen=True, slots=True)
class MissingExport:
    """A name in the hubconf's ``__all__`` that it does not define.

    Attributes:
        name: The name.
        location: The assignment of ``__all__``.
    """

    name: str
    location: Location


@dataclass(frozen=True, slots=True)
class CheckpointUse:
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


@dataclass(frozen=True, slots=True)
class EntrypointWeights:
    """What calling an entrypoint may load.

    Attributes:
        downloads: Calls that download weights.
        files: Files of the repo, by path, weights among them.
    """

    downloads: tuple[CheckpointUse, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnaskedDownload:
    """A download that calling an entrypoint makes although no weights are asked for.

    Attributes:
        entrypoint: Its name in the hubconf.
        switch: The parameter that asks for weights, such as "pretrained"; empty when it has none.
        function: Dotted name of what downloads.
        location: The call.
    """

    entrypoint: str
    switch: str
    function: str
    location: Location


@dataclass(frozen=True, slots=True)
class FailingDefault:
    """An entrypoint that is certain to raise when it is called without arguments.

    Attributes:
        entrypoint: Its name in the hubconf.
        statement: What raises, as written.
        location: Where.
    """

    entrypoint: str
    statement: str
    location: Location


@dataclass(frozen=True, slots=True)
class GpuNeed:
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
