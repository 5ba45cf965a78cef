"""Every source of charts. To add one: a module like the others, and its line here (CONTRIBUTING shows how)."""

from __future__ import annotations

from ..source import Source
from . import tophit

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        tophit.SOURCE,
    )
}  # fmt: skip
