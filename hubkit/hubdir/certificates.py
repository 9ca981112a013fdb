"""Which certificates to trust, and what of urllib's settings hubkit ignores."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

from hubkit._util.logs import log
from hubkit.errors import UsageError

if TYPE_CHECKING:
    import ssl

_REPLACING = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_ADDING = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def make_tls_context() -> ssl.SSLContext:
    """The certificates to trust: those that ``torch.hub`` trusts, and those that variables add.

    OpenSSL reads ``$SSL_CERT_FILE`` and ``$SSL_CERT_DIR`` in place of the file and the folder of the
    system's store. ``$REQUESTS_CA_BUNDLE`` and ``$CURL_CA_BUNDLE`` add theirs.

    Raises:
        UsageError: A variable does not lead to certificates.
    """
    import ssl

    variables = {name: os.environ[name] for name in (*_REPLACING, *_ADDING) if os.environ.get(name)}
    if any(name in variables for name in _REPLACING):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
    else:
        context = _system_context()
    for name, value in variables.items():
        for path in value.split(os.pathsep) if name == "SSL_CERT_DIR" else [value]:
            _load_certificates(context, name, path)
    return context


def describe_certificates() -> dict[str, object]:
    """Where certificates come from, and what is wrong with that, or "" for nothing."""
    variables = {name: os.environ[name] for name in (*_REPLACING, *_ADDING) if os.environ.get(name)}
    if any(name in variables for name in _REPLACING):
        store = "SSL_CERT_FILE, SSL_CERT_DIR"
    else:
        store = "the system's" if _has_system_certificates() else "certifi's"
    try:
        make_tls_context()
    except UsageError as error:
        return {"store": store, **variables, "problem": error.message}
    return {"store": store, **variables, "problem": ""}


def _system_context() -> ssl.SSLContext:
    import ssl

    import truststore

    system: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not _has_system_certificates():
        import certifi

        system.load_verify_locations(certifi.where())
    return system


def _load_certificates(context: ssl.SSLContext, name: str, path: str) -> None:
    try:
        if os.path.isdir(path):  # noqa: PTH112 - may hold what no Path may
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ValueError):
        raise UsageError(
            f"{name} is {path!r}, which contains no certificates.",
            hint=f"Set {name} to a file or folder of PEM certificates, or unset it.",
        ) from None


def _has_system_certificates() -> bool:
    """Whether the system has a store of certificates; small container images have none."""
    import ssl

    if sys.platform in ("darwin", "win32"):
        return True
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and os.listdir(paths.capath)))  # noqa: PTH208


def warn_of_ignored_settings() -> None:
    """Log once each which settings of urllib, which ``torch.hub`` would use, have no effect."""
    import ssl

    hook: Any = ssl._create_default_https_context  # noqa: SLF001
    usual = ("ssl", "create_default_context")
    if (getattr(hook, "__module__", ""), getattr(hook, "__name__", "")) != usual:
        _warn_once(
            "hubkit ignores ssl._create_default_https_context. To trust more certificates, set "
            "SSL_CERT_FILE or REQUESTS_CA_BUNDLE."
        )
    opener = getattr(sys.modules.get("urllib.request"), "_opener", None)
    if opener is not None and not _is_default(opener):
        _warn_once(
            "hubkit ignores urllib.request.install_opener. Set HTTPS_PROXY for a proxy, "
            "SSL_CERT_FILE for certificates, HUBKIT_TOKEN_<HOST> for a token."
        )


_warn_once = functools.cache(log.warning)


def _is_default(opener: Any) -> bool:  # noqa: ANN401
    """Whether an opener is like the one that ``urlopen`` installs by itself."""
    from urllib.request import build_opener

    return _traits(opener) == _traits(build_opener())


def _traits(opener: Any) -> tuple[object, ...]:  # noqa: ANN401
    """What distinguishes an opener from others."""
    handlers = {
        (type(handler), str(getattr(handler, "proxies", "")), *_trust(handler))
        for handler in getattr(opener, "handlers", ())
    }
    return type(opener), handlers, getattr(opener, "addheaders", None)


def _trust(handler: Any) -> tuple[object, ...]:  # noqa: ANN401
    context = getattr(handler, "_context", None)
    if context is None:
        return ()
    certificates = getattr(context, "cert_store_stats", str)()
    return context.verify_mode, context.check_hostname, str(certificates)
