"""Export a ``Sop`` as TOML, as JSON and as text for the terminal."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from lpse_admin.sop.model import ExtraRow, ItemKind

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from lpse_admin.sop.fields import SopField
    from lpse_admin.sop.model import ConsentRule, RequiredItem, Sop, StepRule, TimeLimit

_LIST_FIELDS = (
    "header",
    "contents",
    "legal_basis",
    "qualifications",
    "related",
    "equipment",
    "warnings",
    "record_keeping",
)
_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
_NOT_SET = "tidak ditetapkan"
_BLANK = "-"
_KIND_LABELS = {ItemKind.DOCUMENT: "dokumen", ItemKind.RECORD: "catatan program", ItemKind.EQUIPMENT: "peralatan"}
_CONDITION_LABELS = {"by-proxy": "bila dikuasakan", "account": "bila menyangkut akun", "emergency": "bila mendesak"}
_SWITCH_LABELS = {
    "head_approves_every_change": "Kepala menyetujui setiap perubahan",
    "verification_may_return_report": "Verifikasi dapat mengembalikan laporan",
    "deviations": "Penyimpangan Mutu Baku dicatat",
}
_TIMING_BASIS_LABELS = {"handling": "waktu penanganan", "arrival": "waktu sejak diterima"}


# --- TOML ---------------------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _toml_pairs(**values: object) -> Iterator[str]:
    """Yield the lines of the values that are set: strings, numbers, booleans, tuples of strings."""
    for key, value in values.items():
        if value in {None, "", ()}:
            continue
        if isinstance(value, bool):
            yield f"{key} = {str(value).lower()}"
        elif isinstance(value, tuple):
            yield f"{key} = ["
            yield from (f"    {_quoted(text)}," for text in value)
            yield "]"
        else:
            yield f"{key} = {_quoted(value) if isinstance(value, str) else value}"


def _toml_inline_table(values: Mapping[str, str | None]) -> str:
    return "{ " + ", ".join(f"{key} = {_quoted(value)}" for key, value in values.items() if value) + " }"


def _item_values(item: RequiredItem) -> dict[str, str | None]:
    return {
        "kind": item.kind.value,
        "of": item.record_step.value if item.record_step else None,
        "key": item.key,
        "label": item.label,
        "when": item.condition.value if item.condition else None,
    }


def _row_values(row: ExtraRow) -> dict[str, object]:
    return {
        "no": row.no,
        "text": row.text,
        "kind": row.kind.value,
        "actor": row.actor_key,
        "time": row.time,
        "requires": row.requires,
        "output": row.outputs,
        "remarks": row.remarks,
    }


def _field_values(field: SopField) -> dict[str, object]:
    return {
        "key": field.key,
        "label": field.label,
        "kind": field.kind.value,
        "required_for": tuple(outcome.value for outcome in field.required_for),
        "only_for": tuple(outcome.value for outcome in field.only_for),
        "choices": field.choices,
        "columns": field.columns,
        "help": field.help,
        "listed": field.is_listed or None,
    }


def _toml_field(field: SopField) -> Iterator[str]:
    yield "\n[[steps.fields]]"
    yield from _toml_pairs(**_field_values(field))
    if field.when is not None:
        values = ", ".join(map(_quoted, field.when.values))
        yield f"when = {{ field = {_quoted(field.when.key)}, is = [{values}] }}"


def _own_step_values(rule: StepRule) -> dict[str, object]:
    """Return the values that SOPs had not before they could have steps of their own."""
    return {
        "reason_for": tuple(outcome.value for outcome in rule.reason_for),
        "lasts": rule.lasts.text if rule.lasts else None,
        "lasts_until": rule.lasts_until,
        "apart_from": tuple(step.value for step in rule.apart_from),
    }


def _consent_values(consent: ConsentRule) -> dict[str, object]:
    return {"actor": consent.actor_key, "number": consent.number}


def _toml_step(rule: StepRule) -> Iterator[str]:
    yield from _toml_pairs(
        key=rule.step.value, title=rule.title, no=rule.no, activity=rule.activity, actor=rule.actor_key
    )
    yield from _toml_pairs(time=rule.standard.text if rule.standard else None)
    if rule.requires:
        yield "requires = ["
        yield from (f"    {_toml_inline_table(_item_values(item))}," for item in rule.requires)
        yield "]"
    yield from _toml_pairs(output=rule.outputs)
    outcomes = {outcome.value: target.value for outcome, target in rule.declared_outcomes.items()}
    yield f"outcomes = {_toml_inline_table(outcomes)}"
    yield from _toml_pairs(**_own_step_values(rule))
    yield from _toml_pairs(remarks=rule.remarks)
    if rule.flow_labels:
        yield f"flow = {_toml_inline_table(rule.flow_labels)}"
    for consent in rule.consents:
        yield "\n[[steps.consents]]"
        yield from _toml_pairs(**_consent_values(consent))
    for field in rule.fields:
        yield from _toml_field(field)


def _limit_values(limit: TimeLimit) -> dict[str, str | None]:
    return {
        "title": limit.title,
        "from": limit.first.value if limit.first else None,
        "to": limit.last.value if limit.last else None,
        "time": limit.standard.text,
    }


def _toml_lines(sop: Sop) -> Iterator[str]:
    yield from _toml_pairs(
        number=sop.number, title=sop.title, time_zone=sop.time_zone,
        made=sop.made, revised=sop.revised, approved=sop.approved, table_title=sop.table_title,
        without_verification=sop.without_verification,
    )  # fmt: skip
    yield from _toml_pairs(**{name: getattr(sop, name) for name in _LIST_FIELDS})
    agency, signatory, switches = sop.agency, sop.signatory, sop.switches
    yield "\n[agency]"
    yield from _toml_pairs(
        key=agency.key, name=agency.name, region=agency.region, province=agency.province,
        hierarchy=agency.hierarchy, address=agency.address, account_suffix=agency.account_suffix,
    )  # fmt: skip
    yield "\n[signatory]"
    yield from _toml_pairs(name=signatory.name, nip=signatory.nip, office=signatory.office, place=signatory.place)
    yield "\n[switches]"
    yield from _toml_pairs(**{name: getattr(switches, name) for name in _SWITCH_LABELS}, clock=switches.timing_basis)
    for term in sop.glossary:
        yield "\n[[glossary]]"
        yield from _toml_pairs(term=term.term, text=term.text)
    for actor in sop.actors:
        yield "\n[[actors]]"
        yield from _toml_pairs(key=actor.key, title=actor.title, role=actor.role.value)
    for row in sop.rows:
        yield "\n[[rows]]"
        yield from _toml_pairs(**_row_values(row))
    for rule in sop.rules.values():
        yield "\n[[steps]]"
        yield from _toml_step(rule)
    for limit in sop.limits:
        yield "\n[[limits]]"
        yield from _toml_pairs(**_limit_values(limit))


def to_toml(sop: Sop) -> str:
    """Return ``sop`` as TOML that parses to an equal SOP (without comments)."""
    return "\n".join(_toml_lines(sop)) + "\n"


# --- JSON ---------------------------------------------------------------------------------------------------------


def _iso(date: dt.date | None) -> str | None:
    return date.isoformat() if date else None


def _json_field(field: SopField) -> dict[str, object]:
    when = {"field": field.when.key, "is": list(field.when.values)} if field.when else None
    values = {**_field_values(field), "when": when}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value}


def _json_step(rule: StepRule) -> dict[str, object]:
    # What is empty is left out, so that the digest of SOPs loaded before these values existed stays the same.
    fields = {"fields": [_json_field(field) for field in rule.fields]} if rule.fields else {}
    own = {"title": rule.title, **_own_step_values(rule)}
    own = {key: list(value) if isinstance(value, tuple) else value for key, value in own.items() if value}
    if rule.consents:
        own["consents"] = [_consent_values(consent) for consent in rule.consents]
    return {
        "key": rule.step.value,
        "no": rule.no,
        "activity": rule.activity,
        "actor": rule.actor.value,
        "actor_key": rule.actor_key,
        "standard": rule.standard.text if rule.standard else None,
        "standard_minutes": rule.standard.minutes if rule.standard else None,
        "standard_by_clock": rule.standard.by_clock if rule.standard else None,
        "standard_days": rule.standard.days if rule.standard else None,
        "requires": [_item_values(item) for item in rule.requires],
        "output": list(rule.outputs),
        "outcomes": {outcome.value: target.value for outcome, target in rule.declared_outcomes.items()},
        "remarks": rule.remarks,
        "flow": dict(rule.flow_labels),
        **fields,
        **own,
    }


def _json_row(row: ExtraRow) -> dict[str, object]:
    # Empty fields are left out, so that the digest of SOPs loaded before these fields existed stays the same.
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in _row_values(row).items()}
    return {key: value for key, value in values.items() if value or key == "no"}


def _json_limit(limit: TimeLimit) -> dict[str, object]:
    standard = limit.standard
    told = {key: value for key, value in _limit_values(limit).items() if value}
    return {**told, "minutes": standard.minutes, "by_clock": standard.by_clock, "days": standard.days}


def to_json(sop: Sop) -> dict[str, object]:
    """Return ``sop`` as lists and dicts for JSON; ``moves`` have the switches applied."""
    agency = sop.agency
    return {
        "key": sop.key,
        "number": sop.number,
        "title": sop.title,
        "agency": {
            "key": agency.key,
            "name": agency.name,
            "region": agency.region,
            "province": agency.province,
            "hierarchy": list(agency.hierarchy),
            "address": list(agency.address),
            "account_suffix": agency.account_suffix,
        },
        "time_zone": sop.time_zone,
        "made": _iso(sop.made),
        "revised": _iso(sop.revised),
        "approved": _iso(sop.approved),
        "signatory": {
            "name": sop.signatory.name,
            "nip": sop.signatory.nip,
            "office": sop.signatory.office,
            "place": sop.signatory.place,
        },
        "switches": {
            **{name: getattr(sop.switches, name) for name in _SWITCH_LABELS},
            "clock": sop.switches.timing_basis,
        },
        "table_title": sop.table_title,
        **{name: list(getattr(sop, name)) for name in _LIST_FIELDS},
        "glossary": [{"term": term.term, "text": term.text} for term in sop.glossary],
        "actors": [{"key": actor.key, "title": actor.title, "role": actor.role.value} for actor in sop.actors],
        "rows": [_json_row(row) for row in sop.rows],
        **({"without_verification": sop.without_verification} if sop.without_verification else {}),
        "steps": [_json_step(rule) for rule in sop.rules.values()],
        **({"limits": [_json_limit(limit) for limit in sop.limits]} if sop.limits else {}),
        "moves": [
            {"from": move.origin.value, "outcome": move.outcome.value, "to": move.target.value} for move in sop.moves
        ],
    }


def digest(sop: Sop) -> str:
    """Return the SHA-256 of the content of the SOP; the file's name and layout do not matter."""
    content = {key: value for key, value in to_json(sop).items() if key != "key"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


# --- text ---------------------------------------------------------------------------------------------------------


def _long_date(date: dt.date | None) -> str:
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}" if date else _BLANK


def spaced_nip(nip: str) -> str:
    """Return the 18 digits as 8-6-1-3: ``19710113 199101 1 001``."""
    return f"{nip[:8]} {nip[8:14]} {nip[14:15]} {nip[15:]}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n{title}"
    numbered = [f"  {number}. {line}" for number, line in enumerate(lines, start=1)]
    yield from numbered or [f"  {_BLANK}"]


def _text_item(item: RequiredItem) -> str:
    of = f" langkah {item.record_step.value}" if item.record_step else ""
    when = f", {_CONDITION_LABELS[item.condition.value]}" if item.condition else ""
    return f"{item.label} [{_KIND_LABELS[item.kind]}{of}{when}]"


def _text_field(rule: StepRule, field: SopField) -> str:
    labels = {other.key: other.label for other in rule.fields}
    about = [
        field.kind.value,
        *([f"pilihan: {', '.join(field.choices)}"] if field.choices else []),
        *([f"kolom: {', '.join(field.columns)}"] if field.columns else []),
        *([f"wajib untuk {', '.join(field.required_for)}"] if field.required_for else []),
        *([f"hanya untuk {', '.join(field.only_for)}"] if field.only_for else []),
        *([f"bila {labels[field.when.key]}: {', '.join(field.when.values)}"] if field.when else []),
    ]
    return f"{field.label} [{'; '.join(about)}]"


def _text_step(sop: Sop, rule: StepRule) -> Iterator[str]:
    heading = rule.activity or "(bukan baris naskah)"
    yield f"\n{f'{rule.no}. ' if rule.no else ''}{heading}"
    yield f"    Langkah: {rule.step.value}{f' ({rule.title})' if rule.title else ''}"
    yield f"    Pelaksana: {sop.actor_title(rule.step)}"
    titles = {actor.key: actor.title for actor in sop.actors}
    yield from (f"    Kolom {titles[actor]}: {label}" for actor, label in rule.flow_labels.items())
    requires = [_text_item(item) for item in rule.requires]
    yield f"    Persyaratan / Perlengkapan: {'; '.join(requires) or _NOT_SET}"
    yield f"    Waktu: {rule.standard.text if rule.standard else _NOT_SET}"
    yield f"    Output: {'; '.join(rule.outputs) or _NOT_SET}"
    for outcome, target in rule.leads_to.items():
        no = sop.rules[target].no if target in sop.rules else None
        yield f"    {outcome.value} → {target.value}{f' (nomor {no})' if no else ''}"
    if rule.reason_for:
        yield f"    Dengan alasan: {', '.join(rule.reason_for)}"
    if rule.lasts or rule.lasts_until:
        yield f"    Menunggu: {rule.lasts.text if rule.lasts else f'sampai tanggal pada isian {rule.lasts_until}'}"
    if rule.apart_from:
        names = (str(sop.step_title(step)) for step in rule.apart_from)
        yield f"    Bukan orang yang sama dengan: {', '.join(names)}"
    for consent in rule.consents:
        how_many = "semua yang ditunjuk" if consent.number is None else f"{consent.number} orang"
        yield f"    Persetujuan: {sop.title_of_key(consent.actor_key)}, {how_many}"
    if rule.fields:
        yield "    Isian:"
        yield from (f"      {_text_field(rule, field)}" for field in rule.fields)
    yield f"    Keterangan: {rule.remarks or _BLANK}"


def _text_limit(limit: TimeLimit) -> str:
    first = f"langkah {limit.first.value}" if limit.first else "diajukan"
    last = f"langkah {limit.last.value} selesai" if limit.last else "ditutup"
    return f"  {limit.title}: {limit.standard.text}, sejak {first} sampai {last}"


def _text_row(sop: Sop, row: ExtraRow) -> Iterator[str]:
    yield f"\n{f'{row.no}. ' if row.no else ''}{row.text}"
    titles = {actor.key: actor.title for actor in sop.actors}
    values = (
        ("Pelaksana", titles.get(row.actor_key)),
        ("Persyaratan / Perlengkapan", "; ".join(row.requires)),
        ("Waktu", row.time),
        ("Output", "; ".join(row.outputs)),
        ("Keterangan", row.remarks),
    )
    yield from (f"    {name}: {value}" for name, value in values if value)


def _text_lines(sop: Sop) -> Iterator[str]:
    yield from sop.header
    yield from sop.agency.hierarchy
    yield from sop.agency.address
    yield f"\nNOMOR SOP: {sop.number or _NOT_SET}"
    yield f"NAMA SOP: {sop.title}"
    yield f"LPSE: {sop.agency.name}, {', '.join(filter(None, (sop.agency.region, sop.agency.province)))}"
    yield f"ZONA WAKTU: {sop.time_zone}"
    yield f"TANGGAL PEMBUATAN: {_long_date(sop.made)}"
    yield f"TANGGAL REVISI: {_long_date(sop.revised)}"
    yield f"TANGGAL PENGESAHAN: {_long_date(sop.approved)}"
    yield "DISAHKAN OLEH:"
    if sop.signatory.place:
        yield f"  {sop.signatory.place}, {_long_date(sop.approved)}"
    yield from (f"  {line}" for line in (sop.signatory.office, sop.signatory.name) if line)
    if sop.signatory.nip:
        yield f"  NIP. {spaced_nip(sop.signatory.nip)}"
    yield from _section("DASAR HUKUM", sop.legal_basis)
    yield from _section("KUALIFIKASI PELAKSANA", sop.qualifications)
    yield from _section("KETERKAITAN", sop.related)
    yield from _section("PERALATAN/PERLENGKAPAN", sop.equipment)
    yield from _section("PERINGATAN", sop.warnings)
    yield from _section("PENCATATAN DAN PENDATAAN", sop.record_keeping)
    if sop.contents:
        yield "\nDaftar Isi"
        yield from (f"  {line}" for line in sop.contents)
    if sop.glossary:
        yield from _section("Daftar Istilah", (f"{term.term} {term.text}" for term in sop.glossary))
    yield "\nPENGATURAN"
    yield from (
        f"  {title}: {'ya' if getattr(sop.switches, name) else 'tidak'}" for name, title in _SWITCH_LABELS.items()
    )
    if sop.without_verification:
        yield f"  Tanpa verifikasi laporan, karena: {sop.without_verification}"
    yield f"  Mutu baku waktu dinilai dari: {_TIMING_BASIS_LABELS[sop.switches.timing_basis]}"
    if sop.limits:
        yield "\nBATAS WAKTU"
        yield from (_text_limit(limit) for limit in sop.limits)
    yield f"\n{sop.table_title or 'AKTIVITAS'}"
    yield f"Pelaksana: {', '.join(actor.title for actor in sop.actors)}"
    for row in sop.table_rows:
        if isinstance(row, ExtraRow):
            yield from _text_row(sop, row)
        else:
            yield from _text_step(sop, row)


def to_text(sop: Sop) -> str:
    """Return ``sop`` as Indonesian text for the terminal, with the SOP's own texts unchanged."""
    return "\n".join(_text_lines(sop)) + "\n"
