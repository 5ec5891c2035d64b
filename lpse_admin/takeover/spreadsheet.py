"""The rows of a spreadsheet as texts: XLSX, XLS, ODS or CSV, whichever the content is.

How large a file becomes is looked at before anything is parsed, so that a small file cannot fill the memory. A number
is written as in Indonesia, a date as 2025-12-31: what the columns of the cards read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from decimal import Decimal

from python_calamine import CalamineError, CalamineWorkbook

from lpse_admin.i18n import _
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.blank import is_blank

#: The most bytes of a file, and of what is packed in it.
MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
#: The most cells of a sheet, from its first to its last that holds something.
MAX_CELLS = 4_000_000
#: The most rows that are read of a sheet.
MAX_SHEET_ROWS = 21_000
_CHUNK = 1 << 20
#: How many letters are looked at to know an encoding.
_SAMPLE = 40
#: The longest tag of a sheet, in bytes.
_MAX_TAG = 1 << 16
_DELIMITERS = ";,\t|"
_ENCODINGS = ("utf-8-sig", "cp1252")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: What programs call .xls and is a table in HTML.
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|meta|style|body|table|\?xml)", re.IGNORECASE)
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The tag of a row or a cell in XLSX, with what it says; an attribute may hold a >.
_XLSX_TAG = re.compile(rb"""<(?:\w+:)?(row|c)((?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?)>""", re.IGNORECASE)
#: The place that a cell or a row says it has: r="AB12", r = '12'.
_XLSX_PLACE = re.compile(rb"""(?:^|\s)r\s*=\s*["']([A-Z]{0,4})(\d{1,9})["']""", re.IGNORECASE)
#: A row, and a cell that holds something, in ODS; each may be repeated.
_ODS_TAG = re.compile(rb"<table:table-(row|cell)\b[^<>]*(?<!/)>")
_ODS_REPEATED = re.compile(rb"""number-(?:rows|columns)-repeated\s*=\s*["'](\d{1,10})["']""")
_LETTERS = 26
#: Numbers from here on have lost digits in a spreadsheet.
_LOSES_DIGITS = 10**15
_MIDNIGHT = dt.time(0)
#: A number as a program writes it into a file with commas between the columns, where three decimals are no thousands.
_PROGRAMS_NUMBER = re.compile(r"(-?\d+)\.(\d{1,2}|\d{4,})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one sheet as texts, from its first row on, and the names of all sheets."""

    rows: tuple[tuple[str, ...], ...]
    sheets: tuple[str, ...] = ()
    #: Whether commas part the columns, so that a full stop begins the decimals.
    is_from_program: bool = False


def read_table(content: bytes, sheet: int = 0) -> Table:
    """Read the sheet number ``sheet``, counted from 0; raises UnreadableError with what to do."""
    if len(content) > MAX_BYTES:
        raise UnreadableError(_("The file is larger than %(most)s MB: split it.", most=MAX_BYTES // 1024**2))
    if content.startswith((_ZIP, _OLE)):
        if content.startswith(_ZIP):
            _require_bounded(content)
        return _read_workbook(content, sheet)
    if _PAGE.match(content):
        raise UnreadableError(
            _("This is a web page, whatever it is called: open it in Excel or LibreOffice and save it as XLSX.")
        )
    return _read_csv(content)


def _read_workbook(content: bytes, sheet: int) -> Table:
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = tuple(workbook.sheet_names)
        if sheet >= len(names):
            raise UnreadableError(_("The file has no sheet %(number)s.", number=sheet + 1))
        result = workbook.get_sheet_by_index(sheet)
        last_row, last_column = result.end or (-1, -1)
        if (last_row + 1) * (last_column + 1) > MAX_CELLS:
            raise _too_large()
        rows = result.to_python(skip_empty_area=False, nrows=MAX_SHEET_ROWS)
    except (CalamineError, OSError) as error:
        raise UnreadableError(
            _("This workbook cannot be opened: remove its password, or save it again as XLSX or CSV.")
        ) from error
    return Table(tuple(tuple(map(_cell_text, row)) for row in rows), names)


_NO_CSV = _("This is not a CSV file: save the list as CSV and try again.")
#: The most characters of a cell; an open quotation mark swallows the rest of a file.
_MAX_CELL = 100_000


def _read_csv(content: bytes) -> Table:
    text = _decode(content)
    first = next((line for line in text.splitlines() if not is_blank(line)), "")
    delimiter = max(_DELIMITERS, key=lambda mark: max(first.count(mark), _most_parted(text, mark)))
    try:
        lines = tuple(map(tuple, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    except csv.Error as error:
        raise UnreadableError(_NO_CSV) from error
    if any(len(cell) > _MAX_CELL for line in lines for cell in line):
        raise UnreadableError(_NO_CSV)
    return Table(lines, is_from_program=delimiter == ",")


def _most_parted(text: str, mark: str) -> int:
    """Return into how many columns ``mark`` parts the most parted of the first lines; titles stand above headings."""
    return max((line.count(mark) for line in text.splitlines()[:_MAX_TITLES]), default=0)


#: In how many lines the separator is looked for.
_MAX_TITLES = 15


def _decode(content: bytes) -> str:
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", "replace")
    for encoding, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        # Without its mark, every second byte of Latin letters is zero.
        if len(content) % 2 == 0 and not content[place : 2 * _SAMPLE : 2].strip(b"\0") and content.strip(b"\0"):
            return content.decode(encoding, "replace")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _cell_text(cell: object) -> str:
    """Return a cell as it is written in Indonesia: 2.5 is 2,5, a day 2025-12-31, and a whole number has no decimals."""
    match cell:
        case str():
            return cell
        case bool():
            return "ya" if cell else "tidak"
        case float() | int():
            return _number_text(Decimal(repr(cell)))
        case dt.datetime() if cell.time() == _MIDNIGHT:
            return cell.date().isoformat()
        case _:
            return str(cell)


def _number_text(number: Decimal) -> str:
    if abs(number) >= _LOSES_DIGITS:
        return f"{number:E}".replace(".", ",")
    text = f"{number:f}".rstrip("0").rstrip(".") if number.as_tuple().exponent != 0 else f"{number:f}"
    return text.replace(".", ",")


def number_of_a_program(text: str) -> str:
    """Return a number with a point before its decimals as it is written in Indonesia."""
    match = _PROGRAMS_NUMBER.fullmatch(text.strip())
    return f"{match[1]},{match[2]}" if match else text


# -- how large a workbook becomes --------------------------------------------------------------------------------------


def _too_large() -> UnreadableError:
    return UnreadableError(
        _("The workbook is too large when it is unpacked: keep only the list in it, without empty rows.")
    )


def _require_bounded(content: bytes) -> None:
    """Raise UnreadableError if a packed workbook holds too much, by what it says of itself and by what it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
                raise _too_large()
            for part in parts:
                _require_bounded_part(archive, part)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableError(_("This workbook is damaged or has a password: save it again as XLSX or CSV.")) from error


def _require_bounded_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack a part piece by piece, up to the size that it says; raises UnreadableError for too many cells."""
    tail, extent = b"", _Extent()
    is_xml = False
    with archive.open(part) as opened:
        while chunk := opened.read(_CHUNK):
            text = tail + chunk
            is_xml = is_xml or text.lstrip(_BEFORE_XML).startswith(b"<")
            tail = text[extent.add(text) :]
            if len(tail) > _MAX_TAG:
                if is_xml:
                    raise _too_large()
                tail = b""  # a picture, say


#: What may stand before the first tag of a part.
_BEFORE_XML = b"\xef\xbb\xbf \t\r\n"


class _Extent:
    """How many cells the sheets of a part hold or span, from the tags of their cells."""

    def __init__(self) -> None:
        self._rows = self._columns = 0
        #: Where in a sheet of XLSX the next cell is that does not say it.
        self._row = self._column = 0
        self._repeats = self._in_row = self._total = 0

    def add(self, text: bytes) -> int:
        """Look at a piece of a part, and return from where on it may hold a tag that is not whole yet."""
        done = 0
        for result in _XLSX_TAG.finditer(text):
            self._add_xlsx(result[2], is_row=result[1].lower() == b"row")
            done = result.end()
        for result in _ODS_TAG.finditer(text):
            self._add_ods(result[0], is_row=result[1] == b"row")
            done = max(done, result.end())
        if self._rows * self._columns > MAX_CELLS or self._total > MAX_CELLS:
            raise _too_large()
        return max(done, text.rfind(b"<")) if b"<" in text[done:] else len(text)

    def _add_xlsx(self, said: bytes, *, is_row: bool) -> None:
        """Follow a sheet of XLSX; a row or a cell that does not say its place follows the one before it."""
        match = _XLSX_PLACE.search(said)
        if is_row:
            self._row, self._column = int(match[2]) if match else self._row + 1, 0
            return
        self._column += 1
        if match and match[1]:
            self._row, self._column = int(match[2]), 0
            for letter in match[1].upper():
                self._column = self._column * _LETTERS + letter - ord("@")
        if not said.endswith(b"/"):
            self._rows, self._columns = max(self._rows, self._row), max(self._columns, self._column)

    def _add_ods(self, tag: bytes, *, is_row: bool) -> None:
        """Follow a sheet of ODS, where rows and cells may be repeated."""
        repeated = _ODS_REPEATED.search(tag)
        times = int(repeated[1]) if repeated else 1
        if is_row:
            self._repeats, self._in_row = times, 0
        else:
            self._in_row += times
            self._total += times * self._repeats
