"""Which downloads a call without weights is certain to make, whatever statements lead there."""

from __future__ import annotations

import sys
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.analysis.conftest import ReadHubconf

HEAD = """
import contextlib
import torch

def download():
    return torch.hub.load_state_dict_from_url("https://example.org/net.pth")

def net(pretrained=False, size=torch.pi, name=torch.__name__):
"""

UNCERTAIN = {
    "handler changes a flag": """
        try:
            import apex
            fused = True
        except ImportError:
            fused = False
        if fused:
            download()
    """,
    "handler only": """
        try:
            fused = size.fused
        except AttributeError:
            download()
    """,
    "flag set before a try": """
        fused = True
        try:
            import apex
        except ImportError:
            fused = False
        if fused:
            download()
    """,
    "else of a try changes a flag": """
        fused = False
        try:
            import apex
        except ImportError:
            pass
        else:
            fused = True
        if fused:
            download()
    """,
    "after a guarded import": """
        try:
            import apex
            download()
        except ImportError:
            pass
    """,
    "else after a guarded import": """
        try:
            import apex
        except ImportError:
            fused = False
        else:
            download()
    """,
    "handler returns": """
        try:
            state = torch.load("net.pth")
        except FileNotFoundError:
            return None
        download()
    """,
    "body returns": """
        try:
            return torch.load("net.pth")
        except FileNotFoundError:
            pass
        download()
    """,
    "suppressed import": """
        fused = False
        with contextlib.suppress(ImportError):
            import apex
            fused = True
        if fused:
            download()
    """,
    "suppressed and left": """
        with contextlib.suppress(OSError):
            return torch.load("net.pth")
        download()
    """,
    "bound by with": """
        fused = True
        with open(name) as fused:
            pass
        if fused:
            download()
    """,
    "bound by an import": """
        fused = True
        import apex as fused
        if fused:
            download()
    """,
    "branches that differ": """
        if size:
            fused = True
        else:
            fused = False
        if fused:
            download()
    """,
    "one of several elif": """
        if size == 1:
            fused = False
        elif size == 2:
            download()
        else:
            fused = True
    """,
    "a branch returns": """
        if size:
            return None
        download()
    """,
    "a nested branch returns": """
        if size:
            if name:
                return None
        download()
    """,
    "case of a match": """
        match size:
            case 1:
                download()
            case _:
                pass
    """,
    "match binds": """
        fused = True
        match size:
            case [fused, _]:
                pass
        if fused:
            download()
    """,
    "case returns": """
        match size:
            case 1:
                return None
        download()
    """,
    "known case": """
        match pretrained:
            case True:
                download()
    """,
    "loop changes a flag": """
        fused = True
        for fused in size:
            pass
        if fused:
            download()
    """,
    "loop returns": """
        while size:
            return None
        download()
    """,
    "finally after what may have left": """
        fetch = True
        try:
            if size:
                return None
            fetch = False
        finally:
            if fetch:
                download()
    """,
    "finally after a flag": """
        try:
            fused = bool(size)
        finally:
            pass
        if fused:
            download()
    """,
}

CERTAIN = {
    "plain": "download()",
    "body of a try": """
        try:
            download()
        except OSError:
            pass
    """,
    "else of a try": """
        try:
            size = int(name)
        except ValueError:
            size = 0
        else:
            download()
    """,
    "finally": """
        try:
            return None
        finally:
            download()
    """,
    "after a try": """
        try:
            import apex
        except ImportError:
            apex = None
        download()
    """,
    "handler raises": """
        try:
            import apex
        except ImportError:
            raise RuntimeError("install apex")
        download()
    """,
    "all ways agree": """
        try:
            import apex
            fetch = True
        except ImportError:
            fetch = True
        if fetch:
            download()
    """,
    "branches agree": """
        if size:
            fetch = True
        else:
            fetch = True
        if fetch:
            download()
    """,
    "the other branch raises": """
        if size:
            raise ValueError(size)
        download()
    """,
    "with": """
        with torch.no_grad():
            download()
    """,
    "known case": """
        match pretrained:
            case True:
                pass
            case False:
                download()
    """,
    "default case": """
        match size:
            case _:
                download()
    """,
    "annotated flag": """
        fetch: bool = not pretrained
        if fetch:
            download()
    """,
    "elif of known conditions": """
        if pretrained:
            pass
        elif not pretrained:
            download()
    """,
    "iterable": """
        for part in download():
            pass
    """,
}


def downloads(read: ReadHubconf, body: str, keyword: str = "def") -> int:
    text = HEAD.replace("def net", f"{keyword} net") + indent(dedent(body), "    ") + "\n"
    return sum(one.entrypoint == "net" for one in read(text).unrequested_downloads)


@pytest.mark.parametrize("body", UNCERTAIN.values(), ids=UNCERTAIN)
def test_a_download_that_may_not_happen_is_not_certain(read: ReadHubconf, body: str) -> None:
    assert downloads(read, body) == 0


@pytest.mark.parametrize("body", CERTAIN.values(), ids=CERTAIN)
def test_a_download_on_every_way_is_certain(read: ReadHubconf, body: str) -> None:
    assert downloads(read, body) == 1


def test_async_with_is_entered(read: ReadHubconf) -> None:
    body = "async with name:\n    download()"
    assert downloads(read, body, "async def") == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* came with Python 3.11")
def test_except_star_is_a_handler(read: ReadHubconf) -> None:
    body = "try:\n    import apex\n    fused = True\nexcept* ImportError:\n    fused = False\n"
    assert downloads(read, body + "if fused:\n    download()") == 0


def test_a_long_chain_of_elif_is_followed(read: ReadHubconf) -> None:
    chain = "if pretrained:\n    pass\n" + "".join(
        f"elif pretrained == 'size-{at}':\n    pass\n" for at in range(400)
    )
    assert downloads(read, chain + "else:\n    download()") == 1


def test_methods_are_followed_through_self_and_cls(read: ReadHubconf) -> None:
    hubconf = """
        import torch

        class Net(torch.nn.Module):
            def __init__(self):
                self.setup()

            def setup(self):
                self.fetch()

            def fetch(self):
                torch.hub.load_state_dict_from_url("https://example.org/net.pth")

            @classmethod
            def build(cls):
                return cls()

        def net(pretrained=False):
            return Net.build()
    """
    assert "net" in [one.entrypoint for one in read(hubconf).unrequested_downloads]


def test_an_awaited_call_passes_its_arguments(read: ReadHubconf) -> None:
    hubconf = """
        import torch

        async def build(pretrained=True):
            if pretrained:
                torch.hub.load_state_dict_from_url("https://example.org/net.pth")

        async def net(pretrained=False):
            return await build(pretrained=pretrained)
    """
    assert "net" not in [one.entrypoint for one in read(hubconf).unrequested_downloads]


@pytest.mark.parametrize(
    "guard", ["with contextlib.suppress(TypeError):", "with _suppress(TypeError, ValueError):"]
)
def test_a_call_whose_type_error_is_suppressed_is_not_rejected(
    read: ReadHubconf, guard: str
) -> None:
    hubconf = f"""
        import contextlib
        from contextlib import suppress as _suppress
        import torch

        def _build(width): ...

        def net():
            {guard}
                return _build(depth=1)
    """
    rejected = read(hubconf).rejected_calls
    assert not rejected
    assert read(hubconf.replace(guard, "with torch.no_grad():")).rejected_calls
