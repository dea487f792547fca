"""DESCRIBE: what a user asks for, checked and looked up in a real archive."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from bossflow.archive_server.app import app
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from describe import described, main
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives.bossdb import patience
from voxels.archives.places import s3

ROOT = Path(__file__).parent.parent
TOKEN = "hush-0f7%a"
NEURONS, EM = "bossdb://lab/brain/neurons", "bossdb://lab/brain/em"
NOWHERE = "http://127.0.0.1:1"
asked: Counter[str] = Counter()


def counting(inner: ASGIApp) -> ASGIApp:
    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        asked[scope["path"]] += 1
        await inner(scope, receive, send)

    return outer


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    volumes = {
        NEURONS: volume_of(np.zeros((4, 5, 6), "uint64"), (1, 2, 3), (30.0, 4.0, 8.0)),
        EM: volume_of(np.zeros((4, 5, 6), "uint8"), (1, 2, 3), (30.0, 4.0, 8.0)),
    }
    with serving(counting(app(volumes, TOKEN))) as address:
        yield address


@pytest.fixture
def describe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Any:
    """Run the program; return described.json and check that nobody sees the token."""
    quick = patience.METADATA_LIMITS._replace(first_wait=0.01)
    monkeypatch.setattr(patience, "METADATA_LIMITS", quick)

    def run(sheet: str | bytes | None = None, token: str = TOKEN, **params: Any) -> Any:
        (tmp_path / "run.json").write_text(
            json.dumps({"params": params, "run": {"launch_dir": str(tmp_path)}})
        )
        arguments = ["run.json", str(ROOT / "nextflow_schema.json")]
        if sheet is not None:
            sheet = sheet.encode() if isinstance(sheet, str) else sheet
            (tmp_path / "cutouts.csv").write_bytes(sheet)
            arguments.append("cutouts.csv")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("BOSSDB_TOKEN", token)
        monkeypatch.setattr(sys, "argv", ["describe.py", *arguments])
        main()
        text = (tmp_path / "described.json").read_text()
        assert token not in text + "".join(capfd.readouterr())
        return json.loads(text)

    return run


def test_the_program_runs_by_itself(tmp_path: Path, host: str) -> None:
    params = {"source": EM, "bossdb_host": host}
    (tmp_path / "run.json").write_text(
        json.dumps({"params": params, "run": {"launch_dir": str(tmp_path)}})
    )
    done = subprocess.run(
        [sys.executable, ROOT / "bin/describe.py", "run.json", ROOT / "nextflow_schema.json"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    found = json.loads((tmp_path / "described.json").read_text())
    assert found["problem"].startswith(f"{host} refuses {EM} to those without a token")


@pytest.mark.parametrize("text", [b"soruce\n", b"source\nbossdb://a/b/c\xe9\n"])
def test_a_sheet_may_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    sheet = "no \udcff UTF-8\u2028\n.csv"
    monkeypatch.chdir(tmp_path)
    Path(sheet).write_bytes(text)
    Path("run.json").write_text(json.dumps({"params": {}, "run": {"launch_dir": str(tmp_path)}}))
    schema = str(ROOT / "nextflow_schema.json")
    monkeypatch.setattr(sys, "argv", ["describe.py", "run.json", schema, sheet])
    main()
    problem = json.loads(Path("described.json").read_text())["problem"]
    assert "no \\udcff UTF-8 .csv" in problem and problem.isprintable()


def test_a_channel_is_described_once_however_many_cutouts_it_has(describe: Any, host: str) -> None:
    asked.clear()
    sheet = f"source,x_range\n{NEURONS},3:5\n{EM},\n{NEURONS},5:7\n"
    found = describe(sheet, bossdb_host=host)
    assert found["problem"] is None
    assert [row["where"] for row in found["rows"]] == [
        f"line {line} of cutouts.csv" for line in (2, 3, 4)
    ]
    metadata = {
        "kind": "annotation",
        "dtype": "uint64",
        "shape_zyx": [4, 5, 6],
        "offset_zyx": [1, 2, 3],
        "voxel_size_nm_zyx": [30.0, 4.0, 8.0],
        "chunk_zyx": [16, 512, 512],
    }
    neurons = {
        "source": NEURONS,
        "resolution": 0,
        "channel": None,
        "time": None,
        "voxel_size": None,
        "offset": None,
        "chosen": {},
        "archive": host.removeprefix("http://"),
        "host": host,
        "metadata": metadata,
        "files": None,
        "citations": {},
        "unreachable": None,
        "note": None,
    }
    em = {"source": EM, "metadata": metadata | {"kind": "image", "dtype": "uint8"}}
    assert found["channels"] == [neurons, neurons | em]
    assert asked["/v1/collection/lab/experiment/brain/channel/neurons"] == 1


def test_a_name_can_be_given_to_the_archive(describe: Any, host: str) -> None:
    found = describe(source=EM, bossdb_host=host, archive="ours")
    assert found["channels"][0]["archive"] == "ours" and found["channels"][0]["host"] == host


def test_volumes_are_sources_too(describe: Any, host: str, tmp_path: Path) -> None:
    attributes = {"resolution": [30, 4, 8], "units": "nm"}
    zarr.create_array(tmp_path / "a.zarr", data=np.zeros((4, 5, 6), "uint8"), attributes=attributes)
    absolute = f"zarr://file://{tmp_path.resolve()}/a.zarr"
    sheet = f"source,x_range\nzarr://a.zarr,0:3\n{NEURONS},3:5\nzarr://{tmp_path}/a.zarr/,3:6\n"
    found = describe(sheet, bossdb_host=host)
    assert found["problem"] is None
    assert [row["source"] for row in found["rows"]] == [absolute, NEURONS, absolute]
    told = [(channel["source"], channel["archive"]) for channel in found["channels"]]
    assert told == [(absolute, "file"), (NEURONS, host.removeprefix("http://"))]
    assert found["channels"][0]["metadata"]["voxel_size_nm_zyx"] == [30.0, 4.0, 8.0]
    named = describe(source="zarr://a.zarr", bossdb_host=host, archive="ours")
    assert named["channels"][0]["archive"] == "ours"


def test_what_says_nothing_of_volumes_made_here_is_told_once(describe: Any, host: str) -> None:
    sheet = "source\nbossflow://one\nbossflow://other\n"
    asked = {"stage": True, "archive": "ours", "bossdb_host": host}
    notes = [channel["note"] for channel in describe(sheet, **asked)["channels"]]
    what = "passed over, as what is read was made here and is in a store"
    assert notes == [f"archive and stage: {what}", None]
    mixed = describe(f"{sheet}{EM}\n", **asked)["channels"]
    assert not any("passed over" in str(channel["note"]) for channel in mixed)


def test_an_archive_that_is_not_there_is_no_problem_yet(describe: Any) -> None:
    found = describe(source=NEURONS, bossdb_host=NOWHERE)
    assert found["problem"] is None and found["rows"][0]["source"] == NEURONS
    [channel] = found["channels"]
    assert channel["metadata"] is None
    assert channel["unreachable"] == (
        f"{NOWHERE} can't be reached for {NEURONS}: connection refused"
    )


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"source": "bossdb://lab/brain/glia"}, "has no bossdb://lab/brain/glia (in the parame"),
        ({"source": "bossdb://lab/brain"}, "'bossdb://lab/brain' is malformed: write bossdb://"),
        ({"source": "s3://lab/brain/em"}, "'s3://lab/brain/em' names no archive that is known"),
        ({"source": "n5://ftp://a"}, "'n5://ftp://a' is malformed: write n5:// and then"),
        ({"source": "n5://https://me:secret@lab/em"}, "source 'n5://https://lab/em' is malformed"),
        ({"sheet": "source\nzarr://no\n"}, "/no: there is no such directory (in line 2 of cutou"),
        ({"source": EM, "resolution": 4}, "resolution 4 is not one of bossdb://lab/brain/em: it"),
        ({"source": EM, "token": "wrong"}, "refuses the token for bossdb://lab/brain/em: set BOS"),
        ({"source": EM, "token": "no token"}, "BOSSDB_TOKEN is malformed"),
        ({"source": EM, "bossdb_host": "http://h:x"}, "bossdb_host 'http://h:x' is malformed"),
        ({"sheet": f"source,resolution\n{EM},0\n{EM},1\n"}, "(in line 3 of cutouts.csv)"),
        ({"sheet": "source\nb\xe4r\n".encode("latin-1")}, "cutouts.csv is not text in UTF-8"),
        ({"sheet": ""}, "cutouts.csv"),
        ({}, "source"),
    ],
)
def test_a_mistake_is_one_sentence(
    describe: Any, host: str, params: dict[str, Any], problem: str
) -> None:
    found = describe(**{"bossdb_host": host} | params)
    assert problem in found["problem"] and "\n" not in found["problem"]
    assert found["channels"] == []


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    for name in [name for name in sys.modules if name.startswith("voxels.archives.bossdb")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("voxels.archives.bossdb", raising=False)
    monkeypatch.setitem(sys.modules, "intern", None)
    monkeypatch.setitem(sys.modules, "intern.remote.boss", None)
    found = described({"source": EM, "bossdb_host": host}, schema, None, TOKEN, "/")
    assert "package intern.remote.boss is missing" in found["problem"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({s3.KEY: "reader"}, f"{s3.KEY} is set, but {s3.SECRET} is not: set both or neither"),
        ({s3.SECRET: TOKEN}, f"{s3.SECRET} is set, but {s3.KEY} is not: "),
        ({s3.SESSION: TOKEN}, f"{s3.SESSION} is set, but {s3.KEY} is not: "),
        ({s3.KEY: "me", s3.SECRET: TOKEN, s3.PROFILE: "p"}, f"{s3.KEY} and {s3.PROFILE} are set: "),
        ({s3.PROFILE: "p", s3.UNSIGNED: "yes"}, f"{s3.PROFILE} and {s3.UNSIGNED} are set: "),
        ({s3.UNSIGNED: "perhaps"}, f"{s3.UNSIGNED} must be true or false"),
        ({s3.KEY: "me", s3.SECRET: f"{TOKEN} ;\n[x]"}, f"{s3.SECRET} must be one word"),
        ({s3.ENDPOINT: "minio.lab:9000"}, f"{s3.ENDPOINT} is no address of an S3 server: set it"),
        ({s3.ENDPOINT: "http://lab:99999"}, f"{s3.ENDPOINT} is no address of an S3 server: set it"),
        ({s3.ENDPOINT: f"http://me:{TOKEN}@minio.lab"}, f"{s3.ENDPOINT} is no address"),
        ({"AWS_ENDPOINT_URL": f"http://me:{TOKEN}@minio.lab"}, "AWS_ENDPOINT_URL is no address"),
        ({"BOSSFLOW_SOURCE_AWS_SECRET": TOKEN}, "BOSSFLOW_SOURCE_AWS_SECRET is not known: "),
        ({"BOSSFLOW_SOURCE_GOOGLE_APPLICATION_CREDENTIALS": "f"}, "BOSSFLOW_SOURCE_GOOGLE_APPLIC"),
    ],
)
def test_half_of_what_a_source_in_s3_needs_is_one_sentence(
    describe: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], says: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = describe(source="zarr://s3://bucket/volume")
    assert found["problem"].startswith(says) and "\n" not in found["problem"]
    assert not found["channels"]
