"""Volumes of every format, written well and then made wrong."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import blosc
import file_formats
import h5py
import numpy as np
import test_webknossos
import tifffile
from formats import n5, ome, plain_zarr, precomputed
from fuzzed_values import NUMBERS, Case

VOXELS = np.arange(1, 121, dtype="uint16").reshape(4, 5, 6)


def _json_of(write: Callable[[Path], str], *names: str) -> Callable[[Case], str]:
    def made(case: Case) -> str:
        uri = write(case.directory / "v")
        files = [path for name in names for path in sorted((case.directory / "v").rglob(name))]
        case.json(case.rng.choice(files))
        return uri

    return made


def _header_of(write: Callable[..., tuple[str, Any]], size: int) -> Callable[[Case], str]:
    def made(case: Case) -> str:
        uri, _ = write(case.directory, VOXELS)
        case.binary(Path(uri.partition("://file://")[2].partition("#")[0]), 0, size)
        return uri

    return made


def _npy(case: Case) -> str:
    uri, _ = file_formats.npy(case.directory, VOXELS)
    path = case.directory / "volume.npy"
    if case.rng.random() < 0.3:
        case.binary(path, 0, 128)
        return uri
    content = path.read_bytes()
    about: dict[str, Any] = {"descr": "<u2", "fortran_order": False, "shape": (4, 5, 6)}
    name = case.rng.choice(list(about))
    types = [">u2", "|O", "<c16", "|S3", "<M8[ns]", "<f2", "|b1", [("a", "<i4")], "<u9"]
    sides = [*NUMBERS[:20], 4, 5, 6, True]
    values = {"descr": types, "fortran_order": [True, 1, "no"]}
    shape = tuple(case.rng.choice(sides) for _ in range(case.rng.choice((0, 1, 3, 3, 3, 40))))
    about[name] = case.rng.choice(values[name]) if name in values else shape
    header = f"{about}".encode().ljust(117) + b"\n"
    path.write_bytes(content[:8] + len(header).to_bytes(2, "little") + header + content[128:])
    return uri


def _nii_gz(case: Case) -> str:
    uri, _ = file_formats.nifti(case.directory, VOXELS, "volume.nii.gz")
    path = case.directory / "volume.nii.gz"
    if case.rng.random() < 0.3:
        case.binary(path, 0, path.stat().st_size)
    else:
        path.write_bytes(gzip.compress(case.bytes(gzip.decompress(path.read_bytes()), 0, 352)))
    return uri


def _nrrd(case: Case) -> str:
    uri, _ = file_formats.nrrd_file(case.directory, VOXELS, case.rng.choice(["raw", "gzip"]))
    path = case.directory / "volume.nrrd"
    header, _, voxels = path.read_bytes().partition(b"\n\n")
    lines = header.decode().split("\n")
    for _ in range(case.rng.choice((1, 1, 2, 3))):
        at = case.rng.randrange(len(lines))
        name, mark, value = lines[at].partition(": ")
        words = value.split(" ") if mark else [lines[at]]
        words[case.rng.randrange(len(words))] = str(case.value())
        kind = case.rng.randrange(5)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[case.rng.randrange(len(lines))])
        else:
            lines[at] = name + mark + " ".join(words) if mark else words[0]
        if not lines:
            break
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    text = case.bytes(text, 0, len(text)) if case.rng.random() < 0.2 and len(text) > 9 else text
    path.write_bytes(text + b"\n\n" + voxels)
    return uri


def _tiff(write: Callable[..., tuple[str, Any]]) -> Callable[[Case], str]:
    def made(case: Case) -> str:
        uri, _ = write(case.directory, VOXELS)
        path = Path(uri.partition("://file://")[2])
        with tifffile.TiffFile(path) as opened:
            spots = [(0, 16)]
            for page in opened.pages:
                tags = list(page.tags)  # 12 bytes each, or 20
                spots += [(tag.offset, tag.offset + 12 + 8 * opened.is_bigtiff) for tag in tags]
                spots += [(tag.valueoffset, tag.valueoffset + tag.valuebytecount) for tag in tags]
        content = path.read_bytes()
        for _ in range(case.rng.choice((1, 1, 2, 3))):
            low, high = case.rng.choice(spots)
            if low < len(content) - 8:
                content = case.bytes(content, low, min(high, len(content)))
        path.write_bytes(content)
        return uri

    return made


def _attributes(case: Case, holder: Any) -> None:
    """Give attributes of an HDF5 file other values, of other types and shapes."""
    known = [*holder.attrs, "units", "offset", "resolution", "voxel_size", "element_size_um"]
    known += ["axistags", "axes", "axis_names", "transform", "_ARRAY_DIMENSIONS", "neurodata_type"]
    for _ in range(case.rng.choice((1, 1, 2, 3))):
        name, value = case.rng.choice(known), case.value()
        held: Any = value
        kind = case.rng.randrange(9)
        if kind == 0:
            held = h5py.Empty("f8")
        elif kind == 1:
            held = np.array([float(case.rng.choice(NUMBERS)) for _ in range(case.rng.randrange(5))])
        elif kind == 2:
            held = np.zeros(case.rng.randrange(4), [("a", "i4"), ("b", "f8")])
        elif kind == 3:
            held = holder.ref
        elif kind == 4:
            held = np.array([float(case.rng.choice(NUMBERS))] * 3, "f4").reshape(1, 3)
        elif kind == 5:
            held = json.dumps({"axes": [{"key": "z", "resolution": value}, {"key": value}]})
        elif kind == 6 and name in holder.attrs:
            del holder.attrs[name]
            continue
        elif not isinstance(held, (int, float)) or isinstance(held, int) and abs(held) >= 2**63:
            held = (
                json.dumps(held) if case.rng.randrange(2) else [str(held)] * case.rng.randrange(4)
            )
        try:
            holder.attrs[name] = held
        except (UnicodeEncodeError, ValueError, TypeError):  # what HDF5 can't hold
            holder.attrs[name] = float("nan")


def _hdf5(case: Case) -> str:
    uri, _ = file_formats.hdf5(case.directory, VOXELS, chunks=(2, 3, 3))
    with h5py.File(case.directory / "volume.h5", "r+") as file:
        _attributes(case, file["volumes/ids"])
    return uri


def _nwb(case: Case) -> str:
    uri, _ = file_formats.nwb(case.directory, np.resize(VOXELS, (16, 18, 20)))
    with h5py.File(case.directory / "volume.nwb", "r+") as file:
        plane = file["general/optophysiology/plane"]
        of = ["acquisition/stack", "acquisition/stack/data", plane.name]
        _attributes(case, file[case.rng.choice([*of, f"{plane.name}/grid_spacing"])])
        for name in ("grid_spacing", "origin_coords"):
            if case.rng.random() < 0.5:
                unit = dict(plane[name].attrs)
                del plane[name]
                numbers = [float(case.rng.choice(NUMBERS)) for _ in range(case.rng.randrange(5))]
                made = plane.create_dataset(name, data=numbers or "text")
                made.attrs.update(unit)
    return uri


def _hypersquare(case: Case) -> str:
    about = {
        "chunk_voxel_dimensions": [6, 5, 4],
        "voxel_resolution": [4, 8, 40],
        "resolution_units": "nanometers",
        "segment_id_type": "UInt16",
        "image_type": "UInt8",
        "physical_offset_min": [3, -5, 7],
        "physical_offset_max": [9, 0, 11],
    }
    (case.directory / "segmentation.lzma").write_bytes(b"no")
    (case.directory / "metadata.json").write_text(json.dumps(about))
    case.json(case.directory / "metadata.json")
    return f"hypersquare://file://{case.directory}#/segmentation"


def _bigarray(case: Case) -> str:
    chunk = bytes(10) + blosc.compress(VOXELS.tobytes(), 2)
    for at in range(2):
        (case.directory / f"{6 * at + 1}:{6 * at + 6}_1:5_1:4").write_bytes(chunk)
    first = case.directory / "1:6_1:5_1:4"
    ends = [str(case.rng.choice([*range(12), 2**31, 2**53, 2**63, 10**30])) for _ in range(6)]
    told = [f"{low}:{high}" for low, high in zip(ends[::2], ends[1::2], strict=True)]
    kept = [
        one if case.rng.random() < 0.4 else other
        for one, other in zip(told, ("1:6", "1:5", "1:4"), strict=True)
    ]
    first.rename(case.directory / "_".join(kept))
    shape = ",".join(case.rng.choice(["6", "5", "4", "0", "99999", "-1"]) for _ in range(3))
    shape = "6,5,4" if case.rng.random() < 0.6 else shape
    return f"bigarray://file://{case.directory}#/{case.rng.choice(['uint16', 'uint64'])}/{shape}"


def _planes(case: Case) -> str:
    uri, _ = file_formats.planes(case.directory, VOXELS, case.rng.choice(["tif", "png", "jp2"]))
    paths = sorted(path for path in (case.directory / "stack").iterdir() if path.suffix != ".txt")
    case.binary(paths[0], 0, 300)
    if case.rng.random() < 0.3:
        name = case.rng.choice(["s1_z99999999999999999999", "s2_z9", "s1_z008", "z"])
        paths[1].rename(paths[1].with_name(name + paths[1].suffix))
    return uri


def _ome(path: Path, version: str) -> str:
    return ome(path, VOXELS, version, "czyx", chunk_zyx=(2, 3, 3), translation={"z": 0.08})


def _sharded(path: Path) -> str:
    return plain_zarr(path, np.resize(VOXELS, (4, 6, 6)), chunks=(2, 3, 3), shards=(4, 6, 6))


FORMATS: dict[str, Callable[[Case], str]] = {
    "precomputed": _json_of(lambda path: precomputed(path, VOXELS, (2, 3, 3)), "info"),
    "precomputed sharded": _json_of(
        lambda path: precomputed(path, VOXELS, (2, 3, 3), sharded=True), "info"
    ),
    "zarr 2": _json_of(
        lambda path: plain_zarr(path, VOXELS, 2, chunks=(2, 3, 3)), ".zarray", ".zattrs"
    ),
    "zarr 3": _json_of(lambda path: plain_zarr(path, VOXELS, chunks=(2, 3, 3)), "zarr.json"),
    "zarr 3 sharded": _json_of(_sharded, "zarr.json"),
    "ome 0.4": _json_of(lambda path: _ome(path, "0.4"), ".zattrs", ".zarray"),
    "ome 0.5": _json_of(lambda path: _ome(path, "0.5"), "zarr.json"),
    "n5": _json_of(lambda path: n5(path, VOXELS, (2, 3, 3)), "attributes.json"),
    "webknossos": _json_of(lambda path: test_webknossos.written(path, "zarr3"), "*properties.json"),
    "hdf5": _hdf5,
    "nwb": _nwb,
    "nifti": _header_of(file_formats.nifti, 352),
    "nifti gz": _nii_gz,
    "nrrd": _nrrd,
    "mrc": _header_of(file_formats.mrc, 1024),
    "npy": _npy,
    "ckl": _header_of(file_formats.ckl, 64),
    "tiff ome": _tiff(file_formats.ome_tiff),
    "tiff imagej": _tiff(file_formats.imagej),
    "tiff pages": _tiff(file_formats.pages),
    "planes": _planes,
    "hypersquare": _hypersquare,
    "bigarray": _bigarray,
}
