"""Take docs/demo.png and the other pictures of pages from a page of the demo, in Chromium.

python docs/picture.py PAGE, where PAGE is what `./set-up.sh --demo` names at its end.
"""

import base64
import io
import sys
from pathlib import Path
from typing import Any

from bossflow.look import browser
from PIL import Image

PICTURES = {
    "demo": ((1000, 1000), "light", "article h4"),
    "page-dark": ((1000, 700), "dark", "h1"),
    "page-phone": ((390, 844), "dark", "article h4:nth-of-type(2)"),
}
"""By file: the window, by day or night, and what its upper edge is at."""


def taken(driver: Any, size: tuple[int, int], scheme: str, start: str) -> Image.Image:
    """Return what a window shows of the page, from an element on."""
    sides = dict(zip(("width", "height"), size, strict=True))
    more = {"deviceScaleFactor": 1, "mobile": True}  # without a scroll bar
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sides | more)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    above = driver.execute_script(
        "return document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY", start
    )
    clip = {"x": 0, "y": max(0, above - 16), "scale": 1, **sides}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
    )
    return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")


def main() -> None:
    """Take them."""
    with browser.headless((1000, 900)) as driver:
        driver.get(sys.argv[1])
        for name, (size, scheme, start) in PICTURES.items():
            picture = taken(driver, size, scheme, start).quantize(128, dither=Image.Dither.NONE)
            picture.save(Path(__file__).with_name(f"{name}.png"), optimize=True)


if __name__ == "__main__":
    main()
