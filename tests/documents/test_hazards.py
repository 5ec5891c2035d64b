"""Documents that attack their reader are refused by what they do; what offices write every day is taken."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.documents.file_types import FileType
from lpse_admin.documents.hazards import contents, packages, pdfs
from lpse_admin.documents.hazards.links import is_harmless_to_click, is_remote
from lpse_admin.documents.inspection import inspect_file
from lpse_admin.errors import ValidationFailed

pytestmark = pytest.mark.rules

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OOXML = "application/vnd.openxmlformats-officedocument"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Default Extension="bin" ContentType="application/x"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_OOXML}.wordprocessingml.document.main+xml"/></Types>'
)
_SHEET_TYPES = _TYPES.replace("/word/document.xml", "/xl/workbook.xml").replace(
    "wordprocessingml.document", "spreadsheetml.sheet"
)
_EMPTY = f'<w:document xmlns:w="{_W}"><w:body>%s</w:body></w:document>'


def relations(*rows: tuple[str, str, str]) -> str:
    """Return a list of relations: (end of the type, target, mode)."""
    inner = "".join(
        f'<Relationship Id="r{number}" Type="{_R}/{kind}" Target="{target}" TargetMode="{mode or "Internal"}"/>'
        for number, (kind, target, mode) in enumerate(rows)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'
    )


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """Return an archive of the parts, in their order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, stored)
    return target.getvalue()


def docx(parts: dict[str, str | bytes] | None = None, *, body: str = "") -> bytes:
    """Return a document of Word with further parts."""
    return zipped(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": relations(("officeDocument", "word/document.xml", "")),
            "word/document.xml": _EMPTY % body,
            **(parts or {}),
        }
    )


def xlsx(parts: dict[str, str | bytes] | None = None, *, formula: str = "SUM(A1:A2)") -> bytes:
    """Return a workbook of Excel with a formula."""
    sheet = f"<worksheet><sheetData><row><c><f>{formula}</f><v>1</v></c></row></sheetData></worksheet>"
    return zipped(
        {
            "[Content_Types].xml": _SHEET_TYPES,
            "_rels/.rels": relations(("officeDocument", "xl/workbook.xml", "")),
            "xl/workbook.xml": "<workbook/>",
            "xl/worksheets/sheet1.xml": sheet,
            **(parts or {}),
        }
    )


def odt(body: str = "", parts: dict[str, str | bytes] | None = None) -> bytes:
    """Return a document of LibreOffice."""
    names = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
        for prefix, urn in (("office", "office"), ("text", "text"), ("draw", "drawing"), ("script", "script"))
    )
    content = (
        f'<office:document-content {names} xmlns:xlink="http://www.w3.org/1999/xlink">{body}</office:document-content>'
    )
    return zipped(
        {"mimetype": FileType.ODT.media_type, "content.xml": content, "META-INF/manifest.xml": "<m/>", **(parts or {})}
    )


def field(*pieces: str) -> str:
    """Return a field of Word whose code stands in several pieces."""
    runs = "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in pieces)
    begin, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "end"))
    return f"<w:p>{begin}{runs}{end}</w:p>"


def refusal(name: str, content: bytes) -> str:
    """Return what is said of a file that is refused, in English."""
    with pytest.raises(ValidationFailed) as refused:
        inspect_file(name, content)
    problem = refused.value.message.values.get("problem", refused.value.message)
    return str(getattr(problem, "text", problem))


_REMOTE = (
    "http://198.51.100.7/t.dotm", "https://contoh.invalid/t", "\\\\server\\bagian\\t.dotx", "//server/t", "ftp://x/y",
    "file://server/bagian/t.dotx", "file:///\\\\server\\t.dotx", "mhtml:http://x!x", "smb://x/y", " HTTP://x/y",
    "file:\\\\server\\t",
)  # fmt: skip
_LOCAL = ("file:///C:/Users/ani/Templates/Surat.dotx", "C:\\Surat.dotx", "Rekap.xlsx", "../Rekap.xlsx", "", "#Lampiran")


@pytest.mark.parametrize("target", _REMOTE)
@pytest.mark.parametrize("kind", ["attachedTemplate", "image", "oleObject", "externalLinkPath", "frame", "subDocument"])
def test_what_is_fetched_from_another_computer_is_refused(kind: str, target: str) -> None:
    shown = target.replace("&", "&amp;")
    part = docx({"word/_rels/settings.xml.rels": relations((kind, shown, "External"))})
    expected = {"attachedTemplate": packages.REMOTE_TEMPLATE, "oleObject": contents.OLE}.get(kind, packages.FETCHES)
    assert refusal("surat.docx", part) == expected.text


@pytest.mark.parametrize("target", _LOCAL)
def test_a_template_or_workbook_of_the_writer_s_own_computer_is_taken(target: str) -> None:
    part = docx({"word/_rels/settings.xml.rels": relations(("attachedTemplate", target, "External"))})
    assert inspect_file("surat.docx", part).type is FileType.DOCX
    linked = xlsx(
        {"xl/externalLinks/_rels/externalLink1.xml.rels": relations(("externalLinkPath", target, "External"))}
    )
    assert inspect_file("rekap.xlsx", linked).type is FileType.XLSX


@given(st.text(max_size=40))
def test_an_address_is_judged_without_a_fault(address: str) -> None:
    assert is_remote(address) in {True, False}
    assert is_harmless_to_click(address) in {True, False}
    assert is_remote("\\\\" + address)
    assert is_remote("//" + address)


@pytest.mark.parametrize(
    ("target", "is_taken"),
    [("https://inaproc.id/", True), ("mailto:lpse@contoh.invalid", True), ("Rekap.xlsx", True),
     ("javascript:alert(1)", False), ("ms-msdt:/id PCWDiagnostic", False), ("search-ms:query=x", False),
     ("vbscript:x", False)],
)  # fmt: skip
def test_a_link_may_lead_to_a_page_and_not_to_a_program(target: str, is_taken: bool) -> None:
    part = docx({"word/_rels/document.xml.rels": relations(("hyperlink", target, "External"))})
    written = odt(f'<text:a xlink:href="{target}">x</text:a>')
    if is_taken:
        assert (inspect_file("a.docx", part).type, inspect_file("a.odt", written).type) == (FileType.DOCX, FileType.ODT)
    else:
        assert refusal("a.docx", part) == refusal("a.odt", written) == packages.LINK_RUNS.text


@pytest.mark.parametrize(
    "body",
    [
        field('DDEAUTO c:\\\\windows\\\\cmd.exe "/k calc"'), field("DD", "EAU", "TO cmd x"), field(" dde x y"),
        '<w:fldSimple w:instr="DDE excel x"/>', field("&#68;DE excel x"),
    ],
)  # fmt: skip
def test_a_field_that_takes_data_from_a_program_is_refused_however_it_is_written(body: str) -> None:
    assert refusal("surat.docx", docx(body=body)) == packages.DDE.text
    as_utf16 = docx({"word/footer1.xml": ("<?xml version='1.0' encoding='utf-16'?>" + _EMPTY % body).encode("utf-16")})
    assert refusal("surat.docx", as_utf16) == packages.DDE.text


def test_a_field_that_includes_a_picture_of_another_computer_is_refused() -> None:
    assert refusal("a.docx", docx(body=field('INCLUDEPICTURE "http://x.invalid/y.png"'))) == packages.FETCHES.text
    for harmless in ('INCLUDEPICTURE "media\\\\logo.png"', 'TOC \\o "1-3"', "PAGE", 'HYPERLINK "https://inaproc.id"'):
        assert inspect_file("a.docx", docx(body=field(harmless))).type is FileType.DOCX


@pytest.mark.parametrize(
    "formula", ["cmd|'/c calc'!A0", "MSEXCEL|'\\..\\cmd.exe'!x", "cmd|&apos;/c calc&apos;!A0", "a|b!c"]
)
def test_a_formula_that_takes_data_from_a_program_is_refused(formula: str) -> None:
    assert refusal("rekap.xlsx", xlsx(formula=formula)) == packages.DDE.text


@pytest.mark.parametrize("formula", ['CONCATENATE(A1,"|",B1)', '"a|b!"', "SUM('Rekap 1'!A1)", "A1&amp;B1"])
def test_a_formula_with_a_bar_in_a_text_is_taken(formula: str) -> None:
    assert inspect_file("rekap.xlsx", xlsx(formula=formula)).type is FileType.XLSX


def test_links_of_sheets_to_programs_are_refused() -> None:
    for element, expected in (("ddeLink", packages.DDE), ("oleLink", contents.OLE)):
        part = f'<externalLink><{element} ddeService="cmd"/></externalLink>'
        assert refusal("rekap.xlsx", xlsx({"xl/externalLinks/externalLink1.xml": part})) == expected.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_part_of_xml_is_read_whatever_it_is_called(encoding: str) -> None:
    text = (_EMPTY % field("DDEAUTO c:\\x")).encode(encoding)
    for name in ("word/isi.dat", "word/media/gambar.png", "word/isi"):
        assert refusal("a.docx", docx({name: text})) == packages.DDE.text


@pytest.mark.parametrize("blanks", [1, 100, 300_000])
def test_a_part_of_xml_may_begin_with_blanks(blanks: int) -> None:
    text = b" \r\n\t" * blanks + (_EMPTY % field("DDEAUTO c:\\x")).encode()
    assert refusal("a.docx", docx({"word/isi": text})) == packages.DDE.text


def test_a_vector_picture_may_name_its_type_and_declare_nothing() -> None:
    kind = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"%s>'
    picture = kind + '<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"/></svg>'
    assert inspect_file("a.docx", docx({"word/media/image1.svg": picture % ""})).type is FileType.DOCX
    for name, declared in (("image1.svg", "[<!ENTITY a 'b'>]"), ("image1.dat", "")):
        assert refusal("a.docx", docx({f"word/media/{name}": picture % declared})) == packages.FETCHES.text


def test_ole_programs_and_macros_are_refused_whatever_their_part_is_called() -> None:
    program = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(100)
    for name in ("word/media/image1.png", "word/x", "customXml/item1.bin"):
        assert refusal("a.docx", docx({name: program})) == contents.PROGRAM.text
        assert refusal("a.docx", docx({name: b"\x7fELF" + bytes(60)})) == contents.PROGRAM.text
        assert refusal("a.docx", docx({name: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)})) == contents.OLE.text
    rels = "word/_rels/document.xml.rels"
    assert refusal("a.docx", docx({rels: relations(("oleObject", "embeddings/x", ""))})) == contents.OLE.text
    assert refusal("a.docx", docx({rels: relations(("vbaProject", "media/gambar", ""))})) == packages.MACRO.text


def test_a_table_behind_a_chart_is_taken_and_an_archive_in_a_document_is_not() -> None:
    assert inspect_file("a.docx", docx({"word/embeddings/tabel.xlsx": xlsx()})).type is FileType.DOCX
    assert refusal("a.docx", docx({"word/embeddings/x.zip": zipped({"x.exe": b"x"})})) == contents.PROGRAM.text
    assert refusal("a.docx", docx({"word/embeddings/x": b"PK\x03\x04 rusak"})) == contents.PROGRAM.text
    inner = xlsx(formula="cmd|'/c calc'!A0")
    assert refusal("a.docx", docx({"word/embeddings/tabel.xlsx": inner})) == packages.DDE.text
    nested = xlsx({"xl/embeddings/y.xlsx": xlsx()})
    assert refusal("a.docx", docx({"word/embeddings/tabel.xlsx": nested})) == contents.PROGRAM.text


@pytest.mark.parametrize("name", ["../../x", "word/../../x", "/etc/passwd", "C:/x", "..\\..\\x", "\\x"])
def test_a_part_whose_name_leads_out_is_refused(name: str) -> None:
    assert refusal("a.docx", docx({name: b"x"})) == packages.LEADS_OUT.text


def lying(content: bytes, name: bytes, size: int) -> bytes:
    """Return an archive whose directory says that the part ``name`` has ``size`` bytes."""
    changed = bytearray(content)
    location = changed.find(b"PK\x01\x02")
    while location != -1:
        (length,) = struct.unpack_from("<H", changed, location + 28)
        if changed[location + 46 : location + 46 + length] == name:
            struct.pack_into("<I", changed, location + 24, size)
        location = changed.find(b"PK\x01\x02", location + 46)
    return bytes(changed)


@pytest.mark.parametrize("name", ["word/media/image1.bin", "word/lain.xml"])
def test_a_part_that_declares_ten_bytes_and_holds_three_hundred_megabytes_is_refused_before_it_is_unpacked(
    name: str,
) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(300)) + packer.flush()
    bomb = lying(docx({name: b"x" * 300_000}), name.encode(), 10)
    assert len(packed) < 1024 * 1024
    assert refusal("a.docx", bomb) == packages.UNFOLDS.text
    part = packages._Part(packed_member(packed), member_of(packed_member(packed)))
    part.read(64)
    assert part.is_longer
    assert part.size <= 512 * 1024, "it stops after the first piece"


def packed_member(packed: bytes) -> bytes:
    """Return a local header with what is packed."""
    header = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(packed), 10, 1, 0)
    return header + b"x" + packed


def member_of(content: bytes) -> zipfile.ZipInfo:
    """Return what the directory would say of it."""
    info = zipfile.ZipInfo("x")
    info.header_offset, info.compress_size, info.file_size = 0, len(content) - 31, 10
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def test_a_part_in_another_packing_or_damaged_is_refused() -> None:
    member = member_of(packed_member(b"\xff" * 40))
    assert packages.hazard_of_package(packed_member(b"\xff" * 40), [member]) == packages.UNREADABLE
    member.compress_type = zipfile.ZIP_BZIP2
    assert packages.hazard_of_package(packed_member(b"\xff" * 40), [member]) == packages.UNREADABLE


def test_more_text_than_can_be_examined_is_refused_and_a_large_sheet_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_MAX_TEXT_BYTES", 4000)
    assert refusal("a.docx", docx(body=field("PAGE") * 60)) == packages.TOO_LONG.text
    rows = "<row><c><v>1</v></c></row>" * 400
    assert inspect_file("a.xlsx", xlsx({"xl/worksheets/sheet2.xml": rows})).type is FileType.XLSX


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<draw:image xlink:href="http://x.invalid/y.png"/>', packages.FETCHES),
        ('<text:section-source xlink:href="\\\\server\\x.odt"/>', packages.FETCHES),
        ('<office:meta><template xlink:href="https://x.invalid/t.ott"/></office:meta>', packages.REMOTE_TEMPLATE),
        ('<draw:object-ole xlink:href="./Object 1"/>', contents.OLE),
        ('<draw:plugin xlink:href="./x"/>', contents.OLE),
        ('<draw:applet xlink:href="./x"/>', contents.OLE),
        ('<text:dde-connection-decl office:name="x"/>', packages.DDE),
        ('<script:event-listener script:event-name="dom:load"/>', packages.MACRO),
    ],
)
def test_what_a_document_of_libreoffice_does_is_refused(body: str, expected: object) -> None:
    assert refusal("a.odt", odt(body)) == getattr(expected, "text", None)


def test_an_ordinary_document_of_libreoffice_is_taken() -> None:
    body = '<office:scripts/><draw:image xlink:href="Pictures/1.png"/><draw:object xlink:href="./Object 1"/>'
    assert inspect_file("a.odt", odt(body)).type is FileType.ODT
    declared: dict[str, str | bytes] = {"Object 1/content.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"}
    assert refusal("a.odt", odt("", declared)) == packages.FETCHES.text


def pdf(*objects: str, raw: bytes = b"") -> bytes:
    """Return a PDF with one page and these objects."""
    page = ("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R>>")
    body = "".join(f"{number} 0 obj{text}endobj\n" for number, text in enumerate((*page, *objects), start=1))
    return b"%PDF-1.7\n" + body.encode("latin-1") + raw + b"trailer<</Root 1 0 R>>\n%%EOF\n"


def object_stream(text: bytes, entries: bytes = b"/Type/ObjStm/Filter/FlateDecode") -> bytes:
    """Return objects that are packed into a stream, whose dictionary has these entries."""
    packed = zlib.compress(text)
    return b"9 0 obj<</N 1/First 4%b/Length %d>>stream\n%bendstream endobj\n" % (entries, len(packed), packed)


_PDF_HAZARDS = [
    ("<</S/JavaScript/JS(app.alert(1))>>", pdfs.SCRIPT),
    ("<</S /J#61vaScript /JS(x)>>", pdfs.SCRIPT),
    ("<</S/#4a#61#76#61#53#63#72#69#70#74>>", pdfs.SCRIPT),
    ("<</S/Launch/F(cmd.exe)>>", pdfs.LAUNCH),
    ("<</Type/EmbeddedFile>>", pdfs.CARRIES_FILES),
    ("<</Names<</EmbeddedFiles 7 0 R>>>>", pdfs.CARRIES_FILES),
    ("<</S/GoToE>>", pdfs.CARRIES_FILES),
    ("<</Subtype/RichMedia>>", pdfs.MEDIA),
    ("<</AcroForm<</XFA 8 0 R>>>>", pdfs.FORM_PROGRAM),
    ("<</Subtype/Image/Width 60000/Height 60000>>", contents.HUGE_PICTURE),
]


@pytest.mark.parametrize(("text", "expected"), _PDF_HAZARDS)
def test_a_pdf_that_does_something_is_refused_also_where_it_is_packed(text: str, expected: object) -> None:
    assert refusal("surat.pdf", pdf(text)) == getattr(expected, "text", None)
    assert refusal("surat.pdf", pdf(raw=object_stream(text.encode()))) == getattr(expected, "text", None)


@pytest.mark.parametrize(
    "text",
    ["<</OpenAction[3 0 R/Fit]>>", "<</S/URI/URI(https://inaproc.id)>>", "<</AcroForm<</Fields[]>>>>",
     "<</Subtype/Image/Width 4000/Height 6000>>", "<</Title(JavaScript untuk pemula)>>", "<</LaunchDate 1>>"],
)  # fmt: skip
def test_an_ordinary_pdf_is_taken(text: str) -> None:
    assert inspect_file("surat.pdf", pdf(text)).type is FileType.PDF
    assert inspect_file("surat.pdf", pdf(raw=object_stream(text.encode()))).type is FileType.PDF
    assert pdfs.has_pages(pdf(text))
    assert not pdfs.has_pages(b"%PDF-1.4\n1 0 obj<</Type/Pages/Count 0>>endobj\n%%EOF\n")


def test_a_pdf_that_unfolds_to_more_than_can_be_examined_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdfs, "_MAX_UNPACKED", 1000)
    assert refusal("a.pdf", pdf(raw=object_stream(b" " * 2000))) == pdfs.UNREADABLE.text
    monkeypatch.setattr(pdfs, "_MAX_STREAMS", 0)
    assert refusal("a.pdf", pdf(raw=object_stream(b"x"))) == pdfs.UNREADABLE.text
    monkeypatch.undo()
    plain = b"9 0 obj<</Type/ObjStm/N 1>>stream\nnicht gepackt\nendstream endobj\n"
    assert inspect_file("a.pdf", pdf(raw=plain)).type is FileType.PDF
    script = plain.replace(b"nicht gepackt", b"<</S/JavaScript>>")
    assert refusal("a.pdf", pdf(raw=script)) == pdfs.SCRIPT.text


_SCRIPT = b"<</S/JavaScript/JS(x)>>"


@pytest.mark.parametrize(
    "entries",
    [b"/Type/Obj#53tm/Filter/FlateDecode", b"/Type/#4F#62#6a#53#74#6D/Filter[/FlateDecode]",
     b"/Filter/Flate#44ecode /Type /ObjStm", b"/Type/ObjStm/Extends 3 0 R" + b" " * 5000 + b"/Filter [ /FlateDecode ]"],
)  # fmt: skip
def test_an_object_stream_is_unpacked_however_its_dictionary_is_written(entries: bytes) -> None:
    assert refusal("a.pdf", pdf(raw=object_stream(_SCRIPT, entries))) == pdfs.SCRIPT.text
    assert inspect_file("a.pdf", pdf(raw=object_stream(b"<</Title(x)>>", entries))).type is FileType.PDF


@pytest.mark.parametrize(
    "entries",
    [
        b"/Type/ObjStm/Filter[/ASCIIHexDecode/FlateDecode]",
        b"/Type/ObjStm/Filter/LZWDecode",
        b"/Type/ObjStm/Filter 7 0 R",
        b"/Type/ObjStm/Filter/FlateDecode/DecodeParms<</Predictor 12>>",
        b"/Type/ObjStm/F(x)/Filter/FlateDecode",
        b"/Type/ObjStm/Filter/FlateDecode/Filter/LZWDecode",
        b"/Filter/LZWDecode/X(\n9 0 obj<<)/Type/ObjStm",
        b"/Filter/LZWDecode%9 0 obj<<\n/Type/ObjStm",
        b"/Type/ObjStm/Filter/FlateDecode" + b" " * 70_000,
    ],
)
def test_an_object_stream_that_cannot_be_read_is_refused(entries: bytes) -> None:
    assert refusal("a.pdf", pdf(raw=object_stream(_SCRIPT, entries))) == pdfs.UNREADABLE.text


@pytest.mark.parametrize(
    "raw",
    [b"9 0 obj<</Type/ObjStm>>endobj\n", b"9 0 obj/ObjStm endobj\n", object_stream(_SCRIPT)[:-30],
     object_stream(_SCRIPT).replace(b"stream\nx", b"stream\n?")],
)  # fmt: skip
def test_objects_whose_stream_is_missing_cut_off_or_damaged_are_refused(raw: bytes) -> None:
    assert refusal("a.pdf", pdf(raw=raw)) == pdfs.UNREADABLE.text


def test_an_object_stream_that_ends_with_the_file_is_refused() -> None:
    assert pdfs.hazard_of_pdf(object_stream(_SCRIPT)[:-30]) == pdfs.UNREADABLE


def test_an_object_stream_goes_on_behind_a_word_that_seems_to_end_it() -> None:
    packer = zlib.compressobj(0)
    body = packer.compress(b"(endstream)" + _SCRIPT) + packer.flush()
    raw = b"9 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n" + body + b"endstream endobj\n"
    assert b"endstream" in body
    assert refusal("a.pdf", pdf(raw=raw)) == pdfs.SCRIPT.text
    assert refusal("a.pdf", pdf(raw=raw.replace(b"JavaScript", b"Java#53cript"))) == pdfs.UNREADABLE.text


def png(width: int, height: int) -> bytes:
    """Return a PNG that says to have this size."""
    header = struct.pack(">2I5B", width, height, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    whole = struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + whole + b"\x00\x00\x00\x00IEND\xaeB`\x82"


def jpeg(width: int, height: int, *, marker: int = 0xC0) -> bytes:
    """Return a JPEG that says to have this size, behind a block of the camera and fill bytes."""
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 8, 8, height, width, 0)
    return b"\xff\xd8\xff\xe1\x00\x04ab\xff" + frame + b"\xff\xd9"


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (60_000, 1), (32_000, 32_000)])
def test_a_picture_that_unfolds_beyond_any_screen_is_refused(width: int, height: int) -> None:
    assert refusal("foto.png", png(width, height)) == contents.HUGE_PICTURE.text
    assert refusal("foto.jpg", jpeg(width, height)) == contents.HUGE_PICTURE.text
    assert refusal("foto.jpg", jpeg(width, height, marker=0xC2)) == contents.HUGE_PICTURE.text
    assert refusal("a.docx", docx({"word/media/image1.png": png(width, height)})) == contents.HUGE_PICTURE.text


def test_a_telephone_s_picture_is_taken() -> None:
    assert inspect_file("foto.jpg", jpeg(16_320, 12_240)).type is FileType.JPEG
    assert inspect_file("foto.png", png(9_933, 14_043)).type is FileType.PNG
    assert contents.picture_size(b"\xff\xd8\xff\xe1\x00\x04ab\xff\xd9") is None
    assert contents.picture_size(b"\xff\xd8\xff\xd9") is None
    assert contents.picture_size(b"\x89PNG\r\n\x1a\n") is None


def test_the_test_file_of_virus_scanners_is_refused_wherever_it_stands() -> None:
    assert refusal("a.txt", contents.EICAR) == contents.VIRUS_TEST.text
    assert refusal("a.txt", b"Catatan\n" + contents.EICAR) == contents.VIRUS_TEST.text
    assert refusal("a.docx", docx({"word/media/x.txt": contents.EICAR})) == contents.VIRUS_TEST.text
    assert refusal("a.pdf", pdf(raw=contents.EICAR + b"\n")) == contents.VIRUS_TEST.text


def test_words_that_begin_like_a_program_are_text() -> None:
    for text in (b"MZ adalah inisial. " * 6, b"MZ", b"MSC Fantasia"):
        assert inspect_file("a.txt", text).type is FileType.TXT
    assert inspect_file("a.docx", docx({"word/theme/x.bin": b"MZ" + bytes(62)})).type is FileType.DOCX


@given(st.binary(max_size=300))
def test_whatever_the_bytes_they_are_judged_without_a_fault(content: bytes) -> None:
    assert contents.hazard_of_bytes(content) is None or content
    packed = b"9 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n" + content
    assert pdfs.hazard_of_pdf(packed) == pdfs.UNREADABLE
