"""The tables of the database, as DESIGN draws them; :mod:`.migrations` brings an older database to this form.

Times are ISO 8601 text in UTC, dates ISO text: both sort, and both read the same in SQLite and PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

_SOURCE = "who publishes it, as `chartropy sources` names them; chartropy: the composite"
_CHART = "which of that source's charts"
_COUNTRY = "ISO 3166 code in small letters, or what the source has instead"

page = Table(
    "page",
    metadata,
    Column("page_id", String(64), primary_key=True, doc="SHA-256 of source, chart, country, period and body"),
    Column("source", String(32), nullable=False),
    Column("chart", String(64), nullable=False),
    Column("country", String(16), nullable=False),
    Column("period", String(16), doc="weekly, monthly, ...; snapshot: as it stood on taken_on; empty: several charts"),
    Column("period_end", String(10), doc="last day of the period; empty for several charts"),
    Column("taken_on", String(10), doc="for a snapshot: the day it shows"),
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
    Column(
        "recording_id",
        String(20),
        primary_key=True,
        doc="made from artists, title and version: the same in every workspace",
    ),
    Column("artist", Text, nullable=False, doc="as first seen"),
    Column("title", Text, nullable=False, doc="as first seen"),
    Column("version", Text, nullable=False, default="", doc="remix, live, ...: another recording of the same song"),
    Column("isrc", String(12), doc="the ISRC printed most often, if any"),
    Column("folded", Text, doc="the name as it is compared: artists, title, version"),
    Column("same_as", String(20), doc="the recording that this name was found to mean; itself while it stands alone"),
    Index("ix_recording_same_as", "same_as"),
    comment="A name that recordings were seen under; names found to mean one recording share same_as",
)

block = Table(
    "block",
    metadata,
    Column("block", String(80), primary_key=True, doc="what two names of one recording surely share"),
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    comment="Which names are compared with which: those that share a block",
)

pair = Table(
    "pair",
    metadata,
    Column("one", ForeignKey(recording.c.recording_id), primary_key=True, doc="the smaller id"),
    Column("other", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("score", Float, nullable=False, doc="how surely both mean one recording, 0 to 1"),
    Column("evidence", Text, nullable=False, doc="JSON: what speaks for it and against"),
    Index("ix_pair_other", "other"),
    comment="Two names that may mean one recording, and why",
)

decision = Table(
    "decision",
    metadata,
    Column("one", ForeignKey(recording.c.recording_id), primary_key=True, doc="the smaller id"),
    Column("other", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("same", Integer, nullable=False, doc="1: one recording, 0: two"),
    Column("decided_at", String(32), nullable=False),
    Index("ix_decision_other", "other"),
    comment="What the user decided about two names; stands over any evidence",
)

spelling = Table(
    "spelling",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("source", String(32), primary_key=True, doc="where it was seen"),
    Column("artist", Text, primary_key=True, doc="as it is spelled there"),
    Column("title", Text, primary_key=True, doc="as it is spelled there"),
    Column("isrc", String(12), primary_key=True, default="", doc="as it is printed there"),
    Column("track_id", String(64), primary_key=True, default="", doc="the source's own id"),
    Index("ix_spelling_track", "source", "track_id"),
    Index("ix_spelling_isrc", "isrc"),
    comment="Every artist, title and id that a recording was seen under",
)

entry = Table(
    "entry",
    metadata,
    Column("source", String(32), primary_key=True, doc=_SOURCE),
    Column("chart", String(64), primary_key=True, doc=_CHART),
    Column("country", String(16), primary_key=True, doc=_COUNTRY),
    Column("period", String(16), primary_key=True, doc="weekly, monthly, ..."),
    Column("period_end", String(10), primary_key=True, doc="last day of the period"),
    Column("position", Integer, primary_key=True, doc="place on the chart; 1 is the best"),
    Column("period_start", String(10), nullable=False, doc="first day of the period"),
    Column("week", String(10), doc="last day of the chart week; empty for a period that is no week"),
    Column("name_id", ForeignKey(recording.c.recording_id), nullable=False, doc="the name it is printed under"),
    Column("recording_id", ForeignKey(recording.c.recording_id), nullable=False, doc="the recording that name means"),
    Column("page_id", ForeignKey(page.c.page_id), nullable=False, doc="the page it was read from"),
    Column("isrc", String(12), doc="as the page printed it"),
    Column("artist", Text, nullable=False, doc="as the page spells it, several joined by ', '"),
    Column("title", Text, nullable=False, doc="as the page spells it"),
    Column("artist_intl", Text, doc="in the source's international spelling"),
    Column("title_intl", Text, doc="in the source's international spelling"),
    Column("track_id", String(64), doc="the source's own id"),
    Column("link", Text, doc="the track's page at the source"),
    Column("released", String(10), doc="when it came out, as the source says"),
    Column("genres", Text, doc="several joined by ', '"),
    Column("language", String(64), doc="of the words, as the source calls it"),
    Column("label", Text, doc="rights holder"),
    Column("plays", BigInteger, doc="spins, views, streams or listeners, whichever the source counts"),
    Column("mean_position", Float, doc="over the snapshots of the period, for a chart that only shows the present"),
    Index("ix_entry_name", "name_id"),
    Index("ix_entry_week", "week"),
    Index("ix_entry_recording", "recording_id"),
    comment="One position of one chart in one period",
)

label = Table(
    "label",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True),
    Column("source", String(64), primary_key=True, doc="who says it"),
    Column(
        "subject",
        String(255),
        primary_key=True,
        default="",
        doc="the track or the artist it is said of, as they write it",
    ),
    Column("label", String(8), nullable=False, doc="ai or human"),
    Column("ground", Text, nullable=False, doc="on what ground"),
    Column("labelled_at", String(32), nullable=False, doc="when they said it, else when it was first seen"),
    Column("page_id", ForeignKey(page.c.page_id), doc="where it is said"),
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
    Column("extractor_version", String(32), primary_key=True, doc="numbers of different versions are never compared"),
    Column("names", Text, nullable=False, doc="names of the vector's numbers, separated by spaces"),
    Column("vector", LargeBinary, nullable=False, doc="float32, little-endian; NaN where not computable"),
    Column("reasons", Text, nullable=False, default="{}", doc="JSON: why a number is NaN"),
    Column("sketch", LargeBinary, nullable=False, doc="compact picture of the sound"),
    comment="What was computed from one audio file",
)

verdict = Table(
    "verdict",
    metadata,
    Column("recording_id", ForeignKey(recording.c.recording_id), primary_key=True, doc="whose audio was judged"),
    Column("model_version", String(32), primary_key=True, doc="of the detector"),
    Column("verdict", String(16), nullable=False, doc="ai, human, undecided or unmeasured"),
    Column("probability", Float, doc="calibrated probability that it is AI-made; empty when unmeasured"),
    Column("reason", Text, nullable=False, doc="what the verdict rests on, or why there is none"),
    Column("evidence", Text, nullable=False, default="{}", doc="JSON"),
    Column("sha256", String(64), doc="hash of the audio that was judged"),
    Column("measured_at", String(32), nullable=False, doc="when it was made"),
    comment="AI, human, undecided or unmeasured, with a calibrated probability and the reason",
)

measure = Table(
    "measure",
    metadata,
    Column("source", String(32), primary_key=True, doc=_SOURCE),
    Column("chart", String(64), primary_key=True, doc=_CHART),
    Column("country", String(16), primary_key=True, doc=_COUNTRY),
    Column("week", String(10), primary_key=True, doc="last day of the chart week"),
    Column("measure", String(64), primary_key=True, doc="which; docs/MEASURES.md says what each is"),
    Column("value", Float, doc="the estimate, in the measure's unit; empty where there is none"),
    Column("low", Float, doc="lower bound of the 95 % interval that method names"),
    Column("high", Float, doc="upper bound of the 95 % interval that method names"),
    Column("n", Integer, nullable=False, doc="how many entries or recordings it rests on"),
    Column("method", Text, nullable=False, doc="how it was computed and with what versions, or why it could not be"),
    Column("inputs", String(64), nullable=False, doc="hash of what went in: a changed input is measured anew"),
    comment="A number about a chart week, with its interval and its n",
)

gap = Table(
    "gap",
    metadata,
    Column("week", String(10), primary_key=True, doc="last day of the period"),
    Column("source", String(32), primary_key=True, doc=_SOURCE),
    Column("chart", String(64), primary_key=True, doc=_CHART),
    Column("country", String(16), primary_key=True, doc=_COUNTRY),
    Column("period", String(16), primary_key=True, default="weekly", doc="weekly, monthly, ..."),
    Column("reason", Text, nullable=False, doc="what is missing, and why"),
    Column("passing", Integer, nullable=False, doc="1: ask the source again at the next run; 0: this is all there is"),
    comment="A chart that is missing or incomplete in a week, and why",
)

source = Table(
    "source",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("succeeded_at", String(32)),
    Column("failed_at", String(32)),
    Column("error", Text, doc="what it said when it failed last"),
    comment="When each source last gave a chart, and when and how it last failed",
)

run = Table(
    "run",
    metadata,
    Column("run_id", Integer, primary_key=True, doc="counts up"),
    Column("command", String(32), nullable=False, doc="weekly, collect, ..."),
    Column("week", String(10), doc="last day of the chart week that it was about, if it was about one"),
    Column("version", String(32), nullable=False, doc="of Chartropy"),
    Column("host", String(255), nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32), doc="empty: it is running, or was killed"),
    Column("outcome", String(16), nullable=False, doc="running, done, gaps, failed or stopped"),
    Column("summary", Text, nullable=False, default="", doc="what it did, or why it failed, in a line or some"),
    comment="Runs that changed something: when, and how they ended",
)

delivery = Table(
    "delivery",
    metadata,
    Column("week", String(10), primary_key=True, doc="whose report it is; recordings: the pages of all recordings"),
    Column("way", String(16), primary_key=True, doc="folder, mail or webhook"),
    Column("target", String(255), primary_key=True, doc="path, address or URL without its secrets"),
    Column("digest", String(64), nullable=False, doc="of what was to be delivered: another report is delivered anew"),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", String(32), nullable=False),
    Column("delivered_at", String(32), doc="empty: not yet; the next run tries again"),
    Column("error", Text, doc="why the last attempt failed"),
    comment="Which reports went where",
)
