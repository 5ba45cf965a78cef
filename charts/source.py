"""What a source of charts is. Each is one module of :mod:`.sources` and one line in its list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from requests import Response

from ..workspace.errors import PageError, SourceRefused
from ..workspace.http import Client
from ..workspace.settings import Source as Settings
from .periods import Kind, Period
from .rows import Page

_WEB_PAGE = re.compile(rb"\s*<(?:!doctype|html|head|title|body|script)", re.I)
_CHALLENGE = re.compile(rb"cf-challenge|cf_chl|just a moment|captcha|challenge-platform", re.I)


@dataclass(frozen=True)
class Asked:
    """Which chart to ask for.

    Attributes
    ----------
    chart, country : str
    period : Period or None
        None for a source that only shows how things stand now.
    """

    chart: str
    country: str
    period: Period | None = None


@dataclass(frozen=True)
class Answer:
    """What a source answered."""

    body: bytes
    content_type: str
    url: str


@dataclass(frozen=True)
class Source:
    """A source of charts.

    Attributes
    ----------
    name : str
        One word, as in ``--source NAME-CHART`` and ``[sources.NAME]``.
    title : str
        Its name for people.
    gives, needs : str
        One line each: what a chart of it holds and how far back it reaches; what the user must have or do.
    charts : mapping of str to str
        The charts it has, each with the platform that it tells of; what is not in here may still be asked for where
        `open_ended` (a city, a genre) and tells of the platform `name`.
    settings : Settings
        Its own values: address, rate, charts wanted; ``[sources.NAME]`` overrides them.
    parse : callable
        ``(body, origin)`` to one page or more; `origin` is the URL or the name of the file it came from.
        Raises PageError when there is no chart in it.
    fetch : callable or None
        ``(client, asked)`` to an Answer. Raises SourceRefused, SourceUnreachable or PageError.
        None for a source that only files are imported from.
    credits : callable or None
        ``(client, track_id)`` to an Answer and what it says of AI in the making of a track, in its words; empty when
        nothing. Raises as `fetch` does.
    kinds : tuple of str
        Kinds of period it publishes.
    current : bool
        It shows only how things stand now: what it answers is a snapshot, which belongs to the week it was taken in.
    open_ended : bool
        It has more charts than are listed.
    form : str
        What it answers with: ``html``, ``json``, ``xml`` or ``csv``.
    """

    name: str
    title: str
    gives: str
    needs: str
    charts: Mapping[str, str]
    settings: Settings
    parse: Callable[[bytes, str], tuple[Page, ...]]
    fetch: Callable[[Client, Asked], Answer] | None = None
    credits: Callable[[Client, str], tuple[Answer, str]] | None = None
    kinds: tuple[Kind, ...] = ("weekly",)
    current: bool = False
    open_ended: bool = False
    form: str = "html"

    def platform(self, chart: str) -> str:
        """Return the platform that a chart tells of: several charts of one platform share its weight in a composite."""
        return self.charts.get(chart, self.name)


def answer_of(client: Client, response: Response, instead: str) -> Answer:
    """Return a response as an answer.

    Parameters
    ----------
    client : Client
    response : Response
    instead : str
        What a user can do who is refused; one sentence.

    Raises
    ------
    SourceRefused
        401, 403, 451 or a challenge page: not asked again in this run.
    PageError
        Any other status but 200; the body is kept.
    """
    body, path = response.content, urlsplit(response.url).path
    challenge = is_challenge(body) and bool(_WEB_PAGE.match(body))  # a song may be called captcha
    # a whole web page may hold such words, too; what was no web page to be may not
    page = "html" in str(response.request.headers.get("Accept"))
    if response.status_code in (401, 403, 451) or (challenge and not (response.ok and page)):
        what = " with a challenge page" if challenge else ""
        raise client.refuse(
            SourceRefused(f"{client.name}: {path} answered {response.status_code}{what}: not let in now. {instead}")
        )
    if not response.ok:
        raise PageError(f"{client.name}: {path} answered {response.status_code}.", body)
    return Answer(body, response.headers.get("Content-Type", ""), response.url)


def is_challenge(body: bytes) -> bool:
    """Whether a page asks its reader to prove to be no program."""
    return bool(_CHALLENGE.search(body[:20_000]))


def json_of(source: str, body: bytes) -> Any:
    """Return what a body says in JSON.

    Raises
    ------
    PageError
        When it is none, or is cut off.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        what = "a web page instead of JSON" if body.lstrip()[:1] == b"<" else f"no whole JSON ({error})"
        raise PageError(f"{source}: the answer is {what}.", body) from error


def list_at(data: object, path: tuple[str, ...], source: str, body: bytes) -> list:
    """Return the list that lies under some keys.

    Raises
    ------
    PageError
        When it is not there, or empty.
    """
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, list) or not data:
        raise PageError(f"{source}: no rows under {'.'.join(path)} in the answer.", body)
    return data


def form_of(body: bytes) -> str:
    """Say what a body looks like: ``html`` (or xml), ``json`` or ``csv``."""
    head = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return "html" if head == b"<" else "json" if head in (b"{", b"[") else "csv"
