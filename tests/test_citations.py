"""How data are cited: asked of BossDB or said by the user, recorded, shown and exported."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from making import noise
from pipeline import bossflow_says
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from steps import Cutouts, write_voxels
from test_export import entities, export
from voxels.archives.cited import doi_of

URI = "bossdb://Lab2015/ac4/neuron"
META = {
    "Lab2015": {"DOI": "https://doi.org/10.1016/j.cell.2015.06.054", "citation": "of a collection"},
    "Lab2015/ac4": {"License": "CC-BY-4.0", "contact": "nobody"},
    "Lab2015/ac4/neuron": {"Citation": "Kasthuri et al. 2015,\n Cell 162"},
}
STATED = {
    "stated_by": "archive",
    "citation": "Kasthuri et al. 2015, Cell 162",
    "doi": "10.1016/j.cell.2015.06.054",
    "licence": "CC-BY-4.0",
}
ASKED = {"connectivity": 6, "block_shape": [16, 16, 16], "component_of": "foreground"}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    """Return a volume that no other test has."""
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_voxels(tmp_path / "mask", noise((10, 12, 20), "uint8", seed=3) // 50)
    return made


def requested(ran: dict[str, Any]) -> str:
    assert not ran["plan"]["problem"], ran["plan"]["problem"]
    (request,) = ran["plan"]["requests"]
    return str(request)


def cited(request: str) -> list[dict[str, Any]]:
    """Return how the channel of a request is cited, as each command tells it."""
    import bossflow

    (channel,) = bossflow.lineage(request)["channels"].items()
    said: list[dict[str, Any]] = channel[1]["citations"]
    every = json.loads(bossflow_says("channels", "--json")[1])
    assert [one["citations"] for one in every if one["channel"] == channel[0]] == [said]
    (told,) = json.loads(bossflow_says("status", "--request", request, "--json")[1])["requests"]
    assert told["citations"] == said
    return said


def test_what_bossdb_states_goes_with_the_result(cutouts: Cutouts, tmp_path: Path) -> None:
    voxels = noise((10, 12, 20), "uint64", seed=4) // 50
    volumes = {URI: volume_of(voxels, (0, 0, 0), (30.0, 8.0, 8.0))}
    asked = ASKED | {"source": URI, "archive": "cited", "stage": False}
    with serving(archive.app(volumes, meta=META)) as host:
        request = requested(cutouts.label(**asked, bossdb_host=host))
    assert cited(request) == [STATED]
    sentence = "Kasthuri et al. 2015, Cell 162; https://doi.org/10.1016/j.cell.2015.06.054; "
    sentence += "licence CC-BY-4.0 (as given by the archive)"
    plain = re.sub(r"\s", "", sentence)
    for command in (("lineage", request), ("lineage", request, "--html"), ("channels",)):
        assert plain in re.sub(r"[\s│]", "", bossflow_says(*command)[1])
    export(request, "ro-crate", tmp_path / "crate")
    found = entities(tmp_path / "crate")
    (name,) = {found["./"]["citation"]["@id"]}
    assert name == "https://doi.org/10.1016/j.cell.2015.06.054"
    assert found[name]["name"] == STATED["citation"] and found[name]["license"] == "CC-BY-4.0"
    assert sentence in (tmp_path / "crate" / "README.md").read_text()
    code, text = bossflow_says("page", "-o", str(tmp_path / "page.html"))
    assert code == 0 and sentence in (tmp_path / "page.html").read_text(), text

    with serving(archive.app(volumes)) as host:  # where nothing is said, what was said stays
        again = cutouts.label(**asked, bossdb_host=host)
    assert requested(again) == request and not again["plan"]["tasks"]
    assert cited(request) == [STATED]


def test_what_a_user_says_is_recorded_as_that_and_makes_no_other_result(cutouts: Cutouts) -> None:
    request = requested(cutouts.label(**ASKED))
    assert cited(request) == []
    for words in ({"citation": "Ours"}, {"citation": "Ours, 2026", "doi": "doi:10.5281/zenodo.1"}):
        again = cutouts.label(**ASKED, **words)
        assert requested(again) == request and not again["plan"]["tasks"]
    own = {"citation": "Ours, 2026", "doi": "10.5281/zenodo.1", "licence": None}
    assert cited(request) == [{"stated_by": "user"} | own]


def test_an_archive_that_can_not_say_holds_up_nothing(cutouts: Cutouts) -> None:
    inner = archive.app({URI: volume_of(noise((8, 8, 8), "uint64"), (0, 0, 0), (30.0, 8.0, 8.0))})

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "/meta/" in scope["path"]:
            await JSONResponse({"status": 503}, 503)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    with serving(silent) as host:
        ran = cutouts.label(**ASKED, source=URI, archive="silent", bossdb_host=host)
    assert cited(requested(ran)) == []
    assert any(f"how to cite {URI} is not recorded" in note for note in ran["plan"]["notes"])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("{0},9,\n", "doi '9' in line 2 of sheet.csv is none: write 10.NNNN/"),
        (
            "{0},10.1/a,0:8\n{0},10.1/b,8:16\n",
            "doi '10.1/a' in line 2 of sheet.csv is none",
        ),
        (
            "{0},10.1234/a,0:8\n{0},10.1234/b,8:16\n",
            "doi '10.1234/b' in line 3 of sheet.csv is not what another row says of",
        ),
        ("bossflow://abc,10.1234/a,\n", "doi is not for bossflow://abc, a volume that was made"),
    ],
)
def test_what_can_not_be_so_is_refused(
    cutouts: Cutouts, tmp_path: Path, lines: str, said: str
) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("source,doi,x_range\n" + lines.format(f"zarr://{cutouts.volume}"))
    plan, _ = cutouts.plan(sheet=sheet, source=None, **ASKED)
    assert said in plan["problem"] and not plan["tasks"], plan["problem"]


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1016/j.cell.2015.06.054", "10.1016/j.cell.2015.06.054"),
        ("https://doi.org/10.5281/zenodo.1", "10.5281/zenodo.1"),
        ("http://dx.doi.org/10.5281/zenodo.1", "10.5281/zenodo.1"),
        ("doi: 10.5281/zenodo.1", "10.5281/zenodo.1"),
        ("https://example.org/10.5281/zenodo.1", None),
        ("10.5281/a b", None),
        ("10.5281", None),
    ],
)
def test_a_doi_is_known_in_each_spelling(text: str, doi: str | None) -> None:
    assert doi_of(text) == doi
