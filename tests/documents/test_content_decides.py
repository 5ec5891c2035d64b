"""Files as telephones, office programs and web forms make them: the content decides, and the name is corrected."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.documents.file_types import FileType
from lpse_admin.documents.inspection import InspectedFile, inspect_file, viewable_type
from lpse_admin.documents.pdf_values import read_value
from lpse_admin.errors import ValidationFailed
from tests.documents.test_files import DOCX, JPEG, PDF, PNG, XLSX, archive, docx, odf, refusal, told

FILES = Path(__file__).parent / "files"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def package(main: str, content_type: str, *more: str, target: str = "", kind: str = OFFICE) -> dict[str, bytes]:
    """Return the members of a package whose relations and content types name its main part."""
    override = f'<Override PartName="/{main}" ContentType="{content_type}"/>'
    relation = f'<Relationship Id="rId1" Type="{kind}/officeDocument" Target="{target or main}"/>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}">{override}{"".join(more)}</Types>'.encode(),
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}">{relation}</Relationships>'.encode(),
        main: b"<x/>",
    }


def manifest(media_type: str, inner: str = "") -> bytes:
    """Return the manifest of an OpenDocument file."""
    namespace = 'xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    entry = f'<m:file-entry m:full-path="/" m:media-type="{media_type}">{inner}</m:file-entry>'
    return f"<m:manifest {namespace}>{entry}</m:manifest>".encode()


# --- files that offices really sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "kind"),
    [
        pytest.param("foto-bergerak.jpg", "", FileType.JPEG, id="a photograph with a film behind its end"),
        pytest.param("surat-bom.pdf", "", FileType.PDF, id="a PDF behind a byte order mark"),
        pytest.param("surat-komentar.pdf", "", FileType.PDF, id="a PDF with a comment of the web server behind it"),
        pytest.param("dari-dos.pdf", "", FileType.PDF, id="a PDF with the end mark of DOS"),
        pytest.param("berita-acara-nul.docx", "", FileType.DOCX, id="a document filled up with zeros"),
        pytest.param("formulir-daring.docx", "", FileType.DOCX, id="a document whose main part is document2.xml"),
        pytest.param("WhatsApp Image 2026-11-20.jfif", "", FileType.JPEG, id="a photograph called .jfif"),
        pytest.param("formulir.doc", "formulir.docx", FileType.DOCX, id="a DOCX called .doc gets its name"),
        pytest.param("800.123.2026", "800.123.2026.pdf", FileType.PDF, id="a PDF called after its letter gets .pdf"),
        pytest.param("layanan.log", "", FileType.TXT, id="a log is text"),
        pytest.param("hasil-uji.csv", "", FileType.TXT, id="a table with semicolons is text"),
        pytest.param("enkripsi-r2-terbuka.pdf", "", FileType.PDF, id="a PDF that only forbids printing, 40 bits"),
        pytest.param("enkripsi-r3-terbuka.pdf", "", FileType.PDF, id="a PDF that only forbids printing, 128 bits"),
        pytest.param("enkripsi-r4-terbuka.pdf", "", FileType.PDF, id="a PDF that only forbids printing, crypt filter"),
        pytest.param("enkripsi-r4-aes-terbuka.pdf", "", FileType.PDF, id="a PDF that only forbids printing, AES 128"),
        pytest.param("enkripsi-r6-terbuka.pdf", "", FileType.PDF, id="a PDF that only forbids printing, AES 256"),
    ],
)
def test_a_file_is_taken_as_what_it_contains(file: str, name: str, kind: FileType) -> None:
    assert inspect_file(file, (FILES / file).read_bytes()) == InspectedFile(name or file, kind)


@pytest.mark.parametrize(
    ("file", "name", "way_out"),
    [
        pytest.param("IMG_0001.jpg", "IMG_0001.jpg", "Most Compatible", id="an iPhone's HEIC called .jpg"),
        pytest.param("IMG_0001.jpg", "IMG_0001.HEIC", "send the photograph as JPEG", id="an iPhone's HEIC"),
        *(
            pytest.param(name, name, "Remove the password", id=f"a PDF that opens with a password only: {name}")
            for name in (
                "surat-terkunci.pdf", "enkripsi-r2-terkunci.pdf", "enkripsi-r3-terkunci.pdf",
                "enkripsi-r4-terkunci.pdf", "enkripsi-r4-aes-terkunci.pdf", "enkripsi-r6-terkunci.pdf",
            )
        ),
    ],
)  # fmt: skip
def test_a_file_that_nobody_at_the_office_can_open_is_refused_with_the_way_out(
    file: str, name: str, way_out: str
) -> None:
    assert way_out in refusal(name, (FILES / file).read_bytes())


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "corrected"),
    [
        ("foto.JPE", JPEG, "foto.JPE"),
        ("foto.pjpeg", JPEG, "foto.jpg"),
        ("foto.png", JPEG, "foto.jpg"),
        ("pindaian.jpg", PDF, "pindaian.pdf"),
        ("pindaian.pdf", PNG, "pindaian.png"),
        ("daftar.docx", XLSX, "daftar.xlsx"),
        ("daftar.xls", XLSX, "daftar.xlsx"),
        ("makro.docm", DOCX, "makro.docx"),
        ("surat.ods", odf(FileType.ODT), "surat.odt"),
        ("arsip.zip", DOCX, "arsip.docx"),
        ("rancangan v.2", PDF, "rancangan v.2.pdf"),
        ("027/45/2026", PDF, "2026.pdf"),
        ("800.1.11.1", b"Teks biasa", "800.1.11.1.txt"),
        ("nginx.conf", b"worker 1;", "nginx.conf.txt"),
        ("surat.eml", b"From: a@b.example\r\nSubject: x\r\n\r\n<html><p>Isi", "surat.eml"),
        ("akses.log", b"GET /?q=<script>alert(1)</script> 404\n", "akses.log"),
        ("x" * 146 + ".doc", DOCX, "x" * 145 + ".docx"),
    ],
    ids=told,
)
def test_the_name_is_corrected_to_what_the_file_contains(name: str, content: bytes, corrected: str) -> None:
    assert inspect_file(name, content).name == corrected


@pytest.mark.parametrize("name", ["berkas.xyz", "berkas"])
def test_what_is_nothing_known_is_refused_with_what_is_accepted(name: str) -> None:
    assert refusal(name, b"\x00\x01\x02").endswith("Accepted types: PDF, PNG, JPEG, DOCX, XLSX, ODT, ODS, TXT.")


@pytest.mark.parametrize("name", ["akses.log", "tabel.csv", "surat.eml", "tabel.tsv"])
def test_a_page_is_refused_under_the_name_of_a_text_too(name: str) -> None:
    assert "a web page or drawing" in refusal(name, b" <!DOCTYPE html><script>1</script>")


# --- pictures --------------------------------------------------------------------------------------------------------

FILM = struct.pack(">I4s4sI", 24, b"ftyp", b"mp42", 0) + bytes(8) + b"mdat" + b"<?php film"
PREVIEW_SEGMENT = b"\xff\xe1" + struct.pack(">H", 2 + len(JPEG)) + JPEG
SCANNED = b"\xff\xd8" + PREVIEW_SEGMENT + b"\xff\xda\x00\x02\x12\xff\x00\xff\xd0\x34\xff\xff\xd9"


@pytest.mark.parametrize(
    "after",
    [
        b"",
        FILM,
        JPEG,
        JPEG + JPEG,
        bytes(512),
        b"\xff\xff\r\n\x1a",
        b"SEFH\x01\x00SEFT",
        b"\x01\x02MakerNote",
        b"uuid1",
    ],
    ids=told,
)
@pytest.mark.parametrize("picture", [JPEG, SCANNED], ids=["plain", "with a preview within"])
def test_a_photograph_may_have_behind_its_end_what_telephones_write_there(picture: bytes, after: bytes) -> None:
    assert inspect_file("foto.jpg", picture + after).type is FileType.JPEG
    assert viewable_type(picture + after) is FileType.JPEG


@pytest.mark.parametrize(
    "after",
    [b"<?php system()", b"\n<script>", b"#!/bin/sh", b"MZ\x90", b"Rar!\x1a", PDF, OLE, b"\x00\xef\xbb\xbf<svg>"],
    ids=told,
)
def test_a_photograph_with_what_another_program_runs_behind_its_end_is_refused(after: bytes) -> None:
    assert "has content after its end" in refusal("foto.jpg", SCANNED + after)


def test_a_photograph_whose_end_is_only_that_of_its_preview_is_damaged() -> None:
    assert "is damaged" in refusal("foto.jpg", SCANNED[:-2])
    assert "is damaged" in refusal("foto.jpg", b"\xff\xd8\xff\xe1\x00")


@pytest.mark.parametrize("after", [bytes(16), b"\r\n", b"\x1a", b"SEFH\x01SEFT"], ids=told)
def test_a_screenshot_may_be_filled_up(after: bytes) -> None:
    assert inspect_file("layar.png", PNG + after).type is FileType.PNG


def test_a_screenshot_with_a_page_before_the_maker_s_block_is_refused() -> None:
    assert "has content after its end" in refusal("layar.png", PNG + b"<html>SEFT")


@pytest.mark.parametrize(
    ("content", "found", "way_out"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "Apple's format", "Most Compatible"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "Apple's format", "Most Compatible"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf", "AVIF", "JPEG or PNG"),
        (b"\0\0\0\x14ftypavif\0\0\0\0", "AVIF", "JPEG or PNG"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "a video", "Attach a photograph"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "a video", "Attach a photograph"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP", "JPEG or PNG"),
        (b"GIF89a\0\0", "GIF", "JPEG or PNG"),
        (b"BM\0\0\0\0", "BMP", "JPEG or PNG"),
        (b"II*\0\0\0", "TIFF", "JPEG or PNG"),
        (b"MM\0*\0\0", "TIFF", "JPEG or PNG"),
        (OLE + "WordDocument".encode("utf-16-le"), "(.doc)", ".docx or as PDF"),
        (OLE + "Workbook".encode("utf-16-le"), "(.xls)", ".xlsx"),
        (OLE + "Book".encode("utf-16-le"), "(.xls)", ".xlsx"),
        (OLE + "PowerPoint Document".encode("utf-16-le"), "(.ppt)", "as PDF"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password", "remove the password"),
        (OLE + "__substg1.0_".encode("utf-16-le"), "Outlook", "as PDF"),
        (OLE + bytes(8), "old-format Office document", ".docx"),
        (b"{\\rtf1 x}", "RTF", ".docx"),
        (b"%!PS-Adobe", "PostScript", "as PDF"),
        (b"Rar!\x1a\x07\0", "RAR", "one by one"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z", "one by one"),
        (b"\x1f\x8b\x08\0\0", "compressed", "one by one"),
        (b"<br />\n<b>Notice</b>: x\n" + PDF, "other content before it", "print it to PDF again"),
        (b"\xef\xbb\xbf<!DOCTYPE html><p>Galat", "a web page", "as PDF"),
        (archive({"a.txt": b"x"}), "a ZIP archive", "one by one"),
        (archive(package("ppt/presentation.xml", "application/vnd.x.presentationml.presentation.main+xml")),
         "a presentation", "as PDF"),
        (archive(package("word/document.xml", WORD.replace("document.main", "template.main"))), "a template", ".docx"),
        (archive(package("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.main")),
         "XLSB", ".xlsx"),
        (archive(package("visio/document.xml", "application/vnd.ms-visio.drawing.main+xml")), "a drawing", "as PDF"),
        (archive(package("a/b.xml", "application/xml")), "a ZIP archive", "one by one"),
        (archive({"[Content_Types].xml": b"<Types/>"}), "a ZIP archive", "one by one"),
        (archive({"mimetype": b"application/vnd.oasis.opendocument.presentation"}), "a presentation", "as PDF"),
        (archive({"mimetype": b"application/vnd.oasis.opendocument.text-template"}), "a template", ".docx"),
        (archive({"mimetype": b"application/vnd.oasis.opendocument.graphics"}), "a drawing", "as PDF"),
    ],
    ids=told,
)  # fmt: skip
@pytest.mark.parametrize("name", ["berkas.xls", "berkas.jpg", "berkas.docx", "berkas", "berkas.HEIC"])
def test_what_is_not_accepted_is_called_by_its_name_and_refused_with_the_way_out(
    content: bytes, found: str, way_out: str, name: str
) -> None:
    sentence = refusal(name, content)
    assert found in sentence
    assert way_out in sentence


# --- documents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        (package("word/document2.xml", WORD), FileType.DOCX),
        (package("xl/workbook2.xml", EXCEL), FileType.XLSX),
        (package("isi/utama.xml", EXCEL), FileType.XLSX),
        (package("word/document.xml", WORD, target="/word/document.xml"), FileType.DOCX),
        (package("word/document.xml", WORD, target="./x/../word/document.xml"), FileType.DOCX),
        (package("Word/Document.XML", WORD), FileType.DOCX),
        (package("word\\document.xml", WORD), FileType.DOCX),
        (package("word/document.xml", WORD, kind="http://purl.oclc.org/ooxml/officeDocument/relationships"),
         FileType.DOCX),
        # Embedded parts of the other kind do not decide.
        (package("word/document.xml", WORD) | {"xl/workbook.xml": b"<x/>"}, FileType.DOCX),
        ({"content.xml": b"<x/>", "META-INF/manifest.xml": manifest(FileType.ODT.media_type)}, FileType.ODT),
        ({"content.xml": b"<x/>", "META-INF/manifest.xml": manifest(FileType.ODS.media_type)}, FileType.ODS),
    ],
    ids=[
        "another number", "a workbook of another number", "another folder", "an absolute address", "a long way round",
        "capital letters", "slashes of Windows", "the strict format", "a workbook embedded", "ODT", "ODS",
    ],
)  # fmt: skip
@pytest.mark.parametrize("after", [b"", bytes(4), bytes(3000), b"\r\n", b"\x1a"], ids=told)
def test_a_document_is_what_the_lists_of_its_package_say(
    members: dict[str, bytes], kind: FileType, after: bytes
) -> None:
    assert inspect_file("berkas", archive(members) + after).type is kind


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    ],
)
def test_macros_under_another_name_are_refused(content_type: str) -> None:
    assert "contains macros" in refusal("surat.docx", archive(package("word/document.xml", content_type)))


@pytest.mark.parametrize(
    "more",
    [
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>',
        '<Override PartName="/word/kamus.dat" ContentType="application/vnd.ms-office.vbaProject"/>',
        '<Override PartName="/xl/x.xml" ContentType="application/vnd.ms-excel.macrosheet+xml"/>',
        '<Override PartName="/word/x.bin" ContentType="application/vnd.ms-office.activeX"/>',
    ],
)
def test_macros_in_a_part_of_any_name_are_refused(more: str) -> None:
    assert "contains macros" in refusal("surat.docx", archive(package("word/document.xml", WORD, more)))


def test_an_opendocument_file_locked_by_a_password_is_refused() -> None:
    locked = manifest(FileType.ODT.media_type, "<m:encryption-data/>")
    content = odf(FileType.ODT, **{"META-INF/manifest.xml": locked})
    assert "is protected by a password" in refusal("surat.odt", content)


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    "members",
    [
        docx(**{"[Content_Types].xml": b"<Types>"}),
        docx(**{"[Content_Types].xml": BOMB}),
        docx(**{"[Content_Types].xml": b'<?xml version="1.0" encoding="tidak-ada"?><Types/>'}),
        docx(**{"_rels/.rels": b"\x00"}),
        package("word/document.xml", WORD, target="word/tidak-ada.xml"),
        {"mimetype": FileType.ODT.media_type.encode(), "META-INF/manifest.xml": BOMB},
    ],
)
def test_a_package_whose_lists_cannot_be_read_is_damaged(members: dict[str, bytes]) -> None:
    assert "the document is damaged" in refusal("surat.docx", archive(members))


def test_a_list_that_unpacks_to_too_much_is_refused() -> None:
    content = archive(docx(**{"[Content_Types].xml": b"<Types>" + b" " * (3 * 1024 * 1024) + b"</Types>"}))
    assert "too large when unpacked" in refusal("surat.docx", content)


def test_a_list_whose_bytes_are_broken_is_damaged() -> None:
    content = bytearray(archive(package("word/document.xml", WORD), zipfile.ZIP_STORED))
    content[content.find(b"<Types") + 1] = 0x58
    assert "the document is damaged" in refusal("surat.docx", bytes(content))


# --- PDF -------------------------------------------------------------------------------------------------------------

LOCK = b"/Encrypt<</Filter/Standard/R %d/V 1/P -4/O(%s)/U(%s)>>"


@pytest.mark.parametrize(
    "before", [b"\xef\xbb\xbf", b"\r\n", b"\n \t", b"\x1a", b"<!-- tajuk -->\n", b"<!--a--><!--b-->"]
)
@pytest.mark.parametrize("after", [b"", b"\r\n", b"\x00\x00", b"\x1a", b"\n<!-- 0,3 detik -->\n", b"\xef\xbb\xbf"])
def test_a_pdf_may_have_about_it_what_readers_skip(before: bytes, after: bytes) -> None:
    content = before + PDF + after
    assert inspect_file("surat.pdf", content).type is FileType.PDF
    assert viewable_type(content) is FileType.PDF


@pytest.mark.parametrize("after", [b"<html>", b"<!-- tanpa akhir", b"\n<script>1</script>", b"x"])
def test_a_pdf_with_more_behind_it_is_refused_with_the_way_out(after: bytes) -> None:
    assert "print it to PDF again" in refusal("surat.pdf", PDF + after)


@pytest.mark.parametrize(
    "trailer",
    [
        b"/Encrypt 9 0 R",
        b"/Encrypt 1 0 R",
        b"/Encrypt[1]",
        b"/Encrypt<</Filter/Adobe.PubSec>>",
        b"/Encrypt<</Filter/Standard/R 6>>",
        LOCK % (5, b"x", b"y" * 48),
        LOCK % (6, b"x", b"y" * 48),
        LOCK % (7, b"x", b"y" * 32),
        LOCK % (2, b"x", b"y" * 32),
        LOCK.replace(b"/P -4", b"") % (3, b"x", b"y" * 32),
        LOCK % (3, b"x", b"y" * 32) + b"/ID[(a)(b)]",
        LOCK % (3, b"x", b"y" * 32) + b"/ID[1]",
    ],
)  # fmt: skip
def test_a_pdf_whose_lock_nobody_knows_is_taken_for_locked(trailer: bytes) -> None:
    content = PDF.replace(b"<<>>\nstartxref", b"<<" + trailer + b">>\nstartxref")
    assert "opens with a password only" in refusal("surat.pdf", content)


def test_a_pdf_of_revision_5_that_opens_without_password_is_taken() -> None:
    user = hashlib.sha256(b"garamnya").digest() + b"garamnya" + b"kunci ke"
    lock = b"/Encrypt 7 0 R>>\nstartxref"
    described = b"7 0 obj\n<</Filter/Standard/R 5/U<" + user.hex().encode() + b">>>\nendobj\ntrailer"
    content = PDF.replace(b"<<>>\nstartxref", b"<<" + lock).replace(b"trailer", described)
    assert inspect_file("surat.pdf", content).type is FileType.PDF


@pytest.mark.parametrize("word", [b"1/EncryptMetadata false", b"1/Terenkripsi 1 0 R", b"(/Encrypt 1 0 R)", b"1"])
def test_a_pdf_that_only_mentions_encryption_is_taken(word: bytes) -> None:
    content = PDF.replace(
        b"trailer\n<<>>", b" " * 5000 + b"/XRef 5 0 obj /XRef kata\n/XRef trailer\n<</A " + word + b">>"
    )
    assert inspect_file("surat.pdf", content).type is FileType.PDF


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"<</A 1/B[true false null]/C<4a4B5>>>", {"A": 1, "B": [True, False, None], "C": b"JKP"}),
        (b" % kata\n<</A(a\\(b\\)(c)\\101\\n\\\r\n\\x)>>", {"A": b"a(b)(c)A\nx"}),
        (b"<</A 5 0 R/B/Nama/C 1.5/D<</E -3>>>>", {"A": (5, 0), "B": "Nama", "C": 1, "D": {"E": -3}}),
        (b"<<1 2>>", None),
        (b"<</A", None),
        (b"<</A(tanpa akhir", None),
        (b"<</A kata>>", None),
        (b"[" * 40, None),
        (b">>", None),
        (b"", None),
    ],
)
def test_the_values_of_a_pdf_are_read(text: bytes, value: object) -> None:
    assert read_value(text, 0) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_none(content: bytes) -> None:
    read_value(b"<<" + content, 0)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_a_pdf_with_any_trailer_is_taken_or_refused_and_never_breaks_the_program(noise: bytes, place: int) -> None:
    trailer = LOCK % (3, b"x", b"y")
    content = PDF.replace(b"<<>>\nstartxref", b"<<" + trailer[:place] + noise + trailer[place:] + b">>\nstartxref")
    try:
        taken = inspect_file("surat.pdf", content)
    except ValidationFailed:
        return
    assert taken.type is FileType.PDF


# --- what the office takes -------------------------------------------------------------------------------------------


def test_a_kind_that_the_office_does_not_take_is_refused_with_those_that_it_takes() -> None:
    with pytest.raises(ValidationFailed) as caught:
        inspect_file("daftar.xlsx", XLSX, {FileType.PDF, FileType.JPEG})
    assert str(caught.value) == "daftar.xlsx has a file type that is not accepted. Accepted types: PDF, JPEG."
    assert inspect_file("surat.pdf", PDF, {FileType.PDF}).type is FileType.PDF
