"""Workflow tractography in the test's process, and what dipy makes of whole volumes."""

import csv
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from collect_fodf import collect_fodf
from conftest import ROOT
from describe import described
from diffusion import Subject
from fit_fodf import fit_fodf
from fit_response import fit_response
from fit_tensor import fit_tensor
from mask_white_matter import mask_white_matter
from merge_tracts import merge_tracts
from pipeline import Pipeline, run_of
from pull_dwi import pull_dwi
from track_group import track_group


class Subjects(Pipeline):
    """Subjects in a sheet whose tractograms are made."""

    workflow = "tractography"
    programs = {
        "PULL_DWI": pull_dwi,
        "MASK_WHITE_MATTER": mask_white_matter,
        "FIT_TENSOR": fit_tensor,
        "FIT_RESPONSE": fit_response,
        "FIT_FODF": fit_fodf,
        "COLLECT_FODF": collect_fodf,
        "TRACK_GROUP": track_group,
        "MERGE_TRACTS": merge_tracts,
    }

    def described(self, subjects: dict[str, Subject], **params: Any) -> dict[str, Any]:
        """Return what DESCRIBE finds of a sheet."""
        schema = json.loads((ROOT / "nextflow_schema.json").read_text())
        sheet = write_sheet(self.directory / "subjects.csv", subjects)
        asked = {"workflow": self.workflow, "store": str(self.store)} | params
        return described(asked, schema, sheet, "public", str(self.directory))

    def plan(
        self, subjects: Any, suffix: str = "", compared: Any = None, **params: Any
    ) -> tuple[dict[str, Any], Path]:
        from bossflow.core.plan import plan

        found = self.described(subjects, **params)
        self.runs += 1
        work_dir = self.directory / f"run{self.runs}"
        work_dir.mkdir()
        given = {"workflow": self.workflow, "store": str(self.store), "blocks_per_task": 2} | params
        run = run_of(self.runs, self.directory)
        asked = {"workflow": self.workflow, "params": given, "run": run}
        plan(asked, found, "0" * 16, work_dir, compared)
        return json.loads((work_dir / "plan.json").read_text()), work_dir


def write_sheet(path: Path, subjects: dict[str, Subject]) -> Path:
    """Write a sample sheet of subjects by their names."""
    columns = ["subject", "dwi", "bvals", "bvecs", "segmentation"]
    with path.open("w", newline="") as stream:
        rows = csv.DictWriter(stream, columns)
        rows.writeheader()
        rows.writerows({"subject": name} | one.row for name, one in subjects.items())
    return path


class Whole:
    """What dipy makes of a whole volume: one call for each step."""

    def __init__(self, subject: Subject, white_matter: list[int]) -> None:
        from dipy.core.gradients import gradient_table
        from dipy.io.gradients import read_bvals_bvecs
        from nibabel.processing import resample_from_to

        image = nibabel.load(subject.dwi)
        self.data, self.affine = image.get_fdata(), image.affine
        bvals, bvecs = read_bvals_bvecs(str(subject.bvals), str(subject.bvecs))
        self.gradients = gradient_table(bvals, bvecs=bvecs)
        labels = nibabel.load(subject.segmentation)
        if not np.array_equal(labels.affine, self.affine):
            labels = resample_from_to(labels, (self.data.shape[:3], self.affine), order=0)
        self.labels = np.asarray(labels.dataobj).astype(int)
        self.white_matter = np.isin(self.labels, white_matter)

    def fa(self) -> np.ndarray:
        from dipy.reconst.dti import TensorModel

        fit = TensorModel(self.gradients, fit_method="WLS").fit(self.data, mask=self.labels != 0)
        return np.asarray(fit.fa)

    def response(self) -> Any:
        from dipy.reconst.csdeconv import mask_for_response_ssst, response_from_mask_ssst

        single = mask_for_response_ssst(self.gradients, self.data, roi_radii=10, fa_thr=0.7)
        return response_from_mask_ssst(self.gradients, self.data, single * self.white_matter)[0]

    @cached_property
    def fodf(self) -> np.ndarray:
        from dipy.reconst.csdeconv import ConstrainedSphericalDeconvModel

        model = ConstrainedSphericalDeconvModel(self.gradients, self.response(), sh_order_max=8)
        return np.asarray(model.fit(self.data, mask=self.white_matter).shm_coeff)

    def voxels(self, line: np.ndarray) -> np.ndarray:
        """Return the voxels that are nearest to points of a streamline."""
        inverse = np.linalg.inv(self.affine)
        return np.rint(line @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)

    def streamlines(self, fa: np.ndarray, seeds_per_voxel: int, **options: Any) -> list[np.ndarray]:
        """Return what one call tracks, with an anisotropy whose last digits count: float32, mm."""
        from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion
        from dipy.tracking.tracker import probabilistic_tracking
        from subjects.parts import world
        from subjects.seeds import RANDOM_STATE, seeds_of, voxels_of

        size = np.sqrt((self.affine[:3, :3] ** 2).sum(0))
        shape = self.white_matter.shape
        seeds = seeds_of(voxels_of(self.white_matter), shape, range(seeds_per_voxel), 0)
        stopping = ThresholdStoppingCriterion(fa, 0.1)
        how = {"step_size": 0.5, "max_angle": 20, "min_len": 10, "max_len": 300} | options
        found = probabilistic_tracking(
            *(seeds, stopping, np.eye(4)),
            **{"sh": self.fodf, "voxel_size": size, "nbr_threads": 1},
            **{"random_seed": RANDOM_STATE} | how,
        )
        return [world(one, self.affine) for one in found]
