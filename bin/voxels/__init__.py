"""Arrays of voxels: boxes, volumes and the labelling rules."""
