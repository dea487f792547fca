#!/bin/bash
# crackle-codec 0.55.0 compares the checksum of each plane, and tells nobody what comes of it.
#
# `decompress(verify=True)`, the default, says that "CRC32c is checked for each slice": one would
# expect an error where outlines of a plane were damaged. They are compared, in threads of its own,
# and the exception is lost in them. Nothing is raised, and the plane is left as numpy allocated it:
# zeros, or voxels of whatever was there before. `crackle.codec.check` and `ok`, which look for the
# error, find the file in order. cloud-volume decodes chunks of encoding `crackle` by it.
# Here one bit of a stored checksum is changed, and nothing else. MALLOC_PERTURB_ has the C library
# fill memory with a byte, to tell what was never written. verify=False does the same.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv crackle
crackle/bin/pip install --quiet --disable-pip-version-check crackle-codec==0.55.0 numpy==2.4.6

MALLOC_PERTURB_=85 crackle/bin/python - <<'END'
import importlib.metadata

import crackle
import numpy as np

print("crackle-codec", importlib.metadata.version("crackle-codec"))
ids = np.random.default_rng(1).integers(1, 120, (8, 8, 4), "uint32")
ids = np.asfortranarray(ids.repeat(4, 0).repeat(4, 1).repeat(4, 2))
content = crackle.compress(ids)
assert np.array_equal(crackle.decompress(content), ids)

# the file ends in four bytes for each plane
damaged = content[:-1] + bytes([content[-1] ^ 1])
assert crackle.codec.crack_crcs(damaged)[-1] != crackle.codec.crack_crcs(content)[-1]
for verify in (True, False):
    found = crackle.decompress(damaged, verify=verify)
    wrong = [z for z in range(16) if not np.array_equal(found[..., z], ids[..., z])]
    held = [hex(one) for one in np.unique(found[..., 15])]
    print(f"verify={verify}: no error; planes that differ: {wrong}, which hold {held}")
    assert wrong == [15] and held == ["0xaaaaaaaa"]
print("check:", crackle.codec.check(damaged), "ok:", crackle.codec.ok(damaged))
assert crackle.codec.ok(damaged)
END
