"""Formats that are sources, in a bucket: what is written anew is that of an array."""

from pathlib import Path

import numpy as np
import pytest
from bucket import BUCKET, Server
from bucket import server as server
from bucket import started as started
from every_source import segments, write
from formats import SIZE, describe
from kit import buckets
from making import Transferring, read_level
from test_every_source import padded, sheet, volumes

pytestmark = pytest.mark.s3

FORMS = (
    *("crackle", "crackle, br", "raw, br", "raw, zstd", "compresso", "kempressed", "jxl"),
    *("hdf5", "nwb", "tiff", "tiff pages", "nrrd", "nrrd, gzip", "npy", "nifti, gz", "mrc", "ckl"),
    *("webknossos, zarr3", "webknossos, n5", "webknossos, neuroglancerPrecomputed"),
    *("plate", "label image", "n5", "gz compressed_segmentation", "sharded"),
)


def test_what_lies_in_a_bucket_is_written_anew(
    home: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {form: write(form, tmp_path / "sources", segments()) for form in FORMS}
    for file in filter(Path.is_file, (tmp_path / "sources").rglob("*")):
        name = file.relative_to(tmp_path).as_posix()
        server.put(buckets.local(f"s3://{BUCKET}/{name}"), file.read_bytes())
        file.unlink()
    there = {
        form: source._replace(uri=source.uri.replace(f"file://{tmp_path}", f"s3://{BUCKET}"))
        for form, source in sources.items()
    }
    asked = {"volume_format": "zarr", "chunk_shape": "8,16,16", "blocks_per_task": 1000}
    making = Transferring(tmp_path, monkeypatch)
    made = volumes(making.make(source=None, sheet=sheet(tmp_path / "a.csv", there), **asked))
    for form, source in there.items():
        np.testing.assert_array_equal(read_level(made[form], 0)[0], padded(source), form)
        told = describe(f"zarr://{made[form]}")
        assert told["voxel_size_nm_zyx"] == pytest.approx(SIZE), form
        assert tuple(told["offset_zyx"]) == source.offset_zyx, form
