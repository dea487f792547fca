"""By which names archives are recorded, in whatever spelling they were given."""

from collections import defaultdict
from typing import Any

from .. import database
from ..core.tables import Run
from ..voxels.archives import DEFAULT_PORTS, spelled
from .channels import Key, channel_id, key_of
from .tables import Channel


def as_recorded(described: dict[str, Any], requests: Any) -> dict[str, Any]:
    """Return what DESCRIBE found, with each archive named as its channel is recorded.

    Earlier versions took host and port of an address as they were typed, and no path. What is
    recorded so keeps its name and its ids: the name that was typed comes first, then the one
    spelling, then any other spelling of the same.

    Parameters
    ----------
    described : dict
        As DESCRIBE leaves it, with no name given with `archive`.
    requests : DataJoint expression
        Requests, joined to the channel that each is for.
    """
    named: dict[Key, str] = {}
    left = [given for given in described["channels"] if given["host"]]
    # No index finds other spellings: all of them at once, and only of what is not there by its id.
    for column, values in (("channel_id", _ids), ("uri", _uris)):
        archives = _archives(column, sorted({value for given in left for value in values(given)}))
        for given in left:
            name = _recorded_name(given, archives[key_of(given)[:2]], requests)
            if name:
                named[key_of(given)] = name
        left = [given for given in left if key_of(given) not in named]
    channels = [
        given | {"archive": named.get(key_of(given), given["archive"])}
        for given in described["channels"]
    ]
    return described | {"channels": channels}


def _ids(given: dict[str, Any]) -> list[str]:
    return [channel_id(name, *key_of(given)) for name in (_typed(given), given["archive"])]


def _uris(given: dict[str, Any]) -> list[str]:
    return [given["source"]]


def _typed(given: dict[str, Any]) -> str:
    """Return host and port of a described channel's archive as they were typed."""
    host: str = given["host"]
    return host.partition("://")[2].partition("/")[0]


def _archives(column: str, values: list[str]) -> dict[tuple[str, int], list[str]]:
    """Return URI and resolution to the archives of the recorded channels with such values."""
    conn = Channel().connection
    archives: dict[tuple[str, int], list[str]] = defaultdict(list)
    for some in database.pieces(values):
        rows = conn.query(
            f"SELECT archive, uri, resolution FROM {Channel.full_table_name} WHERE {column} IN %s",
            (tuple(some),),
        ).fetchall()
        for archive, uri, resolution in rows:
            archives[uri, resolution].append(archive)
    return archives


def _recorded_name(given: dict[str, Any], archives: list[str], requests: Any) -> str | None:
    """Return which recorded archive is that of a described channel, if any is."""
    typed, own = _typed(given), given["archive"]
    ranked = sorted(archives, key=lambda name: (name != typed, name != own, name))
    return next((name for name in ranked if _is_archive(name, given, requests)), None)


def _is_archive(name: str, given: dict[str, Any], requests: Any) -> bool:
    """Say whether a recorded name is that of a described channel's archive.

    A name without a path may mean any archive under that host: a run that asked for it must have
    given this address. A name that was only ever given with `archive` is no address.
    """
    host, _, path = given["archive"].partition("/")
    if name == given["archive"] or (name == _typed(given) and not path):
        return True
    spellings = {spelled(f"{scheme}://{name}") for scheme in DEFAULT_PORTS}
    if name != _typed(given) and host not in spellings:
        return False
    asked = requests & {"channel_id": channel_id(name, *key_of(given))}
    runs = (Run.proj("run_parameters", first_run_id="run_id") & asked).to_arrays("run_parameters")
    hosts = [run.get("bossdb_host") or "" for run in runs if not run.get("archive")]
    if path:
        return any(
            asked_host == given["host"] or spelled(asked_host) == given["archive"]
            for asked_host in hosts
        )
    return bool(hosts) or not len(runs)
