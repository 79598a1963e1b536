"""A real browser for tests of the emulator's page: Debian's chromium, without a window, driven by selenium."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # its own sandbox needs privileges that containers lack; it only sees our page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DEADLINE = 20.0  # seconds


class Browser:
    """The browser and what the tests do with it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Load a page anew, also when only what follows the # differs."""
        self.driver.get("about:blank")
        self.driver.get(url)

    def all(self, selector: str) -> list[WebElement]:
        """The elements that match, visible or not."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first visible element that matches, waited for."""
        return self.until(lambda: next(item for item in self.all(selector) if item.is_displayed()), selector)

    def texts(self, selector: str) -> list[str]:
        """What a person reads in each element that matches."""
        return [item.text for item in self.all(selector)]

    def until(self, look: Callable[[], T], what: str = "") -> T:
        """What `look` returns as soon as it is true; while it fails or is false, it is called again."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                found = look()
            except (StopIteration, StaleElementReferenceException):
                found = None  # the page is being drawn: the same as nothing found
            if found:
                return found
            assert time.monotonic() < end, f"not seen within {DEADLINE:g} s: {what}\n{self.one('body').text[:2000]}"
            time.sleep(0.05)

    def script(self, text: str, *arguments: Any) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(text, *arguments)

    def resize(self, width: int, height: int = 860) -> None:
        """Make the visible part of the page exactly that large, below the least size of a window too."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scheme(self, name: str) -> None:
        """Prefer `light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last look: scripts, styles, policies, failed loads."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]  # likewise


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile, or a skip that says what to install."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("a browser is missing: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
