"""What a file says of scores: `truth`, and how results are compared with it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..kit.parameters import shown
from ..scores.sides import FILES
from ..voxels.archives import Refused, archive_of
from ..voxels.archives.made import is_made

TRUTH = ("uri", "resolution", "channel", "time", "voxel_size", "offset", "bossdb_host")
SCORE = ("step", "within_nm", "overlap", "background")
OF_BOTH = ("f1", "precision", "recall", "true_positives", "n_truth", "n_found")
OF_POINTS = ("mean_distance_nm", "n_truth_outside", "n_found_outside")
OF_LABELS = (
    *("vi_bits", "vi_split_bits", "vi_merge_bits", "adapted_rand_error"),
    *("rand_precision", "rand_recall", "rand_index", "n_scored_voxels"),
)
"""Numbers of a comparison: of any, of one of points, and of one of segmentations."""


def read(
    said: Mapping[str, Any], steps: list[str]
) -> tuple[dict[str, Any] | None, str, dict[str, Any]]:
    """Return the truth, if there is one, the step that is compared with it, and how.

    Raises
    ------
    ValueError
        With what is wrong, and what would be right.
    """
    how = said.get("score")
    how = {} if how is None else how
    if not isinstance(how, dict):
        raise ValueError(f"score must be such as {{within_nm: 200}}, not {shown(how)}")
    _refuse("score", how, SCORE)
    scored = how.get("step", steps[-1])
    if scored not in steps:
        raise ValueError(f"score names step {shown(scored)}: there are {', '.join(steps)}")
    if said.get("truth") is None:
        if how.keys() - {"step"}:
            raise ValueError("score says how to compare, but there is no truth: give it")
        return None, scored, {}
    options = {name: _option(name, how[name]) for name in SCORE[1:] if name in how}
    return _truth(said["truth"]), scored, options


def refuse_best(best: str, how: Mapping[str, Any]) -> None:
    """Refuse a score that no comparison with a truth has.

    Raises
    ------
    ValueError
        With those that there are.
    """
    known = (*OF_BOTH, *(OF_POINTS if "within_nm" in how else OF_LABELS))
    if best not in known:
        compared = "points" if "within_nm" in how else "segmentations"
        raise ValueError(
            f"best of search is {shown(best)}, which is no score of {compared}: there are "
            f"{', '.join(known)}"
        )


def _truth(said: Any) -> dict[str, Any]:
    truth = {"uri": said} if isinstance(said, str) else said
    if not isinstance(truth, dict) or not truth.get("uri") or not isinstance(truth["uri"], str):
        raise ValueError(
            f"truth must be a file of points, a volume or a request, or {{uri: …}}, not "
            f"{shown(said)}"
        )
    _refuse("truth", truth, TRUTH)
    found = {name: _of_truth(name, value) for name, value in truth.items() if value is not None}
    more = [name for name in found if name != "uri"]
    if more and "://" not in truth["uri"]:
        raise ValueError(f"{more[0]} of truth is for a volume of labels: leave it out")
    return found


def _of_truth(name: str, value: Any) -> Any:
    if name == "uri":
        return _place(value)
    if name == "bossdb_host":
        if not isinstance(value, str):
            raise ValueError(f"bossdb_host of truth must be an address, not {shown(value)}")
        return value
    what = f"{name} of truth"
    if name == "voxel_size":
        return [_number(what, one) for one in _three(what, value)]
    if name == "offset":
        return [_whole(what, one) for one in _three(what, value)]
    if _whole(what, value) < 0:
        raise ValueError(f"{what} must be at least 0, not {shown(value)}")
    return int(value)


def _place(uri: str) -> str:
    """Return the one spelling of where a truth is."""
    if "://" not in uri:
        if Path(uri).suffix.lower() not in FILES:
            return uri  # a request
        if not os.path.isfile(uri):
            raise ValueError(f"truth {shown(uri)} is not there: give the path of a file")
        return os.path.abspath(uri)
    if is_made(uri):
        return uri
    try:
        return archive_of(uri).canonical(uri, str(Path.cwd()))
    except Refused as error:
        raise ValueError(f"truth {shown(uri)} is refused: {error}") from None


def _option(name: str, given: Any) -> Any:
    if name == "background":
        if given not in ("ignore", "keep"):
            raise ValueError(f"background of score must be ignore or keep, not {shown(given)}")
        return given
    return _number(f"{name} of score", given)


def _refuse(what: str, said: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in said:
        if name not in known:
            raise ValueError(f"{what} has {shown(name)}: there are {', '.join(known)}")


def _three(what: str, given: Any) -> list[Any]:
    if not isinstance(given, list) or len(given) != 3:
        raise ValueError(f"{what} must be three numbers, x, y and z, not {shown(given)}")
    return given


def _whole(what: str, given: Any) -> int:
    if type(given) is not int:
        raise ValueError(f"{what} must be a whole number, not {shown(given)}")
    return given


def _number(what: str, given: Any) -> float:
    """Return a number, which may be a decimal as it was written."""
    try:
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise ValueError
        number = float(given)
        if not 0 < number < 1e18:
            raise ValueError
    except (ValueError, OverflowError):
        raise ValueError(f"{what} must be a number above 0, not {shown(given)}") from None
    return number
