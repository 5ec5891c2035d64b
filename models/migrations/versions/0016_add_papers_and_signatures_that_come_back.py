"""Papers: letterhead, layouts, what was printed and what came back signed; rank and NIP of who acted

Each office gets a key for the codes on its papers. The new columns of steps are empty in the rows that are there: for
them a paper has the rank and the NIP of the account. No table is written anew.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_triggers(down_revision, revision)
    op.create_table(
        "letterhead",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("place", sa.String(length=300), nullable=True),
        sa.Column("signs_for", sa.String(length=300), nullable=True),
        sa.Column("number_pattern", sa.String(length=300), nullable=True),
        sa.Column("classification", sa.String(length=40), nullable=True),
        sa.Column("arms_sha256", sa.String(length=64), nullable=True),
        sa.Column("arms_type", sa.String(length=8), nullable=True),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_by_name", sa.String(length=300), nullable=True),
        sa.Column("set_by_title", sa.String(length=300), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(arms_sha256 IS NULL) = (arms_type IS NULL)", name=op.f("ck_letterhead_arms_with_their_type")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_letterhead_agency_id")),
        sa.ForeignKeyConstraint(["arms_sha256"], ["file_content.sha256"], name=op.f("fk_letterhead_arms_sha256")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_letterhead_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letterhead")),
        sa.UniqueConstraint("agency_id", name=op.f("uq_letterhead_agency_id")),
    )
    op.create_table(
        "paper_layout",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("set_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("set_by_name", sa.String(length=300), nullable=True),
        sa.Column("set_by_title", sa.String(length=300), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_paper_layout_agency_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user_account.id"], name=op.f("fk_paper_layout_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_layout")),
    )
    op.create_index("ix_paper_layout_agency_id_key_id", "paper_layout", ["agency_id", "key", "id"], unique=False)

    op.create_table(
        "trusted_certificate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("added_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("added_by_name", sa.String(length=300), nullable=True),
        sa.Column("added_by_title", sa.String(length=300), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("removed_by_name", sa.String(length=300), nullable=True),
        sa.Column("removed_by_title", sa.String(length=300), nullable=True),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_by_id IS NULL)", name=op.f("ck_trusted_certificate_removed_by_somebody")
        ),
        sa.ForeignKeyConstraint(["added_by_id"], ["user_account.id"], name=op.f("fk_trusted_certificate_added_by_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_trusted_certificate_agency_id")),
        sa.ForeignKeyConstraint(
            ["removed_by_id"], ["user_account.id"], name=op.f("fk_trusted_certificate_removed_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_certificate")),
    )
    op.create_index("ix_trusted_certificate_agency_id_id", "trusted_certificate", ["agency_id", "id"], unique=False)

    op.create_table(
        "paper_print",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=300), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("printed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("printed_by_name", sa.String(length=300), nullable=True),
        sa.Column("printed_by_title", sa.String(length=300), nullable=True),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('change-form', 'evaluation', 'urgency', 'decision', 'implementation', 'test', 'rollback', "
            "'report', 'verification', 'schedule', 'release', 'asset-review', 'asset-update', 'deviations', "
            "'handover', 'sop')",
            name=op.f("ck_paper_print_kind"),
        ),
        sa.CheckConstraint("(change_id IS NULL) <> (sop_id IS NULL)", name=op.f("ck_paper_print_of_one_thing")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_paper_print_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_paper_print_change_id")),
        sa.ForeignKeyConstraint(["printed_by_id"], ["user_account.id"], name=op.f("fk_paper_print_printed_by_id")),
        sa.ForeignKeyConstraint(["sha256"], ["file_content.sha256"], name=op.f("fk_paper_print_sha256")),
        sa.ForeignKeyConstraint(["sop_id"], ["sop.id"], name=op.f("fk_paper_print_sop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_print")),
    )
    op.create_index("ix_paper_print_change_id", "paper_print", ["change_id"], unique=False)
    op.create_index("ix_paper_print_sha256", "paper_print", ["sha256"], unique=False)
    op.create_index("ix_paper_print_sop_id", "paper_print", ["sop_id"], unique=False)

    op.create_table(
        "signed_paper",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agency_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("print_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("filed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("filed_by_name", sa.String(length=300), nullable=True),
        sa.Column("filed_by_title", sa.String(length=300), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("form IN ('electronic', 'scan')", name=op.f("ck_signed_paper_form")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_signed_paper_agency_id")),
        sa.ForeignKeyConstraint(["change_id"], ["change_request.id"], name=op.f("fk_signed_paper_change_id")),
        sa.ForeignKeyConstraint(["filed_by_id"], ["user_account.id"], name=op.f("fk_signed_paper_filed_by_id")),
        sa.ForeignKeyConstraint(["print_id"], ["paper_print.id"], name=op.f("fk_signed_paper_print_id")),
        sa.ForeignKeyConstraint(["sha256"], ["file_content.sha256"], name=op.f("fk_signed_paper_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signed_paper")),
    )
    op.create_index("ix_signed_paper_change_id", "signed_paper", ["change_id"], unique=False)
    op.create_index("ix_signed_paper_print_id", "signed_paper", ["print_id"], unique=False)
    op.create_index("ix_signed_paper_sha256", "signed_paper", ["sha256"], unique=False)

    op.add_column("activity", sa.Column("actor_rank", sa.String(length=300), nullable=True))
    op.add_column("activity", sa.Column("actor_nip", sa.String(length=300), nullable=True))

    op.add_column("agency", sa.Column("paper_key", sa.String(length=64), nullable=True))

    _make_keys()
    op.add_column("user_account", sa.Column("rank", sa.String(length=300), nullable=True))

    op.create_triggers(down_revision, revision)


def _make_keys() -> None:
    agency = sa.table("agency", sa.column("id"), sa.column("paper_key"))
    bind = op.get_bind()
    for id_ in bind.scalars(sa.select(agency.c.id)).all():
        bind.execute(agency.update().where(agency.c.id == id_).values(paper_key=secrets.token_hex(32)))


def downgrade() -> None:
    op.drop_triggers(revision, down_revision)
    op.drop_column("user_account", "rank")

    op.drop_column("agency", "paper_key")

    op.drop_column("activity", "actor_nip")
    op.drop_column("activity", "actor_rank")

    op.drop_index("ix_signed_paper_sha256", table_name="signed_paper")
    op.drop_index("ix_signed_paper_print_id", table_name="signed_paper")
    op.drop_index("ix_signed_paper_change_id", table_name="signed_paper")

    op.drop_table("signed_paper")
    op.drop_index("ix_paper_print_sop_id", table_name="paper_print")
    op.drop_index("ix_paper_print_sha256", table_name="paper_print")
    op.drop_index("ix_paper_print_change_id", table_name="paper_print")

    op.drop_table("paper_print")
    op.drop_index("ix_trusted_certificate_agency_id_id", table_name="trusted_certificate")

    op.drop_table("trusted_certificate")
    op.drop_index("ix_paper_layout_agency_id_key_id", table_name="paper_layout")

    op.drop_table("paper_layout")
    op.drop_table("letterhead")
    op.create_triggers(revision, down_revision)
