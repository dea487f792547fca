"""The validator of BIDS datasets, as it is found on PATH."""

import re
import subprocess

VALIDATOR = "bids-validator-deno"


def version() -> str:
    """Return the validator's version.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        done = subprocess.run([VALIDATOR, "--version"], capture_output=True, text=True)
    except OSError:
        raise ValueError(
            f"validate needs {VALIDATOR}, which is not on PATH: pip install {VALIDATOR}"
        ) from None
    found = re.search(r"\d+\.\d+[\w.-]*", done.stdout)
    if done.returncode or not found:
        raise ValueError(f"{VALIDATOR} tells no version: install it anew")
    return found[0]
