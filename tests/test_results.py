"""What a run leaves in outdir, and the names that users give to what they ask for."""

import csv
import json
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow.core import ledger, results, states
from bossflow.core.tables import Request
from bossflow.look.rows import run_named
from bossflow.upkeep import status
from pipeline import bossflow_says
from stage import SOURCE as CHANNEL
from stage import Stage, said
from steps import Cutouts, write_volume

HEADER = "x_range,y_range,name\n"
SHAPE = {"block_shape": [16, 16, 16]}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (16, 32, 64))
    bossflow.connect()
    return made


def sheet(cutouts: Cutouts, text: str) -> Path:
    path = cutouts.directory / "sheet.csv"
    path.write_text(HEADER + text)
    return path


def test_a_name_is_recorded_and_is_no_part_of_what_is_asked(cutouts: Cutouts) -> None:
    rows = "32:48,0:16,{}\n0:16,0:16,{}\n16:32,0:16,\n"
    plain = cutouts.plan(sheet=sheet(cutouts, rows.format("", "")), dry_run=True, **SHAPE)[0]
    first = cutouts.label(sheet=sheet(cutouts, rows.format("V1 left", "日本")), **SHAPE)
    assert first["plan"]["requests"] == plain["requests"], "a name changes no id"
    left, right, none = first["plan"]["requests"]
    assert f"\n{left}  V1 left  " in first["summary"]
    again = cutouts.label(sheet=sheet(cutouts, rows.format("another", "V1 left")), **SHAPE)
    assert again["summary"].startswith("nothing to compute: ")
    assert f"\n{left}  another  " in again["summary"]
    assert bossflow_says("status")[1].splitlines()[-1].startswith("database ")
    report = json.loads(bossflow_says("status", "--json")[1])
    told = {one["request"]: one["names"] for one in report["requests"]}
    assert told[left] == ["V1 left", "another"]
    assert (told[right], told[none]) == (["日本", "V1 left"], [])
    named = (bossflow.Request.Name & {"request_name": "V1 left"}) * bossflow.Run.proj(
        "run_name", naming_run_id="run_id"
    )
    assert set(named.to_arrays("request_id", "run_name")[0]) >= {left, right}
    assert ledger.named(Request, "another") == left == ledger.named(Request, left[:9])
    with pytest.raises(ValueError, match="^[2-9] requests are called 'V1 left', or have ids that"):
        ledger.named(Request, "V1 left")
    (one,) = (one for one in states.requests([left]))
    assert status.what(one) == f"V1 left, another: zarr://file://{cutouts.volume} 32-48_0-16_0-16"
    cutouts.label(sheet=sheet(cutouts, rows.format("V1 left", "日本")), **SHAPE)
    for request, name in ((left, "V1 left"), (right, "日本")):
        (one,) = states.requests([request])
        assert one["names"][-1] == name, "what it was called last comes last"


def test_the_list_of_requests_has_the_sheets_order(cutouts: Cutouts) -> None:
    rows = "32:48,0:16,c\n0:16,0:16,a\n16:32,0:16,\n48:64,16:32,b/1\n"
    ran = cutouts.label(sheet=sheet(cutouts, rows), **SHAPE)
    again = cutouts.label(sheet=sheet(cutouts, rows), **SHAPE)
    assert again["requests"] == ran["requests"]
    listed = list(csv.DictReader(ran["requests"].splitlines()))
    assert list(listed[0]) == COLUMNS.split(",")
    boxes = ["32-48_0-16_0-16", "0-16_0-16_0-16", "16-32_0-16_0-16", "48-64_16-32_0-16"]
    assert [row["box"] for row in listed] == boxes
    assert [row["name"] for row in listed] == ["c", "a", "", "b/1"]
    assert [row["request"] for row in listed] == ran["plan"]["requests"]
    assert {(row["source"], row["resolution"], row["error"]) for row in listed} == {
        (f"zarr://file://{cutouts.volume}", "0", "")
    }
    third = f"volume.zarr_16-32_0-16_0-16-{listed[2]['request'][:8]}"
    assert listed[2]["directory"].endswith(third)
    assert [listed[at]["directory"] for at in (0, 1, 3)] == ["c", "a", "b_1"]


def test_an_error_is_in_the_list(cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("a bad block")

    monkeypatch.setitem(cutouts.programs, "STITCH", broken)
    ran = cutouts.label(sheet=sheet(cutouts, "0:16,0:16,bad\n16:32,16:32,worse\n"), **SHAPE)
    listed = list(csv.DictReader(ran["requests"].splitlines()))
    assert [row["state"] for row in listed] == ["failed", "failed"]
    for row in listed:
        assert row["error"] == f"STITCH {row['name']}: a bad block"


def asked(*names: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return requests of one source and box with these names, or with none where one is empty."""
    about = {"source": "bossdb://Kasthuri/ac4/neuron", "box": "0-512_0-512_25-50", "resolution": 1}
    rows = [{"request": f"{at:016x}", **about} for at, _ in enumerate(names)]
    called = {row["request"]: one for row, one in zip(rows, names, strict=True) if one}
    return rows, called


def test_directories_can_be_read_and_told_apart() -> None:
    names = ["V1 left", "a/b", "a:b", "Reports", "../x", "日本", "", "", "é", ".", "Requests.csv"]
    rows, called = asked(*names)
    found = list(results.directories(rows, called).values())
    about = "Kasthuri_ac4_neuron_res1_0-512_0-512_25-50"
    assert found == [
        *("V1_left", "a_b-00000000", "a_b-00000000", "Reports-00000000", "x"),
        *(f"{about}-00000000",) * 3,
        *("e", f"{about}-00000000", "Requests.csv-00000000"),
    ]
    second = rows[0] | {"chosen": {"channel": 1, "time": 2}}
    (place,) = results.directories([second], {}).values()
    assert place.startswith("Kasthuri_ac4_neuron_res1_channel_1_time_2_0-512_")
    long = rows[0] | {"source": "zarr:///" + "very/" * 300 + "last.zarr"}
    (place,) = results.directories([long], {}).values()
    assert len(place) < 150 and "very_last.zarr" in place
    signs = "\u33ae" * 64  # each is "rad/s" in plain letters
    found = list(results.directories(*asked(signs, signs[1:])).values())
    assert all(len(place) < 150 and place.startswith("rad_s") for place in found)
    assert all(place.endswith("-00000000") for place in found), "their starts are the same"


COLUMNS = "request,state,volume,components,name,source,resolution,chosen,box,directory,error"
SOURCE = (*CHANNEL, "--outdir", "out")  # one that stays


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("pipeline"))


def listed(place: Path, *rows: tuple[str, str, str]) -> str:
    """Return a list of requests, by id, directory and state, with what is in a place of each."""
    lines = [COLUMNS]
    for request, directory, state in rows:
        volume, table = ((place / request / name).as_uri() for name in ("volume", "components"))
        error = "gone wrong" if state == "failed" else ""
        about = f'"a, ""name""",zarr://v,0,,b,{directory},{error}'
        lines.append(f"{request},{state},{volume},{table},{about}")
    return "\n".join(lines) + "\n"


def identity(number: int) -> str:
    return f"{number:08x}00000000"


@pytest.mark.nextflow
def test_a_directory_for_each_request_leads_to_what_it_has(stage: Stage, tmp_path: Path) -> None:
    store = tmp_path / "st o%re é"
    one, two, three = map(identity, (1, 2, 3))
    for request in (one, two, three):
        (store / request / "volume").mkdir(parents=True)
        (store / request / "volume" / "info").write_text(request)
        (store / request / "components").mkdir()
    outdir = stage.launch / "out"
    rows = [(one, "left", "complete"), (two, "right", "complete"), (three, "far", "missing")]
    many = [(identity(number), f"n{number}", "complete") for number in range(9, 3009)]
    assert stage.run(*SOURCE, requests=listed(store, *rows, *many)).returncode == 0
    places = list(outdir.glob("n*"))
    assert len(places) == 3000 and all((place / "volume").is_symlink() for place in places)
    assert (outdir / "left" / "volume" / "info").read_text() == one
    assert (outdir / "left" / "components").is_symlink()
    assert (outdir / "right" / "request.txt").read_text() == f"{two}\n"
    assert [path.name for path in (outdir / "far").iterdir()] == ["request.txt"]

    # of the same name, another request; one that is lost; and a directory of the user's own
    (outdir / "own").mkdir()
    rows = [(three, "left", "complete"), (two, "right", "failed"), (one, "own", "complete")]
    run = stage.run(*SOURCE, requests=listed(store, *rows))
    assert run.returncode == 0
    assert (outdir / "left" / "volume" / "info").read_text() == three
    assert (outdir / f"left-{one[:8]}" / "volume" / "info").read_text() == one
    assert {path.name for path in (outdir / "right").iterdir()} == {"error.txt", "request.txt"}
    assert (outdir / "right" / "error.txt").read_text() == "gone wrong\n"
    assert not list((outdir / "own").iterdir())
    note = f"note: {outdir / 'own'} is there and is no request's: it has no links to request {one}"
    assert note in said(run)
    moved = f"{outdir / 'left'} is of request {three} now; that of request {one} is left-{one[:8]}"
    assert f"note: {moved}" in said(run)

    # in a bucket there is nothing to link to
    bucket = listed(Path("/x"), (one, "left", "complete")).replace("file:///x", "s3://bucket/x")
    assert stage.run(*SOURCE, requests=bucket).returncode == 0
    assert (outdir / "left" / "volume.txt").read_text() == f"s3://bucket/x/{one}/volume\n"
    assert not (outdir / "left" / "volume").is_symlink()
    assert (outdir / f"left-{three[:8]}" / "volume" / "info").read_text() == three
    assert stage.run(*SOURCE, requests=listed(store, (one, "left", "complete"))).returncode == 0
    left = sorted(path.name for path in (outdir / "left").iterdir())
    assert left == ["components", "request.txt", "volume"]


@pytest.mark.nextflow
def test_a_refused_run_leaves_no_list_that_looks_like_its_own(stage: Stage) -> None:
    outdir = stage.launch / "out"
    outdir.mkdir(parents=True, exist_ok=True)
    current, before = outdir / "requests.csv", outdir / "requests.before.csv"
    current.write_text("old\n")
    assert stage.run(*SOURCE, "--dry_run", plan={"dry_run": True}).returncode == 0
    assert current.read_text() == "old\n"
    assert stage.run(*SOURCE, plan={"problem": "no such channel"}).returncode != 0
    assert (current.exists(), before.read_text()) == (False, "old\n")
    assert stage.run(*SOURCE).returncode == 0
    assert (current.exists(), before.exists()) == (True, False)
    assert stage.run(*SOURCE, "--input", "none.csv").returncode != 0
    assert (current.exists(), before.exists()) == (False, True)


@pytest.mark.nextflow
def test_a_place_that_cannot_be_made_ends_a_run_before_it_begins(stage: Stage) -> None:
    stage.launch.mkdir(parents=True, exist_ok=True)
    (stage.launch / "file").write_text("")
    before = set(stage.launch.glob("work/*/*"))
    run = stage.run(*CHANNEL, "--outdir", "file/results")
    (sentence,) = said(run)
    assert run.returncode != 0 and "file/results can't be written: give a directory" in sentence
    assert set(stage.launch.glob("work/*/*")) == before


def test_an_id_that_starts_like_a_name_is_no_guess(cutouts: Cutouts) -> None:
    ran = cutouts.plan(sheet=sheet(cutouts, "0:16,16:32,\n"), dry_run=True, **SHAPE)[0]
    (other,) = ran["requests"]
    rows = "0:16,16:32,\n16:32,16:32,{}\n"
    for name in (other[:12], other):
        done = cutouts.label(sheet=sheet(cutouts, rows.format(name)), **SHAPE)
        assert done["verdict"] == {"missing": None}
    code, text = bossflow_says("components", other[:12])
    assert code == 1 and f"2 requests are called '{other[:12]}', or have ids" in text
    assert ledger.named(Request, other) == other, "a whole id is no name"

    (run,) = bossflow.Run.to_dicts(order_by="run_started DESC", limit=1)
    like = run | {"run_id": "f" * 16, "run_name": run["run_id"][:8]}
    bossflow.Run.insert1(like)
    with pytest.raises(ValueError, match="^2 runs have an id or name .*: give more of the id"):
        run_named(like["run_name"])
    bossflow.Run.insert1(like | {"run_id": "e" * 16, "run_name": run["run_id"]})
    assert run_named(run["run_id"])["run_id"] == run["run_id"]


def test_a_request_is_forgotten_with_its_names(cutouts: Cutouts) -> None:
    ran = cutouts.label(sheet=sheet(cutouts, "0:16,0:16,gone\n"), **SHAPE)
    (request,) = ran["plan"]["requests"]
    named = bossflow.Request.Name & {"request_id": request}
    assert len(named) == 1
    code, text = bossflow_says("forget", "--yes", "gone")
    assert (code, len(named)) == (0, 0), text


def test_where_the_strict_parser_would_leave_it_elsewhere_nothing_runs(stage: Stage) -> None:
    run = stage.run(*CHANNEL, "--outdir", "elsewhere", env={"NXF_SYNTAX_PARSER": "v2"})
    assert run.returncode != 0
    assert said(run) == [
        'outdir "elsewhere" is kept from the configuration by Nextflow\'s strict parser: unset '
        "NXF_SYNTAX_PARSER"
    ]
    assert not stage.journal_file.exists() and not (stage.launch / "elsewhere").exists()
