"""The checks of uploaded files: accepted and refused contents, and cleaned names."""

from __future__ import annotations

import struct
import unicodedata
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.documents.file_names import MAX_NAME_LENGTH, clean_name
from lpse_admin.documents.file_types import MAX_FILE_BYTES, FileType
from lpse_admin.documents.inspection import InspectedFile, inspect_file, viewable_type
from lpse_admin.errors import FileTooLarge, ValidationFailed

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(20) + b"\xff\xd9"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
EXE = b"MZ\x90\x00" + bytes(60) + b"PE\x00\x00"


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG_HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13))
PNG = PNG_HEAD + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive with these members, a first one called mimetype left unpacked."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name, content in members.items():
            # Under a date that is always the same: workers that make it at different times have to agree on it.
            entry = zipfile.ZipInfo(name)
            target.writestr(entry, content, zipfile.ZIP_STORED if name == "mimetype" else compression)
    return buffer.getvalue()


def docx(**more: bytes) -> dict[str, bytes]:
    """Return the members of a small DOCX, with further ones by their names."""
    return {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>", **more}


XLSX = archive({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
DOCX = archive(docx())


def odf(kind: FileType, **more: bytes) -> bytes:
    """Return a small OpenDocument file."""
    return archive({"mimetype": kind.media_type.encode(), "content.xml": b"<office/>", **more})


def told(value: object) -> str:
    """Return how a parameter shows in a test's name: bytes would fill the screen."""
    return f"{zlib.crc32(value):08x}" if isinstance(value, bytes) else str(value)


def refusal(name: str, content: bytes) -> str:
    """Return the sentence with which a file is refused as not acceptable."""
    with pytest.raises(ValidationFailed) as caught:
        inspect_file(name, content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("surat.pdf", PDF, FileType.PDF),
        ("SURAT.PDF", PDF.rstrip(), FileType.PDF),
        ("layar.png", PNG, FileType.PNG),
        ("foto.jpg", JPEG, FileType.JPEG),
        ("foto.JPEG", JPEG + b"\x00\x00", FileType.JPEG),
        ("telepon.jpg", JPEG + b"SEFH notes SEFT", FileType.JPEG),
        ("formulir.docx", DOCX, FileType.DOCX),
        ("aset.xlsx", XLSX, FileType.XLSX),
        ("formulir.odt", odf(FileType.ODT), FileType.ODT),
        ("aset.ods", odf(FileType.ODS), FileType.ODS),
        ("catatan.txt", "Perubahan § 5 selesai\r\n\tBaik\f".encode(), FileType.TXT),
        ("catatan.txt", b"\xef\xbb\xbfDengan BOM", FileType.TXT),
        ("catatan.txt", b"BMN milik daerah; MZ adalah inisial; 3 < 5", FileType.TXT),
    ],
    ids=told,
)
def test_each_kind_on_the_list_is_taken(name: str, content: bytes, kind: FileType) -> None:
    assert inspect_file(name, content) == InspectedFile(name, kind)


def test_every_kind_has_a_media_type_an_extension_and_a_label_of_its_own() -> None:
    assert len({kind.media_type for kind in FileType}) == len(FileType)
    assert len({kind.extensions[0] for kind in FileType}) == len(FileType)
    assert FileType.DOCX.label == "DOCX"


def test_a_name_without_extension_gets_the_one_of_the_content() -> None:
    assert inspect_file("surat permohonan", PDF).name == "surat permohonan.pdf"
    assert inspect_file("foto", JPEG).name == "foto.jpg"


def test_an_empty_file_is_refused() -> None:
    assert refusal("surat.pdf", b"") == "surat.pdf is empty."


def test_the_largest_file_is_taken_and_one_byte_more_is_too_large() -> None:
    filled = b"a" * MAX_FILE_BYTES
    assert inspect_file("a.txt", filled).type is FileType.TXT
    with pytest.raises(FileTooLarge, match=r"a\.txt is larger than 20 MB"):
        inspect_file("a.txt", filled + b"a")


@pytest.mark.parametrize("name", ["jahat.exe", "laman.html", "gambar.svg", "skrip.JS", "surat.pdf.lnk"])
def test_a_name_under_which_a_computer_runs_or_renders_it_is_refused_whatever_the_content(name: str) -> None:
    sentence = refusal(name, PDF)
    assert (
        sentence
        == f"{name} has a file type that is not accepted. Accepted types: PDF, PNG, JPEG, DOCX, XLSX, ODT, ODS, TXT."
    )


def test_a_name_without_extension_over_unknown_content_is_refused() -> None:
    assert "has a file type that is not accepted" in refusal("program", EXE)


@pytest.mark.parametrize(
    ("name", "content", "extension", "found"),
    [
        ("a.pdf", b"hanya teks", ".pdf", "plain text (TXT)"),
        ("a.docx", b"hanya teks", ".docx", "plain text (TXT)"),
        ("a.pdf", EXE, ".pdf", "a Windows program"),
        ("a.txt", EXE, ".txt", "a Windows program"),
        ("a.txt", b"\x7fELF\x02", ".txt", "a program"),
        ("a.txt", b"#!/bin/sh\nrm", ".txt", "a script"),
        ("a.txt", b"{\\rtf1 x}", ".txt", "an RTF document"),
        ("a.png", b"GIF89a\x00\x00", ".png", "a GIF image"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(8),
            ".docx",
            "an encrypted or old-format Office document",
        ),
        ("a.docx", archive({"a.txt": b"x"}), ".docx", "a ZIP archive"),
        ("a.odt", archive({"mimetype": b"application/epub+zip"}), ".odt", "a ZIP archive"),
        ("a.pdf", b"\x00" + PDF, ".pdf", "a PDF with other content before it"),
        ("a.pdf", b"<html></html>" + PDF, ".pdf", "a PDF with other content before it"),
        ("a.png", SVG, ".png", "a web page or drawing"),
        ("a.txt", SVG, ".txt", "a web page or drawing"),
        ("a.txt", b"\xef\xbb\xbf\n <!DOCTYPE html><p>", ".txt", "a web page or drawing"),
        ("a.txt", b"halo <ScRiPt>alert(1)</script>", ".txt", "a web page or drawing"),
        ("a.txt", b"dengan \x1b kendali", ".txt", "something else"),
        ("a.txt", "dalam UTF-16".encode("utf-16"), ".txt", "something else. Save the text as UTF-8."),
        ("a.txt", "Latin é".encode("latin-1"), ".txt", "something else. Save the text as UTF-8."),
    ],
    ids=told,
)
def test_content_that_is_not_what_the_name_says_is_refused_and_both_are_told(
    name: str, content: bytes, extension: str, found: str
) -> None:
    assert refusal(name, content).startswith(f"{name} is named {extension}, but its content is {found}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", PDF + b"<script>"),
        ("a.pdf", PDF.replace(b"%%EOF", b"")),
        ("a.pdf", PDF + DOCX),
        ("a.png", PNG + b"x"),
        ("a.png", PNG[:-6]),
        ("a.png", PNG_HEAD),
        ("a.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")),
        ("a.png", PNG_HEAD + struct.pack(">I", 2**31) + b"IDAT" + bytes(8)),
        ("a.jpg", JPEG + b"<?php"),
        ("a.jpg", JPEG[:-2]),
    ],
    ids=told,
)
def test_a_file_without_its_end_or_with_something_behind_it_is_refused(name: str, content: bytes) -> None:
    assert "is damaged, or has content after its end" in refusal(name, content)


def test_a_file_that_is_an_archive_at_the_same_time_is_refused() -> None:
    bare = archive({"x.class": b"x"})
    with_comment = bare[:-2] + struct.pack("<H", 2) + b"\xff\xd9"
    assert "it is also an archive" in refusal("a.jpg", JPEG + with_comment)


@pytest.mark.parametrize(
    "member",
    [
        "word/vbaProject.bin",
        "word/VBAPROJECT.BIN",
        "word/vbaData.xml",
        "xl/macrosheets/sheet1.xml",
        "word/activeX/a.bin",
    ],
)
def test_a_document_with_macros_is_refused(member: str) -> None:
    assert "contains macros" in refusal("a.docx", archive(docx(**{member: b"x"})))


def test_an_opendocument_file_with_macros_is_refused() -> None:
    assert "contains macros" in refusal("a.odt", odf(FileType.ODT, **{"Basic/Standard/Module1.xml": b"x"}))


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    content = bytearray(DOCX)
    entry = content.find(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 24, 2**31)
    assert "it would be too large when unpacked" in refusal("a.docx", bytes(content))


def test_a_bomb_of_many_middling_parts_is_refused() -> None:
    content = bytearray(archive(docx(**{f"word/{number}.xml": b"x" for number in range(5)})))
    entry = -1
    while (entry := content.find(b"PK\x01\x02", entry + 1)) != -1:
        struct.pack_into("<I", content, entry + 24, 200 * 1024 * 1024)
    assert "it would be too large when unpacked" in refusal("a.docx", bytes(content))


def test_a_bomb_whose_parts_lie_on_one_another_is_refused() -> None:
    content = bytearray(DOCX)
    entry = content.find(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 20, len(content))
    assert "it would be too large when unpacked" in refusal("a.docx", bytes(content))


def test_an_archive_of_too_many_parts_is_refused() -> None:
    content = archive(docx(**{f"word/{number}.xml": b"" for number in range(2_000)}))
    assert "it contains too many parts" in refusal("a.docx", content)


def test_a_document_locked_by_a_password_is_refused() -> None:
    content = bytearray(DOCX)
    entry = content.find(b"PK\x01\x02")
    struct.pack_into("<H", content, entry + 8, 1)
    assert "is protected by a password" in refusal("a.docx", bytes(content))


def broken_documents() -> list[bytes]:
    """Return documents whose table of contents is missing, moved, unreadable or untrue."""
    end = DOCX.rfind(b"PK\x05\x06")
    unreadable, untrue = bytearray(DOCX), bytearray(DOCX)
    unreadable[DOCX.find(b"PK\x01\x02")] = 0
    struct.pack_into("<H", untrue, end + 10, 1)
    hollow = b"PK\x03\x04" + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0, 0, 0, 4, 0)
    return [
        DOCX[:-30],
        DOCX + b"behind",
        DOCX[: end + 10],
        b"PK\x03\x04" + DOCX,
        bytes(unreadable),
        bytes(untrue),
        hollow,
    ]


@pytest.mark.parametrize("content", broken_documents())
def test_a_damaged_document_is_refused(content: bytes) -> None:
    assert "the document is damaged" in refusal("a.docx", content)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("surat.pdf", "surat.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\saya\\surat.pdf", "surat.pdf"),
        ("folder/", "folder"),
        ("a/..", "a"),
        ("a\x00b\x1f.pdf", "ab.pdf"),
        ("dua\r\nbaris.pdf", "dua baris.pdf"),
        ("gaji\u202efdp.exe", "gajifdp.exe"),
        ("a\u200bb\u2066.pdf", "ab.pdf"),
        ("...tersembunyi.txt", "tersembunyi.txt"),
        (" . a . ", "a"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("lpt¹ .pdf", "_lpt¹ .pdf"),
        ("konsol.txt", "konsol.txt"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        ("e\u0301.pdf", "é.pdf"),
        ("e\u200b\u0301.pdf", "é.pdf"),
        ("", "file"),
        ("..", "file"),
        ("\u202e", "file"),
        ("a\ud800.pdf", "a.pdf"),
        ("x" * 400 + ".pdf", "x" * 146 + ".pdf"),
        ("x" * 400, "x" * 150),
        ("x" * 140 + "." * 60 + ".docx", "x" * 140 + ".docx"),
    ],
)
def test_a_name_is_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@given(st.text(st.characters(codec=None), max_size=400))
def test_any_name_comes_out_safe_and_stays_the_same_when_cleaned_again(name: str) -> None:
    cleaned = clean_name(name)
    assert 1 <= len(cleaned) <= MAX_NAME_LENGTH
    assert not set(cleaned) & set('/\\<>:"|?*\0\r\n')
    assert not cleaned.startswith((".", " "))
    assert not cleaned.endswith((".", " "))
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in cleaned)
    assert clean_name(cleaned) == cleaned


@given(st.binary(max_size=300), st.sampled_from([b"", PDF[:8], PNG_HEAD, JPEG[:4], DOCX, b"PK\x03\x04"]))
def test_any_content_is_taken_or_refused_with_a_sentence_and_never_breaks_the_program(tail: bytes, head: bytes) -> None:
    for kind in FileType:
        try:
            taken = inspect_file(f"a.{kind.extensions[0]}", head + tail)
        except ValidationFailed:
            continue
        assert taken.name.endswith(taken.type.extensions)
        # A corrected file is taken again under its corrected name.
        assert inspect_file(taken.name, head + tail) == taken


@pytest.mark.parametrize(("content", "kind"), [(PDF, FileType.PDF), (PNG, FileType.PNG), (JPEG, FileType.JPEG)])
def test_a_pdf_and_a_picture_can_be_looked_at(content: bytes, kind: FileType) -> None:
    assert viewable_type(content) is kind


@pytest.mark.parametrize("content", [b"", SVG, EXE, XLSX, b"Catatan", PDF + b"<script>", PNG_HEAD, JPEG[:-1]])
def test_nothing_else_can_be_looked_at(content: bytes) -> None:
    assert viewable_type(content) is None
