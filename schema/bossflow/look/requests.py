"""A complete request on the page of a run: its pictures, sizes, files and parameters."""

import json
from typing import Any
from xml.etree.ElementTree import Element

from ..core import installed, work
from ..core.tables import Request
from ..kit import locations
from ..kit.texts import cut, many, sentence
from ..volumes.citations import in_words
from ..voxels.frames import OBJECT_SIDE, Frame
from . import layers, mesh_files, shown, sizes
from .elements import element, scrolled, table
from .layer import Layer, Place

PLANES = {
    "z": "x to the right, y down",
    "y": "x to the right, z down",
    "x": "y to the right, z down",
}
"""What a slice across an axis shows."""


def title(request: dict[str, Any]) -> str:
    """Return what a request is called."""
    return request["names"][-1] if request["names"] else f"Request {request['request']}"


def pictured(
    request: dict[str, Any], pictures: list[dict[str, Any]]
) -> tuple[Element, list[Layer]]:
    """Return the part of a page about a complete request, and the volumes that there are to see.

    Adds the pictures that it has.
    """
    identity, before = request["request"], len(pictures)
    seen: list[Layer] = []
    try:
        seen = shown.layers([identity])
        problem = "; ".join(one.problem for one in seen if one.problem)
        parts = [
            _planes(seen, pictures),
            [_components(one, pictures) for one in seen if one.table and not one.reads],
            [_segments("mesh", one.meshes, pictures) for one in seen if one.meshes],
            [_segments("skeleton", one.skeletons, pictures) for one in seen if one.skeletons],
            [_table(one) for one in _workflow(identity).tables_of(identity)],
            _files(request, seen),
        ]
    except (ValueError, OSError) as error:  # the rest of the page holds
        del pictures[before:]
        problem, parts = f"it can't be looked at here: {sentence(error)}", []
    made = element(
        "article",
        element("h3", title(request), id=f"request-{identity}"),
        element("p", element("strong", request["outcome"]), f" · request {identity}"),
        element("p", request["note"], class_="soft") if request.get("note") else None,
        element("p", problem, class_="missing") if problem else None,
        parts,
        _details(request),
    )
    return made, seen


def _planes(seen: list[Layer], pictures: list[dict[str, Any]]) -> Any:
    """Return the slices of a request's layers."""

    def figure(group: str, axis: str, asked: dict[str, Any]) -> Any:
        plane = "plane through the best one" if "circles" in asked else "middle plane"
        alt = f"{group}: the {plane} across {axis}, {PLANES[axis]}"
        return _figure(asked, alt, f"across {axis}: {PLANES[axis]}", pictures)

    return [
        [
            element("h4", group["title"]),
            element(
                "div",
                [figure(group["title"], axis, one) for axis, one in group["pictures"].items()],
                class_="pictures",
            ),
        ]
        for group in layers.slices(seen)
    ]


def _figure(
    asked: dict[str, Any], alt: str, caption: str, pictures: list[dict[str, Any]]
) -> Element:
    """Return the place of a picture, which is added to those that are asked for."""
    frame, address = Frame.of(asked), f"picture:{len(pictures)}"
    pictures.append(asked)
    alt, size = f"{alt}; scale bar {frame.bar}", {"width": frame.width, "height": frame.height}
    image = element("img", src=address, alt=alt, **size)
    return element("figure", image, element("figcaption", f"{caption}; bar {frame.bar}"))


def _components(layer: Layer, pictures: list[dict[str, Any]]) -> Any:
    """Return the sizes of what a segmentation shows, and the largest with a picture of each."""
    assert layer.table
    directory = layers.files(layer.table.store, layer.table.path)
    if directory is None:
        return element("p", "Its table is too large to be fetched from a bucket for this page.")
    one = layer.table.one
    known = sizes.of(directory, layer.table.columns)
    if not known.counts:
        return None
    listed = {name: words for name, words in _COLUMNS.items() if name in known.largest[0]}
    heading = f"How many {one}s have how many voxels"
    spans = [
        [f"{2**n:,} to {2 ** (n + 1) - 1:,}", f"{number:,}"] for n, number in known.counts.items()
    ]
    figures, cells = [], []
    for row in known.largest:
        asked = layers.one_object(layer, row)
        name = f"{one} {row['component_id']}"
        if asked:
            alt = f"{name}, seen along {asked['axis']}: brighter is nearer"
            caption = f"{name}: {many(row['voxel_count'], 'voxel')}"
            figures.append(_figure(asked, alt, caption, pictures))
        cells.append([str(row["component_id"]), *(_cell(row[of]) for of in listed)])
    return [
        element("h4", heading),
        sizes.chart(known.counts, heading),
        element(
            "details",
            element("summary", "The numbers"),
            table(heading, ["voxels", f"{one}s"], spans, 1),
        ),
        element("h4", f"The largest {one}s"),
        element("div", figures, class_="pictures objects"),
        table(
            f"The largest {one}s; places in voxels of the channel",
            [one, *listed.values()],
            cells,
            1,
        ),
    ]


_COLUMNS = {
    "voxel_count": "voxels",
    "segment_id": "segment",
    "centroid_x": "centroid x",
    "centroid_y": "y",
    "centroid_z": "z",
}


def _segments(one: str, files: Place, pictures: list[dict[str, Any]]) -> Any:
    """Return pictures of the largest meshes or skeletons."""
    where = locations.url(layers.place_of(files.store, files.path))
    several, largest, number, per, unit = _OF_SEGMENTS[one]
    figures = []
    for name, told in mesh_files.largest(files, sizes.LARGEST).items():
        alt = f"the {one} of segment {name}, seen from above and one side"
        caption = f"segment {name}: {told[number] / per:.3g} {unit}"
        address, asked = f"picture:{len(pictures)}", {several: where, "only": name}
        pictures.append(asked)
        image = element("img", src=address, alt=alt, width=OBJECT_SIDE, height=OBJECT_SIDE)
        figures.append(element("figure", image, element("figcaption", caption)))
    if not figures:
        return None
    heading = element("h4", f"The {largest} {several}")
    return heading, element("div", figures, class_="pictures objects")


_OF_SEGMENTS = {
    "mesh": ("meshes", "largest", "volume_nm3", 1e9, "µm³"),
    "skeleton": ("skeletons", "longest", "cable_length_nm", 1e3, "µm"),
}
"""Of files of segments: several, the first ones, how large one is, of what, and in which unit."""


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or "–"
    return f"{value:,.1f}" if isinstance(value, float) else f"{int(value):,}"


def _table(told: dict[str, Any]) -> Any:
    """Return a table that a workflow tells of a request."""
    rows = [[_cell(value) for value in row] for row in told["rows"]]
    heading = told["caption"].partition(";")[0]
    return [element("h4", heading), table(told["caption"], told["columns"], rows, 1)]


def _workflow(request_id: str) -> work.Workflow:
    (name,) = (Request() & {"request_id": request_id}).to_arrays("workflow")
    return installed.opened(str(name))


def _files(request: dict[str, Any], seen: list[Layer]) -> Any:
    """Return where the files of a request are, and how they are read."""
    results = _workflow(request["request"]).results
    urls = [[name, element("code", request[name])] for name in results if request.get(name)]
    code = [
        text
        for one in seen
        if one.place and not one.reads and one.name != "image" and (text := layers.in_python(one))
    ]
    for one in seen:
        if not one.table:
            continue
        where = layers.place_of(one.table.store, one.table.path)
        code.append(f"import pandas\n\ntable = pandas.read_parquet({locations.shown(where)!r})")
    return element(
        "details",
        element("summary", "Where the files are, and how to read them"),
        table("Files", ["what", "where"], urls) if urls else None,
        [scrolled("pre", "Python", element("code", text)) for text in code],
        element("p", "To look at it: ", element("code", f"bossflow view {request['request']}"))
        if seen
        else None,
        open="",
    )


def _details(request: dict[str, Any]) -> Any:
    """Return what a request is: source, box, parameters."""
    told = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in request.items()
        if value not in (None, {}, []) and name not in _SAID
    }
    if cited := request.get("citations"):
        told["citations"] = "; ".join(map(in_words, cited))
    return element(
        "details",
        element("summary", "What was asked for"),
        table("What was asked for", ["what", "value"], [[name, cut(told[name])] for name in told]),
    )


_SAID = {"request", "names", "outcome", "note", "units", "errors", "away"}
