"""Documents: PDF information and Office core properties.

The vendor's `File` has no author or keyword field. The author goes to `Artist`, subject and keywords to `Labels`, the
creation time to `ProduceTime`: the nearest real fields, an assumption that no account has confirmed.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring
from docx.opc.constants import CONTENT_TYPE
from docx.opc.packuri import PackURI
from docx.opc.parts.coreprops import CorePropertiesPart
from pypdf import PdfReader
from pypdf.generic import TextStringObject

from emulator.imm.extract.kinds import OPEN_XML
from emulator.imm.extract.outcome import Extracted, broken

if TYPE_CHECKING:
    from docx.opc.coreprops import CoreProperties

MAX_PART = 1024 * 1024  # bytes of a property part after decompression; real ones are a few kilobytes
MAX_TEXT = 1024
MAX_LABELS = 64
RELATIONSHIPS = "_rels/.rels"
CORE = "/core-properties"
APPLICATION = "/extended-properties"

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its remarks on broken files are our Reason, not log lines


def extract_document(data: bytes, content_type: str) -> Extracted:
    """Title, Artist (author), ProduceTime (created), Labels (subject, keywords), Language and PageCount.

    Formats without such properties (plain text, JSON, old Office) give no fields and are no problem.
    """
    try:
        if content_type == "application/pdf":
            return _pdf(data)
        if content_type in OPEN_XML.values():
            return _open_xml(data)
    except Exception as error:  # noqa: BLE001 - a parser of hostile files may raise anything; extraction never does
        return broken("Document", f"{type(error).__name__}: {error}")
    return Extracted()


def _pdf(data: bytes) -> Extracted:
    reader = PdfReader(BytesIO(data), strict=False)
    if reader.is_encrypted:
        return broken("Document", "The PDF is encrypted: its information cannot be read without a password.")
    language = reader.root_object.get("/Lang")
    about = reader.metadata
    fields = _fields(
        title=about.title if about else None,
        author=about.author if about else None,
        created=about.creation_date if about else None,
        subjects=[(about.subject or "") if about else "", _keywords(about.get("/Keywords") if about else None)],
        language=str(language) if isinstance(language, TextStringObject) else "",
    )
    return Extracted({**fields, "PageCount": reader.get_num_pages()})


def _open_xml(data: bytes) -> Extracted:
    with ZipFile(BytesIO(data)) as package:
        places = _places(package)
        core = _core(_part(package, places[CORE])) if CORE in places else None
        pages = _pages(_part(package, places[APPLICATION])) if APPLICATION in places else None
    fields: dict[str, object] = {}
    if core is not None:
        fields = _fields(
            title=core.title,
            author=core.author,
            created=core.created,
            subjects=[core.subject, core.keywords],
            language=core.language,
        )
    if pages is not None:
        fields["PageCount"] = pages
    return Extracted(fields)


def _places(package: ZipFile) -> dict[str, str]:
    """The property parts by the end of their relationship type."""
    found = {}
    for relationship in fromstring(_part(package, RELATIONSHIPS)):
        kind = relationship.get("Type", "")
        for ending in (CORE, APPLICATION):
            if kind.endswith(ending):
                found[ending] = relationship.get("Target", "").lstrip("/")
    return found


def _part(package: ZipFile, name: str) -> bytes:
    with package.open(name) as part:
        content = part.read(MAX_PART + 1)
    if len(content) > MAX_PART:
        raise ValueError(f"{name} is larger than {MAX_PART} bytes")
    return content


def _core(content: bytes) -> CoreProperties:
    part = CorePropertiesPart.load(
        PackURI("/docProps/core.xml"),
        CONTENT_TYPE.OPC_CORE_PROPERTIES,
        content,
        None,  # type: ignore[arg-type]  # the package is only needed to write
    )
    if not isinstance(part, CorePropertiesPart):
        raise TypeError("the core properties are not core properties")
    properties: CoreProperties = part.core_properties
    return properties


def _pages(content: bytes) -> int | None:
    for element in fromstring(content):
        count = (element.text or "").strip()
        if element.tag.rpartition("}")[2] in {"Pages", "Slides"} and count.isdecimal():
            return int(count)
    return None


def _fields(
    *, title: str | None, author: str | None, created: datetime | None, subjects: list[str], language: str | None
) -> dict[str, object]:
    labels = [word.strip() for subject in subjects for word in re.split(r"[,;]", subject or "") if word.strip()]
    found: dict[str, object] = {
        "Title": _clean(title),
        "Artist": _clean(author),
        "Language": _clean(language),
        "ProduceTime": _stamp(created) if created else "",
        "Labels": [{"LabelName": _clean(label)} for label in list(dict.fromkeys(labels))[:MAX_LABELS]],
    }
    return {name: value for name, value in found.items() if value}


def _keywords(value: object) -> str:
    return str(value) if value is not None else ""


def _clean(value: str | None) -> str:
    return " ".join((value or "").replace("\x00", "").split())[:MAX_TEXT]


def _stamp(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.isoformat(timespec="seconds").replace("+00:00", "Z")
