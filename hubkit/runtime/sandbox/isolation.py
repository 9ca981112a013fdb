"""A network namespace without a network, for this process and all that it starts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _IS_UP = 0x8914, 0x1


class _Namespaces:
    """What the C library offers, looked up while that is safe: never in a forked process."""

    def __init__(self) -> None:
        self.unshare = None
        self.is_isolated = False
        if sys.platform == "linux":
            with contextlib.suppress(OSError, AttributeError):
                self.unshare = ctypes.CDLL(None).unshare


_namespaces = _Namespaces()


def can_isolate() -> bool:
    """Whether a process of this one's might still lose its network."""
    return _namespaces.unshare is not None and not _namespaces.is_isolated


def isolate_network() -> bool:
    """Move this process, and all that it starts, to a network namespace without a network.

    The namespace has a loopback interface of its own. An ordinary user needs a user namespace for
    that, which only a process with a single thread can enter. Containers and some systems forbid
    both.

    Returns:
        Whether the process has no network now.
    """
    if can_isolate():
        _namespaces.is_isolated = _enter()
        if _namespaces.is_isolated:
            _raise_loopback()
    return _namespaces.is_isolated


def _enter() -> bool:
    unshare = _namespaces.unshare
    assert unshare is not None  # noqa: S101
    if unshare(_NEW_NETWORK) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    # Without a map of users this process could create no files.
    if not os.access("/proc/self/uid_map", os.W_OK) or unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with contextlib.suppress(OSError):
            _write(f"/proc/self/{name}", text)
    return True


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode("ascii"))
    finally:
        os.close(file)


def _raise_loopback() -> None:
    import fcntl

    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sH14x", b"lo", _IS_UP))
