"""What the names that a pickle imports mean for those who load it."""

from __future__ import annotations

import re

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


def is_allowed(name: str) -> bool:
    """Whether ``weights_only=True`` imports what a dotted name means."""
    return _ALLOWED.fullmatch(name) is not None


def is_harmful(name: str) -> bool:
    """Whether what a dotted name means runs commands or reaches beyond the process."""
    return _HARMFUL.fullmatch(name) is not None
