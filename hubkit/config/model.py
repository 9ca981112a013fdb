"""A repo's configuration, as frozen values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from hubkit.facts import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts import Severity

Kind = Literal["model", "bundle", "transform", "tokenizer", "utility", "class"]
# What goes in or comes out: one value, several in order, or several by name.
Values = str | tuple[str, ...] | dict[str, str]

KINDS: tuple[Kind, ...] = ("model", "bundle", "transform", "tokenizer", "utility", "class")
PYPROJECT = "pyproject.toml"
ALL = "ALL"  # stands for every rule where a code may stand in a selection


class WeightsConfig(Struct, frozen=True):
    """What is said about an entrypoint's weights.

    Attributes:
        call: Keyword arguments that ask for them; None when not said.
        sha256: Digest of the checkpoint, or its first digits; "" when not said.
        bytes: Its size; None when not said.
        params: Number of parameters of the model; None when not said.
        unsafe: Globals that the checkpoint is known to need beyond what ``weights_only`` allows.
    """

    call: Mapping[str, object] | None = None
    sha256: str = ""
    bytes: int | None = None
    params: int | None = None
    unsafe: tuple[str, ...] = ()


class EntrypointConfig(Struct, frozen=True):
    """What the repo's author says about one entrypoint, or about one case of it.

    Attributes:
        kind: What it gives back; None when not said.
        call: Keyword arguments for building it, such as ``{"in_channels": 3}``.
        untrained: Keyword arguments that build it without weights; False when it cannot be built
            without; None when not said.
        input: Example input, such as "f32[B,3,H,W] in [0,1]"; a tuple is passed by position, a
            table by name. None when not said.
        output: What it then gives back, in the same notation.
        dims: Sizes of the axes named there: numbers, or multiples such as "14n".
        trainable: Whether gradients reach its parameters; None when not said.
        stochastic: Whether it draws random numbers in evaluation mode, on purpose.
        tolerance: Largest difference that counts as none when a row is computed alone, relative to
            the output's scale; None when not said.
        weights: What is said about its weights, or None.
        budget: Limits: "load-s", "forward-s", "rss-mb", "params".
        expected: Codes of checks that are known to fail, each with the reason.
        strict: Whether a check that is known to fail and passes is a failure.
        cases: Ways to call it, by name; each says what it does not share with the entrypoint.
    """

    kind: Kind | None = None
    call: Mapping[str, object] = field(default_factory=dict)
    untrained: Mapping[str, object] | Literal[False] | None = None
    input: Values | None = None
    output: Values | None = None
    dims: Mapping[str, int | str] = field(default_factory=dict)
    trainable: bool | None = None
    stochastic: bool = False
    tolerance: float | None = None
    weights: WeightsConfig | None = None
    budget: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    strict: bool = True
    cases: Mapping[str, EntrypointConfig] = field(default_factory=dict)


class FileIgnore(Struct, frozen=True):
    """What is left out in some files.

    Attributes:
        pattern: Which files, such as "models/*".
        ignore: Codes or prefixes, each with the reason, "" when none was given.
    """

    pattern: str
    ignore: Mapping[str, str]


class Config(Struct, frozen=True):
    """The hubkit configuration of one repo.

    Attributes:
        path: The file that it stands in, relative to the repo; "" when there is none.
        text: That file's text.
        select: Codes or prefixes of the rules to run, or "ALL".
        extend_select: More of them.
        ignore: Codes or prefixes whose findings are left out, each with the reason, "" when none
            was given.
        extend_ignore: More of them.
        per_file_ignores: What is left out in some files only.
        preview: Whether rules in preview run without being named by their whole code.
        fail_on: The least severity that fails a run; "never" when none does.
        baseline: File of known findings, relative to the repo; "" for none.
        max_archive_mb: How many megabytes (10^6 bytes) the files of an archive may have.
        lfs_in_archives: Whether the host puts LFS objects into archives.
        expected: Codes of checks of the repo as a whole that are known to fail, each with the
            reason.
        names: Patterns of the names that the hubconf makes at run time; empty when not said.
        representative: Patterns of the entrypoints that stand for all beyond level 1; empty when
            each stands for itself.
        entrypoints: What is said about entrypoints, by name.
    """

    path: str = ""
    text: str = ""
    select: tuple[str, ...] = (ALL,)
    extend_select: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    extend_ignore: Mapping[str, str] = field(default_factory=dict)
    per_file_ignores: tuple[FileIgnore, ...] = ()
    preview: bool = False
    fail_on: Severity | Literal["never"] = "warning"
    baseline: str = ""
    max_archive_mb: float = 50
    lfs_in_archives: bool = False
    expected: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    representative: tuple[str, ...] = ()
    entrypoints: Mapping[str, EntrypointConfig] = field(default_factory=dict)

    def entrypoint(self, name: str) -> EntrypointConfig:
        """What is said about the entrypoint of that name; all defaults when nothing is."""
        return self.entrypoints.get(name, EntrypointConfig())

    @property
    def limits(self) -> Limits:
        """What is said about archives."""
        return Limits(self.max_archive_mb, self.lfs_in_archives)

    @property
    def ignores(self) -> str:
        """The table of the file that more ignores belong in, by its dotted name."""
        key = "extend-ignore" if self.ignore else "ignore"
        return f"tool.hubkit.{key}" if self.path == PYPROJECT else key

    def find_line(self, *words: str) -> int | None:
        """The line of the file where the last word stands, looked for behind the others in turn.

        Args:
            words: A key and what stands below it, such as "ignore" and "HUB501".
        """
        lines = [line.partition(" #")[0] for line in self.text.splitlines()]
        at = 0
        # Other tools' tables may hold the same keys.
        for word in ("tool.hubkit", *words) if self.path == PYPROJECT else words:
            pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
            found = (i for i in range(at, len(lines)) if pattern.search(lines[i]))
            at = next(found, -1)
            if at < 0:
                return None
        return at + 1
