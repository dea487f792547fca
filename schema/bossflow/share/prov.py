"""A lineage as W3C PROV, in PROV-JSON: entities, activities, agents, and how they hang together."""

import json
from collections import defaultdict
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..kit.system import keeping_all
from . import names

_PREFIXES = (
    "unit",
    "output",
    "box",
    "channel",
    "parameters",
    "environment",
    "run",
    "user",
    "citation",
    "request",
    "bossflow",
)
Document = dict[str, dict[str, Any]]
_key = json.JSONEncoder(sort_keys=True).encode


_ENDS = {
    "wasGeneratedBy": ("entity", "activity"),
    "wasAssociatedWith": ("activity", "agent"),
    "wasInformedBy": ("informed", "informant"),
    "wasDerivedFrom": ("generatedEntity", "usedEntity", "activity"),
    "used": ("activity", "entity"),
    "hadMember": ("collection", "entity"),
    "specializationOf": ("specificEntity", "generalEntity"),
}
"""What each kind of relation is between; its last end may be absent if it has three."""


class _Relations:
    """What hangs together with what, as lines of JSON: of many units, objects would take too long.

    Names need no escapes: they are hashes, or percent-encoded.
    """

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = defaultdict(list)
        self._numbers = count()

    def add(self, kind: str, *ends: str) -> None:
        """Add a relation of a kind, by its ends."""
        self.lines[kind].append(_line(kind, len(ends)) % (next(self._numbers), *ends))

    def made_of(self, output: str, unit: str, inputs: list[str]) -> None:
        """Add what a unit used, from each of which its output is derived: most of all lines."""
        if inputs:
            used, derived = self.lines["used"], self.lines["wasDerivedFrom"]
            use, derive, numbers = _line("used", 2), _line("wasDerivedFrom", 3), self._numbers
            for given in inputs:
                used.append(use % (next(numbers), unit, given))
                derived.append(derive % (next(numbers), output, given, unit))


@cache
def _line(kind: str, ends: int) -> str:
    """Return how a relation of a kind with so many ends is written."""
    return '"_:r%d":{' + ",".join(f'"prov:{end}":"%s"' for end in _ENDS[kind][:ends]) + "}"


def write(told: dict[str, Any], path: Path) -> None:
    """Write `prov.json`: what was pulled, read or made, and what did it, a relation a line.

    What was pulled, read or made are entities; units and runs are activities; environments and
    users are agents.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it.
    path : Path
    """
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    with keeping_all(), path.open("w", encoding="utf-8") as stream:
        made, relations = _document(told)
        kinds = [f'"{kind}":{encode(of)}' for kind, of in made.items()]
        kinds += [f'"{kind}":{{\n' + ",\n".join(of) + "\n}" for kind, of in relations.items()]
        stream.write("{" + ",\n".join(kinds) + "}\n")


def _document(told: dict[str, Any]) -> tuple[Document, dict[str, list[str]]]:
    """Return what a lineage tells of, by kind and name, and lines of the relations of each kind."""
    made: Document = defaultdict(dict)
    made["prefix"] = {name: f"urn:bossflow:{name}:" for name in _PREFIXES}
    relations = _Relations()
    relate = relations.add
    _agents(told, made)
    _sources(told, made, relate)
    for identity, one in told["parameter_sets"].items():
        made["entity"][f"parameters:{identity}"] = {
            "prov:type": "bossflow:parameters",
            "prov:label": f"{one['method']} {one['version']}",
            "prov:value": json.dumps(one["parameters"], sort_keys=True, ensure_ascii=False),
        }
    for identity, run in told["runs"].items():
        agent = f"user:{quote(run['user'], safe='')}"
        relate("wasAssociatedWith", f"run:{identity}", agent)
    for name, one in told["executions"].items():
        _unit(name, one, made, relations)
    asked = f"request:{quote(told['what'], safe='')}"
    made["entity"][asked] = {"prov:type": "prov:Collection", "prov:label": told["what"]}
    for name in told["made_by"]:
        relate("hadMember", asked, f"output:{name}")
    return made, relations.lines


def _agents(told: dict[str, Any], made: Document) -> None:
    for identity, run in told["runs"].items():
        made["activity"][f"run:{identity}"] = {
            "prov:type": "bossflow:run",
            "prov:startTime": names.when(run["started"]),
            "prov:label": run["name"],
            "bossflow:revision": run["revision"],
            "bossflow:nextflow": run["nextflow"],
            "bossflow:profile": run["profile"],
        }
        made["agent"][f"user:{quote(run['user'], safe='')}"] = {
            "prov:type": "prov:Person",
            "prov:label": run["user"],
        }
    for identity, one in told["environments"].items():
        software = {f"bossflow:software_{quote(n, safe='')}": v for n, v in one["software"].items()}
        made["agent"][f"environment:{identity}"] = {
            "prov:type": "prov:SoftwareAgent",
            "prov:label": one["container"] or "no container",
            "bossflow:code": one["code"],
            **software,
        }


def _sources(told: dict[str, Any], made: Document, relate: Any) -> None:
    for identity, one in told["channels"].items():
        made["entity"][f"channel:{identity}"] = {
            "prov:type": "bossflow:channel",
            "prov:label": one["uri"],
            "prov:location": names.channel(one),
            "bossflow:archive": one["archive"],
        }
        for of in one["citations"]:
            about = {f"bossflow:{name}": of[name] for name in ("doi", "licence") if of[name]}
            name = f"citation:{identity}-{of['stated_by']}"
            made["entity"][name] = {
                "prov:type": "bossflow:citation",
                "prov:label": of["citation"] or of["doi"] or of["licence"],
                **about,
            }
            relate("specializationOf", f"channel:{identity}", name)


def _unit(name: str, one: dict[str, Any], made: Document, relations: _Relations) -> None:
    relate = relations.add
    unit, output = f"unit:{name}", f"output:{name}"
    made["activity"][unit] = {
        "prov:type": f"bossflow:{one['process']}",
        "prov:startTime": names.when(one["executed"]),
        "prov:endTime": names.ended(one),
        "bossflow:key": _key(one["key"]),
        **{f"bossflow:{about}": _key(value) for about, value in one["about"].items()},
    }
    made["entity"][output] = {
        "prov:type": "bossflow:bundle",
        "prov:location": names.bundle(one["bundle"]),
        "bossflow:content_sha256": one["content_sha256"],
        "bossflow:bytes": one["bytes"],
    }
    relate("wasGeneratedBy", output, unit)
    relate("wasAssociatedWith", unit, f"environment:{one['environment']}")
    relate("wasInformedBy", unit, f"run:{one['run']}")
    inputs = [f"output:{other}" for other in one["made_of"]]
    if read := one["reads"]:
        box = f"box:{read['channel']}-{quote(read['box'], safe='')}"
        about = {n: read[n] for n in ("voxels_sha256", "files_seen") if read[n]}
        if box not in made["entity"]:
            relate("wasDerivedFrom", box, f"channel:{read['channel']}")
        made["entity"].setdefault(box, {"prov:type": "bossflow:box", "prov:label": read["box"]})
        made["entity"][box] |= {f"bossflow:{key}": value for key, value in about.items()}
        inputs.append(box)
    relations.made_of(output, unit, inputs)
    for identity in one["parameter_sets"]:
        relate("used", unit, f"parameters:{identity}")
