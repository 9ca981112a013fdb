"""Options that several commands share, handed over as one object."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, structs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command: TypeAlias = Callable[..., int]


def gather(
    made: type[Struct], name: str, options: Sequence[Callable[[Command], Command]]
) -> Callable[[Command], Command]:
    """A decorator that gives a command options, and hands it what is made of them.

    Args:
        made: A Struct whose fields are the options' names.
        name: Of the argument by which the command gets one.
        options: click's options, in the order in which ``--help`` lists them.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(**given: Any) -> int:  # noqa: ANN401 - click's values, as they came
            fields = [field.name for field in structs.fields(made)]
            return command(**{name: made(**{one: given.pop(one) for one in fields})}, **given)

        given_them: Command = gathered
        for option in reversed(options):
            given_them = option(given_them)
        return given_them

    return decorate
