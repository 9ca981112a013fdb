"""Pages in a real Chromium, one for all tests: the fixture `browser` of ``conftest.py``.

::

    def test_it_renders(browser: Browser, tmp_path: Path) -> None:
        with browser.open(page) as shown:          # HTML, or the path of a file
            shown.page.get_by_role("searchbox").fill("net")
            assert shown.visible("[data-item]") == ["net"]
            shown.require_accessible()
        # At the end of the block: no error on the console, and no request left the page.

Tests are skipped where Chromium or playwright is not installed.
"""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Dialog, Page

_LIMIT = 120_000  # milliseconds; it only ends a hang
_SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
Scheme: TypeAlias = Literal["light", "dark"]
Size: TypeAlias = Literal["desktop", "phone"]
# Both colors and both widths.
LOOKS: tuple[tuple[Scheme, Size], ...] = (("light", "desktop"), ("dark", "phone"))


class Shown:
    """A page that a browser shows.

    Attributes:
        page: Playwright's page.
        problems: Errors on the console, and requests other than for the page itself.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda one: self._note(one.type, one.text))
        page.on("request", lambda one: self._note_request(one.url))
        page.on("dialog", self._note_dialog)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, url: str) -> None:
        if not url.startswith(("data:", "file:")):
            self.problems.append(f"request: {url}")

    def change(self, scheme: Scheme, size: Size) -> None:
        """Change what the system prefers, and the size of the window."""
        width, height = _SIZES[size]
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.page.set_viewport_size({"width": width, "height": height})

    def forget(self) -> None:
        """Remove what the page has stored, and what it was allowed."""
        self.page.evaluate("localStorage.clear()")
        self.page.context.clear_permissions()

    def visible(self, selector: str) -> list[str]:
        """The ``data-item`` of elements that are shown."""
        found = self.page.locator(selector).all()
        return [one.get_attribute("data-item") or "" for one in found if one.is_visible()]

    def require_accessible(self, *, contrast: bool = True) -> None:
        """Check that axe finds nothing, not even of minor impact.

        Args:
            contrast: Whether to look at the colors of each text, which takes most of the time.
        """
        from axe_playwright_python.sync_playwright import Axe

        # axe would request the styles, which a browser denies to pages that are files.
        options = {
            "preload": False,
            "resultTypes": ["violations"],
            "rules": {"color-contrast": {"enabled": contrast}},
        }
        response: dict[str, Any] = Axe().run(self.page, options=options).response
        assert not [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:300]}"
            for one in response["violations"]
        ]

    def screenshot(self, path: Path, *, down_to: str = "body") -> None:
        """Write an image of the page, to look at.

        Args:
            path: The file.
            down_to: A selector of the element at whose end the image ends.
        """
        box = self.page.locator(down_to).bounding_box()
        size = self.page.viewport_size
        assert box is not None
        assert size is not None
        height = box["y"] + box["height"]
        clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": height}
        self.page.screenshot(path=path, full_page=True, clip=clip)


class Browser:
    """A running Chromium.

    Args:
        chromium: It.
        folder: Where pages are written.
    """

    def __init__(self, chromium: Chromium, folder: Path) -> None:
        self._chromium = chromium
        self._folder = folder
        self._idle: dict[str, Shown] = {}
        self._loop = asyncio.get_running_loop()
        self._set_loop(running=False)

    def close(self) -> None:
        """End it."""
        self._set_loop(running=True)
        self._chromium.close()

    @contextmanager
    def open(
        self,
        page: str | Path,
        *,
        scheme: Scheme = "light",
        size: Size = "desktop",
        script: bool = True,
        scale: float = 1.0,
        offline: bool = True,
    ) -> Iterator[Shown]:
        """Show a page.

        Args:
            page: Its HTML, or its file.
            scheme: What the system prefers.
            size: The size of the window.
            script: Whether JavaScript runs.
            scale: The size of pixels in images.
            offline: Whether there is no network.
        """
        if isinstance(page, str):
            path = self._folder / "page.html"
            path.write_text(page, encoding="utf-8")
        else:
            path = page
        self._set_loop(running=True)
        try:
            with self._window(
                java_script_enabled=script, device_scale_factor=scale, offline=offline
            ) as shown:
                shown.change(scheme, size)
                shown.page.goto(path.as_uri())
                yield shown
                assert not shown.problems
        finally:
            self._set_loop(running=False)

    def _set_loop(self, *, running: bool) -> None:
        """Let playwright's loop count as running only while a page is shown, or no other can start."""
        asyncio._set_running_loop(self._loop if running else None)

    @contextmanager
    def _window(self, **options: Any) -> Iterator[Shown]:
        """A window: an earlier one with these options, unless something went wrong in it."""
        shown = self._idle.pop(str(options), None)
        if shown is None:
            context = self._chromium.new_context(**options)
            context.set_default_timeout(_LIMIT)
            shown = Shown(context.new_page())
        try:
            yield shown
            shown.forget()
        except BaseException:
            shown.page.context.close()
            raise
        self._idle[str(options)] = shown


@contextmanager
def running_browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium, or skip the test."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        browser = Browser(chromium, folder)
        yield browser
        browser.close()
