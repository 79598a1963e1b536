"""The page for people in a real browser: what it shows, what it never runs, and how it reads on a small screen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_mns_open20220119 import models as mns_models
from alibabacloud_mns_open20220119.client import Client as MnsClient
from alibabacloud_tea_openapi.exceptions import ClientException
from selenium.webdriver.common.keys import Keys

from emulator.testing import LocalCloud, cloud
from tests.emulator.browser import Browser, browsing
from tests.emulator.conftest import rpc_config
from tests.emulator.image_room import images_of, scene
from tests.emulator.pictures import picture

__all__ = ["cloud"]

MEDIA = Path(__file__).parents[2] / "examples" / "media"
HOSTILE = "<script>window.hit=1</script><img src=x onerror=window.hit=2>'\"&.jpg"
PLACE = {"project_name": "media", "dataset_name": "library"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this module."""
    with browsing(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(cloud: LocalCloud, browser: Browser) -> Iterator[Callable[[str], Browser]]:
    """Open a part of the page: `page("#/requests")`. Whatever the test did, the console must have stayed silent."""
    browser.resize(1280)
    browser.scheme("light")
    browser.complaints()

    def open_(part: str = "") -> Browser:
        browser.open(f"{cloud.url}/{part}")
        browser.until(lambda: browser.one("#link").text == "Live", "the page has an answer")
        return browser

    yield open_
    assert [] == browser.complaints()
    browser.driver.get("about:blank")


@pytest.fixture
def library(cloud: LocalCloud, bucket: oss2.Bucket) -> str:
    """A bucket of pictures, documents and sound, bound to a dataset and scanned; the dataset's part of the page."""
    for name in ("photos/china.jpg", "photos/by-the-water.jpg", "documents/debian-refcard-en.pdf", "audio/silence.mp3"):
        bucket.put_object(name, (MEDIA / name).read_bytes())
    bucket.put_object("broken.png", b"no picture at all")
    imm = ImmClient(rpc_config(cloud))
    imm.create_project(models.CreateProjectRequest(project_name="media"))
    imm.create_dataset(models.CreateDatasetRequest(**PLACE))
    imm.create_binding(models.CreateBindingRequest(**PLACE, uri="oss://pictures"))
    cloud.advance(60)
    return f"#/dataset/{cloud.account_id}/{cloud.region}/media/library"


def names(browser: Browser) -> list[str]:
    """The file names of a query's hits."""
    return browser.texts(".file .key")


def shows(browser: Browser, selector: str, text: str) -> bool:
    """Whether one of the elements holds the text."""
    return any(text in shown for shown in browser.texts(selector))


def loaded(browser: Browser, selector: str) -> bool:
    """Whether every picture that matches is drawn."""
    drawn = browser.script(
        "return [...document.querySelectorAll(arguments[0])].map(i => i.complete && i.naturalWidth > 0)", selector
    )
    return bool(drawn) and all(drawn)


def test_a_bucket_shows_thumbnails_of_its_pictures(page: Callable[[str], Browser], library: str) -> None:
    """Pictures are drawn, what cannot be decoded is marked, everything else shows its kind."""
    browser = page("")
    browser.until(lambda: loaded(browser, ".cover img"), "the bucket's cover")
    browser.one(".card a").click()
    browser.until(lambda: loaded(browser, ".tile img"), "three thumbnails")
    assert 3 == len(browser.all(".tile img"))
    assert {"pdf", "mp3"} == set(browser.texts(".tile .kind"))
    widths = browser.script("return [...document.querySelectorAll('.tile img')].map(i => i.naturalWidth)")
    assert 240 == max(widths)


def test_an_object_tells_its_facts_in_a_dialog_that_the_keyboard_closes(
    page: Callable[[str], Browser], bucket: oss2.Bucket
) -> None:
    """Enter opens it, Escape closes it, and the focus is where it was."""
    bucket.put_object("a.jpg", picture(size=(320, 200)), headers={"x-oss-meta-team": "archive"})
    browser = page("#/bucket/pictures")
    browser.one(".tile").send_keys(Keys.ENTER)
    browser.until(lambda: "archive" in browser.one("dialog").text, "the user's metadata")
    browser.until(lambda: loaded(browser, "dialog img"), "the large picture")
    browser.one("dialog button").send_keys(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog[open]"), "the dialog is closed")
    assert "a.jpg" in browser.script("return document.activeElement.textContent")


def test_a_query_typed_in_the_box_gives_the_right_hits(page: Callable[[str], Browser], library: str) -> None:
    """SimpleQuery by hand and by example, FuzzyQuery by words, and a refusal in the service's own words."""
    browser = page(library)
    browser.until(lambda: 5 == len(names(browser)), "every file at first")
    box = browser.one("#json")
    box.send_keys('{"Field":"ImageHeight","Operation":"lt","Value":"500"}', Keys.CONTROL, Keys.ENTER)
    browser.until(lambda: ["photos/china.jpg"] == names(browser), "the small picture")
    assert "1 file found" == browser.one("#hits").text
    chip = next(item for item in browser.all(".chip") if item.text == "PDF documents")
    chip.click()
    browser.until(lambda: len(names(browser)) == 1 and "debian-refcard-en.pdf" in names(browser)[0], "the document")
    box.send_keys("oops")
    browser.one(".primary").click()
    assert "400 InvalidJSON" in browser.one(".refusal").text
    browser.all("input[value=FuzzyQuery]")[0].click()
    browser.one("#words").send_keys("water", Keys.ENTER)
    browser.until(lambda: ["photos/by-the-water.jpg"] == names(browser), "the words' file")
    browser.one(".file summary").click()
    assert "1280" in browser.one(".file details dl").text


def test_looking_takes_nothing_of_the_projects_allowance(
    page: Callable[[str], Browser], cloud: LocalCloud, library: str
) -> None:
    """With time standing still: a client's one call is left after any number of looks, and its second is refused."""
    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 1.0))
    cloud.advance(1)
    before = cloud.counts()
    browser = page(library)
    for _ in range(3):
        browser.one(".primary").click()
        browser.until(lambda: 5 == len(names(browser)) and browser.one(".primary").is_enabled(), "hits")
    assert before == cloud.counts()
    imm = ImmClient(rpc_config(cloud))
    assert "library" == imm.get_dataset(models.GetDatasetRequest(**PLACE)).body.dataset.dataset_name
    with pytest.raises(ClientException, match=r"Throttling\.User"):
        imm.get_dataset(models.GetDatasetRequest(**PLACE))


def test_new_things_appear_by_themselves_and_what_was_unfolded_stays_so(
    page: Callable[[str], Browser], cloud: LocalCloud, bucket: oss2.Bucket
) -> None:
    """Nothing is reloaded: the page asks again, and keeps what a person is reading."""
    browser = page("#/requests")
    browser.one("tbody summary").click()
    opened = browser.one("tbody details[open]").text
    bucket.put_object("later.txt", b"1")
    browser.until(lambda: "later.txt" in browser.one("tbody").text, "the new request")
    assert [opened] == browser.texts("tbody details[open]")


def test_a_failed_request_is_marked_and_can_be_filtered(
    page: Callable[[str], Browser], cloud: LocalCloud, bucket: oss2.Bucket
) -> None:
    """Failures carry a word, a shape and the code, and the filter leaves only them."""
    bucket.put_object("there", b"1")
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object("not-there")
    cloud.fault({"service": "oss", "operation": "PutObject", "times": 1, "drop": True})
    with pytest.raises(oss2.exceptions.RequestError):
        bucket.put_object("lost", b"1")
    browser = page("#/requests")
    assert 4 == len(browser.all("tbody tr"))
    browser.one("#failed").click()
    browser.until(lambda: 2 == len(browser.all("tbody tr")), "the failed ones")
    assert ["fault", "NoSuchKey"] == browser.texts("tr.failed .code")
    assert ["Failed: no answer", "Failed: 404"] == [
        item.get_attribute("textContent") for item in browser.all("tr.failed .badge")
    ]
    browser.one("#text").send_keys("not-there")
    browser.until(lambda: 1 == len(browser.all("tbody tr")), "the one that holds the text")


def test_hostile_names_stay_inert(
    page: Callable[[str], Browser], cloud: LocalCloud, bucket: oss2.Bucket, library: str
) -> None:
    """Keys, metadata and queries that hold markup are read as text wherever they appear."""
    bucket.put_object(HOSTILE, picture(), headers={"x-oss-meta-note": "<svg onload=window.hit=3>"})
    cloud.advance(60)
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.get_object(f"missing{HOSTILE}")
    for part, place in (
        (f"#/bucket/{quote('pictures')}", ".tile .key"),
        (library, ".file .key"),
        ("#/requests", "tbody .key"),
    ):
        browser = page(part)
        browser.until(partial(shows, browser, place, HOSTILE), f"the key at {part}")
        assert [] == browser.all("main script, main img[onerror]")
    browser = page("#/bucket/pictures")
    next(item for item in browser.all(".tile") if HOSTILE in item.text).click()
    browser.until(lambda: "<svg onload" in browser.one("dialog").text, "the metadata")
    page(f"#/bucket/{quote(HOSTILE, safe='')}".replace("bucket", "nothing"))
    assert browser.script("return window.hit") is None


def test_bindings_queues_faults_and_switches_are_visible(
    page: Callable[[str], Browser], cloud: LocalCloud, library: str
) -> None:
    """State and phase, counts, rules with what is left of them, and what was switched."""
    mns = MnsClient(rpc_config(cloud))
    mns.create_queue(mns_models.CreateQueueRequest(queue_name="events"))
    mns.create_topic(mns_models.CreateTopicRequest(topic_name="announcements"))
    cloud.fault(
        {"service": "imm", "operation": "GetDataset", "times": 7, "error": {"status": 503, "code": "Busy"}},
        {"duplicate": 2, "probability": 0.1},
    )
    cloud.switch("notification_base64", True)  # noqa: FBT003 - the switch's value
    browser = page("#/bindings")
    assert "oss://pictures media / library Running IncrementalScanning 5 none" in " ".join(
        browser.one("tbody tr").text.split()
    )
    browser = page("#/messages")
    assert {"events", "announcements"} == set(browser.texts("tbody th"))
    browser = page("#/settings")
    assert [
        "7 left imm · GetDataset before it runs: error 503 Busy",
        "until removed mns · Deliver: a message arrives 3 times, in 10 % of cases",
    ] == [" ".join(text.split()) for text in browser.texts(".rules li")]
    changed = [text for text in browser.texts(".switches li") if "changed from" in text]
    assert 1 == len(changed)
    assert "notification_base64" in changed[0]


def test_a_batch_and_its_tasks_are_visible(page: Callable[[str], Browser], cloud: LocalCloud, library: str) -> None:
    """The batch under way, then the same batch at its end with one task per file."""
    imm = ImmClient(rpc_config(cloud))
    imm.create_batch(
        models.CreateBatchRequest(
            project_name="media",
            service_role="AliyunIMMBatchTriggerRole",
            input=models.Input(oss=models.InputOSS(bucket="pictures", prefix="photos/")),
            actions=[models.CreateBatchRequestActions(name="emulator/index", parameters=["dataset=library"])],
        )
    )
    browser = page("#/tasks")
    assert "oss://pictures/photos/" in browser.one("tbody tr").text
    cloud.advance(600)
    browser.until(lambda: "Succeeded" in browser.one("tbody tr").text, "the batch's end")
    assert ["Succeeded", "Succeeded"] == browser.texts("section:last-child tbody .badge")


def test_image_search_is_visible(page: Callable[[str], Browser], cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """What an instance holds, a batch under way, and the same batch at its end."""
    cloud.image_search_instance("shop", capacity=100_000)
    images = images_of(cloud, "shop")
    images.add("p", "a.png", scene(1))
    line = {"OperationType": "ADD", "ProductId": "p", "PicName": "gone.png", "CustomContent": ""}
    bucket.put_object("hostile <b>/increment.meta", json.dumps(line))
    images.call("increase_instance", bucket_name="pictures", path="/hostile <b>")
    browser = page("#/image-search")
    instance, batch = (" ".join(row.text.split()) for row in browser.all("tbody tr"))
    assert instance.startswith("shop product search cn-hangzhou NORMAL 1 of 100,000 1 ")
    assert batch.startswith("1 shop oss://pictures/hostile <b> PROCESSING ")
    cloud.advance(60)
    browser.until(lambda: "1 of 1" in browser.one("section:last-child tbody tr").text, "the batch's end")
    assert "PROCESSING" not in browser.one("section:last-child tbody tr").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_part_is_usable_at_400_pixels(
    page: Callable[[str], Browser], cloud: LocalCloud, browser: Browser, library: str, scheme: str
) -> None:
    """Nothing is wider than the screen, every control can be hit and has a name, text stands out from its ground."""
    cloud.image_search_instance("n" * 20)
    browser.scheme(scheme)
    browser.resize(400)
    parts = (
        "#/bucket/pictures",
        "#/datasets",
        library,
        "#/bindings",
        "#/tasks",
        "#/image-search",
        "#/messages",
        "#/requests",
        "#/settings",
    )
    for part in ("", *parts):
        page(part)
        assert browser.script("const e = document.documentElement; return e.scrollWidth <= e.clientWidth"), part
        cut = """return [...document.querySelectorAll('main a, main button, main input, main select, main textarea')]
            .filter(e => e.offsetParent && !e.closest('.chips'))
            .filter(e => e.getBoundingClientRect().right > 400).map(e => e.outerHTML)"""
        assert [] == browser.script(cut), part
        nameless = """return [...document.querySelectorAll('input, select, textarea')]
            .filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML)"""
        assert [] == browser.script(nameless), part
        assert 4.5 <= browser.script(CONTRAST), part


# The least contrast (WCAG 2) of the page's texts with the nearest ground that has a colour.
CONTRAST = """
const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const parts = text => text.match(/[\\d.]+/g).map(Number);
const ground = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
  if (c[3] !== 0) return c; } return [255, 255, 255]; };
return Math.min(...[...document.querySelectorAll('body *')]
  .filter(e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .map(e => [light(parts(getComputedStyle(e).color)), light(ground(e))])
  .map(([a, b]) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)));
"""


def test_the_keyboard_reaches_every_part(page: Callable[[str], Browser], cloud: LocalCloud) -> None:
    """The first stop skips to the content; following a link moves the focus to the new heading."""
    browser = page("")
    browser.one("body").send_keys(Keys.TAB)
    assert "Skip to content" == browser.script("return document.activeElement.textContent")
    browser.one("nav a[href='#/requests']").send_keys(Keys.ENTER)
    browser.until(lambda: "Requests" == browser.script("return document.activeElement.textContent"), "the heading")
    browser.until(lambda: ["Requests"] == browser.texts("nav a[aria-current=page]"), "the link to it is marked")
    assert "Requests · Local Alibaba Cloud" == browser.driver.title


# How often the page asked from now on, and how many answers are on their way.
COUNTED = """
const real = fetch;
window.asked = window.flying = 0;
window.fetch = async (...what) => {
  asked++;
  flying++;
  try { return await real(...what); } finally { flying--; }
};
"""


def test_pause_stops_the_asking(page: Callable[[str], Browser], cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """While paused nothing changes; going on catches up at once."""
    browser = page("#/requests")
    browser.script(COUNTED)
    browser.until(lambda: browser.script("return asked > 0"), "it asks again")
    browser.one("#pause").click()
    browser.until(lambda: browser.one("#link").text == "Paused" and browser.script("return !flying"), "it says so")
    before, asked = browser.one("tbody").text, browser.script("return asked")
    bucket.put_object("unseen", b"")
    end = time.monotonic() + 2.5  # longer than the page waits between two looks
    browser.until(lambda: time.monotonic() > end, "time passes")
    assert (asked, before) == (browser.script("return asked"), browser.one("tbody").text)
    browser.one("#pause").click()
    browser.until(lambda: "unseen" in browser.one("tbody").text, "the request that came meanwhile")
