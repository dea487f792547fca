"""Lock files: what they say, and the environments that are installed of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from applying import Applying
from applying import applying as applying
from call_function import environment_of
from conftest import ROOT
from functions import locks
from functions.environments import ready
from making import noise, read_level, write_precomputed
from mapping import Mapping
from mapping import mapping as mapping
from pipeline import NUMBERS, bossflow_says
from wheels import settings, wheel


@pytest.fixture
def wheels(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in settings(tmp_path / "wheels").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "wheels"


def lock(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_lock_file_is_known_by_what_it_pins(tmp_path: Path) -> None:
    one = locks.read(lock(tmp_path / "1", "# all\nPy_Tz==1.0 ; python_version < '3'\nsix==1.16\n"))
    text = "six==1.16 \\\r\n  # via x\r\npy.tz==1.0;python_version<'3'  # old\r\n"
    other = locks.read(lock(tmp_path / "2", text))
    assert one.digest() == other.digest()
    assert one.names() == {"py-tz", "six"} and one.pins() == {"six": "1.16"}
    hashed = "six==1.16 \\\n    --hash=sha256:bb \\\n    --hash=sha256:aa\n"
    assert locks.read(lock(tmp_path / "3", hashed)).text() == (
        "six==1.16 --hash=sha256:aa --hash=sha256:bb\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a==1\nsix>=1", "line 2 of lock pins no version of six: write six== and the version"),
        ("six", "line 1 of lock pins no version of six"),
        ("six==1.*", "pins no version of six"),
        ("six==1,!=2", "pins no version of six"),
        ("six @ https://user:secret@host/six.whl", "pins no version of six"),
        ("git+https://user:secret@host/six", "line 1 of lock is no requirement"),
        ("six==${VERSION}", "is no requirement"),
        ("-r other.txt", "has -r: leave it out"),
        ("--index-url https://user:secret@host\nsix==1", "has --index-url: leave it out"),
        ("six==1 --config-settings=a=b", "has --config-settings: leave it out"),
        ("a==1 \\\n  --hash=sha256:aa\n\nsix==1", "but none of six==1: give hashes of all"),
        ("# nothing", "lock pins nothing"),
        ("six==1\n\xff", "lock is no UTF-8 from byte 7"),
    ],
)
def test_what_pins_no_versions_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "lock").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=".") as told:
        locks.read(tmp_path / "lock")
    assert said in str(told.value) and "secret" not in str(told.value)


def test_a_function_is_called_with_what_its_lock_file_pins(mapping: Mapping, wheels: Path) -> None:
    tool = f"tool{next(NUMBERS)}"
    for version in ("1.0", "2.0"):
        wheel(wheels, tool, version, f"import os\nVERSION = {version}\nSEEN = sorted(os.environ)")
    source = f"def twice(x: int):\n    import {tool} as t\n    return [t.VERSION, *t.SEEN]\n"
    (mapping.directory / f"{mapping.module}.py").write_text(source)
    assert f"imports {tool}, which is neither in the project nor" in mapping.problem({"x": 1})
    file = lock(mapping.directory / "lock.txt", "six >= 1")
    asked = {"requirements": str(file)}
    assert "pins no version of six" in mapping.problem({"x": 1}, **asked)
    lock(file, f"{tool}==1.0\n")
    done = mapping.map({"x": 1}, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    ((version, *seen),) = [json.loads(one["result_json"]) for one in mapping.results(done).values()]
    assert version == 1 and not [name for name in seen if name.startswith("PIP_")]
    lock(file, f"# the same\n{tool}==1.0\n")
    assert mapping.map({"x": 1}, **asked)["plan"]["tasks"] == []
    lock(file, f"{tool}==2.0\n")
    made = mapping.map({"x": 1}, **asked)
    assert made["recorded"][0]["recorded"] == {"STAGE_FUNCTION": 1, "CALL_FUNCTION": 1}
    ((version, *_),) = [json.loads(one["result_json"]) for one in mapping.results(made).values()]
    assert version == 2
    file.unlink()  # recorded calls are made again with what is recorded of it
    (request,) = done["plan"]["requests"]
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0 and "passed over" not in said, said


def test_blocks_are_given_to_functions_with_what_their_lock_file_pins(
    applying: Applying, wheels: Path
) -> None:
    tool = f"tool{next(NUMBERS)}"
    wheel(wheels, tool, "1.0", "NUMBER = 3")
    source = (
        f"from {tool} import NUMBER\ndef more(block):\n    return block * block.dtype.type(NUMBER)"
    )
    (applying.directory / f"{applying.module}.py").write_text(source)
    voxels = noise((8, 16, 16), "uint8")
    volume = write_precomputed(applying.directory / "volume", voxels)
    file = lock(applying.directory / "lock.txt", f"{tool}==1.0\n")
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "dtype": "uint8"}
    done = applying.apply("more", requirements=str(file), **asked)
    found, _ = read_level(applying.made(done)["applied_volume"], 0)
    np.testing.assert_array_equal(found, voxels * np.uint8(3))


def test_an_environment_holds_what_is_pinned_and_no_more(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What fails is said once and leaves nothing; pip's addresses, which hold secrets, never."""
    one, other = (f"tool{next(NUMBERS)}" for _ in range(2))
    wheel(wheels, one, "1.0", "", f"{other}>=1")
    wheel(wheels, other, "1.5", "")
    file = lock(tmp_path / "lock.txt", f"{one}==1.0\n")
    before = {*Path(os.environ["BOSSFLOW_HOME"]).glob("environments/*")}
    with pytest.raises(ValueError, match=f"lacks what others in it need: add {other}==1.5"):
        environment_of(file, "")
    lock(file, f"{one}==1.0\n{other}==1.5\n")
    place = ready(file)
    assert (place / f"{other}.py").exists() and ready(file) == place

    away = lock(tmp_path / "away.txt", "no-such-tool==1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/token-secret/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for _ in range(2):
        with pytest.raises(ValueError, match="can't be installed: No matching distribution"):
            environment_of(away, "")
    said = "".join(capfd.readouterr())
    assert said.count("No matching distribution") == 1 and "secret" not in said
    left = {*Path(os.environ["BOSSFLOW_HOME"]).glob("environments/*")} - before
    assert [path for path in left if path.suffix != ".lock"] == [place]


KILLED = """
import os, signal, sys
from pathlib import Path
from functions import environments

def die(lock, working):
    (working / "site").mkdir(parents=True)
    (working / "site" / "half.py").touch()
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2:]:
    environments._install = die
print(environments.ready(Path(sys.argv[1])))
"""


def test_a_killed_installation_leaves_none_and_two_at_once_make_one(
    wheels: Path, tmp_path: Path
) -> None:
    tool = f"tool{next(NUMBERS)}"
    wheel(wheels, tool, "1.0", "")
    file = lock(tmp_path / "lock.txt", f"{tool}==1.0\n")
    command = [sys.executable, "-c", KILLED, str(file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "bin")}
    killed = subprocess.run([*command, "die"], env=environment, capture_output=True)
    assert killed.returncode == -9
    two = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    places = {one.communicate()[0] for one in two}
    assert [one.returncode for one in two] == [0, 0] and len(places) == 1
    place = Path(places.pop().decode().strip())
    assert (place / f"{tool}.py").exists() and not (place / "half.py").exists()
