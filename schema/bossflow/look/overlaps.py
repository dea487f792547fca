"""Two segmentations that were made here: where both have voxels, and whether these are the same.

What the database knows goes first; `look.counted` reads voxels, if that is not all.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..volumes.tables import Channel, MadeBlock, MadeChannel
from ..voxels.boxes import Box

Progress = Callable[[int, int], None]
"""Takes how many voxels are compared, and of how many."""

EQUAL: dict[str, Any] = {
    **dict.fromkeys(("voxels", "segments_a", "segments_b")),
    **dict.fromkeys(("vi_split_bits", "vi_merge_bits", "vi_bits", "vi_nats"), 0.0),
    "adapted_rand_error": 0.0,
    **dict.fromkeys(("precision", "recall", "rand_index"), 1.0),
}
"""What `voxels.agreement.measures` says of equal segmentations, as far as needs no voxels."""


class Level(NamedTuple):
    """A level of a segmentation.

    Attributes
    ----------
    request, volume : str
        Which of a request's volumes.
    number : int
        0 is the finest.
    box : Box
        Voxels of this level.
    size_nm_xyz : tuple of float
        Of a voxel.
    channel : str, optional
        Id of its channel; None where it is in no store.
    """

    request: str
    volume: str
    number: int
    box: Box
    size_nm_xyz: tuple[float, ...]
    channel: str | None

    @property
    def told(self) -> dict[str, Any]:
        """Which it is; JSON values."""
        return {
            "request": self.request,
            "volume": self.volume,
            "level": self.number,
            "box": self.box.name,
            "voxel_size_nm_xyz": list(self.size_nm_xyz),
        }

    def digests(self) -> dict[Box, str]:
        """Return the blocks that it is made of, and digests that tell their voxels; empty: none.

        Raises
        ------
        ValueError
            If blocks are missing.
        """
        if self.channel is None:
            return {}
        rows = (MadeBlock.proj("made_sha256") & {"channel_id": self.channel}).to_dicts()
        found = {Box.parse(row["block"]): row["made_sha256"] for row in rows}
        if sum(box.voxel_count for box in found) != self.box.voxel_count:
            raise ValueError(
                f"{self.volume} of request {self.request} is not whole: see `bossflow status "
                f"--request {self.request}`"
            )
        return found


class Apart(Exception):
    """Why two requests can't be compared by their voxels: a sentence."""


class NoSegmentation(Apart):
    """A request that makes none."""


def compared(
    a: str, b: str, background: str, told: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Compare the segmentations of two complete requests where both have voxels.

    Blocks of which the database knows that both have the same voxels are read of one only, and if
    that is all of them, of none. The finest levels are taken whose voxels are of the same size.

    Parameters
    ----------
    a, b : str
        Ids of requests; `a` is taken for the truth.
    background : {"ignore", "keep"}
        As `voxels.agreement.measures` takes it.
    told : callable

    Returns
    -------
    dict
        JSON values: `a` and `b` (which level of which volume), `box` (voxels), `same_box`,
        `blocks`, `blocks_with_same_digest`, `voxels_read`, `background`; `equal` (every voxel has
        the same id), `same_segments`, `measures`, `splits` and `merges` as `voxels.agreement`
        has them; `only_in_a`, `only_in_b`: how many segments are 0 in all of the
        other. Where nothing was read the numbers of voxels and segments are None.

    Raises
    ------
    Apart
        If they aren't two segmentations, or have no voxels in common.
    Refused, Unreachable
        If voxels can't be read.
    ValueError
        If a volume is not here, or not whole.
    """
    first, second, box = where_both(levels(a), levels(b))
    blocks = parts(first, second, box)
    same = sum(blocks.values())
    about: dict[str, Any] = {
        "a": first.told,
        "b": second.told,
        "box": box.name,
        "same_box": first.box == second.box,
        "blocks": len(blocks),
        "blocks_with_same_digest": same,
        "voxels_read": 0 if same == len(blocks) else box.voxel_count,
        "background": background,
    }
    if same == len(blocks):
        none = {"number": 0, "largest": []}
        same_all = {"equal": True, "same_segments": True, "measures": EQUAL}
        return about | same_all | {"splits": none, "merges": none, "only_in_a": 0, "only_in_b": 0}
    from . import counted  # loads numba: not where nothing is read

    return about | counted.judged(first, second, blocks, background, told)


def check(*requests: str) -> None:
    """Refuse requests that make no segmentation.

    Raises
    ------
    NoSegmentation
    """
    for request in requests:
        levels(request)


def levels(request: str, volume: str = "") -> list[Level]:
    """Return the levels of a request's segmentation, the finest first.

    Of several that of a `volume`, else the first one's.

    Raises
    ------
    NoSegmentation
        If it makes none, or none that is called so.
    """
    rows = (Channel() * MadeChannel() & {"request_id": request}).to_dicts(order_by="resolution")
    rows = [
        row for row in rows if row["kind"] == "annotation" and volume in ("", row["output_name"])
    ]
    if not rows:
        return _elsewhere(request, volume)
    first = min(row["output_name"] for row in rows)
    return [
        Level(
            request,
            first,
            row["resolution"],
            Box(*(row[f"channel_{axis}{end}"] for axis in "xyz" for end in "01")),
            tuple(row[f"voxel_size_{axis}"] for axis in "xyz"),
            row["channel_id"],
        )
        for row in rows
        if row["output_name"] == first
    ]


def _elsewhere(request: str, volume: str) -> list[Level]:
    """Return the level of a segmentation that was written to a place of the user's."""
    from .shown import layers, recalled

    workflow, asked = recalled(request)
    written = {name for name, one in workflow.layers(asked).items() if "source" in one}
    for layer in layers([request]):
        is_meant = layer.name in written and volume in ("", layer.name)
        if layer.kind == "segmentation" and is_meant and layer.levels:
            one = layer.levels[0]
            size = one.voxel_size_nm_xyz
            return [Level(request, layer.name, one.number, one.box, size, None)]
    called = f" that is called {volume}" * bool(volume)
    raise NoSegmentation(f"request {request} makes no segmentation{called}")


def where_both(a: list[Level], b: list[Level]) -> tuple[Level, Level, Box]:
    """Return the finest levels whose voxels are of the same size, and the box that both have.

    Raises
    ------
    Apart
        If there are none, or no voxels in common.
    """
    first, second = _same_size(a, b)
    try:
        return first, second, first.box.intersect(second.box)
    except ValueError:
        raise Apart(
            f"their volumes have no voxels in common: {first.box.name} and {second.box.name}"
        ) from None


def _same_size(a: list[Level], b: list[Level]) -> tuple[Level, Level]:
    for first in a:
        for second in b:
            if all(map(math.isclose, first.size_nm_xyz, second.size_nm_xyz)):
                return first, second
    sizes = [" x ".join(f"{nm:g}" for nm in one[0].size_nm_xyz) for one in (a, b)]
    raise Apart(
        f"no levels of their volumes have voxels of the same size: the finest have {sizes[0]} and "
        f"{sizes[1]} nm (x y z)"
    )


def parts(a: Level, b: Level, box: Box) -> dict[Box, bool]:
    """Return the parts of a box, and of each whether it is known to be equal in both."""
    digests, others = a.digests(), b.digests()
    if not digests:
        return {box: False}
    return {
        block.intersect(box): others.get(block) == digest
        for block, digest in digests.items()
        if block.meets(box)
    }
