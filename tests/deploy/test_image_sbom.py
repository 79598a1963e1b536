"""The bill of materials, made here of the packages that the tests run with: true to CycloneDX, and always the same."""

from __future__ import annotations

import json
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from deploy.image.sbom import bill

PACKAGES = Path(sysconfig.get_path("purelib"))
ARTIFACTS = {"aiohttp": {"file": "aiohttp-1.whl", "sha256": "ab" * 32}}


def test_the_bill_is_valid_cyclonedx() -> None:
    """The library's own validator finds nothing to say, with every format checked."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill([PACKAGES], ARTIFACTS)) is None


def test_the_bill_is_the_same_for_the_same_packages_and_another_for_others() -> None:
    """No clock and no chance in it; its serial number follows from its content."""
    first, again = bill([PACKAGES], ARTIFACTS), bill([PACKAGES], ARTIFACTS)
    other = bill([PACKAGES], {})
    assert first == again
    assert json.loads(first)["serialNumber"] != json.loads(other)["serialNumber"]
    assert "timestamp" not in json.loads(first)["metadata"]


def test_the_bill_names_every_package_with_its_version_and_the_artifact_that_was_installed() -> None:
    """One component a package; a hash where the installer said which file of the release it took."""
    document = json.loads(bill([PACKAGES], ARTIFACTS))
    everything = {str(canonicalize_name(d.name)): d.version for d in distributions(path=[str(PACKAGES)])}
    own = document["metadata"]["component"]
    found = {c["name"]: c["version"] for c in [own, *document["components"]]}
    assert everything == found
    assert own["purl"] == f"pkg:generic/imm-operator@{own['version']}"  # no scanner takes it for a stranger of an index
    (aiohttp,) = [c for c in document["components"] if c["name"] == "aiohttp"]
    assert aiohttp["purl"] == f"pkg:pypi/aiohttp@{everything['aiohttp']}"
    assert aiohttp["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
