"""The bill of materials of the image: every package below a folder, as CycloneDX JSON, the same for the same input.

Its serial number is made from its content and it bears no time. It names what we put into the image; what the base
image brings, Python itself among it, is in the base's own bill.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAMESPACE = uuid.UUID("6f1f6a4e-6a55-5c0a-9f0b-3d2d2f1f8a10")
OWN = "imm-operator"
EXTRAS = ("", "tracing")  # of ours, in the image, as `make lock` has it
APACHE = frozenset({"Apache", "Apache 2.0", "Apache License 2.0"})  # as SDKs write it; SPDX has one name for it
LICENSES = LicenseFactory()


def bill(folders: Sequence[Path], artifacts: Mapping[str, Mapping[str, str]]) -> str:
    """CycloneDX JSON of the operator and of every other package installed in `folders`.

    Args:
        folders: Where the packages are, the operator's own among them.
        artifacts: By name, the file of the release that was installed, and its `sha256`.
    """
    found = {str(canonicalize_name(d.name)): d for d in distributions(path=list(map(str, folders)))}
    components = {name: _component(found[name], artifacts.get(name, {})) for name in sorted(found)}
    own = components.pop(OWN)
    made = Bom(components=components.values())
    made.metadata.component = own
    for name in sorted(found):
        needed = set(_needs(found[name])) & components.keys()
        made.register_dependency(components.get(name, own), [components[other] for other in sorted(needed)])
    document = json.loads(JsonV1Dot6(made).output_as_string())
    del document["serialNumber"], document["metadata"]["timestamp"]
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(NAMESPACE, content)}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _component(distribution: Distribution, artifact: Mapping[str, str]) -> Component:
    name, version = canonicalize_name(distribution.name), distribution.version
    ours = name == OWN
    return Component(
        type=ComponentType.APPLICATION if ours else ComponentType.LIBRARY,
        name=name,
        version=version,
        purl=PackageURL("generic" if ours else "pypi", name=name, version=version),
        bom_ref=f"{name}@{version}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=artifact["sha256"])] if artifact else [],
        licenses=[LICENSES.make_from_string(words) for words in _license(distribution)],
        properties=[Property(name=f"{OWN}:artifact", value=artifact["file"])] if artifact else [],
        external_references=[
            ExternalReference(type=ExternalReferenceType.BOM, url=XsUri(place))  # of what is compiled into its wheel
            for place in _inner_bills(distribution)
        ],
    )


def _license(distribution: Distribution) -> Iterator[str]:
    """What the package says of its licence: the expression, else the short text."""
    about = distribution.metadata
    said = next((about[name] for name in ("License-Expression", "License") if name in about), "")
    if said and "\n" not in said:
        yield "Apache-2.0" if said in APACHE else said


def _inner_bills(distribution: Distribution) -> Iterator[str]:
    """The bills that the package brings of what is compiled into it (PEP 770), as paths beside the packages."""
    for file in sorted(distribution.files or []):
        if re.fullmatch(r"[^/]+\.dist-info/sboms/[^/]+", file.as_posix()):
            yield file.as_posix()


def _needs(distribution: Distribution) -> Iterator[str]:
    """Names of what the package requires here; of extras only ours are known to be wanted."""
    extras = EXTRAS if canonicalize_name(distribution.name) == OWN else ("",)
    for requirement in map(Requirement, distribution.requires or []):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            yield canonicalize_name(requirement.name)


def main() -> None:
    """Write one bill: file of artifacts, target, folders of packages."""
    artifacts, target, *folders = map(Path, sys.argv[1:])
    target.write_text(bill(folders, json.loads(artifacts.read_text())))


if __name__ == "__main__":
    main()
