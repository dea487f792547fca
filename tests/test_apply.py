"""Workflow apply: a function of blocks with their halo gives what it gives of the whole."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from applying import Applying
from applying import applying as applying
from making import noise, read_level, write_precomputed
from pipeline import bossflow_says
from scipy import ndimage

CORNER = (-7, 13, 21)
CUTTINGS: list[dict[str, Any]] = [
    {"block_shape": "16,16,16"},
    {"block_shape": "8,24,40", "stage": True},
    {"block_shape": "32,8,8", "x_range": "30,71", "z_range": "-5,20"},
    {"block_shape": "8,64,8", "volume_format": "zarr"},
    {"block_shape": "64,64,64", "y_range": "20,29"},
]
SMOOTH = {"arguments": '{"sigma": 2}', "halo": "8,8,8", "chunk_shape": "8,8,8"}


def asked_for(done: dict[str, Any]) -> dict[str, str]:
    """Return the key of a run's request."""
    (request,) = done["plan"]["requests"]
    return {"request_id": request}


@pytest.mark.parametrize("cutting", CUTTINGS)
def test_a_filter_of_blocks_is_that_of_the_whole(
    applying: Applying, tmp_path: Path, cutting: dict[str, Any]
) -> None:
    """Bit for bit, at the cutout's border too, where a filter's own rule holds."""
    voxels = noise((37, 50, 61), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, CORNER)
    asked = {"source": f"precomputed://{volume}"} | SMOOTH | cutting
    done = applying.apply("smooth", **asked)
    for axis, name in enumerate(("z_range", "y_range", "x_range")):
        if name in cutting:
            start, stop = (int(end) - CORNER[axis] for end in cutting[name].split(","))
            voxels = voxels.take(range(start, stop), axis)
    whole = ndimage.gaussian_filter(voxels.astype(np.float32), 2, truncate=4.0)
    found, _ = read_level(applying.made(done)["applied_volume"], 0)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.view("u4"), whole.view("u4"))
    assert applying.apply("smooth", **asked)["plan"]["tasks"] == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("shape", "returned voxels of shape (7, 16, 8), not (8, 16, 8)"),
        ("dtype", "returned voxels of float64, but was to return uint8: give that dtype, or"),
        ("none", "returned no array, but was to return voxels of uint8: have it return one"),
        ("row", "returned no array, but was to return voxels of uint8: have it return one"),
    ],
)
def test_what_is_not_as_declared_fails_its_block_alone(
    applying: Applying, tmp_path: Path, how: str, said: str
) -> None:
    voxels = noise((8, 16, 24), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,16,16"}
    asked |= {"arguments": f'{{"how": "{how}"}}', "dtype": "uint8"}
    done = applying.apply("odd", **asked)
    print(done["summary"])
    assert f"APPLY_BLOCK 16-24_0-16_0-8 (the function {said}" in done["verdict"]["missing"]


def test_what_a_function_can_not_be_applied_to_is_refused(
    applying: Applying, tmp_path: Path
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((40, 40, 40), "uint8"))
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,16,16"}
    for name, params, said in (
        ("smooth", {"halo": "9,8,8"}, "is wider than blocks of 8,16,16: give block_shape 16,16,16"),
        ("smooth", {"arguments": ""}, "sigma is missing: give it, as it has no default (in the"),
        ("smooth", {"arguments": '{"sigma": "2"}'}, "sigma is '2', but must be a number"),
        ("smooth", {"arguments": '{"sigma": 2, "x": 1}'}, "x is not for smooth, which takes sigma"),
        ("told", {"arguments": '{"halo": 2}'}, "halo is not for told, which takes own"),
        ("smooth", {"arguments": "[2]"}, 'arguments is no object: write {"name": value, …}'),
        ("smooth", {"arguments": {"sigma": 2}}, "must be text, such as '{\"sigma\": 2.0}', not {"),
        ("smooth", {"arguments": "{sigma: 2}"}, "arguments is no JSON at character 2"),
        ("smooth", {"dtype": "f4"}, "dtype must be bool, uint8, uint16"),
        ("smooth", {"dtype": "float64"}, "encoding raw of volume_format precomputed holds no"),
        ("smooth", {"dtype": "int64"}, "uint8; give volume_format zarr, which does (in the param"),
        ("smooth", {"kind": "annotation"}, "kind annotation is of ids, which are no float32: give"),
        ("unsaid", {}, "unsaid returns np.ndarray, which says not of what: give dtype, or"),
        ("nothing", {}, f"{applying.module} has no function nothing: it has smooth"),
        ("blind", {}, "takes no block: have its first parameter be the block's array"),
        ("turned", {}, "turned takes box first: have its first parameter be the block's array"),
        ("smooth", {"block_shape": "8,12,16"}, "are no multiple of [8, 8, 8]"),
        ("smooth", {"memory": "much"}, "memory must be written like 16 GB"),
    ):
        asked_now = asked | ({"arguments": '{"sigma": 2}'} if name == "smooth" else {}) | params
        assert said in applying.problem(name, **asked_now), (name, params)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "z_range,halo,function\n"
        f'"0,8","9,9,9",{applying.module}:thrice\n"0,8","0,0,0",{applying.module}:none\n'
        f'"0,8","0,0,0",{applying.module}:unsaid\n'
    )
    said = applying.problem("thrice", **asked, sheet=sheet)
    assert [line.rpartition(" (in ")[2] for line in said.splitlines()] == [
        "line 3 of sheet.csv)",
        "line 4 of sheet.csv)",
    ]


def test_a_failed_block_holds_up_no_other_and_is_made_by_the_next_run(
    applying: Applying, tmp_path: Path
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((8, 8, 48), "uint8"))
    flag = tmp_path / "flag"
    flag.write_text("16")
    (tmp_path / f"{applying.module}.py").write_text(
        "from pathlib import Path\n\n"
        "def flagged(block, box, flag: str):\n"
        "    if Path(flag).read_text() == str(box[2].start):\n"
        "        raise ValueError('flagged')\n"
        "    return block + 1\n"
    )
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,8,16"}
    asked |= {"arguments": json.dumps({"flag": str(flag)}), "dtype": "uint8"}
    done = applying.apply("flagged", **asked)
    assert done["states"].count("failed") == 1
    assert (
        "APPLY_BLOCK 16-32_0-8_0-8 (ValueError: flagged (called with" in done["verdict"]["missing"]
    )
    flag.write_text("")
    done = applying.apply("flagged", **asked)
    assert done["recorded"][0]["recorded"] == {"APPLY_BLOCK": 1}
    url = applying.made(done)["applied_volume"]
    np.testing.assert_array_equal(read_level(url, 0)[0], noise((8, 8, 48), "uint8") + 1)


def test_what_is_made_of_a_made_volume_goes_with_it(applying: Applying, tmp_path: Path) -> None:
    """Halos cross blocks of another grid; what a block was made of is told, and invalidated."""
    voxels = noise((20, 24, 40), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, CORNER)
    asked = SMOOTH | {"block_shape": "8,16,16", "stage": True, "name": "first"}
    first = applying.apply("smooth", source=f"precomputed://{volume}", **asked)
    assert first["recorded"][0]["recorded"]["PULL_BLOCK"] == 18
    asked = SMOOTH | {"block_shape": "16,8,24", "source": "bossflow://first"}
    second = applying.apply("smooth", **asked)
    assert "PULL_BLOCK" not in second["recorded"][0]["recorded"]
    whole = ndimage.gaussian_filter(voxels.astype(np.float32), 2, truncate=4.0)
    whole = ndimage.gaussian_filter(whole, 2, truncate=4.0)
    found, _ = read_level(applying.made(second)["applied_volume"], 0)
    np.testing.assert_array_equal(found.view("u4"), whole.view("u4"))
    (request,) = second["plan"]["requests"]
    code, said = bossflow_says("lineage", request)
    assert code == 0 and "PULL_BLOCK" in said and "STAGE_FUNCTION" in said, said
    code, said = bossflow_says("verify", "--request", request)
    assert code == 0, said
    import bossflow

    (channel,) = (bossflow.Cutout & (bossflow.ApplyRequest & asked_for(first))).to_arrays(
        "channel_id"
    )
    there = {"channel_id": str(channel), "block": "21-37_13-29_-7-1"}
    near = len(bossflow.AppliedBlock.Pulled & {"pulled_block": there["block"]})
    assert near == 8 and len(bossflow.AppliedBlock.Source & asked_for(second)) > 18
    code, said = bossflow_says(
        "invalidate", "--channel", there["channel_id"], "--block", "21-22_13-14_-7--6", "--yes"
    )
    assert code == 0, said
    asked = SMOOTH | {"block_shape": "8,16,16", "stage": True}
    again = applying.apply("smooth", source=f"precomputed://{volume}", **asked)
    assert again["recorded"][0]["recorded"] == {"PULL_BLOCK": 1, "APPLY_BLOCK": near}


def test_rows_of_a_sheet_have_functions_and_arguments_of_their_own(
    applying: Applying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that an argument names is known by its content; tasks are cut by what calls took."""
    import bossflow

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    volume = write_precomputed(tmp_path / "volume", noise((8, 32, 48), "uint8"))
    (tmp_path / "factor.txt").write_text("2")
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "factor.txt").write_text("2")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "function,arguments,dtype\n"
        f'{applying.module}:thrice,"{{""factor"": 2}}",uint8\n'
        f'{applying.module}:by_file,"{{""file"": ""factor.txt""}}",\n'
        f"{applying.module}:thrice,,uint8\n"
    )
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,8,8"}
    asked |= {"function": None}
    plan, _ = applying.plan(**asked, sheet=sheet, stage=False)
    assert sum(task["process"] == "APPLY_BLOCK" for task in plan["tasks"]) > 16
    done = applying.run([], **asked, sheet=sheet, stage=False)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert done["recorded"][0]["recorded"]["STAGE_FUNCTION"] == 2
    made = bossflow.Applied & [{"request_id": name} for name in done["plan"]["requests"]]
    volumes = [read_level(url, 0)[0] for url in made.to_arrays("applied_volume")]
    sums = sorted(int(voxels.sum(dtype=np.int64)) for voxels in volumes)
    voxels = noise((8, 32, 48), "uint8")
    wanted = [(voxels * factor).sum(dtype=np.int64) for factor in (2, 2, 3)]
    assert sums == sorted(wanted)
    sheet.write_text(sheet.read_text().replace("factor.txt", "same/factor.txt"))
    assert applying.run([], **asked, sheet=sheet, stage=False)["plan"]["tasks"] == []
    made_by = (bossflow.AppliedBlock & made.proj()).to_arrays("applied_by")
    for name in made_by:
        bossflow.Execution.update1({"execution_id": str(name), "execution_seconds": 0.01})
    asked |= {"function": f"{applying.module}:thrice", "dtype": "uint8"}
    plan, _ = applying.plan(**asked, arguments='{"factor": 5}', stage=False)
    assert sum(task["process"] == "APPLY_BLOCK" for task in plan["tasks"]) == 1


def test_a_volume_of_other_times_is_compared_where_a_function_is_exact(
    applying: Applying, tmp_path: Path
) -> None:
    voxels = noise((8, 8, 48), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,8,16"}
    asked |= {"dtype": "uint8", "halo": "0,0,4"}
    for exact in (True, False):
        own = asked | {"exact": exact, "arguments": f'{{"factor": {2 + exact}}}'}
        applying.apply("thrice", **own)
        for file in volume.rglob("*-*"):
            os.utime(file, (1, 1)) if file.is_file() else None
        done = applying.apply("thrice", **own)
        if exact:
            assert "3 of 3 blocks" in "".join(done["plan"]["notes"])
            assert "but the same voxels" in "".join(done["plan"]["notes"])
        else:
            assert "nothing can tell whether they are" in done["plan"]["problem"]
        for file in volume.rglob("*-*"):
            os.utime(file) if file.is_file() else None
