"""Parameter files as they were written: YAML or JSON, whose decimals keep their digits."""

import json
import re
from pathlib import Path
from typing import Any

from ..kit.parameters import shown

BYTES_MAX = 1_000_000
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")


def read(path: Path) -> dict[str, Any]:
    """Return what a file says: decimals and dates are the texts that were written.

    Raises
    ------
    ValueError
        If it is no YAML or JSON, or says something twice.
    OSError
        If it can't be read.
    """
    if path.stat().st_size > BYTES_MAX:
        raise ValueError(f"{path} has more than a megabyte: give rows as a sample sheet (input)")
    try:
        text = path.read_text("utf-8-sig")
        said = _json(text) if path.suffix == ".json" else _yaml(text)
        json.dumps(said, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise ValueError(f"{path} has a character that is none: \\ud800 to \\udfff") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text in UTF-8") from None
    except _Twice as error:
        raise ValueError(f"{path} says {shown(error.args[0])} twice: remove one") from None
    except (_NotRead, RecursionError, json.JSONDecodeError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        why = "" if isinstance(error, RecursionError) else f": {' '.join(str(error).split())}"
        raise ValueError(f"{path} is no {kind}{why}") from None
    if not isinstance(said, dict):
        raise ValueError(f"{path} names no parameters: write them as `name: value`")
    return {str(name): value for name, value in said.items()}


class _Twice(Exception):
    """A name that a mapping has twice."""


class _NotRead(Exception):
    """What a library says of a text that it can't read."""


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _number(text: str) -> str | float:
    return text if _DECIMAL.fullmatch(text) else float(text)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once, parse_float=_number)


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:  # it came with sweeps
        raise ValueError("PyYAML is missing: run ./set-up.sh, or write the file as .json") from None

    class Loader(yaml.SafeLoader):
        """YAML without aliases, whose mappings name each key once."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise _NotRead("aliases (*) are not read")
            return super().compose_node(parent, index)

    def number(loader: Any, node: Any) -> Any:
        text = loader.construct_scalar(node)
        return text if _DECIMAL.fullmatch(text) else loader.construct_yaml_float(node)

    def mapping(loader: Any, node: Any) -> Any:
        if not isinstance(node, yaml.MappingNode):
            raise _NotRead("!!map stands before what is no mapping")
        values = [(loader.construct_object(key, deep=True), value) for key, value in node.value]
        if not all(isinstance(name, str | int | float) for name, _ in values):
            raise _NotRead("a name must be a word")
        return _once([(name, loader.construct_object(one, deep=True)) for name, one in values])

    def written(loader: Any, node: Any) -> Any:
        return loader.construct_scalar(node)

    of_yaml = "tag:yaml.org,2002:"
    for kind, construct in (("float", number), ("map", mapping), ("timestamp", written)):
        Loader.add_constructor(of_yaml + kind, construct)
    try:
        return yaml.load(text, Loader)  # a SafeLoader: it makes no objects
    except yaml.YAMLError as error:
        raise _NotRead(str(error)) from None
    except (KeyError, ValueError) as error:  # a word that its tag does not allow, a long number
        raise _NotRead(f"a value is none of its kind: {error}") from None
