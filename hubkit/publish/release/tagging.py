"""The annotated tag, made here; nothing is pushed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from hubkit.errors import GitRepoError

if TYPE_CHECKING:
    from hubkit.publish.release.situation import Situation


def write_tag(now: Situation) -> bool:
    """Make the annotated tag at the commit; False when it is there already.

    Who it is from, and whether it is signed, is as the user's git says.

    Args:
        now: What the release starts from.

    Raises:
        GitRepoError: git makes no tag.
    """
    if now.tags.get(now.tag) == now.sha:
        return False
    name = now.repo.partition("/")[2] or now.root.resolve().name
    git = shutil.which("git") or "git"
    message = f"{name} {now.tag}"
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [git, "-C", str(now.root), "tag", "-a", "-m", message, "--", now.tag, now.sha],
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        reason = next((line for line in said.splitlines() if "fatal" in line), said)
        raise GitRepoError(
            f"git makes no tag {now.tag}: {reason.removeprefix('fatal: ')}",
            hint="git config user.name and user.email say who it is from."
            if "ident" in said or "tell me who you are" in said
            else "`git tag -a` in the repo may tell more.",
        )
    return True
