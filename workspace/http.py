"""One polite HTTP client per platform: named, rate-limited across runs, retrying, obeying robots.txt and Retry-After."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InvalidHeader, MaxRetryError, ResponseError
from urllib3.util import Retry

from .errors import SourceError, SourceRefused, SourceUnreachable
from .settings import Source

if TYPE_CHECKING:
    from protego import Protego
    from pyrate_limiter import AbstractBucket, Limiter
    from requests_ratelimiter import LimiterAdapter
    from urllib3.response import BaseHTTPResponse

log = logging.getLogger(__name__)

LONGEST_WAIT = 120
"""Seconds that a Retry-After is waited for; a service that asks for more is left alone until the next run."""

MAX_BYTES = 64 * 1024 * 1024
"""More than any page or preview: what is larger is not read to its end."""


class _Patience(Retry):
    """urllib3's retries, but each is a request that the rate counts, and a long Retry-After ends the attempt."""

    limiter: Limiter | None = None

    def new(self, **kw: Any) -> _Patience:
        copy = super().new(**kw)
        copy.limiter = self.limiter
        return copy

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        super().sleep(response)
        if self.limiter is not None:
            self.limiter.try_acquire()

    def increment(self, method=None, url=None, response=None, error=None, _pool=None, _stacktrace=None):
        wait = self.get_retry_after(response) if response is not None else None
        if wait and wait > LONGEST_WAIT:
            raise MaxRetryError(
                _pool,  # pyright: ignore[reportArgumentType]
                url or "",
                ResponseError(f"asks to wait {wait:.0f} s"),
            )
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def parse_retry_after(self, retry_after: str) -> float:
        # what is neither seconds nor a date is no reason not to ask again
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0


class Client:
    """A session with one platform.

    Parameters
    ----------
    name : str
        The platform's name: for messages, and for the rate it shares with other runs.
    source : Source
        Its settings.
    user_agent : str
        Who asks.
    recent : pyrate_limiter.AbstractBucket
        Remembers recent requests from run to run; see :func:`.rates.bucket`.
    """

    def __init__(self, name: str, source: Source, user_agent: str, recent: AbstractBucket):
        from pyrate_limiter import Limiter

        self.name, self.source = name, source
        self.refused: SourceRefused | None = None
        self.reached = ""
        """Where the last answer came from, without its query, which may hold a key."""
        self._robots: Protego | None = None
        self._agent = user_agent
        self._session = requests.Session()
        self._session.headers["User-Agent"] = user_agent
        # The platform's pages, at the rate it allows, counted across runs.
        self._limiter = Limiter(recent)
        self._session.mount(source.base_url, self._adapter(limiter=self._limiter, per_host=False))
        # Its media servers, which publish no rate: a few files a second.
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter(per_second=8, burst=2))

    def get(self, url: str, *, params: dict[str, str] | None = None, accept: str = "*/*") -> requests.Response:
        """Ask for a page or a file and read it whole.

        Parameters
        ----------
        url : str
            Absolute, or a path below the source's base URL.
        params : dict, optional
            The query.
        accept : str
            Media types wanted.

        Returns
        -------
        requests.Response
            Of any status but those that were retried in vain; what a 403 or 404 means is the caller's to say.

        Raises
        ------
        SourceUnreachable
            No whole answer after all retries.
        SourceRefused
            robots.txt forbids it, or this client was refused before (see :meth:`refuse`).
        """
        return self._ask("GET", url, params=params, headers={"Accept": accept})

    def post(self, url: str, json: object, *, headers: dict[str, str] | None = None) -> requests.Response:
        """Ask a question that changes nothing and goes in the body, as :meth:`get` does; `json` is the body."""
        return self._ask("POST", url, json=json, headers=headers or {})

    def refuse(self, error: SourceRefused) -> SourceRefused:
        """Remember a refusal: the platform is not asked again in this run."""
        self.refused = error
        return error

    def close(self) -> None:
        """Close connections and stop the rate limiter's thread."""
        self._session.close()
        self._limiter.close()

    def _ask(self, method: str, url: str, **request: Any) -> requests.Response:
        if self.refused:
            raise self.refused
        if not url.startswith(("http://", "https://")):
            url = f"{self.source.base_url}/{url.lstrip('/')}"
        if self.source.robots and url.startswith(self.source.base_url):
            self._ask_robots(url)
        return self._send(method, url, **request)

    def _send(self, method: str, url: str, **request: Any) -> requests.Response:
        for attempt in range(self.source.retries + 1):
            try:
                response = self._session.request(method, url, timeout=self.source.timeout, stream=True, **request)
                _read(response)
            except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
                # the head came, the body broke off: urllib3 does not retry that
                if attempt == self.source.retries:
                    raise SourceUnreachable(
                        f"{self.name}: {_shown(url)} broke off {attempt + 1} times before its end ({_cause(error)})."
                    ) from error
                log.info("%s: answer broke off, asking again (%s)", self.name, _shown(url))
                time.sleep(2**attempt / 2)
            except requests.exceptions.RetryError as error:
                raise SourceUnreachable(f"{self.name}: {_shown(url)} kept failing: {_cause(error)}.") from error
            except requests.exceptions.Timeout as error:
                raise SourceUnreachable(
                    f"{self.name}: {_shown(url)} gave no answer within {self.source.timeout:g} s, "
                    f"{self.source.retries + 1} times."
                ) from error
            except (requests.exceptions.RequestException, ValueError) as error:  # ValueError: sent on to no address
                raise SourceUnreachable(f"{self.name}: {_shown(url)} cannot be reached ({_cause(error)}).") from error
            else:
                if response.status_code == 429 or response.status_code >= 500:
                    wait = self._patience().get_retry_after(response.raw) or 0
                    if wait > LONGEST_WAIT:
                        raise SourceUnreachable(
                            f"{self.name}: {_shown(url)} answered {response.status_code} and asks to wait {wait:,.0f} s, "
                            f"more than the {LONGEST_WAIT} s that a run waits: run again later."
                        )
                    raise SourceUnreachable(
                        f"{self.name}: {_shown(url)} answered {response.status_code} after {self.source.retries} retries."
                    )
                self.reached = _shown(response.url)
                return response
        raise AssertionError("unreachable")

    def _ask_robots(self, url: str) -> None:
        from protego import Protego

        if self._robots is None:
            response = self._send("GET", f"{self.source.base_url}/robots.txt", headers={"Accept": "text/plain"})
            # RFC 9309, 2.3.1: no such file (4xx) forbids nothing; a server that fails was raised above
            self._robots = Protego.parse(response.text if response.ok else "")
        path = url.removeprefix(self.source.base_url)
        if not self._robots.can_fetch(f"https://{urlsplit(url).netloc}{path}", self._agent):
            raise self.refuse(
                SourceRefused(
                    f"{self.name}: its robots.txt forbids {path} to programs. "
                    "Save the page in a browser and give it to `chartropy import`."
                )
            )

    def _adapter(self, **limits: Any) -> LimiterAdapter:
        from requests_ratelimiter import LimiterAdapter

        patience = self._patience()
        adapter = LimiterAdapter(max_retries=patience, **limits)
        patience.limiter = adapter.limiter
        return adapter

    def _patience(self) -> _Patience:
        return _Patience(
            total=self.source.retries,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=None,  # a POST here asks, it changes nothing
            backoff_factor=0.5,
            raise_on_status=False,
        )


def _read(response: requests.Response) -> None:
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > MAX_BYTES:
        response.close()
        raise SourceError(f"{_shown(response.url)} is {int(announced):,} bytes long, more than the {MAX_BYTES:,} read.")
    body = bytearray()
    try:
        for block in response.iter_content(65536):
            body += block
            if len(body) > MAX_BYTES:
                response.close()
                raise SourceError(f"{_shown(response.url)} goes on after {MAX_BYTES:,} bytes; not read further.")
    except requests.exceptions.ConnectionError as error:  # it stalled in the middle
        raise requests.exceptions.ChunkedEncodingError(*error.args) from error
    response._content = bytes(body)  # what requests itself does when it does not stream
    response._content_consumed = True  # pyright: ignore[reportAttributeAccessIssue]


def _shown(url: str) -> str:
    # the query may hold a signature or a key
    return re.split("[?#]", url, maxsplit=1)[0]


def _cause(error: BaseException) -> str:
    """Return the innermost reason: requests wraps urllib3 wraps the system's word."""
    inner: object = error
    while isinstance(inner, BaseException):
        error = inner
        inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
    return re.sub(r"\?[^\s'\"]*", "", str(error).split(": ", 1)[-1])[:200]
