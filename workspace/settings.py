"""Settings: ``chartropy.toml`` in the workspace folder, environment variables over it.

An environment variable is the setting's path in capitals, its parts joined by two underscores:
``CHARTROPY_SOURCES__TOPHIT__BASE_URL`` is ``base_url`` under ``[sources.tophit]``.
"""

from __future__ import annotations

import logging
import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

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


BaseUrl = Annotated[str, BeforeValidator(_base_url)]


class _Strict(BaseModel):
    # a setting that is misspelled must not be passed over in silence
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(_Strict):
    """At most so many requests in so many seconds."""

    requests: int = Field(gt=0)
    seconds: int = Field(gt=0)


class Source(_Strict):
    """What every platform has: an address and its manners."""

    base_url: BaseUrl
    rate: Rate
    """Stay under this rate, across runs."""
    robots: bool = False
    """Ask robots.txt before a page. Off for documented APIs, whose terms and rates are their rules."""
    timeout: float = Field(30, gt=0)
    """Seconds without an answer until a request is given up."""
    retries: int = Field(3, ge=0, le=10)


class TopHit(Source):
    """The composite rating this project exists for."""

    base_url: BaseUrl = "https://tophit.com"
    rate: Rate = Rate(requests=30, seconds=30)
    robots: bool = True
    charts: tuple[str, ...] = ("radio", "vk", "youtube")
    country: str = "ru"
    expected_rows: dict[str, int] = Field(default_factory=lambda: {"radio": 100, "vk": 100, "youtube": 100})
    """Positions a whole weekly chart has, by chart; a shorter one is kept, flagged and reported."""

    @field_validator("expected_rows", mode="before")
    @classmethod
    def _one_number_for_all(cls, value: object) -> object:
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        return dict.fromkeys(("radio", "vk", "youtube"), value) if isinstance(value, int) else value


class Deezer(Source):
    """Previews, and later charts."""

    base_url: BaseUrl = "https://api.deezer.com"
    rate: Rate = Rate(requests=45, seconds=5)  # published: 50 in 5 seconds


class ITunes(Source):
    """Previews where Deezer has none."""

    base_url: BaseUrl = "https://itunes.apple.com"
    rate: Rate = Rate(requests=18, seconds=60)  # about 20 a minute are answered
    country: str = "ru"


class Sources(_Strict):
    """Every platform that is asked."""

    @model_validator(mode="before")
    @classmethod
    def _pass_over_the_unknown(cls, value: object) -> object:
        # settings shared with a newer release may name sources that this one does not know yet
        if not isinstance(value, dict):
            return value
        for name in value.keys() - cls.model_fields.keys():
            log.warning("settings: this release knows no source %r; passed over", name)
        return {name: value[name] for name in value if name in cls.model_fields}

    tophit: TopHit = TopHit()
    deezer: Deezer = Deezer()
    itunes: ITunes = ITunes()


class Settings(BaseSettings):
    """All settings, with the values that hold when nothing is said."""

    model_config = SettingsConfigDict(
        env_prefix="CHARTROPY_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
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
    retry_after_days: int = Field(7, ge=0)
    """Days until a recording without a preview is looked for again."""
    jobs: int = Field(-1)
    """Clips described at once; -1: one per core."""
    lock_wait: float = Field(0, ge=0)
    """Seconds to wait for another run that is writing, before giving up."""
    sources: Sources = Sources()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("no such time zone; use a name like Europe/Moscow") from None
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _file_being_read)


_file_being_read: Path = Path(FILE_NAME)


def load_settings(folder: Path) -> Settings:
    """Read the settings of the workspace in `folder`.

    Raises
    ------
    SettingsError
        Naming the setting, its value and where it came from.
    """
    global _file_being_read  # noqa: PLW0603 - the settings library takes the path from the class, not the call
    _file_being_read = folder / FILE_NAME
    try:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{_file_being_read} is not valid TOML: {error}.") from error
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{_file_being_read} cannot be read: {error}.") from error
    except ValidationError as error:
        raise SettingsError(" ".join(_say(e, _file_being_read) for e in error.errors())) from error


def _say(problem, file: Path) -> str:
    path = [str(part) for part in problem["loc"]]
    variable = "CHARTROPY_" + "__".join(path).upper()
    origin = f"environment variable {variable}" if variable in os.environ else f"{file}, {'.'.join(path)}"
    what = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if problem["type"] == "extra_forbidden":
        return f"{origin}: there is no such setting{_nearest(path)}."
    return f"{origin} = {problem['input']!r}: {what}."


def _nearest(path: list[str]) -> str:
    from rapidfuzz import process

    model: type[BaseModel] = Settings
    for part in path[:-1]:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return ""
        model = field.annotation
    found = process.extractOne(path[-1], list(model.model_fields), score_cutoff=60)
    return f"; did you mean {found[0]!r}?" if found else ""
