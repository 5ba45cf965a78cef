"""Settings: ``chartropy.toml`` in the workspace folder, environment variables over it.

An environment variable is the setting's path in capitals, its parts joined by two underscores:
``CHARTROPY_SOURCES__TOPHIT__BASE_URL`` is ``base_url`` under ``[sources.tophit]``.
"""

from __future__ import annotations

import logging
import os
import re
import tomllib
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import SettingsError

log = logging.getLogger(__name__)

FILE_NAME = "chartropy.toml"

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _base_url(value: object) -> object:
    if isinstance(value, str):
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")
    return value


def _web_address(value: object) -> object:
    """An address that others are sent to, or that something is sent to; empty: none."""
    if not isinstance(value, str) or not value:
        return value
    try:
        parts = urlsplit(value)
        found = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, half of an IPv6 address
        found = False
    if not found or not value.isprintable() or " " in value:
        raise ValueError("should be an address like https://example.org/charts")
    return value


def _page_address(value: object) -> object:
    value = _web_address(value)
    if isinstance(value, str) and (urlsplit(value).query or urlsplit(value).fragment):
        raise ValueError("pages are found below it: leave out what follows ? or #")
    return value.rstrip("/") if isinstance(value, str) else value


def _mail_address(value: object) -> object:
    if isinstance(value, str) and value and not (value.isprintable() and _MAILBOX.fullmatch(value)):
        raise ValueError("should be one e-mail address like desk@example.org or Chart desk <desk@example.org>")
    return value


_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
_MAILBOX = re.compile(rf'{_ADDRESS}|("[^"<>]*"|[^"<>@,;:]*)<{_ADDRESS}>')


def address_of(mailbox: str) -> str:
    """Return the bare address of ``Name <name@example.org>``."""
    return parseaddr(mailbox)[1]


BaseUrl = Annotated[str, BeforeValidator(_base_url)]
WebAddress = Annotated[str, BeforeValidator(_web_address)]
PageAddress = Annotated[str, BeforeValidator(_page_address)]
Mailbox = Annotated[str, BeforeValidator(_mail_address)]
Country = Annotated[str, Field(pattern=r"^([a-z]{2}|[a-z][a-z -]{3,15})$")]
Name = Annotated[str, Field(min_length=1, max_length=32)]
"""Of a source or a registry, as the database keeps it."""


class _Strict(BaseModel):
    # a setting that is misspelled must not be passed over in silence
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Rate(_Strict):
    """At most so many requests in so many seconds."""

    requests: int = Field(gt=0)
    seconds: int = Field(gt=0)


class Source(_Strict):
    """One platform: its address, its manners, what is wanted of it.

    Each source brings its own values (``SOURCE.settings`` in ``charts/sources``); the settings override them one by one.
    """

    base_url: BaseUrl = ""
    """Where it is asked."""
    rate: Rate = Rate(requests=1, seconds=1)
    """Stay under this rate, across runs."""
    robots: bool = False
    """Ask robots.txt before a page. Off for documented APIs, whose terms and rates are their rules."""
    timeout: float = Field(default=30, gt=0)
    """Seconds without an answer until a request is given up."""
    retries: int = Field(default=3, ge=0, le=10)
    """How often a request that failed for the moment is made again."""
    charts: tuple[str, ...] = ()
    """Charts to collect, by the names that ``chartropy sources`` shows."""
    country: Country = "ru"
    """Country of the charts: two small letters, or ``global``; a few sources know more, written out."""
    expected_rows: dict[str, PositiveInt] = Field(default_factory=dict)
    """Positions a whole chart has: by chart, by kind of period (``annual``) or one number for all (``*``); a shorter one is
    kept, flagged and reported."""
    key: str = Field(default="", repr=False)
    """The user's own key, where a platform wants one."""
    columns: dict[str, str] | None = None
    """For a table of the user's own: which of its columns is position, artist, title, period, ...; makes it a source."""
    dates: str = "%Y-%m-%d"
    """How that table writes its periods, as strptime reads it; ``%d/%m/%y - %d/%m/%y`` for first and last day."""
    period: Literal["daily", "weekly", "monthly", "annual", "decade", "snapshot"] = "weekly"
    """What one chart of that table covers; snapshot: how it stood on that day, averaged over a week."""
    rows: str = ""
    """Where in that JSON the list of rows lies, keys joined by dots; empty: the JSON is the list."""
    path: str = ""
    """Where below base_url that table is fetched; ``{start}``, ``{end}``, ``{chart}`` and ``{country}`` are filled in."""

    def expected(self, chart: str, kind: str = "weekly") -> int | None:
        """Return how many positions a whole chart of a kind of period has, if that was said."""
        return self.expected_rows.get(chart) or self.expected_rows.get(kind) or self.expected_rows.get("*")

    @field_validator("expected_rows", mode="before")
    @classmethod
    def _one_number_for_all(cls, value: object) -> object:
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        return {"*": value} if isinstance(value, int) and value > 0 else value


class Registry(_Strict):
    """A list of artists said to be AI, somebody's claim."""

    location: str = Field(min_length=1)
    """URL, or path of a file (relative ones below the workspace folder)."""
    artist: str = "artist"
    """Column (CSV) or key (JSON) that holds the artist's name."""
    rows: str = ""
    """Where in a JSON object the list of artists lies, keys joined by dots; empty: the JSON is the list."""
    added: str = ""
    """Column or key that holds the day it was listed, if any."""
    removed: str = ""
    """Column or key that is true for names taken off the list, if any."""
    ground: tuple[str, ...] = ()
    """Columns or keys to quote as the ground of the claim, such as how it was disclosed."""


class Composite(_Strict):
    """The composite rating across platforms."""

    country: Country = "ru"
    """Whose charts are rated."""
    depth: int = Field(default=100, gt=0, le=1000)
    """Positions it has, and positions of each platform that count."""
    weights: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    """Weight by platform; 1 where nothing is said, 0 leaves a platform out."""


class Mail(_Strict):
    """A server that sends the report."""

    host: str = ""
    """Empty: no mail."""
    port: int = Field(default=587, gt=0, lt=65536)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """TLS after the first words, from the first byte, or, on a server of one's own, not at all."""
    user: str = ""
    """Empty: the server asks for no name."""
    password: str = Field(default="", repr=False)
    sender: Mailbox = ""
    """Empty: `user`."""
    to: tuple[Mailbox, ...] = ()
    """Who gets the report."""
    failures_to: tuple[Mailbox, ...] = ()
    """Who is told when a run failed; empty: those who get the report."""
    timeout: float = Field(default=30, gt=0)
    """Seconds without an answer until the server is given up."""


class Webhook(_Strict):
    """An address that is told of a new report, in JSON."""

    url: WebAddress = Field(default="", repr=False)
    """Empty: none. Often a secret itself: no message, log or table shows more of it than the host."""
    key: str = Field(default="", repr=False)
    """Signs what is sent (HMAC-SHA-256), if given."""
    timeout: float = Field(default=30, gt=0)
    """Seconds without an answer until it is given up."""


class Report(_Strict):
    """What pages are written, and where they go."""

    languages: Annotated[tuple[Literal["en", "ru"], ...], Field(min_length=1)] = ("en",)
    """The first is that of ``index.html``."""
    recordings: bool = True
    """Whether each recording has a page of its own."""
    folder: str = ""
    """Where the pages are copied too, such as a web server's folder; relative ones lie below the workspace folder."""
    base_url: PageAddress = ""
    """Where that folder is seen on the web: the feed and messages link there."""
    mail: Mail = Mail()
    webhook: Webhook = Webhook()


class _Environment(EnvSettingsSource):
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        # what is no JSON goes on as it is: the check that follows names the variable and what it should be
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """All settings, with the values that hold when nothing is said."""

    model_config = SettingsConfigDict(
        env_prefix="CHARTROPY_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
        hide_input_in_errors=True,
    )

    database_url: str = ""
    """SQLAlchemy URL of the database; empty: ``chartropy.sqlite`` in the workspace folder."""
    week_ends: Weekday = "thursday"
    """The last day of a chart week; weeks are named by its date."""
    timezone: str = "Europe/Moscow"
    """Where a day begins and ends."""
    contact: str = ""
    """An address or page that a platform's keeper can write to; goes into the User-Agent."""
    providers: tuple[Literal["deezer", "itunes"], ...] = ("deezer", "itunes")
    """Where previews are looked for, in this order."""
    keep_audio: bool = False
    """Keep previews after their descriptors were extracted."""
    retry_after_days: int = Field(default=7, ge=0)
    """Days until a recording without a preview is looked for again."""
    renew: int = Field(default=200, ge=0)
    """Recordings of earlier weeks that a run describes anew at most, after an upgrade that describes otherwise."""
    jobs: int = Field(default=-1)
    """Clips described at once; -1: one per core."""
    lock_wait: float = Field(default=0, ge=0)
    """Seconds to wait for another run that is writing, before giving up."""
    collect: tuple[str, ...] = ("tophit", "yandex", "youtube", "apple", "deezer", "shazam")
    """Sources asked every week; `chartropy sources` lists all."""
    sources: dict[Name, Source] = Field(default_factory=dict)
    registries: dict[Name, Registry] = Field(default_factory=dict)
    """Open lists of AI artists whose claims are collected."""
    composite: Composite = Composite()
    report: Report = Report()

    def source(self, name: str, default: Source) -> Source:
        """Return a source's own values with those the user set over them."""
        user = self.sources.get(name)
        return (
            default.model_copy(update={key: getattr(user, key) for key in user.model_fields_set}) if user else default
        )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # "Europe" is a folder of zones
            raise ValueError("no such time zone; use a name like Europe/Moscow") from None
        return value

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()):
            raise ValueError("goes into an HTTP header: write one line in plain ASCII, an e-mail address or a page")
        return value

    @field_validator("jobs")
    @classmethod
    def _some_jobs(cls, value: int) -> int:
        if value == 0:
            raise ValueError("should be a number of cores, or -1 for all")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the form is the library's
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the form is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the form is the library's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), TomlConfigSettingsSource(settings_cls, _file_being_read)


_file_being_read: Path = Path(FILE_NAME)

_OTHER_VARIABLES = frozenset({"workspace", "now", "shared", "browser"})  # read elsewhere, the last two by tests


def load_settings(folder: Path) -> Settings:
    """Read the settings of the workspace in `folder`.

    Raises
    ------
    SettingsError
        Naming the setting, its value and where it came from.
    """
    global _file_being_read
    _file_being_read = folder / FILE_NAME
    _point_out_misspelled_variables()
    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{_file_being_read} is not valid TOML: {error}.") from error
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{_file_being_read} cannot be read: {error}.") from error
    except ValidationError as error:
        raise SettingsError(" ".join(_say(e, _file_being_read) for e in error.errors())) from error


def _point_out_misspelled_variables() -> None:
    known = Settings.model_fields.keys() | _OTHER_VARIABLES
    for name in os.environ:
        setting = name.upper().removeprefix("CHARTROPY_").partition("__")[0].lower()
        if name.upper().startswith("CHARTROPY_") and setting not in known:
            log.warning("environment variable %s: there is no such setting%s; passed over", name, _nearest([setting]))


def _say(problem, file: Path) -> str:
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    # a variable may hold the whole table or list that the wrong value stands in
    given = {name.upper() for name in os.environ}
    variables = ("CHARTROPY_" + "__".join(path[:length]).upper() for length in range(len(path), 0, -1))
    variable = next((name for name in variables if name in given), None)
    setting = ".".join(path)
    whole = variable == "CHARTROPY_" + "__".join(path).upper()
    origin = (
        f"environment variable {variable}" + ("" if whole else f", {setting}") if variable else f"{file}, {setting}"
    )
    what = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if problem["type"] == "extra_forbidden":
        return f"{origin}: there is no such setting{_nearest(path) or '.'}"
    return f"{origin} = {_shown(path, problem['input'])}: {what}."


def _shown(path: list[str], value: object) -> str:
    """A value as messages show it: of what is secret, or may hold something secret, nothing."""
    secret = path[-1:] in (["password"], ["key"], ["database_url"]) or (
        path[1:2] == ["webhook"] and "timeout" not in path
    )
    # a table that stands in one environment variable comes as its whole text
    table = isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))
    return "***" if secret or table else repr(value)


def _nearest(path: list[str]) -> str:
    from rapidfuzz import process

    model: object = Settings
    for part in path[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(part)
            model = field.annotation if field else None
        else:  # a table of tables, each with a name of the user's own
            model = next(iter(get_args(model)[1:]), None)
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return ""
    found = process.extractOne(path[-1], list(model.model_fields), score_cutoff=60)
    return f"; did you mean {found[0]!r}?" if found else ""
