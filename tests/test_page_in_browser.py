"""The page of a run in a real browser: on a desk, a phone, paper, and at night."""

import base64
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_core_python.selenium import Axe
from bossflow.look import browser
from engines import need
from pipeline import bossflow_says
from pypdf import PdfReader
from steps import Cutouts, write_voxels

DESK, PHONE = (1200, 900), (360, 740)
HOSTILE = "<img src=x onerror=alert(1)>\"'</style><script>fetch('http://x')"


@pytest.fixture(scope="module")
def page(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a run of three requests: with components, without, and one that failed."""
    need("chromium")
    directory = tmp_path_factory.mktemp("page")
    file = directory / "index.html"
    with pytest.MonkeyPatch.context() as patch:
        cutouts = Cutouts(directory, patch)
        voxels = (np.random.default_rng(21).random((24, 40, 96)) < 0.3).astype(np.uint8)
        voxels[..., 32:64] = 0
        cutouts.volume = write_voxels(directory / "mask", voxels)
        stitch = cutouts.programs["STITCH"]

        def sometimes(unit: Any, bundle: Any) -> None:
            if unit.inputs[0].key["block"].startswith("64"):
                raise ValueError(f"no {HOSTILE}")
            stitch(unit, bundle)

        patch.setitem(cutouts.programs, "STITCH", sometimes)
        sheet = directory / "sheet.csv"
        sheet.write_text(
            f"x_range,name\n0:32,{json.dumps(HOSTILE)[1:-1][:20]}\n32:64,\n64:96,bad\n"
        )
        ran = cutouts.label(sheet=sheet, stage=False, block_shape=[24, 40, 32], connectivity=6)
        assert "bad" in ran["verdict"]["missing"]
        code, output = bossflow_says("page", "-o", str(file))
        assert code == 0, output
    return file


@pytest.fixture(scope="module")
def driver(page: Path) -> Iterator[Any]:
    with browser.headless(DESK) as driven:
        driven.get(page.as_uri())
        yield driven


def media(driver: Any, kind: str = "screen", scheme: str = "light") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})


def window(driver: Any, size: tuple[int, int]) -> None:
    sides = dict(zip(("width", "height"), size, strict=True))
    more = {"deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sides | more)


def rules_kept(driver: Any) -> set[str]:
    """Check a page by axe-core's rules; return which of them it has something for."""
    found = Axe().run(driver)
    wrong = [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
    ]
    assert not wrong
    return {one["id"] for one in found["passes"]}


def test_it_asks_nobody_and_has_no_error(driver: Any) -> None:
    """And all of its pictures are shown."""
    loaded = driver.execute_script(
        "return [...document.images].map(one => one.complete && one.naturalWidth)"
    )
    assert len(loaded) >= 3 + 3 + 8 and all(loaded)
    assert driver.get_log("browser") == []
    asked = [json.loads(one["message"])["message"] for one in driver.get_log("performance")]
    urls = [
        one["params"]["request"]["url"]
        for one in asked
        if one["method"] == "Network.requestWillBeSent"
    ]
    assert urls and {url.partition(":")[0] for url in urls} <= {"file", "data"}
    assert sum(url.startswith("file:") for url in urls) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_can_be_used_by_anyone(driver: Any, scheme: str, size: tuple[int, int]) -> None:
    """Contrast, headings, texts of pictures, tables, keyboard: by axe-core's rules."""
    media(driver, scheme=scheme)
    window(driver, size)
    checked = rules_kept(driver)
    assert {
        "color-contrast",
        "image-alt",
        "heading-order",
        "scrollable-region-focusable",
    } <= checked


def test_a_phone_scrolls_one_way(driver: Any) -> None:
    media(driver)
    window(driver, PHONE)
    wide = driver.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide[0] <= wide[1] <= PHONE[0]


def test_paper_holds_all_of_the_text(driver: Any) -> None:
    """What is folded on a screen is open there."""
    window(driver, DESK)
    hidden = """
        const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), hidden = [];
        while (words.nextNode()) {
            const box = document.createRange();
            box.selectNodeContents(words.currentNode);
            const {width, height} = box.getBoundingClientRect();
            const open = words.currentNode.parentElement.checkVisibility();
            if (words.currentNode.data.trim() && !(open && width && height))
                hidden.push(words.currentNode.data);
        }
        return hidden"""
    media(driver)
    assert len(driver.execute_script(hidden)) > 20, "some of it is folded"
    media(driver, "print")
    assert driver.execute_script(hidden) == ["Skip to what became of it"]
    cut = driver.execute_script(
        "return [...document.querySelectorAll('pre, .wide')]"
        ".filter(one => getComputedStyle(one).overflowX != 'visible').length"
    )
    assert cut == 0
    printed = driver.execute_cdp_cmd("Page.printToPDF", {})
    pages = PdfReader(io.BytesIO(base64.b64decode(printed["data"]))).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    text = unicodedata.normalize("NFKC", text)  # a font has one sign for «fl»
    words = driver.execute_script("return document.body.innerText").split()
    assert len(words) > 300
    assert [word for word in words if word not in text] == []


def test_a_lineage_is_such_a_page_too(page: Path, driver: Any) -> None:
    """Its name was chosen to do harm; on a phone the diagram is scrolled, and nothing else."""
    import bossflow

    found = re.findall("request ([0-9a-f]{16})", page.read_text("utf-8"))
    of_page = [{"request_id": name} for name in found]
    (request,) = (bossflow.Request.Name & of_page).to_arrays("request_id")  # one has a name
    file = page.with_name("lineage.html")
    code, output = bossflow_says("lineage", str(request), "--html", "--to", str(file))
    assert code == 0 and str(file) in output
    driver.get(file.as_uri())
    for size, scheme in ((DESK, "light"), (PHONE, "dark")):
        media(driver, scheme=scheme)
        window(driver, size)
        assert {"color-contrast", "svg-img-alt", "heading-order"} <= rules_kept(driver)
        wide = driver.execute_script("return document.documentElement.scrollWidth")
        assert wide <= size[0]
    assert HOSTILE[:20] in driver.execute_script("return document.body.innerText")
    shown = "return [document.images.length, document.querySelectorAll('svg .node').length]"
    assert driver.execute_script(shown) == [0, 6]  # a box, LABEL, LINK, STITCH, RELABEL, and it
    assert driver.get_log("browser") == []
