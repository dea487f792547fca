"""What a run was made with, as entities of an RO-Crate: tools, software, images, parameters."""

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from .names import local

Entity = dict[str, Any]

WORKFLOW = "main.nf"
NEXTFLOW = "https://w3id.org/workflowhub/workflow-ro-crate#nextflow"
_IMAGE = re.compile(
    r"(?:(?P<registry>[^/@]*[.:][^/@]*|localhost)/)?(?P<name>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@sha256:(?P<sha256>[0-9a-f]{64}))?"
)


def ref(*names: str) -> Any:
    """Return a reference to an entity, or a list of several."""
    if len(names) == 1:
        return {"@id": names[0]}
    return [{"@id": name} for name in names]


class Means:
    """Processes of a lineage with what ran them.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.tools: dict[tuple[str, str], str] = {}
        self._runs: dict[tuple[str, str], str] = {}
        for one in told["executions"].values():
            used = one["process"], one["environment"]
            self.tools.setdefault(used, local("tool", *used))
            self._runs.setdefault(used, one["run"])

    @cached_property
    def processes(self) -> list[str]:
        """Its processes, each after those of which something of its own was made."""
        before: dict[str, set[str]] = {process: set() for process, _ in self.tools}
        made = self.told["executions"]
        for one in made.values():
            before[one["process"]].update(made[name]["process"] for name in one["made_of"])
        order: list[str] = []
        while len(order) < len(before):
            left = [name for name in before if name not in order]
            ready = [name for name in left if not before[name] - {name, *order}]
            order += ready or left  # processes that follow each other in turns have no order
        return order

    def image(self, environment: str) -> str | None:
        """Return the id of the container image of an environment, if it had one."""
        container = self.told["environments"][environment]["container"]
        return local("image", container) if container else None

    def entities(self) -> Iterator[Entity]:
        """Yield steps, tools, software, images and parameters."""
        for position, process in enumerate(self.processes, 1):
            tools = [name for (of, _), name in self.tools.items() if of == process]
            yield {
                "@id": local("step", process),
                "@type": "HowToStep",
                "name": process,
                "position": str(position),
                "workExample": ref(*tools),
            }
        for used, name in self.tools.items():
            yield self._tool(*used, name)
        for of in self.told["environments"].values():
            if of["container"]:
                yield _image(of["container"])
        yield from self._software()
        for name, one in self.told["parameter_sets"].items():
            yield from _parameters(name, one)

    def _tool(self, process: str, environment: str, name: str) -> Entity:
        of = self.told["environments"][environment]
        run = self.told["runs"][self._runs[process, environment]]
        tool = {
            "@id": name,
            "@type": "SoftwareApplication",
            "name": process.lower(),
            "description": f"Program of process {process}, outside of containers",
            "softwareVersion": f"{run['revision']} (code {of['code']})",
            "softwareRequirements": ref(*(local("software", *one) for one in _versions(of))),
        }
        if image := self.image(environment):
            tool |= {"description": f"Program of process {process}", "containerImage": ref(image)}
        return tool

    def _software(self) -> Iterator[Entity]:
        every = {one for of in self.told["environments"].values() for one in _versions(of)}
        for name, version in sorted(every):
            yield {
                "@id": local("software", name, version),
                "@type": "SoftwareApplication",
                "name": name,
                "softwareVersion": version,
            }
        for version in sorted({run["nextflow"] for run in self.told["runs"].values()}):
            yield {
                "@id": local("nextflow", version),
                "@type": "SoftwareApplication",
                "name": "Nextflow",
                "softwareVersion": version,
            }
        yield {
            "@id": NEXTFLOW,
            "@type": "ComputerLanguage",
            "name": "Nextflow",
            "url": {"@id": "https://www.nextflow.io/"},
        }

    def formal(self) -> list[str]:
        """Return the ids of the parameters that the workflow takes."""
        sets = self.told["parameter_sets"].values()
        return sorted(
            {local("parameter", one["method"], name) for one in sets for name in one["parameters"]}
        )


def _versions(environment: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(version)) for name, version in environment["software"].items()]


def _image(container: str) -> Entity:
    kind = "SIFImage" if container.endswith(".sif") else "DockerImage"
    entity = {
        "@id": local("image", container),
        "@type": "ContainerImage",
        "additionalType": ref(f"https://w3id.org/ro/terms/workflow-run#{kind}"),
        "name": container,
    }
    if kind == "DockerImage" and (found := _IMAGE.fullmatch(container)):
        entity |= {name: text for name, text in found.groupdict().items() if text}
    return entity


_TYPES = {bool: "Boolean", int: "Integer", float: "Float"}


def _parameters(identity: str, one: dict[str, Any]) -> Iterator[Entity]:
    """Yield a parameter set as a whole, and each of its parameters with what it takes."""
    yield {
        "@id": local("parameters", identity),
        "@type": "PropertyValue",
        "name": f"{one['method']} {one['version']}",
        "value": json.dumps(one["parameters"], ensure_ascii=False, sort_keys=True),
    }
    for name, value in one["parameters"].items():
        yield {
            "@id": local("value", identity, name),
            "@type": "PropertyValue",
            "name": name,
            "value": value if type(value) in (int, str, bool) else json.dumps(value),
            "exampleOfWork": ref(local("parameter", one["method"], name)),
        }


def formal_parameters(told: dict[str, Any]) -> Iterator[Entity]:
    """Yield what each method takes: of equal names in several sets, one."""
    values: dict[tuple[str, str], list[str]] = {}
    types: dict[tuple[str, str], str] = {}
    for identity, one in told["parameter_sets"].items():
        for name, value in one["parameters"].items():
            values.setdefault((one["method"], name), []).append(local("value", identity, name))
            types.setdefault((one["method"], name), _TYPES.get(type(value), "Text"))
    for which, examples in values.items():
        yield {
            "@id": local("parameter", *which),
            "@type": "FormalParameter",
            "additionalType": types[which],
            "name": which[1],
            "workExample": ref(*examples),
        }
