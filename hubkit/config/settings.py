"""The settings of a repo as frozen values, and their JSON Schema.

The types below are the only definition: msgspec validates settings by them and derives the schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct, field

from hubkit.facts import Limits

PYPROJECT = "pyproject.toml"
ALL = "ALL"  # in a selection: every rule that is not in preview

Kind = Literal["model", "bundle", "transform", "tokenizer", "utility", "class"]
FailOn = Literal["error", "warning", "info", "never"]

# `expected` completes the sentence "KEY must be ..." in errors, `example` is their hint.
_Codes = Annotated[
    tuple[str, ...],
    Meta(extra={"expected": "a list of strings", "example": '["HUB1", "HUB501"]'}),
]
_Reason = Annotated[
    str,
    Meta(
        pattern=r"\S",
        extra={"expected": "the reason", "example": 'HUB501 = "the mirror has other names"'},
    ),
]
_Reasons = Annotated[
    dict[str, _Reason],
    Meta(
        extra={
            "expected": "a table from code to reason",
            "example": '{ HUB501 = "the mirror has other names" }',
        }
    ),
]
_Ignores = _Codes | _Reasons
_Arguments = dict[str, Any]
_Positive = Annotated[float, Meta(gt=0, extra={"expected": "a number above 0"})]
_Count = Annotated[int, Meta(ge=0, extra={"expected": "a whole number"})]
_Size = Annotated[int | str, Meta(extra={"expected": 'a size such as 64 or "14n"'})]
# One value, several by position, or several by name.
Values = str | tuple[str, ...] | dict[str, str]
_Values = Annotated[
    Values,
    Meta(extra={"expected": 'a string such as "f32[B,3,H,W]", or a list or table of them'}),
]
if TYPE_CHECKING:
    _Budget = str
    _False = Literal[False]
else:
    _Budget = Literal["load-s", "forward-s", "rss-mb", "params"]
    # msgspec has no literals of type bool
    _False = Annotated[bool, Meta(extra_json_schema={"const": False}, extra={"expected": "false"})]


class _Table(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A table of the settings."""


class WeightsConfig(_Table, frozen=True):
    """Settings of an entrypoint's weights."""

    sha256: Annotated[str, Meta(description="Hash of the checkpoint, or its first digits.")] = ""
    bytes: Annotated[_Count | None, Meta(description="Size of the checkpoint.")] = None
    params: Annotated[_Count | None, Meta(description="Number of parameters of the model.")] = None
    unsafe: Annotated[
        _Codes,
        Meta(description="Globals that it needs in addition to those that weights_only allows."),
    ] = ()
    missing: Annotated[
        _Codes, Meta(description="Patterns of parameters that the checkpoint lacks on purpose.")
    ] = ()


class EntrypointConfig(_Table, frozen=True):
    """Settings of an entrypoint, or of one of its cases."""

    kind: Annotated[Kind | None, Meta(description="Kind of the object that it returns.")] = None
    call: Annotated[_Arguments, Meta(description="Keyword arguments to build it with.")] = field(
        default_factory=dict
    )
    untrained: Annotated[
        _Arguments | _False | None,
        Meta(description="Keyword arguments that build it without weights; false if none do."),
    ] = None
    trained: Annotated[
        _Arguments | _False | None,
        Meta(description="Keyword arguments that load its weights; false if it has no weights."),
    ] = None
    input: Annotated[
        _Values | None, Meta(description='Example input, such as "f32[B,3,H,W] in [0,1]".')
    ] = None
    output: Annotated[
        _Values | None, Meta(description="Output for this input, in the same notation.")
    ] = None
    dims: Annotated[
        dict[str, _Size],
        Meta(description='Sizes of named dimensions: numbers, or multiples such as "14n".'),
    ] = field(default_factory=dict)
    trainable: Annotated[
        bool | None, Meta(description="Whether gradients reach its parameters.")
    ] = None
    stochastic: Annotated[
        bool, Meta(description="Whether its output is random in evaluation mode on purpose.")
    ] = False
    stateful: Annotated[
        bool | str,
        Meta(
            description="Whether a run depends on earlier ones on purpose, as in streaming: true, or"
            " the name of the method that resets the model.",
            extra={"expected": "true, false or the name of a method", "example": '"reset_state"'},
        ),
    ] = False
    tolerance: Annotated[
        _Positive | None,
        Meta(
            description="Largest difference, relative to the scale of the output, between a sample"
            " computed alone and in a batch."
        ),
    ] = None
    weights: Annotated[WeightsConfig | None, Meta(description="Settings of its weights.")] = None
    budget: Annotated[
        dict[_Budget, _Positive],
        Meta(
            description="Limits: seconds to build it, seconds per forward pass, megabytes of memory,"
            " number of parameters."
        ),
    ] = field(default_factory=dict)
    expected: Annotated[
        _Reasons, Meta(description="Checks that are expected to fail, each with the reason.")
    ] = field(default_factory=dict)
    strict: Annotated[
        bool, Meta(description="Whether an expected failure that passes counts as a failure.")
    ] = True
    cases: Annotated[
        dict[str, EntrypointConfig],
        Meta(
            description="Several ways to call it, by name. A case inherits the other settings of"
            " the entrypoint."
        ),
    ] = field(default_factory=dict)


class _Common(_Table, frozen=True):
    """Settings that are used as they are written."""

    select: Annotated[
        _Codes,
        Meta(
            description="Rules to run, by code or prefix. ALL: every rule that is not in preview."
        ),
    ] = (ALL,)
    extend_select: Annotated[_Codes, Meta(description="Additional rules to run.")] = ()
    preview: Annotated[
        bool, Meta(description="Run preview rules that are not selected by their full code.")
    ] = False
    fail_on: Annotated[FailOn, Meta(description="The lowest severity that fails a run.")] = (
        "warning"
    )
    baseline: Annotated[str, Meta(description="File of known findings, relative to the repo.")] = ""
    max_archive_mb: Annotated[
        _Positive, Meta(description="Largest size of the files in an archive, in megabytes.")
    ] = 50
    lfs_in_archives: Annotated[
        bool, Meta(description="Whether the host includes LFS objects in archives.")
    ] = False
    expected: Annotated[
        _Reasons,
        Meta(description="Checks of the whole repo that are expected to fail, with the reason."),
    ] = field(default_factory=dict)
    names: Annotated[
        _Codes,
        Meta(description="Patterns, such as tf_*, of names that the hubconf creates at run time."),
    ] = ()
    representative: Annotated[
        _Codes, Meta(description="Patterns of the entrypoints to check beyond level 1.")
    ] = ()
    entrypoints: Annotated[
        dict[str, EntrypointConfig], Meta(description="Settings of entrypoints, by name.")
    ] = field(default_factory=dict)


class Settings(_Common, frozen=True):
    """The keys of hubkit.toml, and of [tool.hubkit] in pyproject.toml."""

    ignore: Annotated[
        _Ignores,
        Meta(description="Findings to suppress: a table from code or prefix to reason, or a list."),
    ] = ()
    extend_ignore: Annotated[_Ignores, Meta(description="Additional findings to suppress.")] = ()
    per_file_ignores: Annotated[
        dict[str, _Ignores],
        Meta(description="Findings to suppress in files that match a pattern such as models/*."),
    ] = field(default_factory=dict)
    init: Annotated[
        dict[str, str | bool | int | float],
        Meta(description="Answers of `hubkit init`, for its next run."),
    ] = field(default_factory=dict)


class FileIgnore(Struct, frozen=True):
    """Findings to suppress in some files.

    Attributes:
        pattern: Pattern of the files, such as "models/*".
        ignore: Codes or prefixes with their reasons; "" for no reason.
    """

    pattern: str
    ignore: dict[str, str]


class Config(_Common, frozen=True):
    """The configuration of a repo.

    Attributes:
        path: The configuration file, relative to the repo; "" for none.
        text: The text of that file.
        ignore: Codes or prefixes of findings to suppress, with reasons; "" for no reason.
        extend_ignore: More of them.
        per_file_ignores: Findings to suppress in some files.
    """

    path: str = ""
    text: str = ""
    ignore: dict[str, str] = field(default_factory=dict)
    extend_ignore: dict[str, str] = field(default_factory=dict)
    per_file_ignores: tuple[FileIgnore, ...] = ()

    def entrypoint(self, name: str) -> EntrypointConfig:
        """The settings of an entrypoint; the defaults if there are none."""
        return self.entrypoints.get(name, EntrypointConfig())

    @property
    def limits(self) -> Limits:
        """Limits of archives."""
        return Limits(self.max_archive_mb, self.lfs_in_archives)

    @property
    def ignores(self) -> str:
        """Dotted name of the table to add ignores to."""
        key = "extend-ignore" if self.ignore else "ignore"
        return f"tool.hubkit.{key}" if self.path == PYPROJECT else key

    def find_line(self, *words: str) -> int | None:
        """The line of the last of several words that follow one another in the file.

        Args:
            words: A key and words below it, such as "ignore" and "HUB501".
        """
        lines = [line.partition(" #")[0] for line in self.text.splitlines()]
        at = 0
        # Tables of other tools may have the same keys.
        for word in ("tool.hubkit", *words) if self.path == PYPROJECT else words:
            pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
            found = (i for i in range(at, len(lines)) if pattern.search(lines[i]))
            at = next(found, -1)
            if at < 0:
                return None
        return at + 1


def tool_schema(tool: str = "hubkit") -> dict[str, Any]:  # noqa: ARG001 - validate-pyproject's
    """The JSON Schema (draft 7) of ``[tool.hubkit]`` and ``hubkit.toml``.

    This is the function of the ``validate_pyproject.tool_schema`` entry point.

    Args:
        tool: Name of the table, which validate-pyproject passes.
    """
    from msgspec.json import schema_components

    _, definitions = schema_components([Settings], ref_template="#/definitions/{name}")
    top = definitions.pop(Settings.__name__)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://pypi.org/project/torch-hubkit/config.schema.json",
        **top,
        "title": "hubkit",
        "definitions": definitions,
    }
