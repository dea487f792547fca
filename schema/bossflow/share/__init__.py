"""Results in the field's own formats, with where they came from: to be taken along and cited."""
