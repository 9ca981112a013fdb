"""HUB5xx: checkpoints that lie in the repo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.text import quoted
from hubkit.facts import Location
from hubkit.rules.pickled import is_allowed, is_harmful
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts

_CHECKPOINT = re.compile(r".*\.(?:pth?|pkl|pickle|ckpt|bin)(?:\.tar)?", re.IGNORECASE)


@rule("HUB512", "bundled-unsafe-weights", "warning", preview=True)
def bundled_unsafe_weights(repo: RepoFacts) -> Iterator[Finding]:
    """A checkpoint in the repo needs more than tensors to load.

    `torch.load(weights_only=True)`, the default since torch 2.6, refuses it, so users must run
    whatever the file holds. Mostly a whole module was saved instead of its state dict, which also
    breaks with the next rename. A file that imports something that runs commands is an error.

    Bad:
        torch.save(model, "weights/unet.pt")

    Good:
        torch.save(model.state_dict(), "weights/unet.pt")

    The opcodes of the pickle are read and nothing is unpickled, in torch's zip format and the one
    before 1.6. TorchScript archives are something else and are left alone. Files beyond 64 MiB are
    not looked at.
    """
    from hubkit.analysis.pickles import find_globals

    total = 0
    for path in repo.files.paths():
        entry = repo.files.entry(path) if _CHECKPOINT.fullmatch(path) else None
        if entry is None or entry.kind != "file" or entry.size > limits.BUNDLED_BYTES.most:
            continue
        total += entry.size
        if total > limits.BUNDLED_TOTAL.most:
            return
        try:
            names = find_globals(repo.files.read(path))
        except OSError:
            continue
        unsafe = sorted(name for name in names or () if not is_allowed(name))
        harmful = [name for name in unsafe if is_harmful(name)]
        if unsafe:
            yield bundled_unsafe_weights.finding(
                f"loading it {'runs' if harmful else 'imports'} {quoted(harmful or unsafe)}, which "
                "weights_only=True refuses",
                Location(path),
                hint="Find out where this file comes from."
                if harmful
                else "Save the state dict: `torch.save(model.state_dict(), ...)`.",
                severity="error" if harmful else None,
            )
