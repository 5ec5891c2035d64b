"""The printed sheets as PDF and XLSX: cards, room inventories and half-years, and the list of any past day."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response, request, send_file
from flask_admin import expose
from sqlalchemy import select

from lpse_admin.accounts.permissions import Resource, Verb
from lpse_admin.errors import Malformed, NotAllowed, NotFound
from lpse_admin.i18n import _
from lpse_admin.inventory.cards import Card
from lpse_admin.inventory.half_years import read_half_year
from lpse_admin.papers.characters import printable
from lpse_admin.parsing import UnreadableError
from lpse_admin.parsing.dates import read_date
from models.base import canonical_json
from models.database import db
from models.inventory.locking import load_inventory_options
from models.inventory.period import AssetPeriod
from models.inventory.room import Room
from models.papers.signatory import load_signatory
from models.reports.asset_history import list_as_of, load_history
from views.app.access import can
from views.app.clock import now
from views.exports.columns import ExportColumn
from views.exports.head import ExportHead
from views.exports.ods_export import MIMETYPE as ODS_MIMETYPE
from views.exports.ods_export import ods_stream
from views.exports.xlsx_export import xlsx_file
from views.i18n.language import current_timezone, format_date, tr
from views.inventory.periods import AssetPeriodView, half_year_choices
from views.listing.export_log import record_export
from views.listing.read_only_view import get_visible
from views.office.overview import agency_context
from views.papers.sheets.content import (
    Sheet,
    card_sheet,
    kept_signatories,
    movement_sheet,
    new_sheet,
    notes_of,
    room_sheet,
    signers_of,
    spreadsheet_rows,
)
from views.papers.typesetting import typeset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from models.inventory.period import Signatories
    from models.office.agency import Agency

_LAYOUT = Path(__file__).parents[3] / "templates" / "papers" / "sheets" / "sheet.typ"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS = ("pdf", "xlsx", "ods")


def _require(verb: Verb) -> Agency:
    if not can(verb, Resource.ASSET):
        raise NotAllowed(_("Your role has no access to this screen."))
    agency: Agency | None = agency_context()["agency"]
    if agency is None:
        raise NotFound(_("There is no such record, or you may not see it."))
    return agency


def _day(agency: Agency) -> dt.date:
    """Return the day of the address, today by default; raises Malformed for one that is none."""
    today = agency.local_date(now())
    try:
        day = read_date(request.args.get("date", "")) or today
    except UnreadableError as refusal:
        raise Malformed(refusal.message) from refusal
    return min(day, today)


def _room_signer(where: str, title: str, name: str | None, nip: str | None) -> dict[str, str]:
    return {
        "place": where or "\u00a0", "caption": "\u00a0", "title": title, "name": name or "." * 40,
        "nip": f"NIP. {nip or '.' * 30}",
    }  # fmt: skip


def _about(agency: Agency, options: Signatories | None) -> list[tuple[str, str]]:
    return [
        ("Provinsi", agency.province), ("Daerah", agency.region), ("Satuan kerja", agency.name),
        ("Kode lokasi", (options and options.location_code) or "-"),
    ]  # fmt: skip


def _signatories(agency: Agency, options: Signatories | None, day: dt.date) -> Mapping[str, str | None]:
    """Return who signs as the office has set it; where it has named no head, who is head on that day."""
    known = kept_signatories(options)
    if any(known[key] for key in ("head_name", "head_title", "head_nip")):
        return known
    head = load_signatory(db.session(), agency, day)
    return known | {"head_name": head.name, "head_title": head.capacity, "head_nip": head.nip}


def _new(agency: Agency, title: str, day: dt.date, *, is_kept: bool = False) -> Sheet:
    """Return an empty sheet; one that is kept says no moment of printing, so that it is the same each time."""
    moment = now().astimezone(agency.zone)
    printed = agency.name if is_kept else f"Dicetak {moment:%d-%m-%Y %H.%M}"
    return new_sheet(agency, title, day, printed)


def _answer(sheet: Sheet, kind: str, name: str, day: dt.date, about: list[str]) -> Response:
    """Return the sheet as a file; ``about`` says in the audit trail which one it was."""
    what, *details = about
    record_export(f"{what} ({kind.upper()})", details)
    file, mimetype = _file(sheet, kind, day)
    response = send_file(file, mimetype=mimetype, as_attachment=True, download_name=f"{name}.{kind}")
    response.headers["Cache-Control"] = "no-store"
    return response


def _file(sheet: Sheet, kind: str, day: dt.date) -> tuple[Any, str]:
    """Return the sheet as an open file, with its media type."""
    if kind == "pdf":
        return io.BytesIO(sheet_pdf(sheet, day)), "application/pdf"
    columns = [ExportColumn(heading) for heading in sheet.headings]
    rows, head = spreadsheet_rows(sheet), ExportHead(sheet.title, tr(_("Notes")), tuple(notes_of(sheet)))
    if kind == "xlsx":
        return xlsx_file(columns, rows, current_timezone(), sheet.title, head=head), _XLSX
    return io.BytesIO(b"".join(ods_stream(columns, rows, current_timezone(), sheet.title, head=head))), ODS_MIMETYPE


def sheet_pdf(sheet: Sheet, day: dt.date) -> bytes:
    """Return a sheet as PDF/A and PDF/UA; the same sheet and day give the same bytes."""
    at = dt.datetime.combine(day, dt.time(), dt.UTC)
    data = printable(canonical_json(sheet.as_dict()))
    return typeset({"main.typ": _LAYOUT.read_bytes(), "data.json": data.encode()}, at)


class PrintedPeriodView(AssetPeriodView):
    """The half-years of the asset list, with what is printed of it."""

    @expose("/sheets/")
    def sheets(self) -> str:
        """Show what can be printed, and the list as it was at the end of a day."""
        agency = _require(Verb.READ)
        day = _day(agency)
        states = list_as_of(db.session(), agency, day)
        counts = {card: sum(1 for state in states if state["card"] == card) for card in Card}
        rooms = db.session.scalars(select(Room).where(Room.agency_id == agency.id).order_by(Room.code))
        page = self.render(
            "inventory/sheets.html", agency=agency, day=day, counts=counts, rooms=list(rooms),
            half_years=half_year_choices(is_over=False), is_today=day == agency.local_date(now()),
            scope={"agency": request.args["agency"]} if request.args.get("agency") else {},
        )  # fmt: skip
        return str(page)

    @expose("/sheets/card/<card>.<kind>")
    def card(self, card: str, kind: str) -> ResponseReturnValue:
        """Print a card as it was at the end of a day."""
        agency = _require(Verb.EXPORT)
        if card not in set(Card) or kind not in _KINDS:
            raise NotFound(_("There is no such record, or you may not see it."))
        day, which = _day(agency), Card(card)
        states = list_as_of(db.session(), agency, day)
        sheet = _new(
            agency,
            f"Kartu Inventaris Barang (KIB) {which.value}"
            if which is not Card.INTANGIBLE
            else "Daftar Aset Tidak Berwujud",
            day,
        )
        options = load_inventory_options(db.session(), agency.id)
        sheet.under = [tr(which.title), f"Keadaan per {format_date(day)}"]
        sheet.about = _about(agency, options)
        sheet.signers = signers_of(_signatories(agency, options, day), day, agency.region)
        card_sheet(sheet, which, [state for state in states if state["card"] == which])
        about = [tr(_("Inventory cards (KIB)")), tr(which.title), format_date(day)]
        return _answer(sheet, kind, f"kib-{which.value.lower()}-{day}", day, about)

    @expose("/sheets/room/<room_id>.<kind>")
    def room(self, room_id: str, kind: str) -> ResponseReturnValue:
        """Print the inventory of a room."""
        if not can(Verb.EXPORT, Resource.ASSET) or kind not in _KINDS:
            raise NotFound(_("There is no such record, or you may not see it."))
        location = get_visible(Room, room_id)
        agency, day = location.agency, _day(location.agency)
        states = list_as_of(db.session(), agency, day)
        sheet = _new(agency, "Kartu Inventaris Ruangan (KIR)", day)
        sheet.under = [f"Keadaan per {format_date(day)}"]
        room_sheet(sheet, location, [state for state in states if state.get("room") == location.code])
        sheet.signers = [
            _room_signer(
                "",
                location.answerable_title or "Penanggung Jawab Ruangan",
                location.answerable_name,
                location.answerable_nip,
            ),
            _room_signer(
                f"{agency.region}, {format_date(day)}", "Pengurus Barang", location.keeper_name, location.keeper_nip
            ),
        ]
        about = [tr(_("Room inventories (KIR)")), str(location), format_date(day)]
        return _answer(sheet, kind, f"kir-{location.code}-{day}", day, about)

    @expose("/sheets/half-year/<key>.<kind>")
    def half_year(self, key: str, kind: str) -> ResponseReturnValue:
        """Print the changes of a half-year; a locked one with the signatories and the date that were kept with it."""
        agency = _require(Verb.EXPORT)
        which = read_half_year(key)
        if which is None or kind not in _KINDS:
            raise NotFound(_("There is no such record, or you may not see it."))
        period = db.session.scalars(
            select(AssetPeriod).where(
                AssetPeriod.agency_id == agency.id, AssetPeriod.year == which.year, AssetPeriod.half == which.half
            )
        ).one_or_none()
        options: Signatories | None = period or load_inventory_options(db.session(), agency.id)
        day = period.signed_on if period else agency.local_date(now())
        sheet = _new(agency, "Laporan Mutasi Barang", day, is_kept=period is not None)
        sheet.under = [tr(which.title)]
        sheet.about = _about(agency, options)
        sheet.notes = [] if period else ["Sementara: semester ini belum dikunci."]
        signatories = kept_signatories(period) if period else _signatories(agency, options, day)
        sheet.signers = signers_of(signatories, day, agency.region)
        movement_sheet(sheet, load_history(db.session(), agency), which)
        about = [tr(_("Changes by half-year")), tr(which.title)]
        return _answer(sheet, kind, f"mutasi-{which.key}", day, about)
