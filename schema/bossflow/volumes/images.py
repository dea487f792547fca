"""Images that users name to look at results with: nothing is made of them."""

import dataclasses
from typing import Any

from ..core import work
from ..voxels.archives.made import is_made
from ..voxels.boxes import Box
from .channels import voxel_size
from .made import found
from .tables import RequestImage


def with_image(
    request: work.Request, row: dict[str, Any], described: dict[str, Any]
) -> work.Request:
    """Return a request that registers the image which its row names, if it names one.

    Parameters
    ----------
    request : Request
        Given a `channel` and a `cutout`.
    row : dict
        What asks for it.
    described : dict
        What DESCRIBE found, of `images` by URI too.

    Raises
    ------
    ValueError
        If the image lies elsewhere than the cutout, is to be made here and is not there, or can't
        be reached and is another one than before.
    """
    uri = row.get("image_source")
    if uri is None:
        return request
    about = described["images"][uri]
    asked = {"request_id": request.request_id, "image_uri": uri}
    if about and "unreachable" in about:
        known = RequestImage() & {"request_id": request.request_id}
        if uri in known.to_arrays("image_uri").tolist():
            return request
        raise ValueError(about["unreachable"])
    if is_made(uri):
        made = found(uri, 0)
        asked["image_uri"] = uri = made.output.channel(made.request)["uri"]
        extent, size = made.output.extent, made.output.voxel_size_nm_zyx
    else:
        extent = Box.of(about["offset_zyx"], about["shape_zyx"])
        size = tuple(about["voxel_size_nm_zyx"])
    cutout = Box.parse(request.given["cutout"])
    own, other = _nm(cutout, voxel_size(request.given["channel"])), _nm(extent, size)
    if not all(a < d and c < b for (a, b), (c, d) in zip(own, other, strict=True)):
        raise ValueError(
            f"image_source {uri} in {row['where']} lies elsewhere than the cutout {cutout.name}: "
            f"it has {_shown(other)} nm, and the cutout {_shown(own)} nm (x, y, z)"
        )
    return dataclasses.replace(request, rows=(*request.rows, (RequestImage, [asked])))


def _nm(box: Box, size_zyx: Any) -> list[tuple[float, float]]:
    bounds = zip(box.corner_zyx, box.end_zyx, size_zyx, strict=True)
    return [(start * size, end * size) for start, end, size in bounds]


def _shown(bounds: list[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.15g}..{end:.15g}" for start, end in reversed(bounds))
