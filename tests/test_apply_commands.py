"""Workflow apply with a command in place of the function: files of blocks in, files out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import collect_command
import numpy as np
import pyarrow.parquet as pq
import pytest
import stage_command
from applying import Applying
from applying import applying as applying
from kit import locations, tasks
from making import noise, read_level, write_precomputed
from pipeline import bossflow_says
from scipy import ndimage
from test_tools import RUN
from tools.block_files import rows_of, voxels_of, write
from tools.blocks import files

TOOL = """
import json, os, sys
from pathlib import Path

import numpy as np
from scipy import ndimage

how, block, result, *about = sys.argv[1:]
assert not any("SECRET" in name for name in os.environ)
if how == "fails":
    sys.exit("no such thing")
if block.endswith(".nii"):
    import nibabel
    image = nibabel.load(block)
    voxels = np.asanyarray(image.dataobj).T.astype("f4")
    smooth = ndimage.gaussian_filter(voxels, 2, truncate=4.0)
    nibabel.save(nibabel.Nifti1Image(smooth.T, image.affine), result)
elif how == "rows":
    told = json.loads(Path(about[0]).read_text())
    voxels = np.load(block)
    own = tuple(slice(n, -m or None) for n, m in told["halo"])
    if result.endswith(".csv"):
        text = f"x,sum\\n{told['box'][2][0] + told['halo'][2][0]},{voxels[own].sum()}\\n"
    else:
        text = json.dumps({"x": told["box"][2][0], "size": told["voxel_size_nm"][0]}) + "\\n"
    Path(result).write_text(text)
elif how != "nothing":
    voxels = ndimage.gaussian_filter(np.load(block).astype("f4"), 2, truncate=4.0)
    np.save(result, {"shape": voxels[1:], "dtype": voxels.astype("f8")}.get(how, voxels))
"""


class Commanding:
    """Runs of `applying` whose blocks a command makes."""

    def __init__(self, applying: Applying, directory: Path, secret: pytest.MonkeyPatch) -> None:
        self.applying, self.script = applying, directory / "tool.py"
        self.script.write_text(TOOL)
        secret.setenv("BOSSFLOW_SOURCE_AWS_SECRET_ACCESS_KEY", "swordfish")
        secret.setattr(applying, "compute", self.compute)
        self.plain = Applying.compute

    def words(self, *words: str) -> list[str]:
        return [sys.executable, str(self.script), *words]

    def run(self, *words: str, **params: Any) -> dict[str, Any]:
        asked = {"command": self.words(*words), "stage": False} | params
        return self.applying.run([], **asked)

    def compute(self, plan: dict[str, Any], work_dir: Path) -> list[Path]:
        """Run tasks as main.nf does: those of blocks by the programs of workflow command."""
        done: list[Path] = []
        for by_command in (None, True, False):
            some = [
                task
                for task in plan["tasks"]
                if by_command == {"APPLY_BLOCK": True, "COLLECT_ROWS": False}.get(task["process"])
            ]
            if by_command:
                done += [self.block(task["task"], work_dir) for task in some]
            else:
                done += self.plain(self.applying, plan | {"tasks": some}, work_dir)
        return done

    def block(self, name: str, work_dir: Path) -> Path:
        task_dir, patch = work_dir / name, self.applying.monkeypatch
        (task_dir / "attempts").mkdir(parents=True)
        patch.chdir(task_dir)
        patch.setattr(sys, "argv", ["program", str(work_dir / "tasks" / f"{name}.jsonl")])
        stage_command.main()
        for unit in (task_dir / "staged").iterdir():
            if (unit / "refused").exists():
                unit.rename(task_dir / "attempts" / unit.name)
                continue
            asks = json.loads((unit / "asks.json").read_text())
            words = ["1", *(str(asks[name]) for name in ("cores", "memory", "seconds"))]
            subprocess.run([RUN, unit, *words], cwd=task_dir / "attempts", check=True)
        tasks.main("APPLY_BLOCK", collect_command.collect_block, software=("pyarrow",))
        return task_dir / "receipts.jsonl"


@pytest.fixture
def commanding(applying: Applying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commanding:
    return Commanding(applying, tmp_path, monkeypatch)


@pytest.mark.parametrize(("ending", "width"), [("", 8), (".nii", 24)])
def test_a_filter_by_a_command_is_that_of_the_whole(
    commanding: Commanding, tmp_path: Path, ending: str, width: int
) -> None:
    """Bit for bit; a second run finds all recorded, and another version makes all again."""
    voxels = noise((12, 16, 40), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, (-7, 13, 21))
    asked = {"source": f"precomputed://{volume}", "halo": "8,8,8", "dtype": "float32"}
    asked |= {"chunk_shape": "8,8,8", "block_shape": f"16,16,{width}", "memory": "1 GB"}
    words = "smooth", f"{{block{ending}}}", f"{{result{ending}}}"
    done = commanding.run(*words, **asked)
    row = commanding.applying.made(done)
    assert row["applied_function"] is None
    whole = ndimage.gaussian_filter(voxels.astype(np.float32), 2, truncate=4.0)
    found, _ = read_level(row["applied_volume"], 0)
    np.testing.assert_array_equal(found.view("u4"), whole.view("u4"))
    again = commanding.run(*words, **asked, cores=2)
    assert again["plan"]["tasks"] == [], "what it may take does not decide what it makes"
    code, said = bossflow_says("verify", "--deep", "--request", again["plan"]["requests"][0])
    assert f"{40 // width + (40 % width > 0)} units of APPLY_BLOCK: no program in " in said, said
    plan, _ = commanding.applying.plan(
        command=commanding.words(*words), stage=False, **asked, tool_version="2"
    )
    assert plan["requests"] != done["plan"]["requests"] and len(plan["tasks"]) > 1


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_rows_of_a_command_are_those_of_its_files(
    commanding: Commanding, tmp_path: Path, ending: str
) -> None:
    voxels = noise((8, 8, 24), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "halo": "0,0,3", "chunk_shape": "8,8,8"}
    words = "rows", "{block}", f"{{result.{ending}}}", "{about}"
    done = commanding.run(*words, **asked, block_shape="8,8,8", stage=True)
    row = commanding.applying.made(done, "AppliedRows")
    found = pq.read_table(locations.local(row["applied_rows"])).to_pylist()
    if ending == "csv":
        sums = [int(voxels[:, :, x : x + 8].sum()) for x in (0, 8, 16)]
        assert [(one["x"], one["sum"]) for one in found] == [*zip((0, 8, 16), sums, strict=True)]
    else:
        assert [(one["x"], one["size"]) for one in found] == [(0, 40.0), (5, 40.0), (13, 40.0)]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("fails", "it failed with exit code 1; its log ends: no such thing"),
        ("nothing", "it ended well, but left nothing at outputs/result.npy"),
        ("shape", "the command returned voxels of shape (7, 8, 8), not (8, 8, 8)"),
        ("dtype", "the command returned voxels of float64, but was to return float32: give that"),
    ],
)
def test_what_a_command_does_not_make_fails_its_block_alone(
    commanding: Commanding, tmp_path: Path, how: str, said: str
) -> None:
    import bossflow

    volume = write_precomputed(tmp_path / "volume", noise((8, 8, 16), "uint8"))
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "dtype": "float32"}
    shell = (
        f'import sys, subprocess as s; how = "{how}" if open(sys.argv[3]).read().find("[8, 16]")'
    )
    shell += f' > 0 else "fine"; s.run(["{sys.executable}", "{commanding.script}", how,'
    shell += " *sys.argv[1:3]], check=True) if how != 'fails' else sys.exit('no such thing')"
    command = [sys.executable, "-c", shell, "{block}", "{result}", "{about}"]
    done = commanding.run(**asked, block_shape="8,8,8", command=command)
    assert said in done["verdict"]["missing"], done["summary"]
    assert (
        done["states"].count("failed") == 1 and done["recorded"][0]["recorded"]["APPLY_BLOCK"] == 1
    )
    assert len(bossflow.Run.Attempt & {"run_id": done["plan"]["run_id"]}) == 2


def test_what_a_command_can_not_be_applied_with_is_refused(
    commanding: Commanding, tmp_path: Path
) -> None:
    volume = write_precomputed(tmp_path / "volume", noise((8, 8, 8), "uint8"))
    applying = commanding.applying
    function = f"{applying.module}:thrice"
    both = commanding.words("fine", "{block}", "{result}")
    source = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8"}
    for params, said in (
        ({"function": function}, "give function or command, and not both (in the parameters)"),
        ({"arguments": "{}"}, "arguments is for a function: leave it out with a command"),
        ({"command": ["sort", "{result}"]}, "command names no block: write {block} where it takes"),
        ({"command": ["sort", "{block}"]}, "command names no result: write {result} where it"),
        (
            {"command": ["sort", "{block}"], "dtype": None},
            "names no result: write {result.csv} whe",
        ),
        ({"dtype": None}, "command has {result}, a file of voxels, and no dtype is given: give"),
        (
            {"command": ["sort", "{block}", "{result.csv}"]},
            "{result.csv}, a file of rows, and dtype",
        ),
        (
            {"command": ["sort", "{block.png}", "{result}"]},
            "command has {block.png}: write {block.n",
        ),
        ({"command": ["sort", "{input1}"]}, "command has {input1}, but of inputs there are 0"),
        ({"command": ["no-such-tool", "{block}"]}, "there is no program no-such-tool on PATH"),
        ({"command": None}, "function is missing: give one, such as analysis.cells:smooth, or a"),
        ({"command": None, "function": function, "cores": 2}, "cores is for a command: give comma"),
    ):
        given = {"function": None, "command": both, "dtype": "uint8"} | params
        problem = applying.run([], **source, **given)["plan"]["problem"]
        assert said in str(problem), (params, problem)
    assert not applying.store.exists()


@pytest.mark.parametrize("ending", ["npy", "nrrd", "nii", "nii.gz", "tif"])
def test_files_of_voxels_keep_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"block.{ending}"
    for shape in ((3, 4, 5), (1, 4, 5), (3, 4, 1)):
        for dtype in ("uint8", "uint64", "int16", "float32"):
            voxels = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
            write(voxels, path, (30.0, 8.0, 4.0))
            found = voxels_of(path)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, voxels)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=f"block.{ending} can't be read: "):
        voxels_of(path)


def test_a_file_that_names_another_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "result.nrrd"
    path.write_text(
        "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 1 1 1\nencoding: raw\n"
        "data file: /etc/passwd\n\n"
    )
    with pytest.raises(ValueError, match="its voxels are in another file"):
        voxels_of(path)


def test_files_of_rows_are_read_by_their_ending(tmp_path: Path) -> None:
    for name, text, rows in (
        ("a.csv", "a,b\n1,x\n", [{"a": 1, "b": "x"}]),
        ("b.csv", "", []),
        ("a.jsonl", '{"a": 1.5}\n\n{"b": "x"}\n', [{"a": 1.5, "b": None}, {"a": None, "b": "x"}]),
        ("b.jsonl", "", []),
    ):
        (tmp_path / name).write_text(text)
        assert rows_of(tmp_path / name).to_pylist() == rows
    for name, text, said in (
        ("a.csv", "a,b\n1\n", "a.csv: CSV parse error"),
        ("a.csv", "block\n1\n", "a.csv: the rows have a column block"),
        ("a.jsonl", "[1]\n", r"a.jsonl: \[1\] is no object of JSON"),
        ("a.parquet", "no", "a.parquet: "),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=said):
            rows_of(tmp_path / name)


def test_words_stand_for_files_by_their_endings() -> None:
    found = files(["a", "{block.nii.gz}", "--out={result}", "{block}", "{other}"], "uint8")
    assert found == {
        "about": "inputs/block.json",
        "block": "inputs/block.npy",
        "block.nii.gz": "inputs/block.nii.gz",
        "result": "outputs/result.npy",
    }
    with pytest.raises(ValueError, match="results of .nii, which hold no bool"):
        files(["{block}", "{result.nii}"], "bool")
    with pytest.raises(ValueError, match="results of csv and parquet: one"):
        files(["{block}", "{result.csv}", "{result.parquet}"], None)
