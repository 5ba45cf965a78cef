"""The tables of the database, as DESIGN draws them; :mod:`.migrations` brings an older database to this form.

Times are ISO 8601 text in UTC, dates ISO text: both sort, and both read the same in SQLite and PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

page = Table(
    "page",
    metadata,
    Column("page_id", String(64), primary_key=True, doc="SHA-256 of source, chart, country, period and body"),
    Column("source", String(32), nullable=False),
    Column("chart", String(64), nullable=False),
    Column("country", String(16), nullable=False),
    Column("period_end", String(10), doc="last day of the period asked for"),
    Column("origin", Text, nullable=False, doc="URL it was fetched from, or the file it was imported from"),
    Column("content_type", String(128), nullable=False, default=""),
    Column("body", LargeBinary, nullable=False, doc="what was answered, zlib-compressed"),
    Column("problem", Text, doc="why it could not be used; empty for a page that entries were read from"),
    Column("fetched_at", String(32), nullable=False),
    Index("ix_page_asked", "source", "chart", "country", "period_end"),
    comment="What a source answered, raw: any number in a report can be traced to the page it came from",
)

recording = Table(
    "recording",
    metadata,
    Column("recording_id", String(20), primary_key=True),
    Column("artist", Text, nullable=False, doc="as first seen"),
    Column("title", Text, nullable=False, doc="as first seen"),
    Column("version", Text, nullable=False, default="", doc="remix, live, ...: another recording of the same song"),
    Column("isrc", String(12), doc="the ISRC printed most often, if any"),
    comment="What an ISRC names: one sound, however it is spelled",
)

spelling = Table(
    "spelling",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("source", String(32), primary_key=True),
    Column("artist", Text, primary_key=True),
    Column("title", Text, primary_key=True),
    Column("isrc", String(12), primary_key=True, default=""),
    Column("track_id", String(64), primary_key=True, default="", doc="the source's own id"),
    comment="Every artist, title and id that a recording was seen under",
)

entry = Table(
    "entry",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("chart", String(64), primary_key=True),
    Column("country", String(16), primary_key=True),
    Column("period", String(16), primary_key=True, doc="weekly, monthly, ..."),
    Column("period_end", String(10), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("period_start", String(10), nullable=False),
    Column("week", String(10), doc="chart week, for weekly charts"),
    Column("recording_id", ForeignKey(recording.c.recording_id), nullable=False),
    Column("page_id", ForeignKey(page.c.page_id), nullable=False),
    Column("isrc", String(12), doc="as the page printed it"),
    Column("artist", Text, nullable=False, doc="as the page spells it, several joined by ', '"),
    Column("title", Text, nullable=False, doc="as the page spells it"),
    Column("artist_intl", Text),
    Column("title_intl", Text),
    Column("track_id", String(64)),
    Column("link", Text),
    Column("released", String(10)),
    Column("genres", Text, doc="several joined by ', '"),
    Column("language", String(64)),
    Column("label", Text, doc="rights holder"),
    Index("ix_entry_week", "week"),
    Index("ix_entry_recording", "recording_id"),
    comment="One position of one chart in one period",
)

label = Table(
    "label",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("source", String(64), primary_key=True, doc="who says it"),
    Column("label", String(8), nullable=False, doc="ai or human"),
    Column("ground", Text, nullable=False, doc="on what ground"),
    Column("labelled_at", String(32), nullable=False),
    comment="Who says that a recording is AI or human: a claim, with its source",
)

preview = Table(
    "preview",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("provider", String(32), doc="where it was found"),
    Column("preview_id", String(64), doc="the provider's id of the track"),
    Column("matched_by", String(16), doc="isrc or search; names are verified either way"),
    Column("artist", Text, doc="as the provider spells it"),
    Column("title", Text, doc="as the provider spells it"),
    Column("link", Text, doc="the track's page at the provider"),
    Column("sha256", String(64), doc="hash of the audio file"),
    Column("codec", String(32)),
    Column("rate", Integer),
    Column("seconds", Float),
    Column("problem", Text, doc="why there is no preview; empty when there is one"),
    Column("passing", Integer, nullable=False, default=0, doc="1: the problem may pass, ask again at the next run"),
    Column("asked_on", String(10), nullable=False, doc="day of the clock when the providers were last asked"),
    Index("ix_preview_sha256", "sha256"),
    comment="The 30-second clip of a recording: where from and what; the audio itself is deleted after extraction",
)

descriptor = Table(
    "descriptor",
    metadata,
    Column("sha256", String(64), primary_key=True, doc="hash of the audio file"),
    Column("extractor_version", String(32), primary_key=True),
    Column("names", Text, nullable=False, doc="names of the vector's numbers, separated by spaces"),
    Column("vector", LargeBinary, nullable=False, doc="float32, little-endian; NaN where not computable"),
    Column("reasons", Text, nullable=False, default="{}", doc="JSON: why a number is NaN"),
    Column("sketch", LargeBinary, nullable=False, doc="compact picture of the sound"),
    comment="What was computed from one audio file",
)

verdict = Table(
    "verdict",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("model_version", String(32), primary_key=True),
    Column("verdict", String(16), nullable=False, doc="ai, human, undecided or unmeasured"),
    Column("probability", Float, doc="calibrated probability that it is AI-made; empty when unmeasured"),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False, default="{}", doc="JSON"),
    Column("sha256", String(64), doc="hash of the audio that was judged"),
    Column("measured_at", String(32), nullable=False),
    comment="AI, human, undecided or unmeasured, with a calibrated probability and the reason",
)

measure = Table(
    "measure",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("chart", String(64), primary_key=True),
    Column("country", String(16), primary_key=True),
    Column("week", String(10), primary_key=True),
    Column("measure", String(64), primary_key=True),
    Column("value", Float),
    Column("low", Float),
    Column("high", Float),
    Column("n", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("inputs", String(64), nullable=False, doc="hash of what went in: a changed input is measured anew"),
    comment="A number about a chart week, with its interval and its n",
)

gap = Table(
    "gap",
    metadata,
    Column("week", String(10), primary_key=True),
    Column("source", String(32), primary_key=True),
    Column("chart", String(64), primary_key=True),
    Column("country", String(16), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("passing", Integer, nullable=False, doc="1: ask the source again at the next run; 0: this is all there is"),
    comment="A chart that is missing or incomplete in a week, and why",
)
