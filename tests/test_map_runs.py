"""Functions mapped under real Nextflow: by a command, and from programs that end meanwhile."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from stage import NO_REPORTS

pytestmark = pytest.mark.nextflow

CUBE = """
import json
import math
import bossflow
from helper import double

OFFSET = 3

def cube(x: int, floor: float = float("-inf")):
    return {"cube": double(x) ** 3 + OFFSET, "floor": floor}
"""
FILES = {
    "helper.py": "def double(x):\n    return 2 * x\n",
    "ours.py": """
from helper import double

def checked(x: int, flag: bool = False):
    if x % 70 == 7:
        raise ValueError(f"no {x}")
    return double(x)
""",
    # what a notebook does: its function is in no module, and it ends before its calls do
    "notebook.py": f"""{CUBE}
knot = bossflow.Knot(cube, store="store", options={[*NO_REPORTS]})
print(len(knot.map({{"x": x, "floor": float("nan")}} for x in range(20))))
""",
    "later.py": f"""{CUBE}
ours = bossflow.Knot("ours:checked", store="store")
futures = ours.find("rows.csv")
failed = [str(one.exception(0)) for one in bossflow.as_completed(futures, 0) if one.exception(0)]
rows = futures.rows()
print(json.dumps([len(rows), int(rows["result"].sum()), sorted(failed)]))
knot = bossflow.Knot(cube, store="store")
rows = [{{"x": x, "floor": math.nan}} for x in range(20)]
futures = knot.find(rows)
results = [one.result(300) for one in futures]
print(json.dumps([one["cube"] for one in results]), all(math.isnan(x["floor"]) for x in results))
print(knot.map(rows).rows().columns.tolist(), futures.calls.run == knot.map(rows).calls.run)
print(futures.calls.request.request_id)
""",
}


def test_calls_outlive_what_asked_for_them(tmp_path: Path) -> None:
    """200 calls of which three raise; then 20 of a notebook, which ends, and found again.

    These are made anew elsewhere, though their sources are others by now.
    """
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "rows.csv").write_text("x\n" + "".join(f"{x}\n" for x in range(200)))
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("DJ_")} | {
        "BOSSFLOW_HOME": str(tmp_path / "home"),
        "NXF_ANSI_LOG": "false",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "schema"),
        "PYTHONWARNINGS": "ignore",
    }

    def said(*command: str) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500
        )
        return done.returncode, done.stdout + done.stderr

    try:
        command = ("bossflow", "map", "ours:checked", "rows.csv", "--store", "store")
        code, text = said(*command, *NO_REPORTS, "--page", "true")
        assert code == 1, text
        assert "recorded    1 STAGE_FUNCTION, 197 CALL_FUNCTION" in text, text
        assert "ValueError: no 77 (called with x=77)" in text, text
        page = tmp_path / "results" / "index.html"
        assert f"page        {page}" in text and "END:PAGE" not in text, text
        assert "ours:checked" in page.read_text()
        code, text = said(sys.executable, "notebook.py")
        assert (code, text.strip()) == (0, "20"), text
        code, text = said(sys.executable, "later.py")
        assert code == 0, text
        counted, cubes, found, request = text.strip().splitlines()
        number, total, failed = json.loads(counted)
        raised = [x for x in range(200) if x % 70 == 7]
        assert (number, total) == (197, 2 * sum(range(200)) - 2 * sum(raised))
        assert failed == sorted(f"ValueError: no {x} (called with x={x})" for x in raised)
        assert cubes == f"{json.dumps([8 * x**3 + 3 for x in range(20)])} True"
        assert found == "['x', 'floor', 'result'] True"
        (tmp_path / "helper.py").write_text("")
        code, text = said("bossflow", "reproduce", request, "--to", "anew")
        assert code == 0 and "equal: all 21 units" in text, text
        names = sorted(os.listdir(tmp_path / "anew" / "1-map" / "sources"))
        assert names[0] == "helper.py" and names[1].startswith("knot_"), names
    finally:
        said(sys.executable, "-c", "from bossflow import database; database.stop_embedded()")
