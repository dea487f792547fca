"""Functions with their store in a bucket: what they import and what they return, at an S3."""

import bossflow
import numpy as np
import pytest
from bucket import Server, objects
from bucket import server as server
from bucket import started as started
from mapping import Mapping
from mapping import mapping as mapping
from pipeline import NUMBERS, bossflow_says
from wheels import settings, wheel

pytestmark = pytest.mark.s3


def test_calls_in_a_bucket_return_what_they_do_on_disk(
    mapping: Mapping, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = f"tool{next(NUMBERS)}"
    wheel(mapping.directory / "wheels", tool, "1.0", "NUMBER = 3")
    for name, value in settings(mapping.directory / "wheels").items():
        monkeypatch.setenv(name, value)
    (mapping.directory / "lock.txt").write_text(f"{tool}==1.0")
    source = (mapping.directory / f"{mapping.module}.py").read_text()
    source = f"{source}\nfrom {tool} import NUMBER\n".replace("double(x)", "double(x) * NUMBER")
    (mapping.directory / f"{mapping.module}.py").write_text(source)
    store = f"s3://lab/{mapping.directory.name.replace('_', '-')}"
    asked = {"store": store, "requirements": "lock.txt"}
    rows = [{"x": 2, "how": how} for how in ("", "array", "file", "raise")]
    done = mapping.map(*rows, **asked)
    assert done["recorded"][0]["recorded"] == {"STAGE_FUNCTION": 1, "CALL_FUNCTION": 3}
    (failed,) = done["recorded"][0]["failed"]
    assert "ValueError: no 2" in failed["error"]
    lock = mapping.directory / "lock.txt"
    knot = bossflow.Knot(f"{mapping.module}:twice", mapping.directory, requirements=lock)
    number, array, file, _ = knot.find(rows)
    assert number.result() == 12 and file.result().read_text() == "xx"
    np.testing.assert_array_equal(array.result(), np.arange(12, dtype="u1"))
    assert any(name.endswith("requirements.txt") for name in objects(store))
    (request,) = done["plan"]["requests"]
    code, said = bossflow_says("verify", "--request", request)
    assert code == 0, said
    assert mapping.map(*rows[:3], **asked)["plan"]["tasks"] == []
    assert not mapping.store.exists()
