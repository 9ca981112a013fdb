"""Every error that hubkit raises on purpose.

::

    HubkitError
    ├── UsageError                                    exit code 2
    │   ├── RepoSpecError (ValueError)                "not/a/repo" where owner/name[:ref] belongs
    │   ├── ConfigError (ValueError)                  [tool.hubkit] cannot be read as meant
    │   ├── GitRepoError                              git cannot tell what a repo holds
    │   ├── LockfileError (ValueError)                no lock file, or it does not say what is asked
    │   └── TemplateError (ValueError)                unknown template, bad answer, would overwrite
    ├── HubconfError
    │   ├── HubconfNotFoundError (FileNotFoundError)
    │   ├── HubconfSyntaxError (SyntaxError)
    │   ├── EntrypointNotFoundError (RuntimeError)
    │   ├── MissingDependenciesError (RuntimeError)
    │   └── NotBuiltError (ImportError, RuntimeError) a checkout lacks its compiled parts
    ├── MissingExtraError (ImportError)               torch or pytest is needed and not installed
    ├── UntrustedRepoError
    ├── FetchError (OSError)
    │   ├── RepoNotFoundError (ValueError)            no such repo, or private and no token
    │   ├── RefNotFoundError (ValueError)             no such branch or tag, or a fork's commit
    │   ├── NotThereError                             the host has nothing at that URL
    │   ├── AccessDeniedError                         the host refused the token, or wants one
    │   ├── RateLimitedError
    │   ├── UnreachableError                          no answer: DNS, refused, timeout, 5xx
    │   ├── OfflineError                              offline was asked for and it is not cached
    │   ├── IncompleteDownloadError                   the body ended early, again and again
    │   ├── HashMismatchError (RuntimeError)
    │   ├── UnsafeArchiveError (ValueError)
    │   ├── MissingGitError (FileNotFoundError)       "git+..." was asked for and git is not installed
    │   ├── CacheWriteError                           disk full, read-only or not ours
    │   └── LockTimeoutError (TimeoutError)
    ├── InUseError                                    somebody works with what is to be removed
    ├── FixError                                      a file that may not or cannot be fixed
    ├── CheckpointError (RuntimeError)                a checkpoint that cannot be read
    └── ProbeError (RuntimeError)                     the child process died, hung or said nonsense

The builtin parents are what ``torch.hub`` raises in the same situation, so ``except`` clauses
written for it keep working. ``str(error)`` says what is wrong and where; ``error.hint`` says what
to do next. Errors pickle with their fields. Only the command line prints them.
"""

from __future__ import annotations

from typing import ClassVar

from hubkit._util.text import did_you_mean, printable_lines

WHERE_TO_REPORT = "https://pypi.org/project/torch-hubkit"


def _rebuild(
    cls: type[HubkitError], args: tuple[object, ...], state: dict[str, object]
) -> HubkitError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class HubkitError(Exception):
    """Root of all hubkit errors.

    Args:
        message: What is wrong and where, in one or two sentences.
        hint: What to do next; empty when there is nothing useful to add.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        # Errors are printed by whoever catches them, tracebacks included: names of files, refs and
        # answers of hosts in them are escaped here.
        self.message = printable_lines(message)
        self.hint = printable_lines(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class UsageError(HubkitError):
    """hubkit was asked for something that makes no sense as asked."""

    exit_code = 2


class RepoSpecError(UsageError, ValueError):
    """A text that should name a repo does not."""


class ConfigError(UsageError, ValueError):
    """The project's hubkit configuration cannot be used."""


class GitRepoError(UsageError):
    """What a git repo, or a commit of it, holds cannot be told."""


class LockfileError(UsageError, ValueError):
    """A lock file cannot be read, or does not pin what is asked for."""


class TemplateError(UsageError, ValueError):
    """A template, or an answer to one of its questions, cannot be used."""


class HubconfError(HubkitError):
    """The repo's ``hubconf.py`` cannot serve what was asked of it."""


class HubconfNotFoundError(HubconfError, FileNotFoundError):
    """There is no ``hubconf.py`` at the root of the repo."""


class HubconfSyntaxError(HubconfError, SyntaxError):
    """``hubconf.py``, or a module that it needs, does not parse."""


class EntrypointNotFoundError(HubconfError, RuntimeError):
    """The hubconf has no entrypoint of that name.

    Attributes:
        entrypoint: The name that was asked for.
        available: The names that exist.
    """

    def __init__(
        self, message: str, *, entrypoint: str, available: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.entrypoint = entrypoint
        self.available = available


def entrypoint_not_found(
    name: str, available: tuple[str, ...], where: str
) -> EntrypointNotFoundError:
    """The error for an entrypoint that is not there, naming those that are.

    Args:
        name: The name that was asked for.
        available: The names that exist.
        where: Clause such as "is not in /repo/hubconf.py".
    """
    hint = did_you_mean(name, available, most=3) or f"Available: {', '.join(available)}."
    return EntrypointNotFoundError(
        f"The entrypoint {name!r} {where}.",
        entrypoint=name,
        available=available,
        hint=hint if available else "It has no entrypoints.",
    )


class MissingDependenciesError(HubconfError, RuntimeError):
    """Modules that the hubconf declares in ``dependencies`` are not installed.

    Attributes:
        missing: Their import names.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.missing = missing


class NotBuiltError(HubconfError, ImportError, RuntimeError):
    """The repo is a checkout of a package whose compiled parts have not been built in it.

    Attributes:
        part: The module or torch operator that is missing.
    """

    def __init__(self, message: str, *, part: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.part = part


class MissingExtraError(HubkitError, ImportError):
    """An optional part of hubkit was used without being installed."""


class UntrustedRepoError(HubkitError):
    """The repo's code may not run because nobody said that it is trusted.

    Attributes:
        repo: ``owner/name`` as it would be added to the trusted list.
    """

    def __init__(self, message: str, *, repo: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.repo = repo


class FetchError(HubkitError, OSError):
    """Something could not be brought into the hub dir.

    Attributes:
        url: What was asked for, without credentials or query; empty when nothing was asked.
    """

    def __init__(self, message: str, *, url: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.url = url


class RepoNotFoundError(FetchError, ValueError):
    """The host knows no such repo, or hides it from us."""


class RefNotFoundError(FetchError, ValueError):
    """The repo has no such branch or tag, or the commit is not its own."""


class NotThereError(FetchError):
    """The host has nothing at that URL."""


class AccessDeniedError(FetchError):
    """The host refused the token, or wants one."""


class RateLimitedError(FetchError):
    """The host answers nobody like us for now.

    Attributes:
        retry_at: Unix time in seconds when it will answer again, or None when it did not say.
    """

    def __init__(
        self, message: str, *, url: str = "", retry_at: float | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, url=url, hint=hint)
        self.retry_at = retry_at


class UnreachableError(FetchError):
    """The host gave no usable answer."""


class OfflineError(FetchError):
    """Offline was asked for, and what is needed is not in the hub dir."""


class IncompleteDownloadError(FetchError):
    """The body ended before its announced length, and resuming did not help."""


class HashMismatchError(FetchError, RuntimeError):
    """What was downloaded is not what was promised.

    Attributes:
        expected: The hexadecimal digest, or prefix of one, that was promised.
        actual: The digest of what came.
    """

    def __init__(
        self, message: str, *, expected: str, actual: str, url: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, url=url, hint=hint)
        self.expected = expected
        self.actual = actual


class UnsafeArchiveError(FetchError, ValueError):
    """An archive holds members that may not be unpacked, or is no archive at all."""


class MissingGitError(FetchError, FileNotFoundError):
    """A repo is to be fetched by the git program, which is not installed."""


class CacheWriteError(FetchError):
    """The hub dir cannot be written: full, read-only or somebody else's."""


class LockTimeoutError(FetchError, TimeoutError):
    """Somebody else has held a lock for too long."""


class InUseError(HubkitError):
    """What is to be removed from the hub dir is being used."""


class FixError(HubkitError):
    """A file that a fix changes cannot be written, or is no longer what was read."""

    exit_code = 2


class CheckpointError(HubkitError, RuntimeError):
    """A checkpoint file cannot be read as one."""


class ProbeError(HubkitError, RuntimeError):
    """The child process that runs a repo's code died, hung or answered nonsense."""
