"""One person with two accounts: where parts check each other, it is the person who counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpse_admin.accounts.roles import Role
from lpse_admin.accounts.same_person import PersonalData, is_same_person
from lpse_admin.errors import NotAllowed, ValidationFailed
from lpse_admin.retention.rules import RecordClass
from lpse_admin.sop.steps import Outcome, Step
from models.accounts.person import accounts_of_people
from models.administration.decisions import approve
from models.administration.operations import change_roles
from models.changes.requester_takeover import reason_cannot_take_over
from models.delegation.delegation import DelegationKind
from models.delegation.grant import grant_delegation
from models.retention.destruction import Destruction
from tests.support.cast import (
    NOW,
    cast,  # noqa: F401 - a fixture
    change_at_step,
    delegation,
    make_move,
    move_through,
    new_change,
    session,  # noqa: F401 - a fixture
    set_test_audit_context,
    user,
)

if TYPE_CHECKING:
    from models.accounts.user import User
    from tests.support.cast import AuditedSession, Cast, Office

NIP = "197901012008011001"
OTHER_NIP = "198001012008011002"
MARKS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"nip": NIP}, {"nip": NIP}),
    ({"nip": NIP}, {"nip": "NIP. 19790101 200801 1 001"}),
    ({"nip": NIP}, {"nip": "\u0661\u0669790101200801\u06611001".replace("\u06611001", "1001")}),
    ({"nip": NIP, "email": "ani@lumajang.example"}, {"email": "Ani@Lumajang.example "}),
    ({"email": "ani@lumajang.example"}, {"email": "ani+kepala@lumajang.example"}),
    ({"email": "ani@lumajang.example"}, {"nip": NIP, "email": "\uff41ni@lumajang.example"}),
    ({"phone": "0812-3456-7890"}, {"phone": "+62 812 3456 7890"}),
    ({"phone": "(0334) 881255"}, {"nip": NIP, "phone": "0062334881255"}),
]
APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"nip": NIP, "email": "kantor@lumajang.example", "phone": "0334881255"},
     {"nip": OTHER_NIP, "email": "kantor@lumajang.example", "phone": "0334881255"}),
    ({"email": "a@b.example"}, {"email": "a@c.example"}),
    ({"email": "+"}, {"email": "+x"}),
    ({"phone": "112"}, {"phone": "112"}),
    ({"phone": "-"}, {"phone": ""}),
    ({"nip": NIP}, {"phone": NIP}),
]  # fmt: skip


def data(marks: dict[str, Any]) -> PersonalData:
    return PersonalData(marks.get("nip"), marks.get("email"), marks.get("phone"))


@pytest.mark.rules
@pytest.mark.parametrize(("one", "other"), MARKS)
def test_accounts_with_the_same_nip_or_without_one_the_same_address_or_telephone_are_one_persons(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert is_same_person(data(one), data(other))
    assert is_same_person(data(other), data(one))


@pytest.mark.rules
@pytest.mark.parametrize(("one", "other"), APART)
def test_two_nips_are_two_people_whatever_they_share_and_what_says_nothing_joins_nobody(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not is_same_person(data(one), data(other))
    assert not is_same_person(data(other), data(one))


@pytest.mark.rules
@given(
    st.integers(10**17, 10**18 - 1),
    st.lists(st.sampled_from([" ", ".", "-", "\u00a0", "\u2013"]), max_size=5),
    st.randoms(),
)
def test_a_nip_is_the_same_however_it_is_split(number: int, signs: list[str], random: Any) -> None:
    text = list(str(number))
    for sign in signs:
        text.insert(random.randrange(len(text)), sign)
    assert is_same_person(data({"nip": str(number)}), data({"nip": "".join(text)}))


@pytest.mark.rules
@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_stands_there_the_comparison_is_the_same_both_ways(one: str, other: str) -> None:
    for key in ("nip", "email", "phone"):
        pair = data({key: one}), data({key: other})
        assert is_same_person(*pair) == is_same_person(*reversed(pair))


@pytest.fixture
def office(session: AuditedSession, cast: Cast) -> Office:
    set_test_audit_context(session)
    return cast.lumajang


def twin(session: AuditedSession, of: User, *roles: Role, marks: tuple[Any, Any] = MARKS[0], **more: Any) -> User:
    """Give ``of`` a second account with ``roles``."""
    for key, value in marks[0].items():
        setattr(of, key, value)
    created = user(session, more.pop("agency", of.agency), f"{of.username}.lain", *roles)
    for key, value in {**marks[1], **more}.items():
        setattr(created, key, value)
    session.commit()
    set_test_audit_context(session)
    return created


# NIPs are kept as 18 digits; the other ways of writing one never get into an account.
@pytest.mark.parametrize("marks", [marks for marks in MARKS if len(marks[1].get("nip", NIP)) == len(NIP)])
def test_whoever_asked_does_not_evaluate_with_another_account(
    session: AuditedSession,
    office: Office,
    marks: tuple[Any, Any],
) -> None:
    change = new_change(session, office)
    make_move(session, change, Outcome.SUBMITTED, office.requester)
    second = twin(session, office.requester, Role.CHANGE_MANAGER, marks=marks)
    assert change.open_moves(second, NOW) == ()
    with pytest.raises(NotAllowed, match="with another account"):
        make_move(session, change, Outcome.ACCEPTED, second)
    make_move(session, change, Outcome.ACCEPTED, office.manager)


def test_a_disabled_account_still_tells_what_its_owner_did(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.APPROVAL)
    office.manager.is_active = False
    second = twin(session, office.manager, Role.HEAD)
    with pytest.raises(NotAllowed, match="with another account"):
        make_move(session, change, Outcome.APPROVED, second)


def test_an_acting_head_who_evaluated_with_another_account_does_not_approve(
    session: AuditedSession,
    office: Office,
) -> None:
    change = change_at_step(session, office, Step.APPROVAL)
    second = twin(session, office.manager, Role.REQUESTER, marks=({"phone": "08123456789"}, {"phone": "+628123456789"}))
    delegation(session, office, second)
    set_test_audit_context(session)
    second.nip = office.manager.nip
    session.commit()
    with pytest.raises(NotAllowed, match="with another account"):
        make_move(session, change, Outcome.APPROVED, second)


def test_whoever_carried_out_does_not_verify_with_another_account(session: AuditedSession, office: Office) -> None:
    change = change_at_step(session, office, Step.VERIFICATION)
    second = twin(session, office.manager, Role.HEAD)
    with pytest.raises(NotAllowed, match="with another account"):
        make_move(session, change, Outcome.VERIFIED, second)


def test_the_requester_s_part_does_not_go_to_the_other_account_of_who_evaluated(
    session: AuditedSession,
    office: Office,
) -> None:
    change = move_through(session, office, Outcome.SUBMITTED, Outcome.ACCEPTED)
    second = twin(session, office.manager, Role.REQUESTER)
    assert reason_cannot_take_over(change, second) is not None
    assert reason_cannot_take_over(change, office.requester2) is None


def test_a_second_person_is_another_person_and_not_another_account(session: AuditedSession, office: Office) -> None:
    request = change_roles(office.manager, office.administrator, {Role.HEAD}, now=NOW)
    assert request is not None
    own = twin(session, office.administrator, Role.ADMINISTRATOR)
    installation = twin(
        session, office.manager, Role.ADMINISTRATOR, agency=None,
        marks=({"email": "budi@lumajang.example"}, {"email": "Budi@lumajang.example"}),
    )  # fmt: skip
    for nobody in (own, installation):
        assert not request.can_be_decided_by(nobody, NOW)
        with pytest.raises(NotAllowed):
            approve(request, nobody, now=NOW, secret_key=None)
    approve(request, office.head, now=NOW, secret_key=None)


def test_nobody_changes_the_roles_of_their_other_account(session: AuditedSession, office: Office) -> None:
    second = twin(session, office.administrator, Role.REQUESTER)
    with pytest.raises(NotAllowed):
        change_roles(second, office.administrator, {Role.CHANGE_MANAGER}, now=NOW)


def test_nobody_records_a_delegation_to_their_other_account(session: AuditedSession, office: Office) -> None:
    second = twin(session, office.administrator, Role.REQUESTER)
    today = NOW.date()
    with pytest.raises(ValidationFailed) as refused:
        grant_delegation(
            session, head=office.head, delegate=second, kind=DelegationKind.PLH, decree_number="800/77/2026",
            from_date=today, until_date=today, by=office.administrator, now=NOW,
        )  # fmt: skip
    assert "delegate_id" in refused.value.field_errors


def test_whoever_proposed_a_destruction_does_not_decide_on_it_with_another_account(
    session: AuditedSession,
    office: Office,
) -> None:
    proposal = Destruction(
        agency_id=office.agency.id,
        record_class=RecordClass.REQUEST,
        reason="Habis",
        proposed_by_id=office.administrator.id,
        proposed_at=NOW,
    )
    session.add(proposal)
    session.flush()
    second = twin(session, office.administrator, Role.HEAD)
    assert not proposal.can_be_decided_by(second, NOW)
    assert proposal.can_be_decided_by(office.head, NOW)


def test_accounts_of_another_office_are_other_offices_business(
    session: AuditedSession, cast: Cast, office: Office
) -> None:
    here, there = office.requester, cast.tana_tidung.requester
    here.nip = there.nip = NIP
    session.commit()
    set_test_audit_context(session)
    assert accounts_of_people(session, office.agency.id, {here.id}) == {here.id}
    assert accounts_of_people(session, None, {here.id}) == {here.id, there.id}
