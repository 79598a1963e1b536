"""Who may ask the emulator's own pages: nobody under a foreign name (DNS rebinding), and no web page pulls a lever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oss2
import pytest
import requests

from emulator.admin import PAGES
from emulator.instance import Config
from emulator.page.serve import DOCUMENTS
from emulator.testing import running
from tests.emulator.processes import emulator

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OWN = ("127.0.0.1:4666", "127.8.9.1", "[::1]:4666", "localhost", "LOCALHOST:1", "photos.localhost:4666")
FOREIGN = (
    "evil.example",
    "evil.example:4666",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evillocalhost",
    ".localhost.example",
    "emulator",
    "10.1.2.3:4666",
    "0.0.0.0",  # noqa: S104 - a name in a header
    "[::2]:4666",
    "[::1",
    "127.0.0.1,evil.example",
    "",
)
LEVERS = [(verb, name) for name, verbs in PAGES.items() for verb in verbs if verb != "GET"]


def ask(cloud: LocalCloud, method: str, path: str, **headers: str) -> requests.Response:
    """The answer to a request with these headers, underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, cloud.url + path, headers=named, timeout=10)


def refusal(answer: requests.Response) -> str:
    """What a refused request is told."""
    assert 403 == answer.status_code, answer.text
    told = answer.json()
    assert ["error"] == list(told)
    return str(told["error"])


@pytest.mark.parametrize("host", FOREIGN)
def test_no_page_is_served_under_a_foreign_name(cloud: LocalCloud, bucket: oss2.Bucket, host: str) -> None:
    """Every page, whatever its verb, is refused in a sentence that says how to allow the name; nothing is changed."""
    asked = [(verb, f"/_emulator/{name}") for name, verbs in PAGES.items() for verb in verbs]
    asked += [("GET", f"/_emulator/page/{name}") for name in (*DOCUMENTS, "thumbnail", "static/index.html", "nothing")]
    asked += [("GET", "/_emulator/nothing"), ("POST", "/_emulator/page/query")]
    for method, path in asked:
        told = refusal(ask(cloud, method, path, Host=host))
        assert "--endpoint-host" in told
        assert "pictures" not in told
    assert "--endpoint-host" in refusal(ask(cloud, "GET", "/", Host=host, **BROWSER))
    assert 200 == bucket.get_bucket_info().status


@pytest.mark.parametrize("host", OWN)
def test_the_pages_are_served_under_the_machines_own_names(cloud: LocalCloud, host: str) -> None:
    """Loopback addresses, localhost and every name under it."""
    assert "ok" == ask(cloud, "GET", "/_emulator/health", Host=host).json()["status"]
    assert 200 == ask(cloud, "POST", "/_emulator/reset", Host=host).status_code
    assert 200 == ask(cloud, "GET", "/_emulator/page/overview", Host=host).status_code
    assert ask(cloud, "GET", "/", Host=host, **BROWSER).text.startswith("<!doctype html>")


def test_a_name_it_was_given_is_its_own() -> None:
    """`--endpoint-host`, in any case and with any port; no name beside or below it."""
    with running(Config(endpoint_hosts=frozenset({"cloud.test", "emulator"}))) as cloud:
        for host in ("cloud.test", "CLOUD.test:80", "emulator:4666"):
            assert 200 == ask(cloud, "GET", "/_emulator/state", Host=host).status_code
        for host in ("a.cloud.test", "cloud.test.evil.example", "evil.example"):
            refusal(ask(cloud, "GET", "/_emulator/state", Host=host))


def test_an_address_it_listens_on_is_its_own() -> None:
    """That address alone; any address where it listens on all of them. A foreign name stays foreign."""
    with running(Config(page_hosts=frozenset({"10.1.2.3", "cert.test"}))) as cloud:
        assert 200 == ask(cloud, "GET", "/_emulator/state", Host="10.1.2.3:4666").status_code
        assert 200 == ask(cloud, "GET", "/_emulator/state", Host="cert.test").status_code
        refusal(ask(cloud, "GET", "/_emulator/state", Host="10.1.2.4"))
    for everywhere in ("0.0.0.0", "::"):  # noqa: S104 - what it is told, not where it listens
        with running(Config(page_hosts=frozenset({everywhere}))) as cloud:
            for host in ("10.1.2.4:4666", "[2001:db8::1]"):
                assert 200 == ask(cloud, "GET", "/_emulator/state", Host=host).status_code
            refusal(ask(cloud, "GET", "/_emulator/state", Host="evil.example"))


def test_the_commands_options_name_it() -> None:
    """`run` hands on what it was told: names for the certificate and for endpoints."""
    with emulator("--endpoint-host", "Cloud.test", "--https-name", "Cert.test") as process:
        for host, status in (("cloud.test", 200), ("cert.test", 200), ("evil.example", 403)):
            answer = requests.get(f"{process.url}/_emulator/state", headers={"Host": host}, timeout=10)
            assert status == answer.status_code


@pytest.mark.parametrize(("verb", "page"), LEVERS)
def test_no_web_page_pulls_a_lever(cloud: LocalCloud, verb: str, page: str) -> None:
    """Not a site's and not one of this very origin: an object in a bucket may be a page with a script in it."""
    path = f"/_emulator/{page}"
    for origin in ("http://evil.example", "null", cloud.url):
        assert "web page" in refusal(ask(cloud, verb, path, Origin=origin))
    for site in ("cross-site", "same-site", "same-origin", "anything"):
        assert "web page" in refusal(ask(cloud, verb, path, Sec_Fetch_Site=site))
    assert 403 != ask(cloud, verb, path).status_code
    assert 403 != ask(cloud, verb, path, Sec_Fetch_Site="none").status_code


def test_a_script_of_another_site_reads_no_state(cloud: LocalCloud) -> None:
    """A browser names the site that asks; a person's own navigation and a plain client have none."""
    for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert "web page" in refusal(ask(cloud, "GET", "/_emulator/state", **headers))
    for site in ("none", "same-origin"):
        assert 200 == ask(cloud, "GET", "/_emulator/state", Sec_Fetch_Site=site).status_code


def test_buckets_in_host_names_stay_buckets(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """The guard is for the emulator's own pages: a bucket's name in front of any domain reaches the bucket."""
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    bucket.put_object("a.txt", b"text")
    for host in ("pictures.oss-cn-hangzhou.aliyuncs.com", "pictures.localhost", "pictures.example"):
        assert "text" == ask(cloud, "GET", "/a.txt", Host=host).text
        listed = ask(cloud, "GET", "/", Host=host, **BROWSER)
        assert "application/xml" == listed.headers["content-type"]
        assert f"<HostId>{host}</HostId>" in listed.text
    assert {"GetObject", "ListObjects"} <= set(cloud.counts()["oss"])
