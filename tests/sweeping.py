"""Sweeps whose runs are made in the process of a test, in place of Nextflow's."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from making import Transferring
from pipeline import bossflow_says, run_of
from searching import Detecting
from steps import Cutouts, write_volume


class Runs:
    """What stands in for Nextflow, and what each of its runs was asked for.

    Attributes
    ----------
    plans : list of dict
        The plan of each run.
    made : Counter
        Units of all runs, by process.
    """

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.volume = write_volume(directory / "volume", (20, 24, 28))
        self.plans: list[dict[str, Any]] = []
        self.made: Counter[str] = Counter()
        self.before: Callable[[], None] = lambda: None
        self.of = {"label": Cutouts, "transfer": Transferring, "detect": Detecting}
        self.pipelines: dict[str, Cutouts] = {}
        for name, kind in self.of.items():
            (directory / name).mkdir()
            self.pipelines[name] = kind(directory / name, monkeypatch)
            self.pipelines[name].volume = self.volume
        self.monkeypatch = monkeypatch

    def __call__(self, words: list[str]) -> int:
        self.before()
        file = Path(words[words.index("-params-file") + 1])
        params = json.loads(file.read_text())
        pipeline = self.pipelines[params["workflow"]]
        name = words[words.index("-name") + 1]
        with self.monkeypatch.context() as patch:
            patch.setattr("steps.run_of", lambda *run: run_of(*run) | {"name": name})
            here = Path.cwd()
            ran = pipeline.run([], sheet=Path(params.pop("input")), **params)
            self.monkeypatch.chdir(here)
        self.plans.append(ran["plan"])
        if ran["plan"]["problem"]:
            print(ran["plan"]["problem"])
            return 1
        for batch in ran.get("recorded", ()):
            self.made.update(batch["recorded"])
        return int(ran["verdict"]["missing"] is not None)

    def write(self, called: str = "sweep", /, **said: Any) -> Path:
        """Write a file; where it has no steps, of label on the volume in 27 blocks."""
        asked: dict[str, Any] = {"store": str(self.directory / "store")}
        asked["outdir"] = str(self.directory / "results")
        if "steps" not in said:
            asked |= {"source": f"zarr://{self.volume}", "block_shape": [8, 10, 12]}
        file = self.directory / f"{called}.json"
        file.write_text(json.dumps(asked | said))
        return file

    def sweep(self, file: Path, *options: str, command: str = "sweep") -> tuple[int, str]:
        """Run the command on a file."""
        words = ["sweep", "run"] if command == "sweep" else ["chain"]
        return bossflow_says(*words, str(file), *options)


@pytest.fixture
def runs(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    from bossflow.upkeep import launching

    runs = Runs(tmp_path, monkeypatch)
    monkeypatch.setattr(launching, "run", runs)
    monkeypatch.setattr(launching, "nextflow", lambda: "nextflow")
    monkeypatch.chdir(tmp_path)
    return runs


def points_of(text: str) -> list[Any]:
    from bossflow.sweeps import points

    return points.points(sweep_of(text))


def sweep_of(text: str) -> str:
    return next(line.split()[1] for line in text.splitlines() if line.startswith("sweep "))
