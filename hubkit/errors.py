"""All errors that hubkit raises.

::

    HubkitError
    ├── UsageError                                    exit code 2
    │   ├── RepoSpecError (ValueError)                not owner/name[:ref] or a URL
    │   ├── ConfigError (ValueError)                  [tool.hubkit] is invalid
    │   ├── GitRepoError                              git cannot read a repo or commit
    │   ├── LockfileError (ValueError)                the lock file is missing or invalid, or lacks a pin
    │   └── TemplateError (ValueError)                unknown template or invalid answer
    ├── HubconfError
    │   ├── HubconfNotFoundError (FileNotFoundError)
    │   ├── HubconfSyntaxError (SyntaxError)
    │   ├── EntrypointNotFoundError (RuntimeError)
    │   ├── MissingDependenciesError (RuntimeError, ModuleNotFoundError)
    │   ├── NotBuiltError (ImportError, RuntimeError) compiled parts are not built
    │   ├── AmbiguousModuleError (ModuleNotFoundError) several loaded repos have the module
    │   └── SharedOperatorError (RuntimeError)        another loaded repo defines the torch operator
    ├── MissingExtraError (ImportError)               torch or pytest is not installed
    ├── MissingRequirementError (ImportError)         a package that hubkit requires is not installed
    ├── UntrustedRepoError (ValueError)
    ├── FetchError (OSError)
    │   ├── RepoNotFoundError (ValueError, HTTPError) no such repo, or no access to it
    │   ├── RefNotFoundError (ValueError)             no such branch, tag or commit
    │   ├── NotThereError (HTTPError)                 HTTP 404 or similar
    │   ├── AccessDeniedError (HTTPError)             the host rejected or requires a token
    │   ├── RateLimitedError (HTTPError)
    │   ├── UnreachableError (URLError, HTTPError, RuntimeError) DNS, connection refused, timeout; 5xx
    │   ├── OfflineError (URLError, RuntimeError)     offline, and not cached
    │   ├── IncompleteDownloadError (URLError)        the response ended early, repeatedly
    │   ├── HashMismatchError (RuntimeError)
    │   ├── UnsafeArchiveError (ValueError)
    │   ├── MissingGitError (FileNotFoundError)       "git+..." needs git, which is not installed
    │   ├── CacheWriteError                           disk full, read-only, or no permission
    │   └── LockTimeoutError (TimeoutError)
    ├── SchedulerLostError                            the connection to Dask's scheduler was lost
    ├── InUseError                                    files to remove are in use
    ├── FixError                                      a file cannot be fixed
    ├── CheckpointError (RuntimeError, UnpicklingError) a checkpoint cannot be read
    └── ProbeError (RuntimeError)                     the child process crashed or hung

The builtin bases are what ``torch.hub`` raises in the same situation, so existing ``except``
clauses keep working. ``error.message`` says what is wrong and where, ``error.hint`` what to do next.
Errors can be pickled. Only the command line prints them. Those with an HTTP status are an
``HTTPError`` with it as ``code``.
"""

from __future__ import annotations

from _pickle import UnpicklingError  # pickle itself costs a reading command milliseconds
from typing import Any, ClassVar

from hubkit._util.text import did_you_mean, end_sentence, printable_lines

# Import names of the packages that hubkit needs, and what to install for each.
REQUIREMENTS = {
    "certifi": "certifi",
    "click": "click",
    "docstring_parser": "docstring-parser",
    "filelock": "filelock",
    "jinja2": "jinja2",
    "markdown_it": "markdown-it-py",
    "msgspec": "msgspec",
    "packaging": "packaging",
    "platformdirs": "platformdirs",
    "pytest": "pytest",
    "requests": "requests",
    "safetensors": "safetensors",
    "tomli": "tomli",
    "tomlkit": "tomlkit",
    "torch": "torch",
    "tqdm": "tqdm",
    "truststore": "truststore",
    "urllib3": "urllib3",
    "yaml": "pyyaml",
}


def _rebuild(
    cls: type[HubkitError], args: tuple[object, ...], state: dict[str, object]
) -> HubkitError:
    status = {"status": state["code"]} if "code" in state else {}
    error = cls.__new__(cls, *args, **status)
    error.args = args
    error.__dict__.update(state)
    return error


class HubkitError(Exception):
    """Base class of all hubkit errors.

    Args:
        message: What is wrong and where, in one or two sentences. A missing period is added.
        hint: What to do next; may be empty. A command or an example stands at its end, without a
            period, so it can be copied.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        # Errors are also printed in tracebacks, which hubkit does not control. So the names and
        # the answers of hosts that they quote are escaped here.
        self.message = end_sentence(printable_lines(message))
        self.hint = printable_lines(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class UsageError(HubkitError):
    """Invalid arguments or configuration."""

    exit_code = 2


class RepoSpecError(UsageError, ValueError):
    """A string is not a valid repo."""


class ConfigError(UsageError, ValueError):
    """The hubkit configuration is invalid."""


class GitRepoError(UsageError):
    """A git repo or commit cannot be read."""


class LockfileError(UsageError, ValueError):
    """A lock file cannot be read, or does not pin a requested repo or checkpoint."""


class TemplateError(UsageError, ValueError):
    """A template, or an answer to one of its questions, is invalid."""


class HubconfError(HubkitError):
    """A problem with the ``hubconf.py`` of a repo."""


class HubconfNotFoundError(HubconfError, FileNotFoundError):
    """The repo has no ``hubconf.py`` at its root."""


class HubconfSyntaxError(HubconfError, SyntaxError):
    """``hubconf.py``, or a module that it imports, has a syntax error."""


class EntrypointNotFoundError(HubconfError, RuntimeError):
    """The hubconf has no entrypoint of that name.

    Attributes:
        entrypoint: The requested name.
        available: The existing names.
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
    """The error for an unknown entrypoint, with suggestions.

    Args:
        name: The requested name.
        available: The existing names.
        where: Clause such as "is not in /repo/hubconf.py".
    """
    hint = did_you_mean(name, available, most=3) or f"Available: {', '.join(available)}."
    return EntrypointNotFoundError(
        f"Entrypoint {name!r} {where}.",
        entrypoint=name,
        available=available,
        hint=hint if available else "It has no entrypoints.",
    )


class MissingDependenciesError(HubconfError, RuntimeError, ModuleNotFoundError):
    """Modules in the hubconf's ``dependencies`` are not installed.

    Attributes:
        missing: Their import names.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.missing = missing
        self.name = missing[0] if missing else None


class NotBuiltError(HubconfError, ImportError, RuntimeError):
    """Compiled parts of the repo are not built.

    Attributes:
        part: The missing module or torch operator.
    """

    def __init__(self, message: str, *, part: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.part = part


class AmbiguousModuleError(HubconfError, ModuleNotFoundError):
    """A pickle names a module that several loaded repos have."""

    def __init__(self, message: str, *, name: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.name = name


class SharedOperatorError(HubconfError, RuntimeError):
    """The code of a repo defines or changes a torch operator of another one.

    Attributes:
        operator: Its name, such as "acme::scale".
    """

    def __init__(self, message: str, *, operator: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.operator = operator


class MissingExtraError(HubkitError, ImportError):
    """An optional dependency of hubkit is not installed."""


class MissingRequirementError(HubkitError, ImportError):
    """A package that hubkit requires is not installed."""

    exit_code = 2


def missing_requirement(error: BaseException) -> MissingRequirementError | None:
    """The error to report if a failed import is that of a package that hubkit needs.

    Args:
        error: Any error; only a ``ModuleNotFoundError`` can be one.
    """
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    if isinstance(error, HubkitError):
        return None  # a hubconf needs it
    module = error.name.partition(".")[0]
    if module not in REQUIREMENTS:
        return None
    return MissingRequirementError(
        f"hubkit needs the package {module}, which is not installed.",
        hint=f'Install it: pip install "{REQUIREMENTS[module]}"',
    )


class UntrustedRepoError(HubkitError, ValueError):
    """The repo is not trusted, so its code may not run.

    Attributes:
        repo: ``owner/name``, as in the trusted list.
    """

    def __init__(self, message: str, *, repo: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.repo = repo


class FetchError(HubkitError, OSError):
    """A repo or file could not be fetched.

    ``except urllib.error.HTTPError`` and ``URLError`` catch the same situations as for ``torch.hub``.
    An error gets that base when it is created: importing ``urllib.error`` takes longer than reading
    most repos.

    Attributes:
        url: The URL without credentials and query; empty if there was no request.
    """

    is_network: ClassVar[bool] = False  # whether it is at least a URLError
    usual_status: ClassVar[int | None] = None  # the status, unless the caller knows it

    def __new__(cls, *args: Any, status: int | None = None, **_: Any) -> FetchError:  # noqa: ANN401, D102
        if cls.is_network or cls is FetchError or status or cls.usual_status:
            from hubkit._util.url_errors import with_urllib_base

            has_status = bool(status or cls.usual_status)
            cls = with_urllib_base(cls, has_status=has_status)  # type: ignore[arg-type]  # noqa: PLW0642
        return super().__new__(cls, *args[:1])

    def __init__(
        self, message: str, *, url: str = "", status: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.url = url
        if status or self.usual_status:
            self.code = status or self.usual_status

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (getattr(self, "plain", type(self)), self.args, self.__dict__)


class RepoNotFoundError(FetchError, ValueError):
    """The repo does not exist, or is private."""

    usual_status = 404


class RefNotFoundError(FetchError, ValueError):
    """The repo has no such branch, tag or commit."""


class NotThereError(FetchError):
    """The URL does not exist."""

    usual_status = 404


class AccessDeniedError(FetchError):
    """The host rejected the token, or requires one."""

    usual_status = 403


class RateLimitedError(FetchError):
    """The host limits the rate of requests.

    Attributes:
        retry_at: When requests are allowed again, in Unix time; None if unknown.
    """

    usual_status = 429

    def __init__(
        self,
        message: str,
        *,
        url: str = "",
        status: int | None = None,
        retry_at: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, url=url, status=status, hint=hint)
        self.retry_at = retry_at


class UnreachableError(FetchError, RuntimeError):
    """The host did not respond, or only with errors."""

    is_network = True


class OfflineError(FetchError, RuntimeError):
    """Network access is needed but disabled."""

    is_network = True


class IncompleteDownloadError(FetchError):
    """The response ended early, and resuming failed."""

    is_network = True


class HashMismatchError(FetchError, RuntimeError):
    """The download does not match its hash.

    Attributes:
        expected: The expected digest, or a prefix of it, in hexadecimal.
        actual: The digest of the download.
    """

    def __init__(
        self, message: str, *, expected: str, actual: str, url: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, url=url, hint=hint)
        self.expected = expected
        self.actual = actual


class UnsafeArchiveError(FetchError, ValueError):
    """An archive is damaged or contains unsafe members."""


class MissingGitError(FetchError, FileNotFoundError):
    """git is needed to fetch a repo and is not installed."""


class CacheWriteError(FetchError):
    """The hub dir cannot be written: disk full, read-only, or no permission."""


class LockTimeoutError(FetchError, TimeoutError):
    """Another process held a lock for too long."""


class SchedulerLostError(HubkitError):
    """The connection to the scheduler of a Dask cluster was lost."""

    exit_code = 2


class InUseError(HubkitError):
    """Files to remove from the hub dir are in use."""


class FixError(HubkitError):
    """A file to fix cannot be written, or has changed in the meantime."""

    exit_code = 2


class CheckpointError(HubkitError, RuntimeError, UnpicklingError):
    """A file is not a readable checkpoint."""


class ProbeError(HubkitError, RuntimeError):
    """The child process that runs a repo's code crashed, hung or sent invalid data.

    Attributes:
        missing: The module that the code could not import, alone; else empty.
    """

    def __init__(self, message: str, *, missing: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.missing = missing


# A host that refuses is final. After these errors, an existing copy is used instead.
TEMPORARY_ERRORS = (
    UnreachableError,
    RateLimitedError,
    IncompleteDownloadError,
    LockTimeoutError,
)
