"""A week's report carried where people read it: into a folder, by mail, to a webhook.

What is delivered is what was written (:mod:`.feed`, :mod:`.page`), as it lies in the workspace's folder of reports. What
went where is kept in the table ``delivery``: the same report does not go to the same place twice, and what failed is tried
again by the next run. No failure here ends a run: each is a line that says what to do.
"""

from __future__ import annotations

import filecmp
import hashlib
import hmac
import json
import logging
import math
import shutil
import smtplib
import ssl
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from sqlalchemy import Row, select

from ..charts.periods import last_closed_week
from ..workspace import tables as t
from ..workspace.errors import ChartropyError
from ..workspace.files import whole_file
from ..workspace.settings import Mail, Webhook, address_of
from ..workspace.store import digest, timestamp, upsert
from ..workspace.workspace import Workspace
from . import feed, page
from .compare import ONE_WEEK, Estimate
from .drawing import FIGURES
from .recording_page import FOLDER as RECORDINGS
from .recording_page import made_at
from .words import Words, words_in

log = logging.getLogger(__name__)

WEEKS_BACK = 4
"""So many weeks before the last closed one are mailed and told; what failed longer ago is news to nobody."""

NUMBERS = ("ai_share", "cultural_entropy")
"""What a mail says of every chart."""

MOST_GAPS = 10
LONGEST_TARGET = 255
LONGEST_REPLY = 200
TEXT_WIDTH = 76
MAIL = SMTP.clone(cte_type="7bit")  # any server takes it


@dataclass(frozen=True)
class Delivery:
    """What became of one report on one way to one place.

    Attributes
    ----------
    way : str
        ``folder, mail`` or ``webhook``.
    target : str
        Path, mail address, or the webhook's host.
    error : str
        Why it did not arrive, and what to do; empty: it did.
    """

    week: date
    way: str
    target: str
    error: str = ""

    @property
    def gap(self) -> str:
        """The line that is listed with a run's gaps, if it did not arrive."""
        where = f" to {self.target}" if self.target else ""
        return f"{self.way}{where}, week to {self.week}: not delivered: {self.error}" if self.error else ""


class _NotDelivered(ChartropyError):
    """Why something did not arrive, in a sentence."""


def deliver(workspace: Workspace, week: date, *, again: bool = False) -> list[Delivery]:
    """Carry a week's report, and what failed before, to every place that the settings name.

    Mail and webhook get `week`, unless it lies more than ``WEEKS_BACK`` weeks back, and those weeks since then that
    failed. The folder gets every week whose files changed.

    Parameters
    ----------
    workspace : Workspace
        Held for writing; the week's report is written.
    week : date
        Last day of the chart week.
    again : bool
        Also what was delivered already, and a week long past.

    Returns
    -------
    list of Delivery
        What was tried. Nothing is raised for what fails.
    """
    found: list[Delivery] = []
    run: _Run | None = None
    for name, way in _ways(workspace).items():
        try:
            run = run or _Run(workspace, week, again)
            found += way(run)
        except Exception as error:
            log.debug("%s failed", name, exc_info=not isinstance(error, ChartropyError))
            found.append(Delivery(week, name, "", _said(workspace, error)))
    for one in found:
        if one.error:
            log.warning("%s", one.gap)
    return found


def is_set(workspace: Workspace) -> bool:
    """Tell whether the settings name any place to deliver to."""
    return bool(_ways(workspace))


def notify_failure(workspace: Workspace, command: str, error: BaseException) -> None:
    """Mail to those who look after it that a run failed. Never raises.

    Parameters
    ----------
    workspace : Workspace
    command : str
        Which one failed, such as ``weekly``.
    error : BaseException
        Why.
    """
    mail = workspace.settings.report.mail
    recipients = mail.failures_to or mail.to
    if not mail.host or not recipients:
        return
    try:
        kind = "" if isinstance(error, ChartropyError) else f"{type(error).__name__}: "
        said = kind + _hidden(workspace, str(error) or "no reason was given")
        lines = [
            f"`chartropy {command}` failed at {workspace.now():%Y-%m-%d %H:%M} ({workspace.settings.timezone}).",
            said,
            f"Workspace: {workspace.folder.absolute()}",
            "What was stored is safe; run the command again to go on. `chartropy status` shows what is there.",
        ]
        message = _message(workspace, f"Chartropy: {command} failed", make_msgid(domain=_domain(mail)))
        message.set_content("\n\n".join(map(_wrapped, lines)) + "\n", charset="utf-8")
        with _mail_server(mail) as server:
            for recipient in recipients:
                if problem := _hand_over(server, mail, message, recipient):
                    log.warning("nobody told %s that %s failed: %s", address_of(recipient), command, problem)
    except Exception as problem:  # noqa: BLE001 - the run's own failure is what its user must see
        log.warning("nobody was told by mail that %s failed: %s", command, _said(workspace, problem))


# -- what is due -------------------------------------------------------------------------------------------------------


class _Run:
    """One call of :func:`deliver`: which week, what was delivered before."""

    def __init__(self, workspace: Workspace, week: date, again: bool):
        self.workspace, self.week, self.again = workspace, week, again
        self.folder = workspace.reports_folder
        self.settings = workspace.settings.report
        last = last_closed_week(workspace.now().date(), workspace.settings.week_ends)
        self.since = last - WEEKS_BACK * ONE_WEEK
        with workspace.store.reading() as connection:
            rows = connection.execute(select(t.delivery)).all()
        self.before: dict[tuple[str, str, str], Row[Any]] = {(row.week, row.way, row.target): row for row in rows}

    def row(self, week: date, way: str, target: str) -> Row[Any] | None:
        """What is known of a report's way to a target."""
        return self.before.get((week.isoformat(), way, _target(target)))

    def due(self, week: date, way: str, target: str, now: str) -> bool:
        """Tell whether a report with this digest is still to be delivered there."""
        row = self.row(week, way, target)
        return self.again or row is None or row.delivered_at is None or row.digest != now

    def reports(self, way: str, target: str) -> list[tuple[date, dict[str, Any]]]:
        """Return the reports that are due there, the oldest first."""
        failed = {
            date.fromisoformat(row.week)
            for row in self.before.values()
            if (row.way, row.target) == (way, _target(target)) and row.delivered_at is None
        }
        weeks = {one for one in failed | {self.week} if one >= self.since}
        if self.again:
            weeks = {self.week}
        elif self.week < self.since:
            log.info("%s: the week to %s is long past; only `chartropy deliver --again` sends it", way, self.week)
        found = []
        for week in sorted(weeks):
            report = feed.read_report(self.folder, week)
            if report is None:
                if week == self.week:
                    raise _NotDelivered(f"it is not written: run `chartropy report --week {week}`.")
            elif self.due(week, way, target, feed.digest_of(report)):
                found.append((week, report))
        return found

    def note(self, week: date, way: str, target: str, now: str, error: str = "") -> Delivery:
        """Store what became of a delivery."""
        self.keep(week.isoformat(), way, target, now, error)
        return Delivery(week, way, target.partition("#")[0] if way == "webhook" else target, error)

    def keep(self, what: str, way: str, target: str, now: str, error: str) -> None:
        """Store what became of a week's report, or of the recordings' pages."""
        row = self.before.get((what, way, _target(target)))
        moment = timestamp(self.workspace.now())
        known = {
            "week": what,
            "way": way,
            "target": _target(target),
            "digest": now,
            "attempts": 1 + (row.attempts if row and row.digest == now and row.delivered_at is None else 0),
            "tried_at": moment,
            "delivered_at": None if error else moment,
            "error": error or None,
        }
        with self.workspace.store.transaction() as connection:
            upsert(connection, t.delivery, [known])


def _target(target: str) -> str:
    """A target as the table keeps it."""
    if len(target) <= LONGEST_TARGET:
        return target
    return f"{target[: LONGEST_TARGET - 17]}#{digest(target)[:16]}"


def _ways(workspace: Workspace) -> dict[str, Callable[[_Run], list[Delivery]]]:
    settings = workspace.settings.report
    ways = {
        "folder": (settings.folder, _to_folder),
        "mail": (settings.mail.host, _by_mail),
        "webhook": (settings.webhook.url, _to_webhook),
    }
    return {name: way for name, (wanted, way) in ways.items() if wanted}


# -- the folder --------------------------------------------------------------------------------------------------------


def _to_folder(run: _Run) -> list[Delivery]:
    """Copy recordings, then every week whose files changed, then the index: links seldom lead to what is not there yet."""
    target = (run.workspace.folder / Path(run.settings.folder).expanduser()).resolve()
    if target.is_relative_to(run.folder.resolve()):
        raise _NotDelivered(
            f"folder = {run.settings.folder!r} under [report] lies in the workspace's own folder of reports: choose another."
        )
    if run.week not in feed.written_weeks(run.folder):
        raise _NotDelivered(f"it is not written: run `chartropy report --week {run.week}`.")
    found: list[Delivery] = []
    where = str(target)
    if problem := _recordings_to_folder(run, target):
        return [Delivery(run.week, "folder", where, problem)]
    for week in feed.written_weeks(run.folder):
        folder = run.folder / week.isoformat()
        files = _page_files(folder)
        now = digest(*(part for file in files for part in (file.relative_to(folder), file.read_bytes())))
        if run.due(week, "folder", where, now):
            problem = _copied(files, folder, target / week.isoformat())
            found.append(run.note(week, "folder", where, now, problem))
            if problem:  # the next would fail, too; all that is not noted as delivered is due again
                return found
    if problem := _copied(_files(run.folder), run.folder, target):
        found.append(Delivery(run.week, "folder", where, problem))
    return found


def _recordings_to_folder(run: _Run, target: Path) -> str:
    """Copy the pages of recordings that were written since the last time; return what went wrong."""
    row = run.before.get((RECORDINGS, "folder", _target(str(target))))
    last = datetime.fromisoformat(row.delivered_at) if row and row.delivered_at and not run.again else None
    folders = _folders(run.folder / RECORDINGS)
    made = [made_at(folder / "index.html") for folder in folders]
    due = [one for one, when in zip(folders, made, strict=True) if not (last and when and when < last)]
    if not due:
        return ""
    problems = (_copied(_page_files(one), one, target / RECORDINGS / one.name) for one in due)
    problem = next(filter(None, problems), "")
    run.keep(RECORDINGS, "folder", str(target), digest(*made), problem)
    return problem


def _page_files(folder: Path) -> list[Path]:
    """Return what a page needs before the page itself: its figures, then what lies beside it."""
    figures = folder / FIGURES
    return [*(_files(figures) if figures.is_dir() else ()), *_files(folder)]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


def _copied(files: list[Path], folder: Path, target: Path) -> str:
    """Copy what differs from one folder to another, each file whole or not at all; return what went wrong."""
    try:
        for file in files:
            goal = target / file.relative_to(folder)
            if not (goal.is_file() and filecmp.cmp(file, goal, shallow=False)):
                with whole_file(goal) as part:
                    shutil.copyfile(file, part)
    except ChartropyError as error:
        return str(error)
    except OSError as error:  # what lies there cannot be looked at
        return f"{target} cannot be read ({error.strerror or error}): make it readable or choose another."
    return ""


# -- mail --------------------------------------------------------------------------------------------------------------


def _by_mail(run: _Run) -> list[Delivery]:
    """Send each recipient a mail of their own: none sees the others, and one who is refused stops nobody."""
    mail = run.settings.mail
    if not mail.to:
        raise _NotDelivered("nobody to send it to: name the recipients, to = [...] under [report.mail].")
    due = [(to, *one) for to in dict.fromkeys(mail.to) for one in run.reports("mail", address_of(to))]
    if not due:
        return []
    letters = _Letters(run)
    found: list[Delivery] = []
    problem = ""
    try:
        with _mail_server(mail) as server:
            while due:
                to, week, report = due[0]
                now = feed.digest_of(report)
                row = run.row(week, "mail", address_of(to))
                earlier = row.digest if row and row.delivered_at and row.digest != now else ""
                problem = _hand_over(server, mail, letters.letter(report, earlier), to)
                if problem and server.sock is None:  # it hung up
                    break
                found.append(run.note(week, "mail", address_of(to), now, _hidden(run.workspace, problem)))
                due.pop(0)
                problem = ""
    except (OSError, smtplib.SMTPException, _NotDelivered) as error:
        problem = _mail_said(mail, error)
    problem = _hidden(run.workspace, problem)
    found += [run.note(week, "mail", address_of(to), feed.digest_of(report), problem) for to, week, report in due]
    return found


class _Letters:
    """The mails of a run, each written once whoever gets it."""

    def __init__(self, run: _Run):
        self._run = run
        self._written: dict[tuple[str, str], EmailMessage] = {}

    def letter(self, report: dict[str, Any], earlier: str) -> EmailMessage:
        """Return the mail about a report, without a recipient; `earlier` is the digest of what was sent before it."""
        key = (report["week"]["last"], earlier)
        if key not in self._written:
            week, words = date.fromisoformat(report["week"]["last"]), words_in(report["language"])
            self._written[key] = _letter(self._run.workspace, report, self._pictures(week, words), earlier, words)
        return self._written[key]

    def _pictures(self, week: date, words: Words) -> list[tuple[str, bytes]]:
        try:
            return page.pictures(self._season.cut(week).in_words(words))
        except Exception:
            log.warning("the mail about the week to %s goes without figures", week, exc_info=True)
            return []

    @cached_property
    def _season(self):
        from .weekly import read_season

        return read_season(self._run.workspace, sounds=False)


def _letter(
    workspace: Workspace, report: dict[str, Any], pictures: list[tuple[str, bytes]], earlier: str, words: Words
) -> EmailMessage:
    say = words.say
    mail = workspace.settings.report.mail
    first, last = (date.fromisoformat(report["week"][end]) for end in ("first", "last"))
    names = {
        digest_: f"<chartropy.{last}.{digest_[:24]}@{_domain(mail)}>" for digest_ in (feed.digest_of(report), earlier)
    }
    subject = feed.headline(report)
    message = _message(workspace, say("mail_updated", subject) if earlier else subject, names[feed.digest_of(report)])
    if earlier:
        message["References"] = message["In-Reply-To"] = names[earlier]
    figures = [(title, f"figure-{number}.{last}@chartropy") for number, (title, _) in enumerate(pictures, 1)]
    lost = report["unmeasured"]
    missing = [f"{gap['name']}: {words.reason_text(gap['reason'])}" for gap in report["gaps"]]
    if len(missing) > MOST_GAPS:
        missing[MOST_GAPS:] = [say("mail_and_more", len(missing) - MOST_GAPS)]
    if lost["recordings"]:
        missing.append(say("mail_unmeasured", lost["recordings"], lost["of"]))
    context = {
        "subject": subject,
        "report": report,
        "span": say("span", first, last),
        "figures": figures,
        "headings": [say(f"mail_{part}") for part in ("chart", "ai_share", "entropy", "entries")],
        "rows": [
            (chart["name"], *(_written(chart, name, last, words) for name in NUMBERS), words.count(chart["entries"]))
            for chart in report["charts"]
        ],
        "missing": missing,
        "page": feed.links(report, workspace.settings.report.base_url).get("page", ""),
    }
    templates = words.environment
    plain = templates.get_template("mail.txt").render(context)
    message.set_content("\n".join(map(_wrapped, plain.splitlines())) + "\n", charset="utf-8")
    message.add_alternative(templates.get_template("mail.html").render(context), subtype="html", charset="utf-8")
    body = message.get_body(("html",))
    assert isinstance(body, EmailMessage)
    for (_, name), (_, png) in zip(figures, pictures, strict=True):
        body.add_related(
            png, "image", "png", cid=f"<{name}>", disposition="inline", filename=f"{name.partition('.')[0]}.png"
        )
    return message


def _written(chart: dict[str, Any], measure: str, week: date, words: Words) -> str:
    """A chart's number with its interval, as the page writes it."""
    found = chart["measures"].get(measure)
    if not found or found["value"] is None:
        return words.say("mail_unknown")
    low, high = (math.nan if found[end] is None else found[end] for end in ("low", "high"))
    now = Estimate(week, found["value"], low, high, found["n"], found["method"] or "")
    return f"{words.value_of(measure, now.value)} ({words.say('interval', measure, now)})"


def _message(workspace: Workspace, subject: str, name: str) -> EmailMessage:
    message = EmailMessage(MAIL)
    message["Subject"] = " ".join(subject.split())
    message["From"] = _sender(workspace.settings.report.mail)
    message["Date"] = format_datetime(workspace.now())
    message["Message-ID"] = name
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no "out of office" comes back
    return message


def _sender(mail: Mail) -> str:
    sender = mail.sender or mail.user
    if "@" not in sender:
        raise _NotDelivered("no sender: give sender under [report.mail], such as charts@example.org.")
    return sender


def _domain(mail: Mail) -> str:
    return address_of(_sender(mail)).rpartition("@")[2]


@contextmanager
def _mail_server(mail: Mail) -> Iterator[smtplib.SMTP]:
    """A connection to the mail server, encrypted unless the settings say otherwise, and logged in."""
    _sender(mail)
    where = (mail.host, mail.port)
    context = ssl.create_default_context()  # checks the certificate and the name in it
    if mail.security == "none" and mail.password and mail.host not in ("localhost", "127.0.0.1", "::1"):
        raise _NotDelivered(
            'the password would cross the net for all to read: set security under [report.mail] to "starttls" or "tls".'
        )
    if not (mail.user + mail.password).isascii():
        raise _NotDelivered(
            "user or password under [report.mail] has letters that no mail server's login takes: only ASCII."
        )
    if mail.security == "tls":
        server = smtplib.SMTP_SSL(*where, timeout=mail.timeout, context=context)
    else:
        server = smtplib.SMTP(*where, timeout=mail.timeout)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.user:
            server.login(mail.user, mail.password)
        yield server
        with suppress(OSError, smtplib.SMTPException):  # all was handed over already
            server.quit()
    finally:
        server.close()


def _hand_over(server: smtplib.SMTP, mail: Mail, message: EmailMessage, recipient: str) -> str:
    """Give the server one mail for one recipient; return what went wrong."""
    del message["To"]
    message["To"] = recipient
    try:
        server.send_message(message, from_addr=address_of(_sender(mail)), to_addrs=[address_of(recipient)])
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()), (0, b""))
        return f"{mail.host} refuses this address ({_reply(code, reply)}): correct it in to under [report.mail]."
    except (OSError, smtplib.SMTPException) as error:
        return _mail_said(mail, error)
    return ""


def _mail_said(mail: Mail, error: Exception) -> str:
    """Say what a mail server's failure means, and what to do."""
    where = f"{mail.host}:{mail.port}"
    if isinstance(error, _NotDelivered):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {where} is not to be trusted ({error.verify_message or error.reason}): correct host under "
            "[report.mail], or name the file of your own authority's certificates in SSL_CERT_FILE."
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"{where} does not speak TLS as expected ({error.reason or error}): port and security under [report.mail] "
            'belong together, mostly 587 and "starttls" or 465 and "tls".'
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return (
            f"{where} refuses user or password ({_reply(error.smtp_code, error.smtp_error)}): correct them in "
            "[report.mail], or in CHARTROPY_REPORT__MAIL__PASSWORD."
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{where} cannot do what the settings ask ({error}): correct port, security or user under [report.mail]."
    if isinstance(error, smtplib.SMTPSenderRefused):
        return (
            f"{where} refuses the sender {error.sender} ({_reply(error.smtp_code, error.smtp_error)}): correct sender "
            "under [report.mail]."
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{where} refuses it ({_reply(error.smtp_code, error.smtp_error)}). {_NEXT}"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return (
            f"{where} gave no answer within {mail.timeout:g} s; is it up, and do port and security under [report.mail] "
            f"belong together? {_NEXT}"
        )
    return f"{where} cannot be reached ({_cause(error)}): is it up, and host right? {_NEXT}"


def _reply(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(f"{code} {words}".split())[:LONGEST_REPLY]


def _wrapped(line: str) -> str:
    return textwrap.fill(line, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False) if line.strip() else ""


# -- the webhook -------------------------------------------------------------------------------------------------------


def _to_webhook(run: _Run) -> list[Delivery]:
    hook = run.settings.webhook
    # the path of such an address is often its only secret
    host = urlsplit(hook.url)._replace(path="", query="", fragment="").geturl().replace(f"{_user(hook.url)}@", "")
    target = f"{host}#{digest(hook.url)[:12]}"
    found = []
    for week, report in run.reports("webhook", target):
        links = feed.links(report, run.settings.base_url)
        told = report | {"links": links} | ({"$schema": links["schema"]} if links else {})
        now = feed.digest_of(report)
        found.append(run.note(week, "webhook", target, now, _told(hook, host, told, now)))
    return found


def _user(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[0] or "\n"


def _told(hook: Webhook, host: str, report: dict[str, Any], name: str) -> str:
    """Post a report; return what went wrong."""
    body = json.dumps(report, ensure_ascii=False, allow_nan=False).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Chartropy/{version('chartropy')}",
        "X-Chartropy-Event": "report",
        "X-Chartropy-Delivery": name,
    }
    if hook.key:
        headers["X-Chartropy-Signature"] = f"sha256={signature(hook.key, body)}"
    try:
        # the answer's body is of no interest, and not waited for
        with (
            _no_paths_in_logs(),
            requests.post(
                hook.url, data=body, headers=headers, timeout=hook.timeout, allow_redirects=False, stream=True
            ) as answer,
        ):
            status, elsewhere = answer.status_code, answer.headers.get("Location", "")
    except requests.exceptions.SSLError as error:
        return (
            f"the certificate of {host} is not to be trusted ({_cause(error)}): correct url under [report.webhook], or "
            "name the file of your own authority's certificates in REQUESTS_CA_BUNDLE."
        )
    except requests.exceptions.Timeout:
        return f"{host} gave no answer within {hook.timeout:g} s. {_NEXT}"
    except (requests.exceptions.RequestException, ValueError) as error:
        return f"{host} cannot be reached ({_without(hook.url, _cause(error))}): is url under [report.webhook] right? {_NEXT}"
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        where = urlsplit(elsewhere).hostname or host
        return f"{host} sends it on to another address, on {where}: give that one as url under [report.webhook]."
    return f"{host} answered {status}. {_NEXT}"


def signature(key: str, body: bytes) -> str:
    """Return the hex HMAC-SHA-256 that the header ``X-Chartropy-Signature`` carries after ``sha256=``."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


@contextmanager
def _no_paths_in_logs() -> Iterator[None]:
    """Keep urllib3 from logging the webhook's path, which may be its secret."""
    logger = logging.getLogger("urllib3.connectionpool")
    quiet = lambda _: False  # noqa: E731 - a filter
    logger.addFilter(quiet)
    try:
        yield
    finally:
        logger.removeFilter(quiet)


# -- what went wrong ---------------------------------------------------------------------------------------------------

_NEXT = "The next run tries again."


def _said(workspace: Workspace, error: BaseException) -> str:
    mail = workspace.settings.report.mail
    if isinstance(error, (smtplib.SMTPException, ssl.SSLError)):
        return _hidden(workspace, _mail_said(mail, error))
    if isinstance(error, OSError):
        return _hidden(workspace, _cause(error))
    kind = "" if isinstance(error, ChartropyError) else f"{type(error).__name__}: "
    return _hidden(workspace, kind + str(error))


def _cause(error: BaseException) -> str:
    """Return the innermost reason."""
    inner: object = error
    while isinstance(inner, BaseException):
        error = inner
        inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
    return (getattr(error, "strerror", None) or str(error).split(": ", 1)[-1] or type(error).__name__)[:LONGEST_REPLY]


def _without(url: str, words: str) -> str:
    parts = urlsplit(url)
    for secret in filter(None, (url, f"{parts.path}?{parts.query}", parts.path.strip("/"), parts.query)):
        words = words.replace(secret, "***")
    return words


def _hidden(workspace: Workspace, words: str) -> str:
    """Return `words` without any of the workspace's secrets, whoever put them there."""
    settings = workspace.settings
    report = settings.report
    secrets = [report.mail.password, report.webhook.key, *(source.key for source in settings.sources.values())]
    if report.webhook.url:
        words = _without(report.webhook.url, words)
    for secret in secrets:
        if len(secret) > 2:
            words = words.replace(secret, "***")
    return words
