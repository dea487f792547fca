"""Units of length, as tools write them."""

from __future__ import annotations

from typing import Any

NANOMETERS = {
    **dict.fromkeys(("angstrom", "\u00c5"), 0.1),
    **dict.fromkeys(("nanometer", "nm"), 1.0),
    **dict.fromkeys(("micrometer", "micron", "um", "\u00b5m", "\u03bcm"), 1e3),
    **dict.fromkeys(("millimeter", "mm"), 1e6),
    **dict.fromkeys(("centimeter", "cm"), 1e7),
    **dict.fromkeys(("meter", "m"), 1e9),
}


def nanometers(unit: Any) -> float | None:
    """Return a unit of length in nanometres, or None if it is not known to be one."""
    word = unit.strip() if isinstance(unit, str) else ""
    return NANOMETERS.get(word) or NANOMETERS.get(
        word.lower().removesuffix("s").replace("metre", "meter")
    )


def length(text: Any) -> tuple[float, float] | None:
    """Return number and unit, in nanometres, of what tensorstore states of an axis: `40 nm`."""
    number, _, unit = text.partition(" ") if isinstance(text, str) else ("", "", "")
    length = nanometers(unit)
    return (float(number), length) if length else None
