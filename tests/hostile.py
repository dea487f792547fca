"""Values that nobody should give: for shells, paths, SQL, JSON, memory and sentences."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from kit.parameters import Parameters
from kit.rows import rows

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text("utf-8"))
PER_ROW = Parameters(SCHEMA).per_row
LAUNCH = ("run", "input_output_options", "where")
DESCRIBED = Parameters(SCHEMA).described | {
    name: one for group in LAUNCH for name, one in SCHEMA["$defs"][group]["properties"].items()
}
"""The parameters of the workflow that runs by default."""


def read(params: dict[str, Any], *sheet: str) -> list[dict[str, Any]]:
    """Return the rows that parameters and a sheet, its text and its name, ask for."""
    parameters = Parameters(SCHEMA, params.get("workflow"))
    return rows(parameters.checked(params), parameters, *sheet)


LONG = 10_000_000
LONGEST_SENTENCE = 1500


def commands(canary: Path) -> list[str]:
    """Return texts that make a file if a shell reads them, and with which SQL drops a table."""
    touch = f"touch {canary}"
    forms = ["$({})", "`{}`", "; {} #", "'; {}; '", '"; {}; "', "| {}", "&& {}", "\n{}\n", "$({}"]
    forms += ["a'$({})'b", '"$({})"', "\\$({})", "\\`{}\\`", "${{x:-$({})}}", "<({})", "*$({})*"]
    sql = ["'; DROP TABLE run; --", '"; DROP TABLE run; --', "`; DROP TABLE run; --", "' OR '1'='1"]
    return [form.format(touch) for form in forms] + sql


TEXTS = [
    *("", " ", "-", "--", "-rf", "--help", "-params-file", "~", "~nobody/x", "*", "?", "[", "{}"),
    *("../../etc/passwd", "..", "/", "//", "/..", "file:///etc", "a/../../b", "%", "%s%n%d", "%00"),
    *("$HOME", "${HOME}", "$'x'", "!!", "\\", "'", '"', "`", "a\nb", "a\r\nb", "\t", "\0", "a\0b"),
    *("\x1b[31m", "\u202e", "\u2028", "\ufeff", "\ud800", "日本", "é", "𝔘", "NaN", "inf", "1e308"),
    *(
        "0x10",
        "1_000",
        "٣",
        "０",
        "true",
        "null",
        "${jndi:ldap://x}",
        "<script>",
        "{{7*7}}",
        "#{1}",
    ),
    *("bossdb://a/b/c", "bossdb://../../..", "bossdb://a/b/c?x", "zarr://", "n5://s3://", "s3://"),
    *(
        "http://[",
        "https://a b",
        "file://",
        "a://b",
        "0,5",
        "5,0",
        "0:5",
        "[0,5]",
        "0,5,6",
        "1,2,3",
    ),
]
HUGE = [sign * (LONG // len(sign)) for sign in ("A", "9", "/a", "0,", "\n")]
NUMBERS = [
    *(0, 1, -1, 2**31, 2**63, 2**64, 10**30, -(10**30), 10**400, 0.5, 1.0, 1e308, -1e308, 5e-324),
]


def numbers() -> st.SearchStrategy[Any]:
    """Return numbers that JSON can hold."""
    return st.one_of(
        st.sampled_from(NUMBERS),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
    )


def values(canary: Path) -> st.SearchStrategy[Any]:
    """Return values as JSON has them, of any type; what is huge is tried by itself."""
    known = st.sampled_from([*commands(canary), *TEXTS])
    texts = st.one_of(known, st.text(max_size=30), st.builds(str.__add__, known, known))
    simple = st.one_of(texts, numbers(), st.booleans(), st.none())
    lists = st.lists(simple, max_size=4)
    return st.one_of(simple, simple, lists, st.dictionaries(texts, lists, max_size=2))


def is_a_sentence(text: str) -> bool:
    """Tell whether a message is one line, not long, and neither controls nor a program's trace."""
    return (
        0 < len(text) <= LONGEST_SENTENCE
        and text.isprintable()
        and "Traceback" not in text
        and "Exception" not in text
        and "    at " not in text
    )
