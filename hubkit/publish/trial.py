"""A checkpoint loaded before it is published, and what to do if it does not load."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.atomic import write_file
from hubkit.errors import CheckpointError
from hubkit.lint import FileChange, render_diff
from hubkit.publish.stand_in import Hosted, run_codes
from hubkit.publish.wiring import stage
from hubkit.torchhub import HUBCONF

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from hubkit.facts import Entrypoint, RepoFacts
    from hubkit.publish.checkpoint import Weights
    from hubkit.publish.loading import Published
    from hubkit.publish.stand_in import Outcome

_MISSING = re.compile(r'Missing key\(s\) in state_dict: "([^"]+)"')
_SIZES = r"torch\.Size\(\[([\d, ]*)\]\)"
_MISMATCH = re.compile(
    rf"size mismatch for \S+: copying a param with shape {_SIZES} from checkpoint, "
    rf"the shape in current model is {_SIZES}"
)
_MOST_TRIED = 4  # arguments: each builds the model


class Trial(Struct, frozen=True):
    """What is tried.

    Attributes:
        facts: The repo; None outside of one.
        change: The contents of hubconf.py with the code in the entrypoint; None if only the code
            runs.
        entry: That entrypoint.
        source: The file to publish.
        weights: What it contains.
        published: Where it will be, and the code.
    """

    facts: RepoFacts | None
    change: FileChange | None
    entry: Entrypoint | None
    source: Path
    weights: Weights
    published: Published


def require_loads(trial: Trial) -> None:
    """Run the code, or load the entrypoint of the changed hubconf.py, as users will.

    Raises:
        CheckpointError: It fails.
        UsageError: The arguments that build the entrypoint are unknown.
    """
    with tempfile.TemporaryDirectory(prefix="hubkit-run-") as staged:
        outcome, *_ = _run(trial, Path(staged), ({},))
        if outcome.error:
            hint = _explain(trial, outcome.error, Path(staged))
            raise CheckpointError(f"The weights do not load: {outcome.shown}", hint=hint)


def _run(trial: Trial, folder: Path, changes: tuple[Mapping[str, Any], ...]) -> tuple[Outcome, ...]:
    """How the code ends, or the entrypoint, with each of several changes of its arguments."""
    facts, published = trial.facts, trial.published
    extra = {published.path: trial.source} if published.path else {}
    if facts and trial.entry and trial.change:
        codes = tuple(
            stage(facts, trial.entry, trial.change, folder, files=extra, changed=one)
            for one in changes
        )
    else:
        write_file(folder / HUBCONF, published.text.encode())
        for path, file in extra.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file.resolve())
        codes = (f"import runpy\n\nrunpy.run_path({str(folder / HUBCONF)!r})\n",)
    hosted = Hosted({published.url: str(trial.source.resolve())} if published.url else {})
    return run_codes(facts.root if facts else Path.cwd(), codes, hosted)


def _explain(trial: Trial, error: str, folder: Path) -> str:
    """What to do about an error."""
    nothing = "Nothing was written."
    prefix = find_prefix(error, trial.weights.state)
    if prefix:
        return (
            f"All names in the file start with `{prefix}`, and those of the model do not: pass "
            f"--strip {prefix}\n{nothing}"
        )
    if _MISSING.search(error) or _MISMATCH.search(error):
        fitting = _find_arguments(trial, error, folder)
        name = trial.entry.name if trial.entry else ""
        if fitting:
            listed = ", ".join(f"{key}={value!r}" for key, value in fitting.items())
            return (
                f"They load with {listed}. Make that the default of {name} in {HUBCONF}, or build "
                f"the model with it where the weights are loaded.\n{nothing}"
            )
        return f"The model that {name} builds by default is not that of the file. {nothing}"
    shown = trial.published.text
    if trial.change:
        shown = render_diff({HUBCONF: trial.change}).decode(errors="replace")
    return f"{nothing} The code was:\n\n{shown}"


def find_prefix(error: str, state: Mapping[str, Any]) -> str:
    """The start of all names in a state dict that the names of the model lack; "" without one.

    Args:
        error: What ``load_state_dict`` raised.
        state: The state dict.
    """
    found = _MISSING.search(error)
    name = found[1] if found else ""
    prefixes = (one.removesuffix(name) for one in state if name and one.endswith(f".{name}"))
    return next((p for p in prefixes if all(one.startswith(p) for one in state)), "")


def _find_arguments(trial: Trial, error: str, folder: Path) -> Mapping[str, Any]:
    """Arguments with which the weights load; empty if none of those that the error suggests."""
    if trial.entry is None:
        return {}
    suggested = tuple(suggest_arguments(error, trial.entry))[:_MOST_TRIED]
    if not suggested:
        return {}
    outcomes = _run(trial, folder, suggested)
    tried = zip(suggested, outcomes, strict=True)
    return next((arguments for arguments, one in tried if not one.error), {})


def suggest_arguments(error: str, entry: Entrypoint) -> Iterator[dict[str, int]]:
    """Arguments that may explain shapes: those whose default is the size that a shape has.

    Args:
        error: What ``load_state_dict`` raised.
        entry: The entrypoint.
    """
    defaults = {one.name: one.default for one in entry.parameters or () if one.default}
    wanted: dict[str, int] = {}
    for shapes in _MISMATCH.findall(error):
        in_file, in_model = (re.findall(r"\d+", shape) for shape in shapes)
        for size, current in zip(in_file, in_model, strict=False):
            if size != current:
                same = (name for name, default in defaults.items() if default == current)
                wanted.update({name: int(size) for name in same if name not in wanted})
    if len(wanted) > 1:
        yield wanted
    for name, size in wanted.items():
        yield {name: size}
