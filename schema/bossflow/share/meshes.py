"""The mesh of one segment, as a file of a format that other programs read."""

from collections.abc import Callable
from pathlib import Path

from ..look import mesh_files, shown
from ..voxels import mesh_reading
from ..voxels.meshes import single


def writing(request: str, segment: int, form: str) -> Callable[[Path, object], list[str]]:
    """Return what writes the finest level of a segment's mesh into a directory.

    Parameters
    ----------
    request : str
        The whole id of a recorded request.
    segment : int
        Its id.
    form : {"ply", "obj", "glb"}

    Raises
    ------
    ValueError
        If the request makes no meshes, they are not here, there is none of the segment, or it is
        so far from 0 that 32-bit floats would move it.
    ImportError
        If what writes the format is not installed.
    """
    import trimesh  # noqa: F401  (before anything is written)

    layer = next((one for one in shown.layers([request]) if one.meshes or one.problem), None)
    if layer is None:
        raise ValueError(f"request {request} makes no meshes")
    if layer.problem or layer.meshes is None:
        raise ValueError(layer.problem)
    meshes = layer.meshes
    surface = mesh_reading.finest(lambda *part: mesh_files.read_part(meshes, *part), segment)
    off = single.SHARE * min(layer.voxel_size_nm_xyz or (0.0,))
    try:
        content = single.encoded(*surface, form, off)
    except ValueError as error:
        raise ValueError(f"segment {segment} can't be {form}: {error}: give --format obj") from None

    def write(directory: Path, progress: object) -> list[str]:
        name = f"{segment}.{form}"
        (directory / name).write_bytes(content)
        return [f"{name}: the mesh of segment {segment}, in nm, of its finest level"]

    return write
