"""A real browser for the tests of pages: Debian's chromium through Playwright, where both are there."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = os.environ.get("ELMYR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: the pages are not looked at in a browser (apt-get install chromium)"
)


@contextmanager
def launched() -> Iterator[Any]:
    """A browser; each of its contexts has cookies of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def serious_violations(page: Any) -> list[str]:
    """What axe-core finds that is serious or critical, a line each."""
    return violations(page, impacts=("serious", "critical"))


def violations(page: Any, impacts: Sequence[str] = ("minor", "moderate", "serious", "critical")) -> list[str]:
    """What axe-core finds of some impacts, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in impacts
        for node in one["nodes"][:3]
    ]
