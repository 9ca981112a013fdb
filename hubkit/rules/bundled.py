"""HUB5xx: checkpoints that lie in the repo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.facts import Location
from hubkit.rules.registry import rule
from hubkit.rules.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, RepoFacts

_CHECKPOINT = re.compile(r".*\.(?:pth?|pkl|pickle|ckpt|bin)(?:\.tar)?", re.IGNORECASE)
_MAX_FILE = 64 * 1024 * 1024
_MAX_TOTAL = 256 * 1024 * 1024
# What torch.load(weights_only=True) imports without being told to
# (torch/_weights_only_unpickler.py, _get_allowed_globals).
_ALLOWED = re.compile(
    r"collections\.(?:OrderedDict|Counter|defaultdict)|_codecs\.encode|builtins\.(?:bytearray|set)"
    r"|__builtin__\.set"
    r"|torch\.(?:\w+Storage|Size|Tensor|device|dtype|\w*(?:float|int|complex)\d+\w*|bool|half|double"
    r"|float|int|long|short|quint\w+|qint\w+|strided|sparse_\w+|jagged|per_\w+|\w+Tensor)"
    r"|torch\._utils\._rebuild_\w+|torch\._tensor\._rebuild_\w+|torch\.serialization\._get_layout"
    r"|torch\.storage\.\w+|torch\.nn\.parameter\.\w+|torch\.cuda\.\w+(?:Storage|Tensor)"
    r"|torch\._C\.\w+|torch\._subclasses\.\w+|torch\.distributed\.tensor\.[\w.]+"
    r"|numpy(?:\._core|\.core)\.multiarray\.(?:_reconstruct|scalar)|numpy\.(?:dtype|ndarray)"
)
_HARMFUL = re.compile(
    r"(?:builtins|__builtin__)\.(?:exec|eval|execfile|compile|open|getattr|setattr|__import__|apply"
    r"|breakpoint)|(?:os|posix|nt|subprocess|sys|runpy|shutil|socket|importlib|pty|ctypes|pip|code"
    r"|webbrowser|commands|platform|asyncio|requests|httplib)(?:\.\w+)+|torch\.(?:load|hub\.load)"
)


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
    from hubkit.hubconf.pickles import find_globals

    total = 0
    for path in repo.files.paths():
        entry = repo.files.entry(path) if _CHECKPOINT.fullmatch(path) else None
        if entry is None or entry.kind != "file" or entry.size > _MAX_FILE:
            continue
        total += entry.size
        if total > _MAX_TOTAL:
            return
        try:
            names = find_globals(repo.files.read(path))
        except OSError:
            continue
        unsafe = sorted(name for name in names or () if not _ALLOWED.fullmatch(name))
        harmful = [name for name in unsafe if _HARMFUL.fullmatch(name)]
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
