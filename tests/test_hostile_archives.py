"""Whatever an archive or a volume tells of itself: sensible, or one sentence that is short."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest
import zarr
from bossflow.archive_server.server import serving
from canary import CELLS, SOURCE, VALUES, many
from canary import never_a_shell as never_a_shell
from conftest import COUNTS, SEED
from describe import described
from hostile import SCHEMA, is_a_sentence
from hypothesis import example, given, seed
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from voxels.archives.bossdb import patience

pytestmark = pytest.mark.faults

CHANNEL = {"name": "n", "type": "annotation", "datatype": "uint64", "base_resolution": 0}


CHANNEL |= {"downsample_status": "DOWNSAMPLED", "storage_type": "spdb"}


EXPERIMENT = {"coord_frame": "f", "num_hierarchy_levels": 3, "hierarchy_method": "anisotropic"}


EXPERIMENT |= {"num_time_samples": 1}


FRAME = {"voxel_unit": "nanometers"} | {
    f"{axis}_{name}": value
    for axis in "xyz"
    for name, value in (("start", 0), ("stop", 64), ("voxel_size", 4.0))
}
ANSWERS: dict[str, dict[str, Any]] = {
    "channel": CHANNEL,
    "experiment": EXPERIMENT,
    "coord": FRAME,
    "downsample": {"extent": {"0": [64, 64, 64], "1": [32, 32, 64], "2": [16, 16, 64]}},
}
HERE = "@@here@@"
LITERALS = [  # that json.dumps would not write
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e-400",
        "9" * 5000,
        '"\\ud800"',
        "{",
        "",
    ),
    *("[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "\x00", "'", "01", '"\x00"', "nul"),
]


class Told:
    """An archive that answers what it is told to, and remembers what it was asked with."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.tokens: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self.tokens.add(headers.get(b"authorization", b"").decode("latin-1"))
        assert not set(headers) - {
            *(b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"),
            b"authorization",
        }
        path = scope["path"]
        kinds = ("channel", "coord", "experiment", "downsample")
        kind = next(kind for kind in kinds if f"/{kind}/" in path)
        await Response(self.bodies[kind], media_type="application/json")(scope, receive, send)

    def tell(self, kind: str = "", field: str = "", value: Any = None, literal: str = "") -> None:
        for name, answer in ANSWERS.items():
            changed = answer | ({field: HERE if literal else value} if name == kind else {})
            text = json.dumps(changed).replace(f'"{HERE}"', literal)
            self.bodies[name] = text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    quick = patience.METADATA_LIMITS._replace(first_wait=0.001, longest_wait=0.001, attempts=2)
    with pytest.MonkeyPatch.context() as patch, serving(archive := Told()) as archive.host:
        patch.setattr(patience, "METADATA_LIMITS", quick)
        yield archive


def ask(told: Told, resolution: int = 0, token: str = "public") -> dict[str, Any]:
    """Return what DESCRIBE finds, after a check that it can be written and said."""
    params = {"source": SOURCE, "bossdb_host": told.host, "resolution": resolution}
    found = described(params, SCHEMA, None, token, "/")
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    for channel in found["channels"]:
        metadata, problem = channel["metadata"], channel["unreachable"]
        assert (metadata is None) == (problem is not None)
        assert problem is None or is_a_sentence(problem), problem[:2000]
        if metadata:
            ends = [
                a + b for a, b in zip(metadata["offset_zyx"], metadata["shape_zyx"], strict=True)
            ]
            assert min(metadata["shape_zyx"]) >= 1
            assert max(map(abs, [*metadata["offset_zyx"], *ends])) <= 2**53
            assert all(0 < size <= 1e12 for size in metadata["voxel_size_nm_zyx"])
    assert found["problem"] is None or is_a_sentence(found["problem"]), found["problem"][:2000]
    return found


FIELDS = [(kind, field) for kind, answer in ANSWERS.items() for field in answer]


@seed(SEED)
@many(1000)
@given(where=st.sampled_from(FIELDS), value=VALUES, resolution=st.sampled_from([0, 2, 60]))
def test_any_metadata_of_an_archive_are_sensible_or_a_sentence(
    told: Told, where: tuple[str, str], value: Any, resolution: int
) -> None:
    COUNTS["hostile metadata"] += 1
    told.tell(*where, value)
    ask(told, resolution)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_huge_metadata_are_a_sentence(told: Told, kind: str, field: str) -> None:
    for huge in hostile.HUGE[:2]:
        COUNTS["hostile metadata"] += 1
        told.tell(kind, field, huge)
        ask(told, 2)


@pytest.fixture
def nothing_collected() -> Iterator[None]:
    """Keep finalizers of other tests' objects from running, and failing, a thousand calls deep."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nothing_collected")
@pytest.mark.parametrize("literal", LITERALS, ids=lambda literal: ascii(literal[:12]))
def test_json_that_is_none_is_a_sentence(told: Told, literal: str) -> None:
    for kind, field in FIELDS:
        COUNTS["hostile metadata"] += 1
        told.tell(kind, field, literal=literal)
        ask(told, 2)
    for kind in ANSWERS:
        COUNTS["hostile metadata"] += 1
        told.tell()
        told.bodies[kind] = literal.encode()
        found = ask(told, 2)
        assert found["problem"] or found["channels"][0]["unreachable"]


def test_an_answer_without_end_is_given_up(told: Told) -> None:
    told.tell("channel", "name", "A" * 2**25)
    assert "more than 16777216 bytes" in str(ask(told)["channels"][0]["unreachable"])


@seed(SEED)
@many(300)
@given(token=CELLS)
@example(token="a\r\nX-Evil: 1")
def test_any_token_is_sent_as_it_is_or_refused_without_being_shown(told: Told, token: str) -> None:
    COUNTS["hostile tokens"] += 1
    told.tell()
    told.tokens.clear()
    found = ask(told, token=token)
    if found["problem"] is None:
        assert told.tokens == {f"Token {token}"}
        assert found == ask(told), "of a token nothing is left"
    else:
        assert not told.tokens
        assert found["problem"] == (
            "BOSSDB_TOKEN is malformed: a token is one word of ASCII characters (in the parameters)"
        )


def test_any_metadata_of_a_volume_are_sensible_or_a_sentence(tmp_path: Path) -> None:
    attributes = {"resolution": [30, 4, 8], "units": "nm", "offset": [0, 0, 0]}
    voxels = np.zeros((4, 5, 6), "uint8")
    zarr.create_array(tmp_path / "a.zarr", data=voxels, attributes=attributes)
    file = tmp_path / "a.zarr" / "zarr.json"
    whole = json.loads(file.read_text())
    places = [("attributes", name) for name in attributes] + [("", name) for name in whole]

    @seed(SEED)
    @many(500)
    @given(st.sampled_from(places), VALUES, st.sampled_from(LITERALS))
    def check(place: tuple[str, str], value: Any, literal: str) -> None:
        COUNTS["hostile metadata of volumes"] += 1
        inside, name = place
        changed = json.loads(json.dumps(whole))
        (changed[inside] if inside else changed)[name] = HERE if value is None else value
        text = json.dumps(changed).replace(f'"{HERE}"', literal)
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        found = described({"source": f"zarr://{tmp_path}/a.zarr"}, SCHEMA, None, "public", "/")
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
        said = [found["problem"], *(one["unreachable"] for one in found["channels"])]
        assert all(one is None or is_a_sentence(one) for one in said), said

    check()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr"]
