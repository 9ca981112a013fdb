"""The commit, loaded as its users will load it: fetched by git, into an empty hub dir, in another process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit._util.process import Call, ChildError, run_child
from hubkit.errors import ProbeError
from hubkit.publish.release.child import LoadRequest
from hubkit.publish.release.points import Point, some
from hubkit.torchhub import arguments_without_weights, read_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.config import EntrypointConfig
    from hubkit.facts import Entrypoint
    from hubkit.publish.release.situation import Situation

_TIMEOUT = 600.0  # seconds, for all entrypoints


def verify(now: Situation) -> Iterator[Point]:
    """Every entrypoint of the commit is built without weights, with no connection to be had.

    The repo is fetched through git from where it lies, at the very commit; no file that is not
    committed is in reach, and nothing that is cached.

    Args:
        now: What the release starts from.
    """
    hubconf = now.facts.hubconf
    calls, skipped = {}, []
    for entry in hubconf.entrypoints if hubconf else ():
        given = _untrained(entry, now.config.entrypoint(entry.name))
        if given is None:
            skipped.append(entry.name)
        else:
            calls[entry.name] = given
    try:
        failures = _load(now, calls)
    except ProbeError as error:
        yield Point("load", "missing", error.message.rstrip("."), error.hint)
        return
    for name, said in failures.items():
        yield Point("load", "missing", f"{name} does not load: {said}", "pytest --hubconf -k C301")
    loaded = [name for name in calls if name not in failures]
    if loaded:
        yield Point("load", "ok", f"from the commit alone, untrained: {some(loaded)}")
    if not calls and not skipped:
        why = "source tells of no entrypoint that could be tried"
        yield Point("load", "note", why, "pytest --hubconf asks the hubconf itself")
    if skipped:
        yield Point(
            "load",
            "note",
            f"not tried, for want of arguments that leave out the weights: {some(skipped)}",
            "declare `call` or `untrained` for them",
        )


def _load(now: Situation, calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What each entrypoint that does not load says."""
    with tempfile.TemporaryDirectory(prefix="hubkit-release-", ignore_cleanup_errors=True) as home:
        source = f"git+{Path(now.root).resolve().as_uri()}@{now.sha}"
        call = Call(
            "hubkit.publish.release.child:load_all",
            LoadRequest(home, source, calls),
            env={
                "TORCH_HOME": home,
                "HUBKIT_LOCKFILE": None,
                "HUBKIT_OFFLINE": None,
                "HUBKIT_TRUST": None,
                "PYTHONPATH": _python_path(now.root),
            },
            timeout=_TIMEOUT,
        )
        try:
            return run_child(call, dict[str, str]).reply
        except ChildError as error:
            raise ProbeError(
                f"the process that loads the commit {error.reason}",
                hint=error.output or "pytest --hubconf -k C301 tells more",
            ) from error


def _python_path(root: Path) -> str | None:
    """Where modules are looked for, without what leads to the work tree."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    inside = root.resolve()
    kept = [one for one in entries if one and not Path(one).resolve().is_relative_to(inside)]
    return os.pathsep.join(kept) or None


def _untrained(entry: Entrypoint, config: EntrypointConfig) -> dict[str, Any] | None:
    """Arguments that build a model without weights; None when they are not known."""
    if config.untrained is False or entry.parameters is None:
        return None
    untrained = config.untrained
    if untrained is None:
        untrained = arguments_without_weights(read_defaults(entry.parameters))
    arguments = {**untrained, **config.call}
    is_complete = all(one.name in arguments for one in entry.parameters if one.required)
    return arguments if is_complete else None
