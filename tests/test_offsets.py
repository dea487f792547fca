"""An offset that a user gives where a volume states none: everything lies there."""

import json
from pathlib import Path
from typing import Any

import bossflow
import mrcfile
import numpy as np
import pytest
import tifffile
import viewing
from asked import ASKED
from asked import cutouts as cutouts
from bossflow.look.served import Volume
from bossflow.volumes import registered
from changing import made
from conftest import sample
from expected import read_volume
from file_formats import SIZELESS, WRITERS
from formats import SHAPE, SIZE, n5, ome, pattern, plain_zarr, precomputed, written
from making import Downsampling, Transferring, read_level
from pipeline import bossflow_says
from steps import Cutouts
from test_describe import EM, TOKEN
from test_describe import host as host
from test_webknossos import written as webknossos
from viewing import a_layer
from voxels.archives import Refused, archive_of
from voxels.archives.offsets import chosen_of
from voxels.boxes import Box
from voxels.seen import Seen

GIVEN = (7, -1005, 3)
"""ZYX: odd, and negative by more than the volume is long."""

CHOSEN = chosen_of(GIVEN[::-1])
PLACELESS = [form for form in WRITERS if form.startswith((*SIZELESS, "tiff"))]
STATING = [form for form in WRITERS if form not in PLACELESS]
ARRAYS = ["zarr 2", "zarr 3", "zarr 3 sharded", "ome 0.4", "ome 0.5", "n5"]


def bare(form: str, path: Path, voxels: np.ndarray) -> str:
    """Write a volume of a format that states no place."""
    return (
        written(form, path / "v", voxels)[0] if form in ARRAYS else WRITERS[form](path, voxels)[0]
    )


@pytest.mark.parametrize("form", sample([*PLACELESS, *ARRAYS], 8))
def test_a_volume_that_states_no_place_lies_where_it_is_said_to(tmp_path: Path, form: str) -> None:
    voxels = pattern(dtype="uint16")
    uri = bare(form, tmp_path, voxels)
    reader, size = archive_of(uri), SIZE if form.startswith(SIZELESS) else None
    told = reader.describe(uri, 0, "", "", chosen=CHOSEN, size_nm_zyx=size)
    assert (told["offset_zyx"], told["shape_zyx"]) == ([*GIVEN], [*SHAPE])
    assert told["chosen"] == CHOSEN
    for box in (Box.of(GIVEN, SHAPE), Box.of((8, -1003, 14), (11, 9, 10))):
        read = reader.read(uri, 0, "", "", "uint16", box, chosen=CHOSEN)
        np.testing.assert_array_equal(read, voxels[box.slices(GIVEN)])
        assert reader.unwritten(uri, 0, "", "", [box], None, CHOSEN) is None
        at_zero = Box.of(np.subtract(box.corner_zyx, GIVEN).tolist(), box.shape_zyx)
        assert reader.cost(uri, 0, "", "", box, CHOSEN) == reader.cost(uri, 0, "", "", at_zero)
    with pytest.raises(Refused, match="leaves .* it has 3-31_-1005--981_7-27"):
        reader.read(uri, 0, "", "", "uint16", Box.of((0, 0, 0), SHAPE), chosen=CHOSEN)
    zero = reader.describe(uri, 0, "", "", chosen=chosen_of((0, 0, 0)), size_nm_zyx=size)
    assert zero == reader.describe(uri, 0, "", "", size_nm_zyx=size) and "chosen" not in zero


def by_attribute(path: Path, offset: Any) -> str:
    about = {"resolution": SIZE, "units": "nm", "offset": offset}
    return plain_zarr(path, pattern(), attributes=about)


EXPLICIT = {
    "ome": lambda path: ome(path, pattern(), translation=dict.fromkeys("zyx", 0.0)),
    "attribute": lambda path: by_attribute(path, [0, 0, 0]),
    "n5": lambda path: n5(path, pattern(), resolution=[4, 8, 40], units="nm", offset=[0, 0, 0]),
    "precomputed": lambda path: precomputed(path, pattern(), offset_zyx=(0, 0, 0)),
    "webknossos": lambda path: webknossos(path, "zarr3"),
}


@pytest.mark.parametrize("form", [*sample(STATING, 3), "sharded", *EXPLICIT])
def test_another_offset_than_is_stated_is_refused(tmp_path: Path, form: str) -> None:
    if form in EXPLICIT:
        uri = EXPLICIT[form](tmp_path / "v")
    elif form in STATING:
        uri, _ = WRITERS[form](tmp_path, pattern(dtype="uint16"))
    else:
        uri, _ = written(form, tmp_path / "v", pattern())
    reader = archive_of(uri)
    told = reader.describe(uri, 0, "", "")
    own = ",".join(map(str, reversed(told["offset_zyx"])))
    with pytest.raises(Refused) as refused:
        reader.describe(uri, 0, "", "", chosen=CHOSEN)
    assert str(refused.value) == (
        f"{uri} states that it begins at voxel {own} (x,y,z), and offset says 3,-1005,7: leave "
        "offset out, or correct what the volume states"
    )
    with pytest.raises(Refused, match="states that it begins"):
        reader.read(uri, 0, "", "", told["dtype"], Box.of(GIVEN, SHAPE), chosen=CHOSEN)
    assert reader.describe(uri, 0, "", "", chosen=chosen_of(told["offset_zyx"][::-1])) == told


def test_bossdb_states_where_a_channel_begins(host: str) -> None:
    told = archive_of(EM).describe(EM, 0, host, TOKEN, chosen=chosen_of((3, 2, 1)))
    assert told["offset_zyx"] == [1, 2, 3] and "chosen" not in told
    with pytest.raises(Refused, match=r"begins at voxel 3,2,1 \(x,y,z\), and offset says 0,0,0"):
        archive_of(EM).describe(EM, 0, host, TOKEN, chosen=chosen_of((0, 0, 0)))


def test_origins_of_zero_in_headers_that_always_have_one_state_none(tmp_path: Path) -> None:
    voxels = pattern(dtype="uint16")
    with mrcfile.new(tmp_path / "a.mrc", voxels) as file:
        file.set_volume()
        file.voxel_size = tuple(size * 10 for size in SIZE[::-1])
    dots, axes = (250.0, 125.0), {"axes": "ZYX", "spacing": 0.04, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", voxels, imagej=True, resolution=dots, metadata=axes)
    moved = axes | {"xorigin": -3.0, "yorigin": 5.0, "zorigin": -7.0}
    tifffile.imwrite(tmp_path / "b.tif", voxels, imagej=True, resolution=dots, metadata=moved)
    for uri in (f"mrc://file://{tmp_path}/a.mrc", f"tiff://file://{tmp_path}/a.tif"):
        told = archive_of(uri).describe(uri, 0, "", "", chosen=CHOSEN)
        assert told["offset_zyx"] == [*GIVEN]
    uri = f"tiff://file://{tmp_path}/b.tif"
    with pytest.raises(Refused, match="begins at voxel 3,-5,7 "):
        archive_of(uri).describe(uri, 0, "", "", chosen=CHOSEN)


def urls(ran: dict[str, Any]) -> list[str]:
    made(ran)
    return [line.split(",")[2] for line in ran["requests"].splitlines()[1:]]


def both(directory: Path, name: str = "") -> Path:
    """Write a sheet of one volume twice: once it states where it lies, once it is said."""
    voxels = np.random.default_rng(4).integers(0, 9, SHAPE, np.uint8).repeat(2, 0)[: SHAPE[0]]
    stated = precomputed(directory / f"stated{name}", voxels, offset_zyx=GIVEN)
    said = plain_zarr(directory / f"said{name}", voxels)
    sheet = directory / f"sheet{name}.csv"
    ranges = '"4,29","-1004,-985","8,25"'
    lines = ["source,offset,x_range,y_range,z_range", f"{stated},,{ranges}"]
    sheet.write_text("\n".join([*lines, f'{said},"3,-1005,7",{ranges}']) + "\n")
    return sheet


@pytest.mark.parametrize("stage", sample([False, True], 1))
def test_labels_lie_where_they_would_if_it_were_stated(
    cutouts: Cutouts, tmp_path: Path, stage: bool
) -> None:
    asked = ASKED | {"stage": stage, "source": None, "sheet": both(tmp_path)}
    asked["block_shape"] = [16, 24, 28]
    ran = cutouts.label(**asked)
    stated, said = (read_volume(url) for url in urls(ran))
    np.testing.assert_array_equal(stated[0], said[0])
    assert stated[1] == said[1] and said[0].max() > 20
    one, other = (
        (bossflow.Segmentation.Component() & {"request_id": name}).to_dicts(order_by="component_id")
        for name in ran["plan"]["requests"]
    )
    assert [row | {"request_id": ""} for row in one] == [row | {"request_id": ""} for row in other]
    own = [row for row in registered.channels() if row["source"].endswith(f"{tmp_path}/said")]
    (channel,) = (row for row in own if row["chosen"] == CHOSEN)
    assert channel["extent_xyz"] == [[3, 31], [-1005, -981], [7, 27]]
    assert "nothing to compute" in cutouts.label(**asked)["summary"]
    # one is said to lie elsewhere: another channel, of which nothing is made yet
    uri = channel["source"]
    elsewhere = cutouts.plan(**ASKED | {"source": uri, "offset": [0, 0, 2], "stage": stage})[0]
    assert elsewhere["problem"] is None and elsewhere["requests"] != ran["plan"]["requests"][1:]
    refused = cutouts.plan(**asked | {"sheet": None, "source": uri, "x_range": [4, 29]})[0]
    assert "x_range 4..29" in refused["problem"] and "has x 0..28" in refused["problem"]


def test_it_is_made_again_there_and_told(cutouts: Cutouts, tmp_path: Path) -> None:
    source = plain_zarr(tmp_path / "v", pattern(dtype="uint8") % 3)
    asked = ASKED | {"source": source, "offset": "3,-1005,7", "block_shape": SHAPE}
    ran = cutouts.label(**asked)
    (name,) = ran["plan"]["requests"]
    code, said = bossflow_says("verify", "--deep", "--request", name)
    assert (code, "4 units made again as recorded" in said) == (0, True), said
    (channel,) = json.loads(bossflow_says("lineage", name, "--json")[1])["channels"].values()
    assert channel["chosen"] == {"offset_x": 3, "offset_y": -1005, "offset_z": 7}
    for words in (("channels",), ("status", "--request", name), ("lineage", name)):
        told = " ".join(bossflow_says(*words)[1].split())
        assert "3,-1005,7" in told and "offset_x" not in told, told


@pytest.mark.parametrize(
    ("making", "form", "more"),
    [(Downsampling, "zarr", {"levels": 2}), (Transferring, "precomputed", {})],
)
def test_made_volumes_lie_where_they_would_if_it_were_stated(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    making: Any,
    form: str,
    more: dict[str, int],
) -> None:
    asked = {"source": None, "volume_format": form, "sheet": both(tmp_path)} | more
    stated, said = urls(making(tmp_path, monkeypatch).make(**asked))
    for number in range(more.get("levels", 1)):
        (one, at), (other, there) = read_level(stated, number), read_level(said, number)
        np.testing.assert_array_equal(one, other)
        assert tuple(at) == tuple(there) and one.any()
    uris = [f"{form}://{url}" for url in (stated, said)]
    first, second = (archive_of(uri).describe(uri, 0, "", "") for uri in uris)
    assert first == second and first["offset_zyx"][1] < -900


def test_a_viewer_and_a_picture_show_it_there_and_on_its_level_alone(tmp_path: Path) -> None:
    voxels = pattern(dtype="uint16")
    tifffile.imwrite(tmp_path / "v.tif", voxels, metadata={"axes": "ZYX"})
    uri = f"tiff://file://{tmp_path}/v.tif"
    volume = Volume(a_layer(uri, chosen=CHOSEN, levels=(a_level(),)))
    (scale,) = volume.info()["scales"]
    assert scale["voxel_offset"] == [3, -1005, 7]
    np.testing.assert_array_equal(viewing.whole(volume), voxels)
    seen = Seen(uri, "image", 0, SIZE[::-1], chosen=CHOSEN)
    points = {
        axis: (np.arange(low, low + side) + 0.5) * size
        for axis, low, side, size in zip("zyx", GIVEN, SHAPE, SIZE, strict=True)
    }
    pixel = {axis: 100 * size for axis, size in zip("yx", SIZE[1:], strict=True)}
    found, known, note = seen.sample(points, pixel)
    np.testing.assert_array_equal(found, voxels)
    assert known.all() and not note


def a_level() -> Any:
    from bossflow.look.layer import Level

    return Level(0, Box.of(GIVEN, SHAPE), SIZE[::-1], "")


def test_the_command_takes_it(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", pattern(dtype="uint8"))
    uri, size = f"npy://{tmp_path}/v.npy", "--voxel-size=4,8,40"
    told = json.loads(bossflow_says("describe", uri, size, "--offset=3,-1005,7", "--json")[1])
    assert told["levels"][0]["extent_xyz"] == [[3, 31], [-1005, -981], [7, 27]]
    assert told["levels"][0]["block"]["box"] == "3-31_-1005--981_7-27"
