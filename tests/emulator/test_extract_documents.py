"""Documents: PDF information and Office core properties, made by real writers, and broken ones."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from docx import Document
from pypdf import PdfWriter
from pypdf.generic import NameObject, TextStringObject

from emulator.imm.extract.documents import MAX_PART
from emulator.imm.extract.files import extract
from emulator.imm.extract.outcome import Extracted

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def pdf(pages: int = 3, password: str = "") -> bytes:
    """A PDF with information, written by pypdf."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    writer.add_metadata(
        {
            "/Title": "Über alles",
            "/Author": "Ada Lovelace",
            "/Subject": "Engines",
            "/Keywords": "maths, engines; notes",
            "/CreationDate": "D:20210629145015+08'00'",
        }
    )
    writer.root_object[NameObject("/Lang")] = TextStringObject("de-DE")
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    content = BytesIO()
    writer.write(content)
    return content.getvalue()


def docx() -> bytes:
    """A Word document with core properties, written by python-docx."""
    document = Document()
    properties = document.core_properties
    properties.title = "Annual report"
    properties.author = "Grace Hopper"
    properties.subject = "Numbers"
    properties.keywords = "ships, numbers"
    properties.language = "en-GB"
    properties.created = datetime(2020, 2, 29, 12, 0, 0, tzinfo=UTC)
    content = BytesIO()
    document.save(content)
    return content.getvalue()


def rewritten(package: bytes, changed: dict[str, bytes | None]) -> bytes:
    """A copy of an Office package with parts replaced, or left out where None."""
    content = BytesIO()
    with ZipFile(BytesIO(package)) as old, ZipFile(content, "w") as new:
        for name in old.namelist():
            part = changed.get(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
    return content.getvalue()


def test_a_pdf_tells_its_information() -> None:
    """Title, author as Artist, subject and keywords as Labels, creation as ProduceTime, language, pages."""
    kind, extracted = extract("any-name", "", pdf())
    assert (kind.content_type, kind.media_type) == ("application/pdf", "document")
    assert extracted.fields == {
        "Title": "Über alles",
        "Artist": "Ada Lovelace",
        "Language": "de-DE",
        "ProduceTime": "2021-06-29T14:50:15+08:00",
        "Labels": [{"LabelName": "Engines"}, {"LabelName": "maths"}, {"LabelName": "engines"}, {"LabelName": "notes"}],
        "PageCount": 3,
    }


def test_a_word_document_tells_its_core_properties() -> None:
    """The same fields from docProps/core.xml; the template's page count is not ours to correct."""
    kind, extracted = extract("report.docx", "application/octet-stream", docx())
    assert (kind.content_type, kind.media_type) == (DOCX, "document")
    fields = {name: value for name, value in extracted.fields.items() if name != "PageCount"}
    assert fields == {
        "Title": "Annual report",
        "Artist": "Grace Hopper",
        "Language": "en-GB",
        "ProduceTime": "2020-02-29T12:00:00Z",
        "Labels": [{"LabelName": "Numbers"}, {"LabelName": "ships"}, {"LabelName": "numbers"}],
    }


def test_a_zip_that_says_nothing_of_office_is_an_archive() -> None:
    """Office packages are zip archives inside; the label decides."""
    assert extract("backup.zip", "", docx())[0].media_type == "archive"
    assert extract("no-ending", DOCX, docx())[1].fields["Title"] == "Annual report"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.pdf", b"%PDF-1.7\nnothing more", "PdfStreamError"),
        ("a.pdf", b"no PDF at all", "PdfStreamError"),
        ("a.pdf", pdf(password="secret"), "encrypted"),
        ("a.docx", b"PK\x03\x04torn", "BadZipFile"),
        ("a.docx", docx()[:-200], "BadZipFile"),
        ("a.docx", rewritten(docx(), {"docProps/core.xml": b"<not xml"}), "XMLSyntaxError"),
        ("a.docx", rewritten(docx(), {"docProps/core.xml": None}), "KeyError"),
        ("a.docx", rewritten(docx(), {"_rels/.rels": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}), "Entities"),
        ("a.docx", rewritten(docx(), {"docProps/core.xml": b" " * (MAX_PART + 1)}), "larger than"),
    ],
)
def test_broken_documents_name_their_trouble(name: str, data: bytes, told: str) -> None:
    """Torn, encrypted, with entities, or a bomb: a reason, never an exception."""
    problem = extract(name, "", data)[1].problem
    assert problem.startswith("[InvalidDocument] ")
    assert told in problem


def test_plain_text_is_a_document_without_properties() -> None:
    """And no trouble, whatever its encoding."""
    kind, extracted = extract("letter.txt", "text/plain; charset=utf-8", b"Dear \xff")
    assert (kind.content_type, kind.media_type, extracted) == ("text/plain", "document", Extracted())
