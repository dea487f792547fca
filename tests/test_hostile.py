"""What must never come through, whatever a user, a sheet or an archive gives.

Never a shell, a path outside of store and outdir, or SQL; always one sentence that is short, and
nothing written. The archive server's own side is in test_archive_fuzz.py.
"""

import csv
import io
import json
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import conftest
import hostile
import jsonschema
import numpy as np
import psycopg2
import pytest
import zarr
from bossflow import database
from bossflow.archive_server.app import app, serving
from bossflow.archive_server.volumes import volume_of
from conftest import COUNTS, ROOT, SEED, examples, sample
from describe import described
from hostile import DESCRIBED, PER_ROW, SCHEMA, is_a_sentence
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st
from kit.rows import rows
from stage import NO_REPORTS, judge, nextflow, said
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from team import Team, a_schema, each_server, password_file
from voxels.archives import Refused, archive_of
from voxels.archives.bossdb import patience

pytestmark = pytest.mark.faults

CANARY = Path(f"/tmp/bossflow-canary-{os.getpid()}")
SOURCE = "bossdb://lab/brain/neurons"
VALUES = hostile.values(CANARY)
CELLS = st.one_of(st.sampled_from([*hostile.commands(CANARY), *hostile.TEXTS]), st.text())


def many(number: int, **others: Any) -> settings:
    checks = list(HealthCheck)
    return settings(
        max_examples=examples(number), database=None, suppress_health_check=checks, **others
    )


@pytest.fixture(autouse=True)
def never_a_shell() -> Iterator[None]:
    yield
    assert not CANARY.exists()


def valid(row: dict[str, Any]) -> None:
    """Check a row against the schema, by another program than ours."""
    given = {name: row[name] for name in PER_ROW if row[name] is not None}
    for name, value in given.items():
        jsonschema.validate(value, DESCRIBED[name])


# ---- parameters and sample sheets ----


@seed(SEED)
@many(1500)
@given(params=st.dictionaries(st.sampled_from(PER_ROW), VALUES, min_size=1, max_size=3))
def test_any_value_of_a_parameter_is_valid_or_a_sentence(params: dict[str, Any]) -> None:
    COUNTS["hostile parameters"] += 1
    try:
        (row,) = rows({"source": SOURCE} | params, SCHEMA)
    except ValueError as error:
        assert is_a_sentence(str(error)), str(error)[:2000]
    else:
        valid(row)


@pytest.mark.parametrize("name", PER_ROW)
def test_a_huge_value_is_a_short_sentence(name: str) -> None:
    for huge in hostile.HUGE:
        COUNTS["hostile parameters"] += 1
        with pytest.raises(ValueError) as caught:
            rows({"source": SOURCE, name: huge}, SCHEMA)
        assert is_a_sentence(str(caught.value))
    with pytest.raises(ValueError) as caught:
        rows({"source": SOURCE}, SCHEMA, f'{name}\n"{huge}"\n', "cutouts.csv")
    assert is_a_sentence(str(caught.value))


@seed(SEED)
@many(1500)
@given(
    header=st.lists(st.one_of(st.sampled_from(PER_ROW), CELLS), min_size=1, max_size=3),
    cells=st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=3),
    quoted=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r", "\0"]),
)
def test_any_sample_sheet_is_valid_or_a_sentence(
    header: list[str], cells: list[list[str]], quoted: bool, end: str
) -> None:
    COUNTS["hostile cells"] += len(header) + sum(map(len, cells))
    lines = [header, *cells]
    if quoted:
        lines = [['"' + cell.replace('"', '""') + '"' for cell in line] for line in lines]
    text = "".join(",".join(line) + end for line in lines)
    try:
        found = rows({"source": SOURCE}, SCHEMA, text, "cutouts.csv")
    except ValueError as error:
        assert is_a_sentence(str(error)), str(error)[:2000]
    else:
        for row in found:
            valid(row)


def maps() -> list[dict[str, Any]]:
    """Return parameters as a file may give them: mostly one that is hostile, among good ones."""
    good = {
        "source": st.sampled_from([SOURCE, "zarr://a b.zarr"]),
        "x_range": st.sampled_from([[0, 5], "-5,3", "0:8"]),
        "connectivity": st.sampled_from([6, "18"]),
        "min_voxels": st.sampled_from([0, "7", 2**63 - 1]),
        "block_shape": st.sampled_from([[1, 2, 3], "1,2,3"]),
        "archive": st.sampled_from(["ours", "a'b", "$HOME", "日本 %s"]),
        "store": st.sampled_from(["store", "-st ore$(x)", "s3://bucket/store"]),
        "outdir": st.sampled_from(["results", "a'b", "-x", "../out"]),
        "dry_run": st.sampled_from([True, "false"]),
    }
    texts = [name for name, one in DESCRIBED.items() if one["type"] == "string"]
    one = st.tuples(st.sampled_from(list(DESCRIBED)), VALUES)
    text = st.tuples(st.sampled_from(texts), CELLS)
    odd = st.tuples(CELLS, VALUES)
    found = []

    @seed(SEED)
    @many(600, phases=[Phase.generate])
    @given(
        st.fixed_dictionaries({"source": good.pop("source")}, optional=good),
        st.lists(st.one_of(one, text, text, odd), max_size=1),
    )
    def generate(fine: dict[str, Any], bad: list[tuple[str, Any]]) -> None:
        found.append(fine | dict(bad))

    generate()
    for huge in hostile.HUGE[:2]:
        found += [{"source": SOURCE, name: huge} for name in ("source", "x_range", "bucket")]
        found += [{huge: 1}]
    return found


def test_the_pipeline_and_its_programs_judge_parameters_alike(tmp_path: Path) -> None:
    """Groovy, which stops a run, Python, which reads rows, and jsonschema, which knows neither."""
    given = maps()
    COUNTS["hostile parameter maps in Groovy"] = len(given)
    verdicts = judge(tmp_path, [json.dumps(one) for one in given])
    accepted = 0
    for params, verdict in zip(given, verdicts, strict=True):
        problem = verdict.get("problem")
        assert (problem is None) == ("values" in verdict), verdict
        if problem is not None:
            assert verdict["type"] == "nextflow.exception.WorkflowScriptErrorException", verdict
            assert all(map(is_a_sentence, problem.splitlines())), problem[:2000]
        accepted += problem is None
        told = {name: value for name, value in verdict.get("values", {}).items() if value}
        for name, value in told.items():
            jsonschema.validate(value, DESCRIBED[name])
        if set(params) <= {*PER_ROW, "store", "archive"} and params.get("source"):
            try:
                (row,) = rows(params, SCHEMA)
            except ValueError as error:
                assert problem is not None, (params, str(error))
            else:
                alone = {name: params.get(name) for name in ("store", "archive")}
                fits = all(
                    value is None
                    or jsonschema.Draft202012Validator(DESCRIBED[name]).is_valid(value)
                    for name, value in alone.items()
                )
                assert (problem is None) == fits, (params, problem)
                assert problem or all(row[name] == verdict["values"][name] for name in PER_ROW)
    assert len(given) / 5 < accepted < len(given) * 4 / 5, "both are tried"
    assert not list(tmp_path.rglob("*canary*"))


def sheets() -> list[str]:
    """Return sheets of sources in files, as spreadsheets and people write them; some are broken."""
    part = st.one_of(st.sampled_from(["d", "e", "l", "..", ".", "a b", ""]), CELLS)
    source = st.builds("{}{}".format, st.sampled_from(["zarr://", "n5://file://"]), part)
    source = st.builds("{}/{}".format, source, part).map(lambda text: text.replace("\0", "0"))
    blank = st.sampled_from(["", "", " ", "\u00a0", "\r\n", "\x1f\u3000", "\ufeff"])
    cell = st.builds("{}{}{}".format, blank, source, blank)
    line = st.tuples(st.integers(0, 60), cell, st.sampled_from(["6", " 18\n", "26", ""]))
    found = []

    @seed(SEED)
    @many(1000, phases=[Phase.generate])
    @given(
        lines=st.lists(line, min_size=1, max_size=3),
        order=st.permutations([0, 1, 2]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
        start=st.sampled_from(["", "\ufeff", "\n"]),
        drop=st.one_of(st.none(), st.integers(0, 90)),
    )
    def generate(
        lines: list[Any], order: list[int], quoting: Any, end: str, start: str, drop: int | None
    ) -> None:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, quoting=quoting, lineterminator=end)
        for cells in (("resolution", "source", "connectivity"), *lines):
            writer.writerow([cells[at] for at in order])
        text = start + stream.getvalue().encode(errors="replace").decode()
        found.append(text if drop is None else text[:drop] + text[drop + 1 :])

    generate()
    return found


SOURCES = """
include {{ sourcesOf ; isPath ; pathOf }} from '{root}/workflows/kit/sources'

workflow {{
    def found = (0..<{number}).collect {{ at ->
        sourcesOf([input: "sheet${{at}}.csv"]).collect {{ source, where ->
            [source, where, isPath(source) ? pathOf(source, workflow.launchDir)?.toString() : '']
        }}
    }}
    file('found.json').text = groovy.json.JsonOutput.toJson(found)
}}
"""


def test_the_pipeline_finds_the_sources_in_a_sheet_that_its_programs_find(tmp_path: Path) -> None:
    texts = ["source\nzarr://l\nzarr://l/..\nn5://file://d//e/.\nn5://file://f%20g%2b%25\n"]
    (tmp_path / "f g+%").mkdir()
    texts += [" ,\u00a0,\nResolution,SOURCE,,\n,,\n0,zarr://l,,,,\n,,,,\n", *sheets()]
    COUNTS["hostile sheets in Groovy"] = len(texts)
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "l").symlink_to("d/e")
    for at, text in enumerate(texts):
        (tmp_path / f"sheet{at}.csv").write_text(text, "utf-8", newline="")
    (tmp_path / "main.nf").write_text(SOURCES.format(root=ROOT, number=len(texts)))
    done = nextflow("-q", "run", "main.nf", cwd=tmp_path)
    assert done.returncode == 0, said(done)
    accepted = places = 0
    for text, found in zip(texts, json.loads((tmp_path / "found.json").read_text()), strict=True):
        try:
            asked = rows({}, SCHEMA, text, "input")
        except ValueError:
            continue
        accepted += 1
        first: dict[str, str] = {}
        for row in asked:
            first.setdefault(row["source"], f" in {row['where']}")
        assert {source: where for source, where, _ in found} == first, text
        for source, _, path in found:
            with suppress(Refused):
                place = archive_of(source).canonical(source, str(tmp_path)).partition("://")[2]
                assert (path != "") == place.startswith("file:///"), source
                if os.path.exists(place.removeprefix("file://")):
                    places += 1
                    assert f"file://{path}" == place, source
    assert len(texts) / 8 < accepted < len(texts), "both are tried"
    assert places >= 4


# ---- archives ----

CHANNEL = {"name": "n", "type": "annotation", "datatype": "uint64", "base_resolution": 0}
CHANNEL |= {"downsample_status": "DOWNSAMPLED", "storage_type": "spdb"}
EXPERIMENT = {"coord_frame": "f", "num_hierarchy_levels": 3, "hierarchy_method": "anisotropic"}
EXPERIMENT |= {"num_time_samples": 1}
FRAME = {"voxel_unit": "nanometers"} | {
    f"{axis}_{name}": value
    for axis in "xyz"
    for name, value in (("start", 0), ("stop", 64), ("voxel_size", 4.0))
}
ANSWERS: dict[str, dict[str, Any]] = {
    "channel": CHANNEL,
    "experiment": EXPERIMENT,
    "coord": FRAME,
    "downsample": {"extent": {"0": [64, 64, 64], "1": [32, 32, 64], "2": [16, 16, 64]}},
}
HERE = "@@here@@"
LITERALS = [  # that json.dumps would not write
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e-400",
        "9" * 5000,
        '"\\ud800"',
        "{",
        "",
    ),
    *("[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "\x00", "'", "01", '"\x00"', "nul"),
]


class Told:
    """An archive that answers what it is told to, and remembers what it was asked with."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.tokens: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self.tokens.add(headers.get(b"authorization", b"").decode("latin-1"))
        assert not set(headers) - {
            *(b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"),
            b"authorization",
        }
        path = scope["path"]
        kinds = ("channel", "coord", "experiment", "downsample")
        kind = next(kind for kind in kinds if f"/{kind}/" in path)
        await Response(self.bodies[kind], media_type="application/json")(scope, receive, send)

    def tell(self, kind: str = "", field: str = "", value: Any = None, literal: str = "") -> None:
        for name, answer in ANSWERS.items():
            changed = answer | ({field: HERE if literal else value} if name == kind else {})
            text = json.dumps(changed).replace(f'"{HERE}"', literal)
            self.bodies[name] = text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    quick = patience.METADATA_LIMITS._replace(first_wait=0.001, longest_wait=0.001, attempts=2)
    with pytest.MonkeyPatch.context() as patch, serving(archive := Told()) as archive.host:
        patch.setattr(patience, "METADATA_LIMITS", quick)
        yield archive


def ask(told: Told, resolution: int = 0, token: str = "public") -> dict[str, Any]:
    """Return what DESCRIBE finds, after a check that it can be written and said."""
    params = {"source": SOURCE, "bossdb_host": told.host, "resolution": resolution}
    found = described(params, SCHEMA, None, token, "/")
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    for channel in found["channels"]:
        metadata, problem = channel["metadata"], channel["unreachable"]
        assert (metadata is None) == (problem is not None)
        assert problem is None or is_a_sentence(problem), problem[:2000]
        if metadata:
            ends = [
                a + b for a, b in zip(metadata["offset_zyx"], metadata["shape_zyx"], strict=True)
            ]
            assert min(metadata["shape_zyx"]) >= 1
            assert max(map(abs, [*metadata["offset_zyx"], *ends])) <= 2**53
            assert all(0 < size <= 1e12 for size in metadata["voxel_size_nm_zyx"])
    assert found["problem"] is None or is_a_sentence(found["problem"]), found["problem"][:2000]
    return found


FIELDS = [(kind, field) for kind, answer in ANSWERS.items() for field in answer]


@seed(SEED)
@many(1000)
@given(where=st.sampled_from(FIELDS), value=VALUES, resolution=st.sampled_from([0, 2, 60]))
def test_any_metadata_of_an_archive_are_sensible_or_a_sentence(
    told: Told, where: tuple[str, str], value: Any, resolution: int
) -> None:
    COUNTS["hostile metadata"] += 1
    told.tell(*where, value)
    ask(told, resolution)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_huge_metadata_are_a_sentence(told: Told, kind: str, field: str) -> None:
    for huge in hostile.HUGE[:2]:
        COUNTS["hostile metadata"] += 1
        told.tell(kind, field, huge)
        ask(told, 2)


@pytest.mark.parametrize("literal", LITERALS, ids=lambda literal: ascii(literal[:12]))
def test_json_that_is_none_is_a_sentence(told: Told, literal: str) -> None:
    for kind, field in FIELDS:
        COUNTS["hostile metadata"] += 1
        told.tell(kind, field, literal=literal)
        ask(told, 2)
    for kind in ANSWERS:
        COUNTS["hostile metadata"] += 1
        told.tell()
        told.bodies[kind] = literal.encode()
        found = ask(told, 2)
        assert found["problem"] or found["channels"][0]["unreachable"]


def test_an_answer_without_end_is_given_up(told: Told) -> None:
    told.tell("channel", "name", "A" * 2**25)
    assert "more than 16777216 bytes" in str(ask(told)["channels"][0]["unreachable"])


@seed(SEED)
@many(300)
@given(token=CELLS)
@example(token="a\r\nX-Evil: 1")
def test_any_token_is_sent_as_it_is_or_refused_without_being_shown(told: Told, token: str) -> None:
    COUNTS["hostile tokens"] += 1
    told.tell()
    told.tokens.clear()
    found = ask(told, token=token)
    if found["problem"] is None:
        assert told.tokens == {f"Token {token}"}
        assert found == ask(told), "of a token nothing is left"
    else:
        assert not told.tokens
        assert found["problem"] == (
            "BOSSDB_TOKEN is malformed: a token is one word of ASCII characters (in the parameters)"
        )


def test_any_metadata_of_a_volume_are_sensible_or_a_sentence(tmp_path: Path) -> None:
    attributes = {"resolution": [30, 4, 8], "units": "nm", "offset": [0, 0, 0]}
    voxels = np.zeros((4, 5, 6), "uint8")
    zarr.create_array(tmp_path / "a.zarr", data=voxels, attributes=attributes)
    file = tmp_path / "a.zarr" / "zarr.json"
    whole = json.loads(file.read_text())
    places = [("attributes", name) for name in attributes] + [("", name) for name in whole]

    @seed(SEED)
    @many(500)
    @given(st.sampled_from(places), VALUES, st.sampled_from(LITERALS))
    def check(place: tuple[str, str], value: Any, literal: str) -> None:
        COUNTS["hostile metadata of volumes"] += 1
        inside, name = place
        changed = json.loads(json.dumps(whole))
        (changed[inside] if inside else changed)[name] = HERE if value is None else value
        text = json.dumps(changed).replace(f'"{HERE}"', literal)
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        found = described({"source": f"zarr://{tmp_path}/a.zarr"}, SCHEMA, None, "public", "/")
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
        said = [found["problem"], *(one["unreachable"] for one in found["channels"])]
        assert all(one is None or is_a_sentence(one) for one in said), said

    check()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr"]


# ---- databases ----


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


def test_nothing_that_is_asked_is_sql_or_a_path_elsewhere(team: Team, tmp_path: Path) -> None:
    program = (ROOT / "tests/hostile_plan.py").read_text()
    arguments = (str(ROOT / "tests"), str(tmp_path), str(CANARY), str(examples(600)), str(SEED))
    with a_schema(team) as schema:
        code, text = team.bossflow("db", "deploy", schema=schema)
        assert code == 0, text
        done = team.python(program, *arguments, schema=schema)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    COUNTS.update(counts)
    assert min(counts.values()) > examples(600) / 30, counts


def test_what_a_server_repeats_is_shown_without_its_controls() -> None:
    repeated = psycopg2.DataError("unsupported escape\nLINE 1: 'a\x1b[31m\u202e\0'")
    assert database.said(repeated) == "unsupported escape LINE 1: 'a\\x1b[31m\\u202e\\x00'"


# ---- whole runs ----


NASTY = "-a b'c\"d$e(f)é日&;$(touch canary)`touch canary`"


class Launch:
    """A directory from which Nextflow is run, and what anyone may see of that."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.work = directory.parent / "work"
        self.said = self.processes = ""
        directory.mkdir(parents=True)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the pipeline; the work directory has a name that Nextflow's scripts can have."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.2):
                self.processes += subprocess.run(
                    ["ps", "axww", "-o", "args"], capture_output=True, text=True
                ).stdout

        COUNTS["hostile whole runs"] += 1
        watching = threading.Thread(target=watch)
        watching.start()
        try:
            own = {"BOSSFLOW_HOME": str(self.directory.parent / "home")} | environment
            command = ("run", str(ROOT), *NO_REPORTS, "-w", str(self.work), *arguments)
            run = nextflow(*command, cwd=self.directory, env=own)
        finally:
            done.set()
            watching.join()
        self.said += run.stdout + run.stderr
        return run

    def holders(self, secret: str) -> list[str]:
        """Return the files below that hold a text."""
        files = [path for path in self.directory.parent.rglob("*") if path.is_file()]
        held = [path for path in files if secret.encode() in path.read_bytes()]
        return [path.relative_to(self.directory.parent).as_posix() for path in held]


@pytest.mark.parametrize("team", each_server()[:1], indirect=True)  # MySQL: test_docker.py
@pytest.mark.parametrize("how", sample(["environment", "files"], 1))
def test_no_secret_is_left_and_no_name_breaks_a_run(team: Team, tmp_path: Path, how: str) -> None:
    """Names that only a shell would read are names; secrets are where the user put them."""
    token, password, user = secrets.token_hex(20), secrets.token_hex(20), f"hushed_{os.getpid()}"
    launch = Launch(tmp_path / NASTY)
    voxels = (np.arange(4 * 5 * 6) % 3).astype("uint8").reshape(4, 5, 6)
    attributes = {"resolution": [30, 4, 8], "units": "nm"}
    name = "-v $(touch canary) 'q' \"d\" %41 é;&.zarr"
    zarr.create_array(launch.directory / name, data=voxels, attributes=attributes)
    volumes = {SOURCE: volume_of(voxels, (0, 0, 0), (30.0, 4.0, 8.0))}
    with (launch.directory / "-s $(touch canary)`touch canary`;'.csv").open("w") as sheet:
        sources = [SOURCE] if how == "files" else [f"zarr://{name}", SOURCE]
        csv.writer(sheet).writerows([["source"], *([one] for one in sources)])
    given = {name: one for name, one in team.environment.items() if name.startswith("DJ_")}
    given |= {"DJ_USER": user, "PYTHONPATH": str(ROOT / "schema")}
    if how == "environment":
        given |= {"DJ_PASS": password, "BOSSDB_TOKEN": token}
    else:
        del given["DJ_PASS"], given["DJ_USER"]
        (launch.directory / "datajoint.json").write_text(json.dumps({"database.user": user}))
        (launch.directory / ".secrets").mkdir()
        password_file(launch.directory / ".secrets/database.password", password)
        given["NXF_SECRETS_FILE"] = str(tmp_path / "secrets" / "store.json")
        nextflow("secrets", "set", "BOSSDB_TOKEN", token, cwd=tmp_path, env=given)
    with a_schema(team) as schema, serving(app(volumes, token)) as host:
        file = str(password_file(team.directory / "hushed", password))
        grant = ("db", "deploy", "--grant", user, "--password-file", file)
        assert team.bossflow(*grant, schema=schema)[0] == 0
        params = {"input": Path(sheet.name).name, "bossdb_host": host}
        params |= {"outdir": "-o $(touch canary)\"'*é", "store": "-st $(touch canary) `x` '\"%41 é"}
        (launch.directory / "-params.json").write_text(json.dumps(params))
        run = launch.run("-params-file", "-params.json", **given, BOSSFLOW_SCHEMA=schema)
        rows = team.rows(schema)
        team.drop_user(user, schema)
    assert run.returncode == 0, said(run)
    assert f"{len(sources)} complete" in launch.said
    assert (launch.directory / params["outdir"] / "requests.csv").exists()
    assert len(list((launch.directory / params["store"] / "STITCH").glob("*/*"))) == len(sources)
    assert rows["channel"] and rows["run"] and "describe.py" in launch.processes
    allowed = (f"{NASTY}/.secrets/", "secrets/")
    for secret in (token, password):
        assert secret not in launch.said + launch.processes + json.dumps(rows)
        held = launch.holders(secret)
        assert bool(held) == (how == "files")
        assert all(name.startswith(allowed) for name in held), held
    assert not list(tmp_path.rglob("canary"))


def test_hostile_runs_end_in_sentences_and_leave_nothing(tmp_path: Path) -> None:
    launch = Launch(tmp_path / "launch")
    texts = hostile.commands(launch.directory / "canary")
    names = [name for name in DESCRIBED if name not in ("help", "dry_run", "outdir")]
    bad = {name: texts[at % len(texts)] for at, name in enumerate(names)}
    file = launch.directory / "params.json"
    sheet = launch.directory / "sheet.csv"
    for params in (
        bad | {texts[0]: 1, hostile.HUGE[0]: hostile.HUGE[1]},
        {"input": "sheet.csv"},
    ):
        file.write_text(json.dumps(params))
        with sheet.open("w", newline="") as stream:
            csv.writer(stream).writerows([["source", "archive", texts[3]], *([x] for x in texts)])
        run = launch.run("-params-file", file.name)
        sentences = [line for line in said(run) if not line.startswith(PROGRESS)]
        assert run.returncode == 1
        assert sentences and all(map(is_a_sentence, sentences)), sentences
    for value in ("\n".join(texts), *(texts[:1] if conftest.SOAK else ())):
        run = launch.run("--source", value, "--x_range", value, "--bossdb_host", value)
        assert run.returncode == 1
        sentences = [line for line in said(run) if not line.startswith(PROGRESS)]
        assert len(sentences) >= 2 and all(map(is_a_sentence, sentences)), sentences
    assert not list(tmp_path.rglob("canary*"))
    made = {path.name for path in launch.directory.iterdir()}
    assert made - {".nextflow", "params.json", "sheet.csv", "results"} <= {
        name for name in made if name.startswith(".nextflow.log")
    }
    assert {path.name for path in (launch.directory / "results").iterdir()} <= {"reports"}
    assert not (tmp_path / "home").exists(), "neither database nor store"


PROGRESS = (" N E X T F L O W", "N E X T F L O W", "Launching", "[", "WARN: ")
