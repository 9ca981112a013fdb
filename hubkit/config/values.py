"""How one value of the configuration is read: as it should be, or a ``ConfigError``."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeVar

from hubkit._util.text import did_you_mean
from hubkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from hubkit.config.model import Values

Choice = TypeVar("Choice", bound=str)


_EXAMPLES = {
    "a list of strings": 'Such as ["HUB1", "HUB501"].',
    "a table from code to reason": 'Such as { HUB501 = "the mirror has other names" }.',
    "a path inside the repo": 'Such as "hubkit-baseline.json".',
    "the reason, in words": 'Such as HUB501 = "the mirror has other names".',
}


def refuse_unknown(table: Mapping[str, object], known: Collection[str], place: str) -> None:
    """Raise for the first key that nothing reads, with the key that was likely meant."""
    unknown = next((key for key in table if key not in known), None)
    if unknown is None:
        return
    raise ConfigError(
        f"{place} has an unknown key {unknown!r}",
        hint=did_you_mean(unknown.replace("_", "-"), known) or f"Known keys: {', '.join(known)}.",
    )


def refuse(place: str, wanted: str, value: object) -> ConfigError:
    """The error for a value that is not of the kind that belongs there."""
    return ConfigError(
        f"{place} must be {wanted}, not {_describe(value)}", hint=_EXAMPLES.get(wanted, "")
    )


def _describe(value: object) -> str:
    return "a table" if isinstance(value, dict) else repr(value)


def require_table(value: object, place: str) -> dict[str, object]:
    """A table."""
    if not isinstance(value, dict):
        raise refuse(place, "a table", value)
    return value


def read_text(value: object, place: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise refuse(place, "a string", value)
    return value


def read_inner_path(value: object, place: str) -> str:
    """The path of a file in the repo, relative to its root."""
    text = read_text(value, place)
    parts = posixpath.normpath(text.replace("\\", "/")).split("/")
    if parts[0] in ("", "..") or ":" in parts[0]:
        raise refuse(place, "a path inside the repo", value)
    return text


def read_size(value: object, place: str) -> float:
    """A number above nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise refuse(place, "a number above 0", value)
    return float(value)


def read_texts(value: object, place: str) -> tuple[str, ...]:
    """A list of strings."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise refuse(place, "a list of strings", value)
    return tuple(value)


def read_bool(value: object, place: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(place, "true or false", value)
    return value


def read_ignores(value: object, place: str) -> dict[str, str]:
    """Codes with reasons, or a mere list of codes."""
    if isinstance(value, list):
        return dict.fromkeys(read_texts(value, place), "")
    return read_reasons(value, place)


def read_reasons(value: object, place: str) -> dict[str, str]:
    """A table from code to reason; a reason is never empty."""
    if not isinstance(value, dict):
        raise refuse(place, "a table from code to reason", value)
    for code, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            raise refuse(f"{place}.{code}", "the reason, in words", reason)
    return value


def one_of(choices: Sequence[Choice]) -> Callable[[object, str], Choice]:
    """A reader of one of these strings."""

    def read(value: object, place: str) -> Choice:
        for choice in choices:
            if value == choice:
                return choice
        raise refuse(place, f"one of {', '.join(choices)}", value)

    return read


def read_count(value: object, place: str) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise refuse(place, "a whole number", value)
    return value


def read_number(value: object, place: str) -> float:
    """A number above zero."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise refuse(place, "a number above zero", value)
    return float(value)


def read_untrained(value: object, place: str) -> dict[str, object] | bool:
    """Keyword arguments, or false."""
    if value is False:
        return False
    if not isinstance(value, dict):
        raise refuse(place, "a table of arguments, or false where there is no way", value)
    return value


def read_dims(value: object, place: str) -> dict[str, int | str]:
    """Sizes of axes, by name."""
    sizes: dict[str, int | str] = {}
    for name, size in require_table(value, place).items():
        if not isinstance(size, int | str) or isinstance(size, bool):
            raise refuse(f"{place}.{name}", 'a size such as 64 or "14n"', size)
        sizes[name] = size
    return sizes


def read_values(value: object, place: str) -> Values:
    """What goes in or comes out: one text, several in order, or several by name."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return read_texts(value, place)
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    raise refuse(place, 'a text such as "f32[B,3,H,W]", a list or a table of them', value)
