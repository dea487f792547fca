"""`bossflow score`: points and labels against truths, recorded with what they depend on."""

import json
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline import Pipeline, bossflow_says
from pipeline import pipeline as pipeline
from pipeline import toy as toy

NUMBERS = count()

Found = Callable[..., str]


@pytest.fixture
def found(pipeline: Pipeline, tmp_path: Path) -> Found:
    """Return what asks for a request that finds points (nm, ZYX), and returns its id."""

    def make(*points: tuple[float, float, float], **params: Any) -> str:
        path = tmp_path / f"points{next(NUMBERS)}.txt"
        words = (",".join(map(str, point)) for point in points)
        path.write_text(" ".join([f"test{next(NUMBERS)}", *words]))
        done = pipeline.run([path], **params)
        (request,) = done["plan"]["requests"]
        assert done["verdict"] == {"missing": None}
        return str(request)

    return make


def csv(path: Path, rows: list[tuple[float, ...]], header: str = "z_nm,y_nm,x_nm") -> str:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def scored(request: str, truth: str, within_nm: float | None = None, **asked: Any) -> Any:
    from bossflow import scores

    return scores.score(request, {"uri": truth}, within_nm, **asked)


TRUTH = [(0, 0, 0), (0, 0, 50), (0, 50, 0), (50, 0, 0)]


@pytest.mark.parametrize(
    ("points", "truth", "within", "expected"),
    [
        (TRUTH, TRUTH, 5, (4, 4, 4, 1.0, 1.0, 1.0)),
        (TRUTH[1:], TRUTH, 5, (4, 3, 3, 1.0, 0.75, 6 / 7)),
        ([*TRUTH, (90, 90, 90)], TRUTH, 5, (4, 5, 4, 0.8, 1.0, 8 / 9)),
        ([(0, 0, 6), (0, 0, 14)], [(0, 0, 0), (0, 0, 10)], 8, (2, 2, 2, 1.0, 1.0, 1.0)),
        ([], [(0, 0, 1)], 5, (1, 0, 0, 1.0, 0.0, 0.0)),
        ([(0, 0, 1)], [], 5, (0, 1, 0, 0.0, 1.0, 0.0)),
        ([], [], 5, (0, 0, 0, 1.0, 1.0, 1.0)),
    ],
)
def test_points_are_scored_and_recorded(
    found: Found, tmp_path: Path, points: Any, truth: Any, within: float, expected: Any
) -> None:
    request = found(*points)
    told = scored(request, csv(tmp_path / "truth.csv", truth), within)
    names = "n_truth", "n_found", "true_positives", "precision", "recall", "f1"
    assert [told[name] for name in names] == pytest.approx(expected)
    assert told["n_truth_outside"] == told["n_found_outside"] == 0
    (row,) = (bossflow.Score & {"request_id": request}).to_dicts()
    assert [row[name] for name in names] == pytest.approx(expected)
    assert len(bossflow.Score.Match & {"request_id": request}) == expected[2]
    assert ("mean_distance_nm" in told) == bool(expected[2])


def test_pairs_have_the_numbers_of_both_sides_and_columns_come_in_any_order(
    found: Found, tmp_path: Path
) -> None:
    request = found((9, 9, 9), (0, 0, 6), (0, 0, 14))
    truth = csv(tmp_path / "truth.csv", [(10, 0, 7, 0), (0, 0, 7, 0)], "x_nm,y_nm,more,z_nm")
    told = scored(request, truth, 8)
    pairs = bossflow.Score.Match & {"request_id": request}
    rows = [(one["found_number"], one["truth_number"]) for one in pairs.to_dicts()]
    assert sorted(rows) == [(102, 2), (103, 1)] and told["mean_distance_nm"] == 5.0
    assert sorted(pairs.to_arrays("distance_nm")) == [4.0, 6.0]


def test_a_score_is_found_again_by_the_content_of_the_truth(
    found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.scores import points

    request = found((0, 0, 1), (5, 5, 5))
    first = scored(request, csv(tmp_path / "truth.csv", [(0, 0, 0)]), 2)
    with monkeypatch.context() as patched:
        patched.setattr(points, "compared", None)
        assert scored(request, csv(tmp_path / "copy.csv", [(0, 0, 0)]), 2.0) == first
    assert scored(request, csv(tmp_path / "truth.csv", [(0, 0, 3.5)]), 2) != first
    assert scored(request, str(tmp_path / "truth.csv"), 3) != first
    assert len(bossflow.Score & {"request_id": request}) == 3
    (within,) = {
        row["parameters"]["within_nm"]
        for row in (
            bossflow.ParamSet.proj("parameters", score_paramset_id="paramset_id") * bossflow.Score
            & {"request_id": request, "f1": first["f1"]}
        ).to_dicts()
        if row["truth_id"] and row["parameters"]["within_nm"] == 2.0
    }
    assert within == 2.0


def test_scores_stand_beside_the_parameters_of_what_was_scored(
    found: Found, tmp_path: Path
) -> None:
    truth = csv(tmp_path / "truth.csv", [(0, 0, 0.125)])  # no other test's
    for suffix, place in (("here", 0), ("there", 99)):
        scored(found((0, 0, place), suffix=suffix), truth, 2)
    table = (bossflow.Score * bossflow.Request * bossflow.ParamSet).to_dicts()
    best = {row["parameters"]["suffix"]: row["f1"] for row in table}
    assert (best["here"], best["there"]) == (1.0, 0.0)
    how = bossflow.ParamSet.proj(how="parameters", score_paramset_id="paramset_id")
    rows = (bossflow.Score * how * bossflow.Truth & {"truth_uri": truth}).to_dicts()
    assert [row["how"] for row in rows] == [{"within_nm": 2.0}] * 2


def test_another_request_is_the_truth_and_takes_its_scores_along(
    pipeline: Pipeline, found: Found
) -> None:
    true, request = found((0, 0, 0), (0, 0, 50)), found((0, 0, 1))
    told = scored(request, f"bossflow://{true}", 5)
    assert told == scored(request, true[:12], 5) and told["recall"] == 0.5
    assert len(bossflow.Score & {"request_id": request}) == 1
    pairs = (bossflow.Score.Match & {"request_id": request}).to_dicts()
    assert [(one["found_number"], one["truth_number"]) for one in pairs] == [(101, 101)]
    code, text = bossflow_says("lineage", true, "--of")
    assert code == 0 and "1 unit would be affected" in text, text
    code, text = bossflow_says("invalidate", "--request", true, "--yes")
    assert code == 0 and "1 score of these, or with one of them for the truth" in text, text
    assert not len(bossflow.Score & {"request_id": request})
    assert not len(bossflow.Score.Source & {"request_id": request})
    assert len(bossflow.WordTotal & {"request_id": request}) == 1, "the result stays"
    code, text = bossflow_says("score", request, "--truth", true, "--within_nm", "5")
    assert code == 1 and f"request {true} is not complete: 1 of 2 units are missing" in text, text


def test_an_invalidated_result_takes_its_scores_along_and_is_scored_anew(
    pipeline: Pipeline, found: Found, tmp_path: Path
) -> None:
    request, truth = found((0, 0, 1)), csv(tmp_path / "truth.csv", [(0, 0, 0)])
    first = scored(request, truth, 2)
    assert bossflow_says("invalidate", "--request", request, "--yes")[0] == 0
    assert not len(bossflow.Score & {"request_id": request})
    with pytest.raises(ValueError, match="is not complete"):
        scored(request, truth, 2)
    (path,) = tmp_path.glob("points*.txt")
    assert pipeline.run([path])["plan"]["requests"] == [request]
    assert scored(request, truth, 2) == first


def test_a_truth_is_forgotten_with_scores_of_others_which_is_told(found: Found) -> None:
    true, request = found((0, 0, 0)), found((0, 0, 1))
    scored(request, true, 5)
    code, text = bossflow_says("forget", true, "--yes")
    assert code == 0 and "1 score, also of others with this for the truth" in text, text
    assert not len(bossflow.Score & {"request_id": request})
    assert len(bossflow.Request & {"request_id": request}) == 1
    scored(request, request, 5)
    assert bossflow_says("forget", request, "--yes")[0] == 0
    assert not len(bossflow.Score & {"request_id": request})


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("a,b,c", [(1, 2, 3)], "has columns a, b, c: points have columns x_nm,y_nm,z_nm, or x,y,z"),
        ("z,y,x_nm", [(1, 2, 3)], "has columns z, y, x_nm: points have"),
        ("z,y,x,z_nm,y_nm,x_nm", [(1, 2, 3) * 2], "give one of both"),
        ("z_nm,z_nm,y_nm,x_nm", [(1, 2, 3, 4)], "give each of them once"),
        ("z,y,x", [(1, 2, 3)], "is in voxels, and request"),
        ("z_nm,y_nm,x_nm", [(1, 2, "three")], "column x_nm is not of numbers"),
        ("z_nm,y_nm,x_nm", [(1, 2, 3), (1, 2, "nan")], "x_nm of row 2 is no finite number"),
        ("z_nm,y_nm,x_nm", [(1, 2, 3), ("", 2, 3)], "z_nm of row 2 is no finite number"),
        ("z_nm,y_nm,x_nm", [(1, 2)], "can't be read: CSV parse error"),
    ],
)
def test_files_that_do_not_say_what_they_are_are_refused(
    found: Found, tmp_path: Path, header: str, rows: Any, said: str
) -> None:
    request = found((0, 0, 1))
    truth = csv(tmp_path / "truth.csv", rows, header)
    code, text = bossflow_says("score", request, "--truth", truth, "--within_nm", "5")
    assert code == 1 and said in text, text
    assert not len(bossflow.Score & {"request_id": request})


def test_what_can_not_be_compared_is_refused_with_what_to_do(found: Found, tmp_path: Path) -> None:
    from bossflow import scores

    request, truth = found((0, 0, 1)), csv(tmp_path / "truth.csv", [(0, 0, 0)])
    missing = str(tmp_path / "missing.csv")
    for arguments, status, said in (
        (("--truth", truth), 1, "is of points: give within_nm"),
        (("--truth", missing, "--within_nm", "5"), 1, f"truth {missing} can't be read"),
        (("--truth", "nobody", "--within_nm", "5"), 1, "a truth is a file of points"),
        (("--truth", "zarr:///volume", "--within_nm", "5"), 1, "leave within_nm out"),
        (("--truth", "bossflow://", "--within_nm", "5"), 1, "is malformed: write bossflow://"),
        (("--truth", truth, "--within_nm", "0"), 2, "--within_nm"),
        (("--truth", truth, "--within_nm", "nan"), 2, "--within_nm"),
        (("--truth", request), 1, "makes no segmentation"),
        (("--truth", truth, "--within_nm", "5", "--time", "1"), 2, "is for a volume of labels"),
        ((), 2, "Missing option '--truth'"),
    ):
        code, text = bossflow_says("score", request, *arguments)
        assert (code, said in text) == (status, True), text
    for way, said in (
        ({"within_nm": -1}, "give a distance above 0"),
        ({"within_nm": float("nan")}, "give a distance above 0"),
        ({}, "give within_nm"),
    ):
        for refused in (partial(scores.score, request), scores.check):
            with pytest.raises(ValueError, match=said):
                refused({"uri": truth}, **way)
    for uri, way, said in (
        (missing, {"within_nm": 5}, "can't be read"),
        (request, {"overlap": 2}, "give a share above 0"),
        (request, {"background": "no"}, "write ignore or keep"),
        (f"zarr://{tmp_path}/none", {}, "none"),
        ("nobody", {}, "a truth is a file of points"),
    ):
        with pytest.raises(ValueError, match=said):
            scores.check({"uri": uri}, **way)
    scores.check({"uri": truth}, 5)
    scores.check({"uri": request})
    assert not len(bossflow.Score & {"request_id": request})


def test_a_file_that_is_no_text_is_told_as_one(tmp_path: Path) -> None:
    from bossflow import scores

    truth = tmp_path / "truth.csv"
    truth.write_bytes("x_nm,y_nm,z_nm,größe\n1,2,3,4\n".encode("latin-1"))
    with pytest.raises(ValueError, match="is not text in UTF-8: save it as CSV UTF-8"):
        scores.check({"uri": str(truth)}, 5)
    with pytest.raises(ValueError, match="leave @7 out"):
        scores.check({"uri": "bossflow://cells@7"})


def test_json_and_words_tell_the_same(found: Found, tmp_path: Path) -> None:
    request, truth = found((0, 0, 1)), tmp_path / "truth.parquet"
    columns = {name: [0.0, 9000.0] for name in ("x_nm", "y_nm", "z_nm")}
    pq.write_table(pa.table(columns), truth)
    assert bossflow.score(request, str(truth), 5, overlap=0.5)["recall"] == 0.5
    asked = "score", request, "--truth", str(truth), "--within_nm", "5"
    code, text = bossflow_says(*asked, "--json")
    told = json.loads(text)
    assert code == 0 and told["recall"] == 0.5 and told["n_truth"] == 2
    code, text = bossflow_says(*asked)
    assert code == 0 and "recall" in text and "0.666667" in text, text


def test_many_points_are_matched_and_recorded(found: Found, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    points = rng.integers(0, 2000, (3000, 3)).astype(float)
    moved = points + rng.normal(0, 2, points.shape).round(3)
    request = found(*map(tuple, points.tolist()))
    told = scored(request, csv(tmp_path / "truth.csv", moved.tolist()), 15)
    assert told["true_positives"] > 2900
    assert len(bossflow.Score.Match & {"request_id": request}) == told["true_positives"]
