"""Write an image's bill of materials (CycloneDX, JSON): Python and its packages, Debian packages.

    sbom.py NAME ENVIRONMENT=REPORT ... >sbom.cdx.json

ENVIRONMENT is a virtual environment, REPORT what `pip install --report` left of it, or nothing: it
names the hash of each file that was installed. Runs in the image itself, in an environment of its
own that has cyclonedx-bom.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

LIST = "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package}\\n"


def said(*command: str) -> str:
    """Return what a command says."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def environment(directory: str, report: str) -> dict[str, Any]:
    """Return the bill of a virtual environment, with the hashes of what was installed."""
    tool = str(Path(sys.executable).with_name("cyclonedx-py"))
    bill: dict[str, Any] = json.loads(
        said(tool, "environment", "--output-reproducible", "--no-validate", directory)
    )
    installed = json.loads(Path(report).read_text("utf-8"))["install"]
    hashes = {
        plain(one["metadata"]["name"]): one["download_info"]["archive_info"]["hashes"]["sha256"]
        for one in installed
        if "archive_info" in one["download_info"]
    }
    prefix = Path(directory).name
    for component in bill["components"]:
        if plain(component["name"]) in hashes:
            digest = hashes[plain(component["name"])]
            component["hashes"] = [{"alg": "SHA-256", "content": digest}]
        component["bom-ref"] = f"{prefix}/{component['bom-ref']}"
        # where it came from is the building machine's own
        references = component.get("externalReferences", [])
        component["externalReferences"] = [
            one for one in references if one["type"] != "distribution"
        ]
    for one in bill["dependencies"]:
        one["ref"] = f"{prefix}/{one['ref']}"
        one["dependsOn"] = [f"{prefix}/{ref}" for ref in one.get("dependsOn", [])]
    return bill


def plain(name: str) -> str:
    """Return the one spelling of a distribution's name."""
    return name.lower().replace("_", "-").replace(".", "-")


def debian() -> list[dict[str, Any]]:
    """Return the packages of the base."""
    found = []
    for line in said("dpkg-query", "--show", f"--showformat={LIST}").splitlines():
        state, name, version, architecture, source = line.split(" ")
        if state == "installed":
            marks = {"arch": architecture, "upstream": source}
            purl = PackageURL("deb", "debian", name, version, marks).to_string()
            found.append(part(name, version, purl))
    return found


def part(name: str, version: str, purl: str) -> dict[str, Any]:
    """Return a component."""
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main() -> None:
    """Write the bill of the image that this runs in."""
    name, *environments = sys.argv[1:]
    bills = [environment(*given.split("=")) for given in environments]
    python = platform.python_version()
    whole = bills[0]
    whole["components"] = [
        *(component for bill in bills for component in bill["components"]),
        part("python", python, PackageURL("generic", None, "python", python).to_string()),
        *debian(),
    ]
    image = {"type": "container", "bom-ref": "image", "name": name}
    whole["metadata"]["component"] = image
    parts = [component["bom-ref"] for component in whole["components"]]
    known = [one for bill in bills for one in bill["dependencies"] if one["ref"] in parts]
    whole["dependencies"] = [{"ref": "image", "dependsOn": parts}, *known]
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem:
        raise SystemExit(f"the bill of materials is not valid: {problem}")
    print(text)


if __name__ == "__main__":
    main()
