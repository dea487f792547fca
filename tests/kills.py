"""What is killed in a lab, on which database servers, and how often."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import ROOT, SEED
from killable import Server, embedded, mysql
from lab import make_voxels

VOXELS = make_voxels((36, 70, 90), 1)
ASKED = {"block_shape": [32, 64, 64], "connectivity": 18, "min_voxels": 3}  # 8 blocks
BLOCKS = 8

KILLS = int(os.environ.get("BOSSFLOW_SOAK") or 20)
SERVERS = [
    pytest.param("postgresql", id="postgresql"),
    pytest.param("mysql", id="mysql", marks=pytest.mark.docker),
]
# What is no matter of the database is tried on one, and in a soak on both.
IN_SOAK = pytest.param("mysql", id="mysql", marks=[pytest.mark.docker, pytest.mark.soak])
on_one = pytest.mark.parametrize("server", [SERVERS[0], IN_SOAK], indirect=True)


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    if request.param == "mysql":
        with mysql(tmp_path_factory.mktemp("mysql")) as started:
            yield started
        return
    home = tmp_path_factory.mktemp("home")
    yield embedded(home)
    stop = "from bossflow.command.main import main; main()"
    own = os.environ | {"BOSSFLOW_HOME": str(home), "PYTHONPATH": str(ROOT / "schema")}
    subprocess.run([sys.executable, "-W", "ignore", "-c", stop, "db", "stop"], env=own, check=True)


@pytest.fixture(autouse=True)
def told() -> None:
    print(f"BOSSFLOW_SEED={SEED}")
