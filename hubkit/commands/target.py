"""Which folder a command line means by PATH or OWNER/NAME[:REF]."""

from __future__ import annotations

from pathlib import Path


def locate_target(text: str) -> Path:
    """The folder to read: an existing one as it is, else the repo of that name, fetched.

    Args:
        text: A path, ``owner/name[:ref]`` or the URL of a repo.

    Raises:
        UsageError: It looks like a path and there is nothing there.
        FetchError: The repo cannot be fetched.
    """
    from hubkit.errors import UsageError

    path = Path(text).expanduser()
    if path.is_dir():
        return path
    if path.name == "hubconf.py" and path.is_file():
        return path.parent
    if path.exists() or text.startswith((".", "/", "~")) or "/" not in text:
        raise UsageError(
            f"{text} is not a folder", hint="Give the folder of a hub repo, or owner/name[:ref]."
        )
    from hubkit.loader import locate_repo

    return locate_repo(text)
