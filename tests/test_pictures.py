"""Pictures of volumes, compared with the whole arrays that they show."""

import base64
import io
import re
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from making import noise, write_precomputed
from PIL import Image
from voxels import paged, pictures
from voxels import seen as seen_module
from voxels.archives import Refused
from voxels.frames import SIDE, Frame
from voxels.seen import Seen

SHAPE, OFFSET, SIZES = (40, 50, 70), (-7, 13, 21), {"z": 40.0, "y": 4.0, "x": 4.0}


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("seen") / "volume"
    return write_precomputed(directory, noise(SHAPE, "uint16", seed=4), OFFSET)


def seen(path: Path, kind: str = "image") -> Seen:
    return Seen(f"precomputed://{path}", kind, 0, [4, 4, 40])


points = st.lists(st.integers(-60, 130), min_size=1, max_size=40).map(sorted)


@settings(max_examples=examples(200))
@given(points, points, points, st.sampled_from([16**3, 2**26]))
def test_a_sample_is_the_nearest_voxels_however_much_is_read(
    volume: Path, z: list[int], y: list[int], x: list[int], most: int
) -> None:
    indices = [np.array(z), np.array(y), np.array(x)]
    at = {axis: (i + 0.5) * SIZES[axis] for axis, i in zip("zyx", indices, strict=True)}
    voxels, known, note = seen(volume).sample(at, {"x": 4.0, "y": 4.0}, most)
    own = [i - low for i, low in zip(indices, OFFSET, strict=True)]
    inside = [(i >= 0) & (i < side) for i, side in zip(own, SHAPE, strict=True)]
    there = inside[0][:, None, None] & inside[1][:, None] & inside[2]
    expected = np.zeros(there.shape, "uint16")
    expected[there] = noise(SHAPE, "uint16", seed=4)[
        np.ix_(*(i[ok] for i, ok in zip(own, inside, strict=True)))
    ].ravel()
    assert (voxels[known] == expected[known]).all() and not voxels[~known].any()
    assert not (known & ~there).any()
    if most > 16**3:
        assert (known == there).all() and note == ""
    if (known != there).any():
        assert note and known.any()


def test_a_level_is_read_that_has_a_voxel_for_each_pixel(tmp_path: Path) -> None:
    path = write_precomputed(tmp_path / "levels", np.full((8, 64, 64), 1, "uint8"))
    for factor, value in ((2, 2), (4, 3)):
        side = 64 // factor
        write_precomputed(
            path,
            np.full((8, side, side), value, "uint8"),
            resolution=[4 * factor, 4 * factor, 40],
        )

    def level(pixel: float, most: int = 2**26) -> int:
        at = {"z": np.array([60.0]), "y": np.arange(2.0, 250, 8), "x": np.arange(2.0, 250, 8)}
        voxels, _, _ = seen(path).sample(at, {"x": pixel, "y": pixel}, most)
        (value,) = np.unique(voxels)
        return int(value)

    assert [level(pixel) for pixel in (1, 4, 7.9, 8, 15, 16, 999)] == [1, 1, 1, 2, 2, 3, 3]
    assert level(1, 16**3) == 3, "a coarser one, rather than the middle alone"


@pytest.mark.parametrize("axis", "xyz")
def test_of_ten_thousand_million_voxels_few_are_read_and_few_at_once(
    monkeypatch: pytest.MonkeyPatch, axis: str
) -> None:
    """Of a volume without levels, as an archive would tell of it: whole chunks count."""
    side, chunk, boxes = 2160, 64, []

    class Archive:
        def describe(self, uri: str, number: int, *_: Any, **__: Any) -> dict[str, Any]:
            if number:
                raise Refused("no such level")
            same = {"shape_zyx": [side] * 3, "offset_zyx": [0] * 3, "chunk_zyx": [chunk] * 3}
            return same | {"dtype": "uint64", "voxel_size_nm_zyx": [4.0] * 3}

        def read(self, *given: Any, **_: Any) -> np.ndarray:
            boxes.append(given[-1])
            return np.ones(given[-1].shape_zyx, "uint64")

    monkeypatch.setattr(seen_module, "archive_of", lambda _: Archive())
    frame = Frame.of({"axis": axis, "box_nm": {one: [0, 4 * side] for one in "xyz"}})
    at = {axis: np.array([2.0 * side]), **{one: frame.centres(one) for one in frame.axes}}
    voxels, known, note = Seen("zarr://large", "image", 0, []).sample(at, frame.pixel_nm)
    chunks = [
        {n // chunk for n in range(low, high)}
        for box in boxes
        for low, high in zip(box[::2], box[1::2], strict=True)
    ]
    cost = [
        chunk**3 * len(x) * len(y) * len(z)
        for x, y, z in zip(chunks[::3], chunks[1::3], chunks[2::3], strict=True)
    ]
    assert sum(cost) <= seen_module.VOXELS_READ and max(cost) <= 2**22
    assert note.startswith("only the middle") and (voxels[known] == 1).all()
    middle = np.argwhere(known).mean(0)
    assert np.abs(middle - (np.array(known.shape) - 1) / 2).max() < 0.02 * max(known.shape)
    assert known.mean() > 0.1


def pixels(asked: dict[str, Any]) -> np.ndarray:
    picture = pictures.draw(asked)
    start, _, text = picture.uri.partition(",")
    assert (start, picture.note) == ("data:image/webp;base64", "")
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    frame = Frame.of(asked)
    assert image.size == (frame.width, frame.height)
    return np.asarray(image.convert("RGB")).astype(int)


def layer(path: Path, kind: str) -> dict[str, Any]:
    return {"uri": f"precomputed://{path}", "kind": kind, "resolution": 0} | {
        "voxel_size_nm_xyz": [4, 4, 40]
    }


@pytest.mark.parametrize("axis", "xyz")
def test_what_is_segmented_lies_where_it_is_over_the_image(tmp_path: Path, axis: str) -> None:
    image = np.zeros((8, 64, 64), "uint8")
    image[:4], image[:, :32] = 40, 80
    labels = np.zeros((4, 32, 32), "uint32")
    labels[:, 8:20, 8:20] = 7
    under = write_precomputed(tmp_path / "image", image)
    over = write_precomputed(tmp_path / "labels", labels, (2, 16, 16), "segmentation")
    box = {"x": [0, 256], "y": [0, 256], "z": [0, 320]}
    asked = {"axis": axis, "box_nm": box, "layers": [layer(under, "image")]}
    plain = pixels(asked)
    both = pixels(asked | {"layers": [*asked["layers"], layer(over, "segmentation")]})
    changed = np.abs(both - plain).sum(-1) > 60
    nm = [Frame.of(asked).centres(name) for name in Frame.of(asked).axes]
    inside = {"x": (96, 144), "y": (96, 144), "z": (80, 240)}
    ends = (inside[name] for name in Frame.of(asked).axes)
    right, down = ((one > low) & (one < high) for one, (low, high) in zip(nm, ends, strict=True))
    expected = down[:, None] & right
    assert (changed == expected).mean() > 0.985 and expected.mean() > 0.03
    assert plain[:, :, 0].std() > 20, "the image has its contrast"


def test_an_image_that_gives_no_answer_is_asked_once_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def silent(self: Seen, *_: Any) -> Any:
        asked.append(self.uri)
        raise TimeoutError("no answer")

    labels = np.full((8, 64, 64), 7, "uint32")
    over = layer(
        write_precomputed(tmp_path / "labels", labels, kind="segmentation"), "segmentation"
    )
    under = layer(tmp_path / "silent", "image")
    sample = Seen.sample
    monkeypatch.setattr(
        Seen, "sample", lambda one, *given: (silent if one.kind == "image" else sample)(one, *given)
    )
    box = {"x": [0, 256], "y": [0, 256], "z": [0, 320]}
    pair = [{"axis": "z", "box_nm": box, "layers": [under, *more]} for more in ([], [over])]
    html = paged.filled(PLACES, [*pair, pair[1]])
    assert html.count("(it could not be painted: no answer)") == 1
    assert html.count("what is below it is not shown: no answer") == 2
    assert html.count("data:image/webp") == 2 and len(asked) == 1


def test_an_object_is_seen_along_an_axis_alone(tmp_path: Path) -> None:
    labels = np.full((8, 64, 64), 5, "uint64")
    labels[2:5, 8:24, 8:56] = 3
    path = write_precomputed(tmp_path / "labels", labels, kind="segmentation")
    box = {"x": [0, 256], "y": [0, 256], "z": [0, 320]}
    shown = pixels({"axis": "z", "box_nm": box, "layers": [layer(path, "segmentation")], "only": 3})
    bright = shown.sum(-1) > 100
    frame = Frame("z", {}, {}, *shown.shape[1::-1])
    rows, columns = (np.arange(side) * 64 // side for side in (frame.height, frame.width))
    expected = ((rows >= 8) & (rows < 24))[:, None] & (columns >= 8) & (columns < 56)
    free = rows < 50  # above the scale bar
    assert (bright == expected)[free].mean() > 0.97


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([np.nan] * 9 + [1000, 1001, 1002], [0] * 10 + [127, 255]),
        ([np.nan, -5, -4, -3], [0, 0, 127, 255]),
        ([np.inf, -np.inf, 1, 2], [255, 0, 0, 255]),
        ([np.nan, np.inf], [0, 0]),
        ([5, 5], [0, 0]),
    ],
)
def test_what_is_no_number_is_black_and_takes_no_contrast(
    values: list[float], shown: list[int]
) -> None:
    plane = np.array([values], np.float32)
    assert pictures.grey(plane, np.ones(plane.shape, bool)).tolist() == [shown]
    beside = np.array([[*values, 1e9]])
    assert pictures.grey(beside, beside < 1e9).tolist() == [
        [*(n if v < 1e9 else 0 for n, v in zip(shown, values, strict=True)), 0]
    ]


PLACES = "".join(f'<img src="picture:{n}" alt="a &lt;b" width="8">' for n in range(3))


def test_a_picture_that_fails_is_a_sentence_and_the_page_is_never_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def draw(asked: dict[str, Any]) -> pictures.Picture:
        if "error" in asked:
            raise OSError(asked["error"])
        return pictures.Picture("data:" + "x" * asked["size"], "a > b" * asked["noted"])

    monkeypatch.setattr(pictures, "draw", draw)
    large = {"size": paged.SIGNS - 100, "noted": False}
    asked = [large, {"error": "<script>"}, large | {"size": 50, "noted": True}]
    html = paged.filled(PLACES, asked)
    first, second, third = re.split("(?<=>)(?=<[ip])", html.replace('<p class="soft">a &gt;', "a"))
    assert first.endswith('xxx" alt="a &lt;b" width="8">')
    assert second.startswith('<p class="soft">a &lt;b (it could not be painted: &lt;script&gt;)')
    assert third.endswith('xxx" alt="a &lt;b" width="8">a b</p>')
    again = paged.filled(PLACES, [large, large, large])
    assert again.count("(it could not be painted: the page would be too large)") == 2
    full = paged.filled("é" * 1_400_000 + PLACES, [large, large, large])
    assert full.count("the page would be too large") == 3 and len(full.encode()) < 3_000_000


def test_who_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the picture that waits, nor those after it."""
    monkeypatch.setattr(pictures, "draw", lambda _: threading.Event().wait(3600))
    html = paged.filled(PLACES, [{}, {}, {}], 0.2)
    assert html.count("(it could not be painted: its volume was not read within 0.2 s)") == 3
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize(
    ("nm", "told", "bar"),
    [(1000, "200 nm", 200), (9999, "2 µm", 2000), (12500, "5 µm", 5000), (2.6e6, "1 mm", 1e6)],
)
def test_a_scale_bar_is_a_round_length(nm: float, told: str, bar: float) -> None:
    frame = Frame.of({"axis": "z", "box_nm": {"x": [0, nm], "y": [5, 5 + nm / 2], "z": [0, 1]}})
    assert (frame.bar, frame.bar_nm) == (told, bar)
    assert (frame.width, frame.height) == (SIDE, SIDE // 2)
