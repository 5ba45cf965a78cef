"""The one place that asks what time it is."""

from __future__ import annotations

import os
from datetime import datetime
from zoneinfo import ZoneInfo

from .errors import SettingsError


def now(timezone: str = "Europe/Moscow") -> datetime:
    """Return the time in `timezone`: the system's, or what ``CHARTROPY_NOW`` says (a date or a date and time, ISO 8601).

    Raises
    ------
    SettingsError
        When ``CHARTROPY_NOW`` is no date.
    """
    zone = ZoneInfo(timezone)
    told = os.environ.get("CHARTROPY_NOW")
    if not told:
        return datetime.now(zone)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise SettingsError(
            f"CHARTROPY_NOW={told!r} is no date: write it like 2026-07-03 or 2026-07-03T09:00."
        ) from None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
