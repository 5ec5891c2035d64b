"""The permission table, against a literal copy of it."""

from __future__ import annotations

import pytest

from lpse_admin.accounts.permissions import GRANTS, Resource, Verb, is_granted
from lpse_admin.accounts.roles import ACTOR_ROLES, Role

#: R requester, M change manager, H head, I inspector, A administrator; in the order read, export, create, edit,
#: delete, enact. Moves are not here: they follow from the papers.
TABLE = """
change        RMHIA RMHIA R  R  R -
comment       RMHIA RMHIA RMH - - -
evaluation    RMHIA RMHIA -  M  - -
returned      RMHIA RMHIA -  -  - -
urgency       RMHIA RMHIA -  M  - -
approval      RMHIA RMHIA -  H  - -
implementation RMHIA RMHIA - M  - -
test          RMHIA RMHIA -  M  - -
rollback      RMHIA RMHIA -  M  - -
report        RMHIA RMHIA -  M  - -
verification  RMHIA RMHIA -  H  - -
release       RMHIA RMHIA -  M  - -
asset-review  RMHIA RMHIA -  M  - -
asset-update  RMHIA RMHIA -  M  - -
own-step      RMHIA RMHIA -  MH - -
asset         MHIA  MHIA  M  M  - -
asset-code    MHIA  MHIA  MA MA - -
asset-import  MHIA  MHIA  MA MA - -
asset-period  MHIA  MHIA  MA MA - -
room          MHIA  MHIA  MA MA - -
document      RMHIA RMHIA -  H  - -
paper         RMHIA RMHIA -  RMHA - -
paper-setting MHIA  MHIA  A  A  - -
deviation     RMHIA RMHIA -  H  - -
delegation    MHIA  MHIA  HA HA - -
absence       MHIA  MHIA  MHA MHA - -
freeze        MHIA  MHIA  A  A  - -
sop           RMHIA RMHIA HA -  - H
edited-sop    HIA   HIA   HA HA HA -
appointment   MHIA  MHIA  HA HA - -
notification  RMHIA RMHIA -  -  - -
mail          HIA   HIA   -  A  - -
user          IA    IA    A  A  - -
account-request HIA HIA   -  HA - -
holiday       RMHIA RMHIA A  A  A -
setting       MHIA  MHIA  A  A  A -
audit         HIA   HIA   -  -  - -
inspection    HIA   HIA   -  -  - -
finding       MHIA  MHIA  MHA MHA - -
self-check    MHIA  MHIA  -  -  - -
integrity     HIA   HIA   -  -  - -
retention     MHIA  MHIA  HA HA - -
hold          MHIA  MHIA  H  H  - -
destruction   MHIA  MHIA  MA H  - -
archive-reference MHIA MHIA MA MA - -
"""
LETTERS = {
    "R": Role.REQUESTER, "M": Role.CHANGE_MANAGER, "H": Role.HEAD, "I": Role.INSPECTOR, "A": Role.ADMINISTRATOR,
}  # fmt: skip
ROWS = {row[0]: row[1:] for row in (line.split() for line in TABLE.strip().splitlines())}


@pytest.mark.parametrize("resource", Resource)
def test_the_table_says_what_is_written_here_and_nothing_more(resource: Resource) -> None:
    written = {
        verb: {LETTERS[letter] for letter in cell.replace("-", "")}
        for verb, cell in zip(Verb, ROWS[resource], strict=True)
    }
    assert {verb: set(roles) for verb, roles in GRANTS[resource].items()} == written


def test_every_row_is_of_a_resource() -> None:
    assert set(ROWS) == set(Resource) == set(GRANTS)


@pytest.mark.parametrize("resource", Resource)
@pytest.mark.parametrize("verb", Verb)
def test_somebody_may_what_one_of_their_roles_may(resource: Resource, verb: Verb) -> None:
    granted = GRANTS[resource][verb]
    for role in Role:
        assert is_granted([role], verb, resource) is (role in granted)
    assert is_granted(list(Role), verb, resource) is bool(granted)
    assert not is_granted([], verb, resource)


@pytest.mark.parametrize("resource", Resource)
def test_a_delegate_sees_what_the_head_sees_and_does_no_more(resource: Resource) -> None:
    for verb in Verb:
        sees = verb in {Verb.READ, Verb.EXPORT} and Role.HEAD in GRANTS[resource][verb]
        assert is_granted([], verb, resource, is_acting_head=True) is sees


def test_the_inspector_reads_and_exports_everything_and_changes_nothing() -> None:
    for verbs in GRANTS.values():
        assert {verb for verb, roles in verbs.items() if Role.INSPECTOR in roles} == {Verb.READ, Verb.EXPORT}


def test_neither_inspector_nor_administrator_takes_a_step() -> None:
    assert set(ACTOR_ROLES) == {Role.REQUESTER, Role.CHANGE_MANAGER, Role.HEAD}
