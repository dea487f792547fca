"""The page of a run: one file with all that there is to say, safe whatever users wrote."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from asked import cutouts as cutouts
from pipeline import Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy
from stage import OF_SOURCES, SECRETS, SOURCE, Stage, job, said
from stage import stage as stage
from steps import Cutouts, write_voxels
from test_command import COUNT, Commands
from test_command import command as command
from test_command import commands as commands
from test_command import texts as texts

HOSTILE = "<img src=x onerror=alert(1)>\"'&lt;</style><script>alert(2)</script>"
LABELLED = {"stage": False, "block_shape": [16, 16, 16], "min_voxels": 2, "connectivity": 6}


class Parsed(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(tmp_path: Path, *arguments: str) -> Parsed:
    """Return the page that the command writes, which asks nobody for anything."""
    file = tmp_path / "page.html"
    code, output = bossflow_says("page", *arguments, "-o", str(file))
    assert code == 0, output
    assert str(file) in output
    html = file.read_text("utf-8")
    assert len(html.encode()) < 3_000_000
    parsed = Parsed(html)
    assert not parsed.all_of("script") and not parsed.all_of("iframe")
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert all(re.match("data:|#|[^:]*$", one) for one in addresses)
    assert not any(name.startswith("on") for _, one in parsed.elements for name in one)
    return parsed


def masked(cutouts: Cutouts, tmp_path: Path, seed: int) -> None:
    voxels = (np.random.default_rng(seed).random((40, 36, 44)) < 0.3).astype(np.uint8)
    cutouts.volume = write_voxels(tmp_path / "mask", voxels)


def test_the_page_of_a_run_shows_what_it_made(cutouts: Cutouts, tmp_path: Path) -> None:
    masked(cutouts, tmp_path, 31)
    ran = cutouts.label(**LABELLED, component_of="foreground", name=HOSTILE[:60])
    (request,) = ran["plan"]["requests"]
    page = page_of(tmp_path, "--price", "3600")
    assert "Complete: all that was asked for is recorded." in page.text
    assert (
        f"1 request ({' '.join(ran['summary'].split('(')[1].split(')')[0].split())})" in page.text
    )
    assert HOSTILE[:60] in page.text, "as a text"
    pictures = page.all_of("img")
    assert all((one["src"] or "").startswith("data:image/webp;base64,") for one in pictures)
    assert all(one["alt"] and one["width"] and one["height"] for one in pictures)
    assert len(pictures) == 3 + 3 + 8, "slices of image and volume, the largest components"
    assert "volume over the image" in page.text and "bar 100 nm" in page.text
    assert f"bossflow view {request}" in page.text
    import bossflow

    rows = (bossflow.Segmentation.Component & {"request_id": request}).to_dicts()
    largest = sorted(rows, key=lambda row: (-row["voxel_count"], row["component_id"]))[:8]
    told = re.findall(r"component (\d+): ([\d,]+) voxels", page.text)
    assert told == [(str(row["component_id"]), f"{row['voxel_count']:,}") for row in largest]
    seconds = sum(
        (bossflow.Execution & f"run_id = '{ran['plan']['run_id']}'").to_arrays("execution_seconds")
    )
    (cost,) = re.findall(r"which cost ([\d,.]+) at 3600 an hour", page.text)
    # rounded to cents, of sums that the database adds in any order
    assert float(cost.replace(",", "")) == pytest.approx(seconds, rel=0, abs=0.005 + 1e-6)
    headings = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(headings, headings[1:], strict=False))


def test_what_a_page_says_to_paste_reads_the_result(cutouts: Cutouts, tmp_path: Path) -> None:
    masked(cutouts, tmp_path, 32)
    ran = cutouts.label(**LABELLED, component_of="foreground", x_range=[3, 41])
    html = tmp_path / "page.html"
    page_of(tmp_path)
    known: dict[str, Any] = {}
    for one in re.findall(r"<code>(import .*?)</code>", html.read_text("utf-8"), re.S):
        exec(Parsed(one).text, known)
    assert known["voxels"].shape == (38, 36, 40)
    assert len(known["table"]) == known["voxels"].max()
    assert ran["verdict"] == {"missing": None}


def test_a_run_that_failed_has_a_page_with_its_failures(
    cutouts: Cutouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError(f"a bad block {HOSTILE}")

    masked(cutouts, tmp_path, 33)
    monkeypatch.setitem(cutouts.programs, "STITCH", broken)
    ran = cutouts.label(**LABELLED, component_of="foreground", name="bad")
    page = page_of(tmp_path, ran["plan"]["run_id"][:12])
    assert "1 of 1 requests are not complete." in page.text
    assert "STITCH bad" in page.text and f"a bad block {HOSTILE}" in page.text
    assert not page.all_of("img")
    assert re.search(r"failed\s*1 STITCH", page.text)
    again = cutouts.label(**LABELLED, component_of="foreground")
    page = page_of(tmp_path, again["plan"]["run_id"])
    assert "Complete" not in page.text, "though it asked for nothing new, and made nothing"
    assert "1 request was not complete when it ended." in page.text
    assert "STITCH" in page.text and f"a bad block {HOSTILE}" in page.text
    monkeypatch.undo()


def test_reports_are_linked_to_that_are_the_runs_own(tmp_path: Path) -> None:
    """A later run leaves its own at the same place."""
    from bossflow.look.parts import more
    from bossflow.look.rows import reports_of

    outdir = tmp_path / "my #1 ?%41 é"
    run = {"run_name": "happy_euler", "run_parameters": {"outdir": str(outdir)}}
    assert reports_of(run) is None
    (outdir / "reports").mkdir(parents=True)
    (outdir / "reports" / "report.html").write_text("<title>[sad_cantor] Nextflow Workflow Report")
    assert reports_of(run) is None
    assert reports_of(run | {"run_name": "sad_cantor"}) == outdir / "reports"
    about = dict.fromkeys(("id", "ended", "nextflow", "profile", "database")) | {"parameters": {}}
    links = [
        one.attrib["href"] for one in more(about, [], f"{outdir}/reports")[1].iter() if one.attrib
    ]
    assert unquote(links[0]) == f"{outdir}/reports/report.html"
    assert not re.search("[#? ]|%41", links[0].replace("%2541", ""))


def test_a_result_without_components_damaged_or_away_has_a_page(
    cutouts: Cutouts, tmp_path: Path
) -> None:
    cutouts.volume = write_voxels(tmp_path / "mask", np.zeros((20, 20, 20), np.uint8))
    cutouts.label(**LABELLED)
    page = page_of(tmp_path)
    assert "0 components" in page.text and "The largest components" not in page.text
    assert len(page.all_of("img")) == 6
    for path in cutouts.store.rglob("components/*.parquet"):
        path.write_bytes(b"damaged")
    page = page_of(tmp_path)
    assert "it can't be looked at here: " in page.text and not page.all_of("img")
    cutouts.store.rename(tmp_path / "elsewhere")
    page = page_of(tmp_path)
    assert "which is away" in page.text and len(page.all_of("img")) == 3


def test_a_run_without_volumes_has_a_page(
    pipeline: Pipeline, files: list[Path], tmp_path: Path
) -> None:
    pipeline.run(files)
    page = page_of(tmp_path)
    assert not page.all_of("img") and "Complete: all that was asked for" in page.text
    assert "COUNT_WORDS" in page.text and "ADD_WORDS" in page.text
    assert "bossflow view" not in page.text, "which has nothing to show"


def test_what_only_looks_like_an_address_is_no_file_of_a_request(
    commands: Commands, texts: list[Path], tmp_path: Path
) -> None:
    words = [sys.executable, "-c", f"{COUNT} # https://a.example", "{input1}", "w" * 100_000]
    done = commands.run(texts[:1], command=words)
    assert done["verdict"] == {"missing": None}, done["summary"]
    page = page_of(tmp_path)
    assert "https://a.example" in page.text
    assert len(page.text) < 50_000, "of long values the beginning is told"
    (files,) = re.findall(r"Fileswhatwhere(.*?)What was asked for", page.text, re.S)
    assert files.startswith("outputsfile://") and "a.example" not in files


def test_a_failure_has_the_end_of_its_log(
    cutouts: Cutouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / ".command.log"
    log.write_text("".join(f"line {number} <b>\n" for number in range(500)))

    def broken(*_: Any) -> None:
        raise ValueError(f"a bad block (log: {log})")

    masked(cutouts, tmp_path, 34)
    monkeypatch.setitem(cutouts.programs, "STITCH", broken)
    cutouts.label(**LABELLED, component_of="foreground")
    page = page_of(tmp_path)
    assert "line 499 <b>" in page.text and "line 480 <b>" in page.text
    assert "line 479" not in page.text


def test_a_run_that_is_not_known_is_a_sentence(cutouts: Cutouts, tmp_path: Path) -> None:
    import bossflow

    bossflow.connect()
    file = tmp_path / "page.html"
    code, output = bossflow_says("page", "no such run", "-o", str(file))
    assert (code, output) == (
        1,
        "Error: no run has an id or name 'no such run': see `bossflow status --json`\n",
    )
    assert not file.exists()
    code, output = bossflow_says("page", "-o", str(tmp_path / "nowhere" / "page.html"))
    assert code == 2 and "there is no such directory" in output


@pytest.mark.nextflow
@pytest.mark.parametrize(("die", "missing"), [([], "a block"), (["page"], None)])
def test_a_page_is_left_of_what_is_missing_too_and_no_run_fails_for_want_of_one(
    stage: Stage, die: list[str], missing: str | None
) -> None:
    plan = {"tasks": [job("PULL_BLOCK-00000")]}
    secrets = dict.fromkeys(SECRETS, "secret")
    run = stage.run(*SOURCE, plan=plan, page="this run", die=die, missing=missing, env=secrets)
    page = stage.launch / "results" / "index.html"
    assert (run.returncode != 0) == bool(missing)
    if die:
        assert "note: no page was made: see .command.log of its task" in said(run)
        assert not page.exists()
    else:
        assert f"page        {page}" in said(run) and missing in said(run)
        assert page.read_text() == "the page of this run"
        (told,) = (entry for entry in stage.journal if entry["program"] == "page")
        assert told["secrets"] == ["BOSSDB_TOKEN", OF_SOURCES]
