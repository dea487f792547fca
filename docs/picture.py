"""Draw docs/demo.png: a section of the demo volume, its segments, and the components found.

python docs/picture.py VOLUME, where VOLUME is what `./set-up.sh --demo` shows as the result.
"""

import sys
from pathlib import Path

import numpy as np
import tensorstore as ts
from bossflow.archive_server import demo
from bossflow.database import home
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SECTION, SIDE = 60, 400


def colours(ids: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Give each id a colour of its own, 0 black: (Y, X) to (Y, X, 3)."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    channels = [(mixed >> np.uint64(shift)).astype(np.uint8) // 2 + 96 for shift in (56, 48, 40)]
    painted: NDArray[np.uint8] = np.stack(channels, -1) * (ids != 0)[..., None].astype(np.uint8)
    return painted


def main() -> None:
    """Draw three panels side by side."""
    files = demo.make(home() / "demo")
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": sys.argv[1].removeprefix("file://")},
    }
    volume = ts.open(spec).result()[:SIDE, :SIDE, SECTION, 0].read().result().T
    section = (SECTION, slice(SIDE), slice(SIDE))
    image = np.load(files["image"], mmap_mode="r")[section]
    segments = np.load(files["segmentation"], mmap_mode="r")[section]
    panels = [np.repeat(image[..., None], 3, -1), colours(segments), colours(volume)]
    titles = ["image", "segments (source)", "connected components (result)"]
    picture = Image.new("RGB", (3 * SIDE + 20, SIDE + 24), "white")
    draw = ImageDraw.Draw(picture)
    for number, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        left = number * (SIDE + 10)
        picture.paste(Image.fromarray(panel.astype(np.uint8)), (left, 24))
        draw.text((left + 2, 5), title, fill="black", font_size=14)
    picture.save(Path(__file__).with_name("demo.png"), optimize=True)


if __name__ == "__main__":
    main()
