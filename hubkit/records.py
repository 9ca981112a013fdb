"""``dataclass`` as the standard library's, for a process that lives for a tenth of a second.

The standard library writes and compiles six methods for each frozen class when it is defined: with
a hundred classes that is half of what ``hubkit check`` takes on a small repo. Here it is left to
find the fields and the slots; the constructor is compiled when the first instance is made, and the
other methods are closures. ``field``, ``fields``, ``replace`` and ``asdict`` of ``dataclasses``
work as ever, and so do type checkers: they are shown the standard library's decorator.
"""

from __future__ import annotations

import dataclasses
import operator
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - handed on

    Fields = tuple[dataclasses.Field[Any], ...]
else:

    def dataclass(
        *, frozen: bool = False, slots: bool = False, order: bool = False
    ) -> Callable[[type], type]:
        """The same as ``dataclasses.dataclass`` with these arguments."""

        def declare(cls: type) -> type:
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
            return _complete(made, frozen=frozen, order=order)

        return declare


def _complete(cls: type, *, frozen: bool, order: bool) -> type:
    """Add what an instance of a class whose fields are known can do."""
    fields = dataclasses.fields(cls)
    methods: dict[str, Any] = {"__init__": _first_init(cls), "__repr__": _repr(fields)}
    methods |= _comparing(fields, frozen=frozen, order=order)
    if frozen:
        methods |= _FREEZING
    for name, method in methods.items():
        if name not in cls.__dict__ or cls.__dict__[name] is None:
            setattr(cls, name, method)
    return cls


def _first_init(cls: type) -> Callable[..., None]:
    """A constructor that is replaced by a compiled one once it is called."""

    def make_init(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - any class's
        init = cls.__dict__["__init__"]
        if init is make_init:
            init = _compile_init(cls)
            setattr(cls, "__init__", init)  # noqa: B010 - mypy refuses the plain spelling
        init(self, *args, **kwargs)

    return make_init


def _compile_init(cls: type) -> Callable[..., None]:
    """The constructor, much as ``dataclasses`` would write it."""
    names: dict[str, Any] = {"_set": object.__setattr__}
    parameters, body = ["self"], []
    for field in dataclasses.fields(cls):
        parameter, value = _taking(field, names)
        if parameter:
            parameters.append(parameter)
        if value:
            body.append(f" {_storing(cls, field.name, names)}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n" + ("\n".join(body) or " pass")
    exec(text, names)  # noqa: S102 - the names are those of a class's own fields
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _taking(field: dataclasses.Field[Any], names: dict[str, Any]) -> tuple[str, str]:
    """A field's parameter and what is stored in it; "" for those that it has not."""
    name, source = field.name, f"_default_{field.name}"
    parameter, value, made = name, name, ""
    if field.default is not dataclasses.MISSING:
        names[source] = field.default
        parameter, made = f"{name}={source}", source
    elif field.default_factory is not dataclasses.MISSING:
        names[source] = field.default_factory
        parameter, made = f"{name}=_set", f"{source}()"
        value = f"{made} if {name} is _set else {name}"
    return (parameter, value) if field.init else ("", made)


def _storing(cls: type, name: str, names: dict[str, Any]) -> str:
    """The beginning of the call that stores a field: its slot's own setter is the quickest."""
    setter = getattr(cls.__dict__.get(name), "__set__", None)
    if setter is None:
        return f"_set(self, {name!r}"
    names[f"_store_{name}"] = setter
    return f"_store_{name}(self"


def _repr(fields: Fields) -> Callable[[Any], str]:
    shown = [field.name for field in fields if field.repr]

    @recursive_repr()
    def represent(self: object) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({values})"

    return represent


def _comparing(fields: Fields, *, frozen: bool, order: bool) -> dict[str, Any]:
    names = [field.name for field in fields if field.compare]
    values = operator.attrgetter(*names) if names else lambda _: ()

    def comparing(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def method(self: object, other: object) -> Any:  # noqa: ANN401 - as operators have it
            if other.__class__ is not self.__class__:
                return NotImplemented
            return compare(values(self), values(other))

        return method

    kinds = ("eq", "lt", "le", "gt", "ge") if order else ("eq",)
    methods: dict[str, Any] = {f"__{kind}__": comparing(getattr(operator, kind)) for kind in kinds}
    methods["__hash__"] = (lambda self: hash(values(self))) if frozen else None
    return methods


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:  # noqa: ANN401 - any class's
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[object]) -> None:  # noqa: ANN401 - any class's
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


# Pickles and copies are made from states: what is stored otherwise goes through ``__setattr__``.
_FREEZING = {
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__getstate__": _state,
    "__setstate__": _restore,
}
