"""The two sides that are compared: a result, and what is taken for the truth."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core import ledger, work
from ..core.made_for import result_of
from ..core.tables import Request
from ..kit.digests import digest
from ..kit.texts import cut, one_line
from ..volumes.channels import NO_SHIFT, voxel_size
from ..voxels.archives import Refused
from ..voxels.archives.made import is_made, named
from ..voxels.boxes import Box

Floats = NDArray[np.float64]

POINTS, LABELS, REQUEST = "points", "labels", "request"
"""What a truth may be."""

FILES = (".csv", ".parquet")
"""How files of points end."""

VERSION = "1"  # raised when the same sides would be scored otherwise

URI_MAX = 1024
"""Characters of a truth's URI that are recorded."""


class Frame(NamedTuple):
    """Where a request looked: its box, in voxels of a channel, and where these are.

    Attributes
    ----------
    box : Box
    size_nm : tuple of float
        Of a voxel, ZYX.
    middle_zyx : tuple of float
        Where voxel 0 has its middle, in voxels from that of the finest level.
    """

    box: Box
    size_nm: tuple[float, ...]
    middle_zyx: tuple[float, ...]

    def nm(self, zyx: Floats) -> Floats:
        """Return where voxels of the channel have their middles (nm)."""
        return np.asarray((zyx + np.array(self.middle_zyx)) * np.array(self.size_nm))

    def meets(self, other: "Frame") -> bool:
        """Tell whether two boxes have a place in common."""
        ends = [
            [each.nm(np.array(side) - 0.5) for side in (each.box.corner_zyx, each.box.end_zyx)]
            for each in (self, other)
        ]
        (low, high), (start, end) = ends
        return bool((np.maximum(low, start) < np.minimum(high, end)).all())

    def inside(self, zyx_nm: Floats) -> NDArray[np.bool_]:
        """Tell which points (nm) lie in voxels of the box."""
        zyx = zyx_nm / np.array(self.size_nm) - np.array(self.middle_zyx)
        low, high = (np.array(side) - 0.5 for side in (self.box.corner_zyx, self.box.end_zyx))
        return np.asarray(((zyx >= low) & (zyx < high)).all(axis=1))


@dataclass(frozen=True)
class Result:
    """What a complete request made.

    Attributes
    ----------
    workflow : Workflow
    request : Request
    made : dict
        What is recorded of the units that nothing of it is made of, by id.
    """

    workflow: work.Workflow
    request: work.Request
    made: dict[str, ledger.Recorded]

    @property
    def frame(self) -> Frame | None:
        """Where it looked; None of a request that reads no volume."""
        given = self.request.given
        if not {"channel", "cutout"} <= given.keys():
            return None
        middle = tuple(given.get("middle_zyx", NO_SHIFT))
        return Frame(Box.parse(given["cutout"]), tuple(voxel_size(given["channel"])), middle)

    @property
    def executions(self) -> frozenset[str]:
        """The executions that made it."""
        return frozenset(one.execution_id for one in self.made.values())

    @property
    def sha256(self) -> str:
        """Digest of all that was made."""
        return digest({name: one.content_sha256 for name, one in self.made.items()})


@dataclass(frozen=True)
class Truth:
    """What is taken for the truth.

    Attributes
    ----------
    kind : {"points", "labels", "request"}
    uri : str
        Where it is.
    sha256 : str
        Of what it says.
    where : sequence of str
        What else makes it another truth, such as the box of a volume.
    size : int, optional
        How many points it has, of a file.
    executions : frozenset of str
        What made it, if that was done here.
    seen : str, optional
        Digest of what its files looked like, of a volume, where that is known.
    """

    kind: str
    uri: str
    sha256: str
    where: Sequence[str] = ()
    size: int | None = None
    executions: frozenset[str] = field(default=frozenset())
    seen: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The `Truth` row."""
        return {
            "truth_id": digest([self.kind, self.sha256, *self.where])[:16],
            "truth_kind": self.kind,
            "truth_uri": cut(one_line(self.uri), URI_MAX),
            "truth_sha256": self.sha256,
            "truth_size": self.size,
        }


def result(request_id: str) -> Result:
    """Return what a request made.

    Raises
    ------
    ValueError
        If it is not complete.
    """
    return Result(*result_of(request_id))


def kind_of(truth: Mapping[str, Any]) -> tuple[str, str]:
    """Return what kind of truth is named, and where it is: a path, a URI, or the id of a request.

    Raises
    ------
    ValueError
        If it names nothing.
    """
    uri = str(truth["uri"])
    if "://" not in uri and uri.lower().endswith(FILES):
        return POINTS, os.path.abspath(uri)
    try:
        name, _, level = named(uri) if is_made(uri) else (uri, "", None)
    except Refused as error:
        raise ValueError(str(error)) from None
    if level is not None:
        raise ValueError(
            f"truth {uri!r} names a level, but the finest ones with voxels of one size are "
            f"compared: leave @{level} out"
        )
    if "://" in name:
        return LABELS, uri
    try:
        return REQUEST, ledger.named(Request, name)
    except ValueError as error:
        raise ValueError(
            f"truth {uri!r}: {error}; a truth is a file of points (.csv or .parquet), the URI of a "
            "volume of labels, or a request"
        ) from None


def way_of_points(within_nm: float) -> work.ParamSet:
    """Return how points are compared.

    Raises
    ------
    ValueError
        If the distance is no number above 0.
    """
    if not 0 < within_nm < np.inf:
        raise ValueError(f"within_nm is {within_nm}: give a distance above 0 (nm)")
    return work.ParamSet("score_points", VERSION, {"within_nm": float(within_nm)})


def way_of_labels(overlap: float, background: str) -> work.ParamSet:
    """Return how segmentations are compared.

    Raises
    ------
    ValueError
        If that is malformed.
    """
    if not 0 < overlap <= 1:
        raise ValueError(f"overlap is {overlap}: give a share above 0, and 1 at most")
    if background not in ("ignore", "keep"):
        raise ValueError(f"background is {background!r}: write ignore or keep")
    asked = {"overlap": float(overlap), "background": str(background)}
    return work.ParamSet("score_labels", VERSION, asked)
