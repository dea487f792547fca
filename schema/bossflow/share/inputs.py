"""What was read outside of the stores, as entities of an RO-Crate, and how it is cited."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from . import names
from .means import Entity, ref
from .names import local


def subjects(told: dict[str, Any]) -> Iterator[Entity]:
    """Yield what requests are of, such as names and digests of files, as JSON."""
    for name, one in told["requests"].items():
        yield {
            "@id": local("subject", name),
            "@type": "PropertyValue",
            "name": f"subject of request {name}",
            "value": json.dumps(one["subject"], ensure_ascii=False, sort_keys=True),
        }


def _formal_source(told: dict[str, Any]) -> Entity:
    """Return the parameter that names what is read."""
    examples = map(names.channel, told["channels"].values())
    entity = {
        "@id": local("parameter", "source"),
        "@type": "FormalParameter",
        "additionalType": "Dataset",
        "name": "source",
    }
    return entity | {"workExample": ref(*examples)}


def cited_by(channel: dict[str, Any]) -> list[str]:
    """Return the ids of what says how a channel is cited."""
    return [_citation_id(one) for one in channel["citations"]]


def _citation_id(one: dict[str, Any]) -> str:
    if one["doi"]:
        return f"https://doi.org/{quote(one['doi'], safe='/')}"
    return local("citation", one["citation"] or one["licence"])


def channels(told: dict[str, Any]) -> Iterator[Entity]:
    """Yield what was read outside of the stores: channels, and their boxes."""
    boxes: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in told["executions"].values():
        if read := one["reads"]:
            boxes[read["channel"]].setdefault(read["box"], read)
    cited: dict[str, Entity] = {}
    if told["channels"]:
        yield _formal_source(told)
    for identity, one in told["channels"].items():
        name = names.channel(one)
        ids = {box: names.box(name, box) for box in boxes[identity]}
        entity = {
            "@id": name,
            "@type": "Dataset",
            "name": one["uri"],
            "description": f"resolution {one['resolution']} of archive {one['archive']}",
            "exampleOfWork": ref(local("parameter", "source")),
        }
        for of in one["citations"]:
            entity.setdefault("license", of["licence"])
            cited[_citation_id(of)] = _citation(of)
        if not entity.get("license", True):
            del entity["license"]
        if ids:
            entity["hasPart"] = ref(*ids.values())
        yield entity | ({"citation": ref(*cited_by(one))} if cited_by(one) else {})
        for box, read in boxes[identity].items():
            entity = {"@id": ids[box], "@type": "Dataset", "name": f"box {box} of {one['uri']}"}
            if read["voxels_sha256"]:
                entity["sha256"] = read["voxels_sha256"]
            if read["files_seen"]:
                entity["identifier"] = f"files-seen:{read['files_seen']}"
            yield entity
    yield from cited.values()


def _citation(one: dict[str, Any]) -> Entity:
    entity = {
        "@id": _citation_id(one),
        "@type": "CreativeWork",
        "name": one["citation"] or one["doi"] or one["licence"],
        "description": f"as given by the {one['stated_by']}",
    }
    if one["doi"]:
        entity["identifier"] = ref(_citation_id(one))
    return entity | ({"license": one["licence"]} if one["licence"] else {})
