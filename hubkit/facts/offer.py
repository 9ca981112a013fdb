"""What a repo without a hubconf has to offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.facts.hubconf import Location, Parameter


@dataclass(frozen=True, slots=True)
class Example:
    """How a repo itself builds a model, in its README or where it runs a module as a script.

    Attributes:
        arguments: Pairs of a parameter's name and the source of the literal that it is given; with
            those that a ``**`` parameter takes.
        inputs: What it is then called with, as "f32[1,3,256,256]"; empty when that is not told.
        path: The file that it stands in.
    """

    arguments: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Model:
    """A function or class of a repo that gives an ``nn.Module``.

    Attributes:
        name: What it is called where it is defined.
        module: The dotted name that it is imported from: of a package that re-exports it, the
            package.
        root: The folder that the module's name starts from, relative to the repo; "" for its root.
        kind: What it is.
        parameters: What it takes; None when source does not tell.
        docstring: Its cleaned docstring, or None.
        gives: Dotted name of the class that it gives an instance of.
        location: Where it is defined.
        is_part: Whether other modules of the repo are built from it.
        is_exported: Whether a package re-exports it.
        example: How the repo builds it, or None.
        config: For one that takes a configuration object: name of the dataclass beside it, all of
            whose fields have defaults; "" for others.
    """

    name: str
    module: str
    root: str
    kind: Literal["function", "class"]
    parameters: tuple[Parameter, ...] | None
    docstring: str | None
    gives: str
    location: Location
    is_part: bool = False
    is_exported: bool = False
    example: Example | None = None
    config: str = ""
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A checkpoint that lies in a repo.

    Attributes:
        path: POSIX path from the repo's root.
        size: In bytes; of an LFS pointer, those of the pointer.
        is_pointer: Whether it is only the pointer that git LFS keeps.
        is_plain: Whether it holds tensors and plain values alone; False when that cannot be told.
        key: The key of its dict that holds the state dict; "" when it is the state dict itself.
        prefix: What the state dict's names start with beyond the model's own, such as "module.".
    """

    path: str
    size: int
    is_pointer: bool = False
    is_plain: bool = False
    key: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a repo has to offer, read from its source alone.

    Attributes:
        models: Functions and classes that give an ``nn.Module``, in the order of their places.
        weights: Checkpoints in the tree.
        urls: Pairs of a checkpoint's address and the file that names it.
        unread: Pairs of a file whose models cannot be imported and the reason.
    """

    models: tuple[Model, ...] = ()
    weights: tuple[WeightsFile, ...] = ()
    urls: tuple[tuple[str, str], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
