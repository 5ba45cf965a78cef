"""many sources: periods, snapshots, names that mean one recording, claims with their page"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("succeeded_at", sa.String(length=32), nullable=True),
        sa.Column("failed_at", sa.String(length=32), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("source"),
        comment="When each source last gave a chart, and when and how it last failed",
    )
    op.create_table(
        "block",
        sa.Column("block", sa.String(length=80), nullable=False),
        sa.Column("recording_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"]),
        sa.PrimaryKeyConstraint("block", "recording_id"),
        comment="Which names are compared with which: those that share a block",
    )
    op.create_table(
        "pair",
        sa.Column("one", sa.String(length=20), nullable=False),
        sa.Column("other", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["one"], ["recording.recording_id"]),
        sa.ForeignKeyConstraint(["other"], ["recording.recording_id"]),
        sa.PrimaryKeyConstraint("one", "other"),
        comment="Two names that may mean one recording, and why",
    )
    op.create_index("ix_pair_other", "pair", ["other"])
    op.create_table(
        "decision",
        sa.Column("one", sa.String(length=20), nullable=False),
        sa.Column("other", sa.String(length=20), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["one"], ["recording.recording_id"]),
        sa.ForeignKeyConstraint(["other"], ["recording.recording_id"]),
        sa.PrimaryKeyConstraint("one", "other"),
        comment="What the user decided about two names; stands over any evidence",
    )
    op.create_index("ix_decision_other", "decision", ["other"])
    op.add_column("page", sa.Column("period", sa.String(length=16), nullable=True))
    op.add_column("page", sa.Column("taken_on", sa.String(length=10), nullable=True))
    op.execute("UPDATE page SET period = 'weekly'")
    if op.get_bind().dialect.supports_comments:
        op.create_table_comment(
            "recording", "A name that recordings were seen under; names found to mean one recording share same_as"
        )
    op.add_column("recording", sa.Column("folded", sa.Text(), nullable=True))
    # every name stood for itself so far
    op.add_column("recording", sa.Column("same_as", sa.String(length=20), nullable=True))
    op.execute("UPDATE recording SET same_as = recording_id")
    op.create_index("ix_recording_same_as", "recording", ["same_as"])
    op.create_index("ix_spelling_track", "spelling", ["source", "track_id"])
    op.create_index("ix_spelling_isrc", "spelling", ["isrc"])
    with op.batch_alter_table("entry") as entry:
        entry.add_column(sa.Column("name_id", sa.String(length=20), nullable=True))
        entry.add_column(sa.Column("plays", sa.BigInteger(), nullable=True))
        entry.add_column(sa.Column("mean_position", sa.Float(), nullable=True))
    op.execute("UPDATE entry SET name_id = recording_id")
    with op.batch_alter_table("entry") as entry:
        entry.alter_column("name_id", existing_type=sa.String(length=20), nullable=False)
        entry.create_foreign_key("fk_entry_name", "recording", ["name_id"], ["recording_id"])
        entry.create_index("ix_entry_name", ["name_id"])
    # a new key: the tables are small, and made anew on either database
    op.rename_table("gap", "gap_before")
    op.create_table(
        "gap",
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("chart", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("passing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("week", "source", "chart", "country", "period"),
        comment="A chart that is missing or incomplete in a week, and why",
    )
    op.execute(
        "INSERT INTO gap (week, source, chart, country, period, reason, passing) "
        "SELECT week, source, chart, country, 'weekly', reason, passing FROM gap_before"
    )
    op.drop_table("gap_before")
    op.drop_table("label")  # nothing wrote it so far
    op.create_table(
        "label",
        sa.Column("recording_id", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=8), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("labelled_at", sa.String(length=32), nullable=False),
        sa.Column("page_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["page_id"], ["page.page_id"]),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.recording_id"]),
        sa.PrimaryKeyConstraint("recording_id", "source", "subject"),
        comment="Who says that a recording is AI or human: a claim, with its source",
    )
