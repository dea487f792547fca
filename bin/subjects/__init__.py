"""Rules on subjects: diffusion images, tracking, tractograms and connectomes."""
