"""Workflow tractography under Nextflow: three subjects, of which one is broken."""

import csv
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pytest
from diffusion import subject
from lab import Lab
from subjects_asked import write_sheet
from trx import trx_file_memmap as trx

pytestmark = pytest.mark.nextflow


def test_of_three_subjects_the_broken_one_is_named(tmp_path: Path) -> None:
    """Its image breaks off, which its header does not tell."""
    subjects = {
        f"sub-0{number}": subject(
            tmp_path / f"sub-0{number}", (8, 9, 7), 48, voxel_size=15, seed=number
        )
        for number in (1, 2, 3)
    }
    broken = replace(subjects["sub-02"], dwi=tmp_path / "broken.nii.gz")
    broken.dwi.write_bytes(subjects["sub-02"].dwi.read_bytes()[:-500])
    subjects["sub-02"] = broken
    sheet = write_sheet(tmp_path / "subjects.csv", subjects)
    lab_of = Lab(tmp_path / "lab", np.ones((1, 1, 1), np.uint8), (0, 0, 0))
    with lab_of.serving() as lab:
        asked = {"workflow": "tractography", "input": str(sheet), "seed_groups": 2, "page": True}
        asked |= {
            "source": None,
            "archive": None,
            "bossdb_host": None,
            "response_fa": 0.4,
            "min_length_mm": 1,
        }
        run = lab.nextflow(**asked)
        assert run.code == 1 and "2 complete" in run.text, run.text
        assert "broken.nii.gz is damaged: its gzip stream breaks off" in run.text
        results = lab.directory / "results"
        with (results / "requests.csv").open() as stream:
            told = {row["name"]: row for row in csv.DictReader(stream)}
    assert [row["state"] for row in told.values()] == ["complete", "failed", "complete"]
    tracts = trx.load(str(results / "sub-01" / "tractogram" / "tractogram.trx"))
    connectome = pq.read_table(results / "sub-01" / "connectome")
    assert sum(connectome["n_connecting"].to_pylist()) == len(tracts.streamlines) > 10
    density = nibabel.load(results / "sub-01" / "maps" / "density.nii").get_fdata()
    assert density.max() > 1 and (density > 0).sum() > 20
    pictures = {path.name for path in (results / "sub-01" / "pictures").iterdir()}
    assert pictures == {"fa.png", "directions.png", "tractogram.png"}
    assert "What most streamlines connect" in (results / "index.html").read_text("utf-8")
