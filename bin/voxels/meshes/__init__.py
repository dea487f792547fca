"""Meshes: the surfaces of segments, exact whatever blocks they are made from.

`cubes` of a block are the unit (`cube_files` keeps them); `triangles` are made of all of a
segment's; then come `measures`, `simplify` and `levels`. Formats: `draco`, `manifest`, `shard` and
`info` of multi-resolution meshes, and `single` of one file a mesh.
"""
