"""The command `bossflow serve-archive`."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
from pathlib import Path
from typing import Any

import click
from starlette.types import ASGIApp

from . import demo
from .app import app
from .cutouts import MAX_MIB
from .faults import misbehaving, read_plan
from .served import Triple, Volume, open_volume, xyz
from .server import serving


def _voxel_size(_context: object, _option: object, text: str | None) -> Triple | None:
    """Read `--voxel-size-nm x,y,z`."""
    if text is None:
        return None
    try:
        x, y, z = (float(side) for side in text.split(","))
    except ValueError:
        x = y = z = math.nan
    if not all(0 < side < math.inf for side in (x, y, z)):
        raise click.BadParameter(f"{text!r} is no voxel size: write x,y,z in nm, such as 8,8,30")
    return z, y, x


@click.command("serve-archive")
@click.option(
    "--volume",
    "paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help=".npy file (ZYX), Zarr, OME-Zarr or precomputed directory; once for every --uri.",
)
@click.option(
    "--uri", "uris", multiple=True, help="bossdb://collection/experiment/channel to serve it as."
)
@click.option(
    "--voxel-size-nm",
    "size",
    metavar="X,Y,Z",
    callback=_voxel_size,
    help="Voxel size of volumes that state none, as .npy files do.",
)
@click.option("--demo", "with_demo", is_flag=True, help="Make the demo volume and serve it.")
@click.option("--writable", is_flag=True, help="Let cutouts be written into the volumes.")
@click.option(
    "--max-cutout-mib",
    "max_mib",
    type=click.IntRange(1, 2047),
    default=MAX_MIB,
    show_default=True,
    help="Largest cutout, in MiB of voxels (64-bit ones count a quarter); at most, memory for four "
    "is taken, or what one alone takes.",
)
@click.option(
    "--faults",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with a plan of faults: misbehave on purpose, for tests (docs/design.md).",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file to write when connections are accepted: host and channels.",
)
def serve_archive(
    paths: tuple[Path, ...],
    uris: tuple[str, ...],
    size: Triple | None,
    with_demo: bool,
    writable: bool,
    max_mib: int,
    plan_file: Path | None,
    host: str,
    port: int,
    ready_file: Path | None,
) -> None:
    """Serve volumes on disk as a BossDB-compatible archive, until interrupted.

    Only who sends the token in BOSSFLOW_ARCHIVE_TOKEN is served, if that is set.
    """
    if len(paths) != len(uris) or len(set(uris)) != len(uris):
        raise click.UsageError("give each --volume a --uri of its own")
    if not paths and not with_demo:
        raise click.UsageError("nothing to serve: give --volume and --uri, or --demo")
    token = os.environ.get("BOSSFLOW_ARCHIVE_TOKEN") or None
    try:
        volumes = {
            uri: open_volume(path, size, writable) for uri, path in zip(uris, paths, strict=True)
        }
        if with_demo:
            volumes |= _demo_volumes()
        server: ASGIApp = app(
            volumes, token, writable, max_mib=max_mib, meta=demo.META if with_demo else {}
        )
        if plan_file:
            server = misbehaving(server, read_plan(plan_file))
        if ready_file:  # one that is left from before would mislead
            ready_file.unlink(missing_ok=True)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    stopped = threading.Event()
    try:
        with serving(server, host, port) as address:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stopped.set())
            served = ", ".join(f"{uri} ({_summary(volume)})" for uri, volume in volumes.items())
            who = "whoever has the token" if token else "everyone who reaches it"
            click.echo(f"{address} serves {who}: {served}")
            if plan_file:
                click.echo(f"it misbehaves on purpose, as {plan_file} says")
            if ready_file:
                _announce(ready_file, {"host": address, "channels": list(volumes)})
            stopped.wait()
    except OSError as error:
        raise click.ClickException(f"can't serve on {host} port {port}: {error}") from error
    finally:
        if ready_file:
            ready_file.unlink(missing_ok=True)


def _demo_volumes() -> dict[str, Volume]:
    home = Path(os.environ.get("BOSSFLOW_HOME") or "~/.bossflow").expanduser()
    click.echo(f"demo volume in {home / 'demo'}", err=True)
    return {
        f"bossdb://bossflow/demo/{name}": open_volume(path, demo.VOXEL_SIZE_NM_ZYX)
        for name, path in demo.make(home / "demo").items()
    }


def _summary(volume: Volume) -> str:
    box, size = volume.levels[0].box, volume.levels[0].voxel_size_nm_zyx
    levels = f", {len(volume.levels)} resolutions" if len(volume.levels) > 1 else ""
    return f"{volume.kind} {volume.dtype} {box.name}, voxels of {xyz(size)} nm{levels}"


def _announce(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that is never seen half written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(content) + "\n")
    partial.replace(path)
