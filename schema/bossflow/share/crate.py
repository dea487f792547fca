"""A request as a Workflow Run RO-Crate: Provenance Run Crate 0.5, RO-Crate 1.1.

It is written as it is made, an entity a line: the library rocrate keeps all in memory, and takes
three times as long.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..kit.system import keeping_all
from ..kit.texts import key_name
from . import names
from .inputs import channels, cited_by, subjects
from .means import NEXTFLOW, WORKFLOW, Entity, Means, formal_parameters, ref
from .names import local

_TERMS = "https://w3id.org/ro/terms/workflow-run#"
CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    {
        name: f"{_TERMS}{name}"
        for name in (
            "ContainerImage",
            "DockerImage",
            "SIFImage",
            "containerImage",
            "registry",
            "sha256",
            "tag",
        )
    },
]
"""The terms of workflow runs are in no context of RO-Crate's."""

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_COMPLETED = "http://schema.org/CompletedActionStatus"


class File(NamedTuple):
    """A file that lies in the crate.

    Attributes
    ----------
    path : str
        In the crate.
    size : int
        (bytes)
    sha256 : str
    execution : str, optional
        Whose unit made it.
    about : str
        What it is.
    """

    path: str
    size: int
    sha256: str
    execution: str | None = None
    about: str = ""


class About(NamedTuple):
    """What is said of a crate.

    Attributes
    ----------
    request, title, description, licence : str
    files : list of File
        `main.nf` first.
    """

    request: str
    title: str
    description: str
    licence: str
    files: list[File]


def write(told: dict[str, Any], about: About, path: Path) -> None:
    """Write `ro-crate-metadata.json`.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it, of a request.
    about : About
    path : Path
    """
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{"@context":' + encode(CONTEXT) + ',\n"@graph":[\n')
        with keeping_all():
            stream.write(",\n".join(map(encode, _entities(told, about))))
        stream.write("\n]}\n")


def _entities(told: dict[str, Any], about: About) -> Iterator[Entity]:
    """Yield every entity once."""
    means = Means(told)
    made = told["executions"]
    outputs = {name: names.bundle(one["bundle"]) for name, one in made.items()}
    yield {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": ref("https://w3id.org/ro/crate/1.1", _LAST_PROFILE),
        "about": ref("./"),
    }
    yield _root(told, about, outputs.values())
    for name, (title, version) in _PROFILES.items():
        yield {"@id": name, "@type": "CreativeWork", "name": title, "version": version}
    yield _workflow(told, about, means)
    yield from means.entities()
    yield from formal_parameters(told)
    yield from channels(told)
    yield from subjects(told)
    for file in about.files[1:]:
        yield _file(file)
    yield from _runs(told, outputs)
    sources = {name: names.channel(one) for name, one in told["channels"].items()}
    for name, one in made.items():
        given = [outputs[other] for other in one["made_of"]]
        if read := one["reads"]:
            given.append(names.box(sources[read["channel"]], read["box"]))
        given += [local("parameters", identity) for identity in one["parameter_sets"]]
        if one["about"]:
            given.append(local("about", name))
            yield {
                "@id": given[-1],
                "@type": "PropertyValue",
                "name": f"about {one['process']}: {', '.join(one['about'])}",
                "value": json.dumps(one["about"], ensure_ascii=False, sort_keys=True),
            }
        agent = local("person", told["runs"][one["run"]]["user"])
        yield from _unit(name, one, means, given, outputs[name], agent)


_LAST_PROFILE = [*_PROFILES][-1]


def _root(told: dict[str, Any], about: About, outputs: Iterable[str]) -> Entity:
    of = told["requests"][about.request]
    files = [file.path for file in about.files]
    parts = [*files, *map(names.channel, told["channels"].values()), *dict.fromkeys(outputs)]
    cited = [name for one in told["channels"].values() for name in cited_by(one)]
    runs = [local(kind, name) for name in told["runs"] for kind in ("run", "organize")]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": about.title,
        "description": about.description,
        "datePublished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "license": about.licence,
        "conformsTo": ref(*_PROFILES),
        "identifier": f"bossflow:{about.request}",
        "mainEntity": ref(WORKFLOW),
        "keywords": ["bossflow", of["workflow"]],
        "hasPart": ref(*parts),
        "mentions": ref(*runs),
    }
    return root | ({"citation": ref(*dict.fromkeys(cited))} if cited else {})


def _workflow(told: dict[str, Any], about: About, means: Means) -> Entity:
    file = about.files[0]
    last = max(told["runs"].values(), key=lambda run: run["started"])
    return {
        "@id": WORKFLOW,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "bossflow",
        "description": file.about,
        "version": last["revision"],
        "license": ref("https://spdx.org/licenses/Apache-2.0"),
        "programmingLanguage": ref(NEXTFLOW),
        "encodingFormat": "text/plain",
        "contentSize": str(file.size),
        "sha256": file.sha256,
        "input": ref(*means.formal(), *([local("parameter", "source")] * bool(told["channels"]))),
        "hasPart": ref(*means.tools.values()),
        "step": ref(*(local("step", process) for process in means.processes)),
    }


def _file(file: File) -> Entity:
    kinds = {".md": "text/markdown", ".json": "application/json"}
    entity: Entity = {
        "@id": quote(file.path, safe="/"),
        "@type": "File",
        "name": file.path.rpartition("/")[2],
        "contentSize": str(file.size),
        "sha256": file.sha256,
    }
    if kind := kinds.get(Path(file.path).suffix):
        entity["encodingFormat"] = kind
    if file.path == "README.md":
        entity["about"] = ref("./")
    return entity | ({"description": file.about} if file.about else {})


def _runs(told: dict[str, Any], outputs: dict[str, str]) -> Iterator[Entity]:
    """Yield of each run what it did, who organized it, and who started it."""
    by_run: dict[str, list[str]] = defaultdict(list)
    for name, one in told["executions"].items():
        by_run[one["run"]].append(name)
    wanted = set(told["made_by"])
    for identity, run in told["runs"].items():
        own = by_run[identity]
        results = [name for name in own if name in wanted] or own
        sets = dict.fromkeys(s for name in own for s in told["executions"][name]["parameter_sets"])
        asked = dict.fromkeys(filter(None, (told["executions"][name]["request"] for name in own)))
        sets |= dict.fromkeys(told["requests"][name]["parameter_set"] for name in asked)
        given = [
            local("value", name, key)
            for name in sets
            for key in told["parameter_sets"][name]["parameters"]
        ]
        read = [told["executions"][name]["reads"] for name in own]
        given += [local("subject", name) for name in asked]
        given += [names.channel(told["channels"][c]) for c in {r["channel"] for r in read if r}]
        action = {
            "@id": local("run", identity),
            "@type": "CreateAction",
            "name": f"Run {run['name']}",
            "instrument": ref(WORKFLOW),
            "startTime": names.when(run["started"]),
            "endTime": max(names.ended(told["executions"][name]) for name in own),
            "agent": ref(local("person", run["user"])),
            "object": ref(*given),
            "result": ref(*dict.fromkeys(outputs[name] for name in results)),
            "actionStatus": _COMPLETED,
        }
        yield action
        yield {
            "@id": local("organize", identity),
            "@type": "OrganizeAction",
            "name": f"Run {run['name']} by Nextflow {run['nextflow']}, profile {run['profile']}",
            "instrument": ref(local("nextflow", run["nextflow"])),
            "agent": action["agent"],
            "object": ref(*(local("control", name) for name in own)),
            "result": ref(action["@id"]),
        }
    for user in sorted({run["user"] for run in told["runs"].values()}):
        yield {"@id": local("person", user), "@type": "Person", "name": user}


def _unit(
    name: str, one: dict[str, Any], means: Means, given: list[str], output: str, agent: str
) -> Iterator[Entity]:
    """Yield what a unit did, the step that it was, and its output."""
    called = f"{one['process']} {one['key'].get('block') or key_name(one['key'])}"
    action = {
        "@id": f"#unit/{name}",
        "@type": "CreateAction",
        "name": called,
        "instrument": ref(means.tools[one["process"], one["environment"]]),
        "object": ref(*given),
        "result": ref(output),
        "startTime": names.when(one["executed"]),
        "endTime": names.ended(one),
        "actionStatus": _COMPLETED,
        "agent": ref(agent),
    }
    if image := means.image(one["environment"]):
        action["containerImage"] = ref(image)
    yield action
    yield {
        "@id": f"#control/{name}",
        "@type": "ControlAction",
        "name": called,
        "instrument": ref(local("step", one["process"])),
        "object": ref(action["@id"]),
    }
    yield {
        "@id": output,
        "@type": "Dataset",
        "name": f"output of {called}",
        "contentSize": str(one["bytes"]),
        "sha256": one["content_sha256"],
    }
