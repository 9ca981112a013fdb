"""Answer requests for files that are on this machine already, in place of the network.

Two functions see all requests that Python code makes through urllib and requests, whatever name the
code bound early: ``OpenerDirector.open``, on which ``urlopen`` and torch.hub's downloads rest, and
``HTTPAdapter.send``. Both are wrapped once and ask the current guard.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from email.message import Message
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.response import addinfourl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MARK = "__hubkit_answers__"


def answer_requests(answer: Callable[[str], BinaryIO | None]) -> bool:
    """Wrap what sends requests, as far as it is imported; return whether something was wrapped.

    Args:
        answer: Returns the file to send for a URL, or None to let the request go on.
    """
    adapters = sys.modules.get("requests.adapters")
    owners = [(urllib.request.OpenerDirector, "open", _wrap_open)]
    if hasattr(adapters, "HTTPAdapter"):
        owners.append((adapters.HTTPAdapter, "send", _wrap_send))  # type: ignore[union-attr]
    missing = [one for one in owners if getattr(getattr(*one[:2]), _MARK, None) is not answer]
    for owner, name, wrap in missing:
        wrapped = wrap(getattr(owner, name), answer)
        setattr(wrapped, _MARK, answer)
        setattr(owner, name, wrapped)
    return bool(missing)


def _headers(file: BinaryIO) -> Mapping[str, str]:
    size = str(os.fstat(file.fileno()).st_size)
    return {"Content-Length": size, "Content-Type": "application/octet-stream"}


def _wrap_open(
    original: Callable[..., Any], answer: Callable[[str], BinaryIO | None]
) -> Callable[..., Any]:
    def open_url(self: Any, fullurl: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        url = fullurl if isinstance(fullurl, str) else fullurl.full_url
        file = answer(url)
        if file is None:
            return original(self, fullurl, *args, **kwargs)
        message = Message()
        for name, value in _headers(file).items():
            message[name] = value
        return addinfourl(file, message, url, 200)

    return open_url


def _wrap_send(
    original: Callable[..., Any], answer: Callable[[str], BinaryIO | None]
) -> Callable[..., Any]:
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        file = answer(request.url)
        if file is None:
            return original(self, request, *args, **kwargs)
        # requests has imported it.
        raw = sys.modules["urllib3"].HTTPResponse(
            body=file, headers=_headers(file), status=200, preload_content=False
        )
        return self.build_response(request, raw)

    return send
