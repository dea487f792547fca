"""Skeletons: the centre lines of whole segments, and how they are kept.

`sparse` has a segment's voxels as runs, from any blocks; `teasar` draws the lines, of which
`measure` tells. Formats: `precomputed` for Neuroglancer, and `swc`.
"""
