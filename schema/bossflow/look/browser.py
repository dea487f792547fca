"""A browser without a display, that reaches this machine alone."""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException

PATIENCE = 120.0
"""Seconds until a picture must be there: chunks from an archive take their time."""

_NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "driver": ("chromedriver",),
}


@contextlib.contextmanager
def headless(size: tuple[int, int]) -> Iterator[Any]:
    """Start Chromium; yield what drives it.

    Raises
    ------
    ValueError
        If it is not there, or does not start.
    """
    found = {
        what: next(filter(None, map(shutil.which, names)), "") for what, names in _NAMES.items()
    }
    if not all(found.values()):
        raise ValueError(
            "a picture takes Chromium and its driver: install both (Debian: apt-get install "
            "chromium chromium-driver)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    # without a graphics card WebGL is computed: of pages of ours alone
    options.add_argument("--enable-unsafe-swiftshader")
    quiet = ("--disable-background-networking", "--no-first-run", "--disable-dev-shm-usage")
    # names lead nowhere but here: nothing leaves this machine
    names = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
    for argument in ("--headless=new", f"--window-size={size[0]},{size[1]}", names, *quiet):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # which Chromium has not for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        driver = webdriver.Chrome(options, webdriver.ChromeService(found["driver"]))
    except (WebDriverException, OSError) as error:
        said = str(getattr(error, "msg", None) or error).partition("\n")[0]
        raise ValueError(f"Chromium does not start: {said}") from None
    try:
        yield driver
    finally:
        driver.quit()


def screenshot(viewer: Any, size: tuple[int, int]) -> bytes:
    """Return what a viewer shows once all of it is there, as PNG.

    Raises
    ------
    ValueError
        If there is no browser, or no picture in time.
    """
    done, found = threading.Event(), []

    def answered(reply: Any) -> None:
        found.append(reply.screenshot.image)
        done.set()

    with viewer.txn() as state:
        state.selected_layer.visible = False  # its panel has nothing to say without controls
    with viewer.config_state.txn() as config:
        config.show_ui_controls = False
        config.show_panel_borders = False
        config.viewer_size = size
    with headless(size) as driver:
        driver.get(viewer.get_viewer_url())
        viewer.async_screenshot(answered)
        if not done.wait(PATIENCE):
            raise ValueError(f"there is no picture after {PATIENCE:g} s: open the viewer instead")
    return bytes(found[0])
