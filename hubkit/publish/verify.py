"""Load a commit as its users will: fetched by git, into an empty hub dir, in another process."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, convert

from hubkit._util.process import Call, ChildError, run_child
from hubkit._util.text import join_words
from hubkit.errors import ProbeError
from hubkit.publish.release import ChecklistItem
from hubkit.torchhub import arguments_without_weights, weights_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.config import EntrypointConfig
    from hubkit.facts import Entrypoint
    from hubkit.publish.release import ReleaseContext

_TIMEOUT = 600.0  # seconds, for all entrypoints
_SHOWN = 3


class LoadRequest(Struct, frozen=True):
    """What the child process loads.

    Attributes:
        home: An empty folder.
        source: The repo at a commit.
        calls: The arguments of each entrypoint.
    """

    home: str
    source: str
    calls: dict[str, dict[str, Any]]


def verify(context: ReleaseContext) -> Iterator[ChecklistItem]:
    """Load every entrypoint of the commit without weights, without a network.

    git fetches the commit from the local repo into an empty hub dir, so that neither uncommitted
    nor cached files can be used.

    Args:
        context: The commit to release.
    """
    hubconf = context.facts.hubconf
    calls, skipped = {}, []
    for entry in hubconf.entrypoints if hubconf else ():
        arguments = _arguments_without_weights(entry, context.config.entrypoint(entry.name))
        if arguments is None:
            skipped.append(entry.name)
        else:
            calls[entry.name] = arguments
    try:
        failures = _load_in_child(context, calls)
    except ProbeError as error:
        yield ChecklistItem("load", "missing", error.message.rstrip("."), error.hint)
        return
    for name, reason in failures.items():
        message = f"{name} does not load: {reason}"
        yield ChecklistItem("load", "missing", message, "pytest --hubconf -k C301")
    loaded = [name for name in calls if name not in failures]
    if loaded:
        message = f"without weights, from the commit alone: {join_words(loaded, most=_SHOWN)}"
        yield ChecklistItem("load", "ok", message)
    if not calls and not skipped:
        message = "the source defines no entrypoint to load"
        yield ChecklistItem("load", "note", message, "pytest --hubconf runs the hubconf")
    if skipped:
        listed = join_words(skipped, most=_SHOWN)
        message = f"skipped, because the arguments for no weights are unknown: {listed}"
        yield ChecklistItem("load", "note", message, "declare `call` or `untrained` for them")


def load_all(message: object) -> dict[str, str]:
    """Load entrypoints one after the other, without a network. This runs in the child process.

    Args:
        message: A `LoadRequest`.

    Returns:
        The error of each entrypoint that fails.
    """
    from hubkit.runtime.sandbox import guarded_network, isolate_network

    request = convert(message, LoadRequest)
    # Before anything starts a second thread.
    isolate_network()
    with guarded_network(Path(request.home), "the repo's code", reason="this process is offline"):
        errors = {
            name: _load(request.source, name, arguments)
            for name, arguments in request.calls.items()
        }
    return {name: error for name, error in errors.items() if error}


def _load(source: str, name: str, arguments: dict[str, Any]) -> str:
    from hubkit.loader import load

    try:
        load(source, name, trust_repo=True, verbose=False, kwargs=arguments)
    except BaseException as error:  # noqa: BLE001 - repo code may even exit
        return f"{type(error).__name__}: {_without_folder(str(error).partition(chr(10))[0])}"
    return ""


def _without_folder(text: str) -> str:
    """The text without the temporary folder that contains the commit."""
    from hubkit.hubdir import get_dir

    return re.sub(rf"{re.escape(str(get_dir()))}\S*?/[0-9a-f]{{40,64}}/?", "", text)


def _load_in_child(context: ReleaseContext, calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The error of each entrypoint that does not load."""
    with tempfile.TemporaryDirectory(prefix="hubkit-release-", ignore_cleanup_errors=True) as home:
        source = f"git+{context.root.resolve().as_uri()}@{context.sha}"
        call = Call(
            f"{__name__}:{load_all.__name__}",
            LoadRequest(home, source, calls),
            env={
                "TORCH_HOME": home,
                "HUBKIT_LOCKFILE": None,
                "HUBKIT_OFFLINE": None,
                "HUBKIT_TRUST": None,
                "PYTHONPATH": _python_path(context.root),
            },
            timeout=_TIMEOUT,
        )
        try:
            return run_child(call, dict[str, str]).reply
        except ChildError as error:
            raise ProbeError(
                f"the process that loads the commit {error.reason}",
                hint=error.output or "Run `pytest --hubconf -k C301` to see why.",
            ) from error


def _python_path(root: Path) -> str | None:
    """The PYTHONPATH without folders of the work tree."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    inside = root.resolve()
    kept = [one for one in entries if one and not Path(one).resolve().is_relative_to(inside)]
    return os.pathsep.join(kept) or None


def _arguments_without_weights(
    entry: Entrypoint, config: EntrypointConfig
) -> dict[str, Any] | None:
    """Arguments that build a model without weights; None if they are unknown."""
    if entry.parameters is None:
        return None
    arguments = arguments_without_weights(weights_defaults(entry.parameters), config)
    if arguments is None:
        return None
    is_complete = all(one.name in arguments for one in entry.parameters if one.required)
    return arguments if is_complete else None
