"""A real git host on loopback, in the shapes of GitHub.

Refs and objects come from ``git http-backend``, archives from ``git archive``, release assets and
plain files with ETag and Range; below ``/api`` are the lists of branches and tags that torch.hub
asks for. It keeps a log of requests and goes wrong on demand::

    with GitHost() as host:
        host.add_repo("acme", "shapes", worktree)
        host.add_asset("acme", "shapes", "v0.1.0", worktree / "dist" / "shapes.pt")
        os.environ["HUBKIT_GITHUB_URL"] = host.url
        ...
        print([request.path for request in host.requests])
"""

from tests.git_host.faults import Answer, Fault, Request
from tests.git_host.host import GitHost
from tests.git_host.repos import GIT_ENVIRONMENT, commit_files, git, git_bytes

__all__ = (
    "GIT_ENVIRONMENT",
    "Answer",
    "Fault",
    "GitHost",
    "Request",
    "commit_files",
    "git",
    "git_bytes",
)
