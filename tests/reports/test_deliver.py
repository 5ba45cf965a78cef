"""Reports delivered to a real mail server, a real web server and a real folder, all on this machine."""

from __future__ import annotations

import datetime
import email
import email.policy
import hashlib
import hmac
import http.server
import ipaddress
import json
import logging
import os
import re
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import select

from chartropy.reports import deliver, feed, page
from chartropy.reports.page import write_index, write_week
from chartropy.workspace import tables as t
from chartropy.workspace.errors import SettingsError, SourceError, WorkspaceError
from chartropy.workspace.workspace import Workspace

from .test_page import LAST, MADE_AT, WEEK, a_season

PASSWORD = "pa55-WORD-0815"
KEY = "k3y-of-the-hook"
PATH = "/services/T0/S3CRET-path"
# aiosmtpd does not count TLS from the first byte as TLS
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
SECRETS = (PASSWORD, KEY, "S3CRET", "t0ken")
BASE = "https://charts.example/weekly"
SEASON = a_season(4, size=12)
PICTURES = page.pictures


# -- a mail server -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file, self.key)
        return made


USES = dict.fromkeys(
    ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
     "decipher_only"), False
) | {"digital_signature": True, "key_cert_sign": True}  # fmt: skip


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Certificate:
    """A certificate of nobody but these tests, for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chartropy tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # without these it is no authority to Python 3.13
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(**USES), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    found = Certificate(folder / "certificate.pem", folder / "key.pem")
    found.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    found.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return found


@dataclass
class MailServer:
    """What came, to whom; who is refused."""

    port: int
    came: list[tuple[str, list[str], email.message.EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    answer: str = "250 taken"
    logins: list[bytes] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, email.message.EmailMessage)
            self.came.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        return self.answer

    def authenticate(self, server, session, envelope, mechanism, login):
        from aiosmtpd.smtp import AuthResult

        self.logins.append(login.login)
        right = (login.login, login.password) == (b"robot", PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    @property
    def recipients(self) -> list[str]:
        return [to for _, every, _ in self.came for to in every]


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def mail_servers(certificate) -> Iterator[Callable[..., MailServer]]:
    """Start mail servers: ``mail_servers("starttls")``."""
    from aiosmtpd.controller import Controller

    with ExitStack() as stack:

        def start(security: str = "starttls", port: int = 0, login: bool = True) -> MailServer:
            made = MailServer(port or a_free_port())
            options: dict = {"none": {}}.get(security, {})
            if security == "starttls":
                options = {"tls_context": certificate.context(), "require_starttls": True}
            elif security == "tls":
                # the first byte is encrypted already: aiosmtpd counts only STARTTLS as that
                options = {"ssl_context": certificate.context(), "auth_require_tls": False}
            if login and security != "none":
                options |= {"authenticator": made.authenticate, "auth_required": True}
            running = Controller(made, hostname="127.0.0.1", port=made.port, **options)
            running.start()
            stack.callback(running.stop)
            return made

        yield start


# -- a webhook ---------------------------------------------------------------------------------------------------------


@dataclass
class Hook:
    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server that answers as it is told, 204 otherwise."""
    told = Hook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            told.came.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers = told.answers.pop(0) if told.answers else (204, {})
            if status == 0:
                time.sleep(1)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    server.server_close()
    thread.join(5)


# -- a workspace -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Two weeks' pages, drawn once."""
    folder = tmp_path_factory.mktemp("written") / "reports"
    write_index(folder, SEASON, made_at=MADE_AT)
    for week in (LAST - WEEK, LAST):
        write_week(folder, SEASON, week, made_at=MADE_AT)
    write(folder, LAST - WEEK, LAST)
    return folder


@pytest.fixture
def opened(workspace, written, monkeypatch) -> Iterator[Callable[..., Workspace]]:
    """A workspace whose last weeks are reported, opened with settings: ``opened("[report]\\n...")``."""
    at(monkeypatch, LAST)
    monkeypatch.setattr("chartropy.reports.weekly.read_season", lambda *_, **__: SEASON)
    monkeypatch.setattr(page, "pictures", lambda _: [("A picture", b"\x89PNG")])  # drawing takes a second
    shutil.copytree(written, workspace.reports_folder)
    with ExitStack() as stack:

        def open_(toml: str) -> Workspace:
            (workspace.folder / "chartropy.toml").write_text(toml, "utf-8")
            return stack.enter_context(Workspace(workspace.folder))

        yield open_


def at(monkeypatch, week: date) -> None:
    """Four days after a week's end."""
    monkeypatch.setenv("CHARTROPY_NOW", f"{week + datetime.timedelta(days=4)}T09:00")


def write(folder: Path, *weeks: date, season=SEASON, languages: tuple[str, ...] = ("en",)) -> None:
    """Write what machines read; where there is no page, an empty file in its place."""
    for week in weeks:
        (folder / week.isoformat()).mkdir(exist_ok=True)
        (folder / week.isoformat() / "index.html").touch()
        feed.write_report(folder, season, week, made_at=MADE_AT, languages=languages)
    feed.write_feed(folder, base_url=BASE, made_at=MADE_AT)


def mail_of(server: MailServer, security: str = "starttls", to: str = '["desk@news.example"]', more: str = "") -> str:
    login = "" if security == "none" else f'user = "robot"\npassword = "{PASSWORD}"\n'
    return (
        f'[report]\nbase_url = "{BASE}"\n[report.mail]\nhost = "127.0.0.1"\nport = {server.port}\n'
        f'security = "{security}"\nsender = "Charts <charts@news.example>"\nto = {to}\n{login}timeout = 5\n{more}'
    )


def hook_of(hook: Hook, more: str = "") -> str:
    return f'[report]\nbase_url = "{BASE}"\n[report.webhook]\nurl = "{hook.url}{PATH}?t0ken=1"\nkey = "{KEY}"\n{more}'


def rows(workspace: Workspace) -> list:
    with workspace.store.reading() as connection:
        return list(connection.execute(select(t.delivery).order_by(*t.delivery.primary_key)))


def trust(monkeypatch, certificate: Certificate) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# -- mail: what it looks like ------------------------------------------------------------------------------------------


@pytest.fixture
def one_mail(opened, mail_servers, monkeypatch):
    server = mail_servers("none")
    monkeypatch.setattr(page, "pictures", PICTURES)
    assert [one.error for one in deliver.deliver(opened(mail_of(server, "none")), LAST)] == [""]
    ((_, _, message),) = server.came
    return message


def test_a_mail_is_text_and_html_with_figures_inside(one_mail):
    plain, rich = one_mail.iter_parts()
    assert one_mail.get_content_type() == "multipart/alternative"
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "multipart/related")
    html, *figures = rich.iter_parts()
    assert html.get_content_type() == "text/html"
    assert len(figures) == 3
    tree = LexborHTMLParser(html.get_content())
    wanted = [node.attributes["src"] for node in tree.css("img")]
    assert wanted == [f"cid:{figure['Content-ID'].strip('<>')}" for figure in figures]
    assert all(node.attributes["alt"] for node in tree.css("img"))
    for figure in figures:
        assert figure.get_content_type() == "image/png"
        assert figure.get_content().startswith(b"\x89PNG")
    assert not tree.css("script, link, style, svg, iframe, form, [onclick]")
    assert [node.attributes["href"] for node in tree.css("a")] == [f"{BASE}/{LAST}/index.html"]


def test_a_mail_says_what_the_page_says(one_mail, opened):
    found = feed.read_report(opened("").reports_folder, LAST)
    plain = one_mail.get_body(("plain",)).get_content()
    rich = LexborHTMLParser(one_mail.get_body(("html",)).get_content()).body.text(separator=" ")
    for said in (words(plain), words(rich)):
        for finding in found["findings"]:
            assert words(finding["sentence"]) in said
            assert finding["number"] in said
        assert f"{found['unmeasured']['recordings']} of {found['unmeasured']['of']} recordings could not" in said
    assert f"{BASE}/{LAST}/index.html" in plain
    assert max(len(line) for line in plain.splitlines()) <= 80


def test_a_mails_head(one_mail):
    assert one_mail["Subject"].startswith("Charts of 19 – 25 Jun 2026. AI share, ")
    assert one_mail["From"] == "Charts <charts@news.example>"
    assert one_mail["To"] == "desk@news.example"
    assert one_mail["Date"].datetime.isoformat() == "2026-06-29T09:00:00+03:00"
    assert re.fullmatch(r"<chartropy\.2026-06-25\.[0-9a-f]{24}@news\.example>", one_mail["Message-ID"])
    assert one_mail["Auto-Submitted"] == "auto-generated"


def test_a_mail_in_russian(opened, mail_servers):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none", '["Редакция <desk@news.example>"]'))
    write(workspace.reports_folder, LAST, languages=("ru",))
    assert [one.error for one in deliver.deliver(workspace, LAST)] == [""]
    ((_, recipients, message),) = server.came
    assert recipients == ["desk@news.example"]
    assert message["To"] == "Редакция <desk@news.example>"
    assert re.search("[а-я]{3}", message["Subject"])
    html = message.get_body(("html",)).get_content()
    assert 'lang="ru"' in html
    assert "The whole report" not in html + message.get_body(("plain",)).get_content()


def test_strangers_text_in_a_mail_stays_text(opened, mail_servers):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none"))
    season = a_season(1, size=12, charts=("<b onmouseover=x>",))
    write(workspace.reports_folder, LAST, season=season)
    deliver.deliver(workspace, LAST)
    html = server.came[0][2].get_body(("html",)).get_content()
    assert not LexborHTMLParser(html).css("[onmouseover]")
    assert "&lt;b onmouseover=x&gt;" in html


def test_synthetic_music_is_marked_in_a_mail(opened, mail_servers):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none"))
    write(workspace.reports_folder, LAST, season=a_season(1, size=12, synthetic=True))
    deliver.deliver(workspace, LAST)
    message = server.came[0][2]
    assert message["Subject"].startswith("SYNTHETIC: ")
    assert all(message.get_body((kind,)).get_content().count("SYNTHETIC") for kind in ("plain", "html"))


def test_figures_that_cannot_be_drawn_hold_no_mail_up(opened, mail_servers, monkeypatch, caplog):
    server = mail_servers("none")

    def fail(_):
        raise RuntimeError("no ink")

    workspace = opened(mail_of(server, "none"))
    monkeypatch.setattr("chartropy.reports.weekly.read_season", fail)
    assert [one.error for one in deliver.deliver(workspace, LAST)] == [""]
    assert not LexborHTMLParser(server.came[0][2].get_body(("html",)).get_content()).css("img")
    assert "goes without figures" in caplog.text


# -- mail: how it goes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_encrypted_and_once(opened, mail_servers, certificate, monkeypatch, security):
    trust(monkeypatch, certificate)
    server = mail_servers(security)
    workspace = opened(mail_of(server, security))
    first = deliver.deliver(workspace, LAST)
    assert [(one.way, one.target, one.gap) for one in first] == [("mail", "desk@news.example", "")]
    assert (server.recipients, server.logins) == (["desk@news.example"], [b"robot"])
    assert deliver.deliver(workspace, LAST) == []
    assert len(server.came) == 1
    (row,) = rows(workspace)
    assert (row.week, row.way, row.target, row.attempts, row.error) == (str(LAST), "mail", "desk@news.example", 1, None)
    assert row.delivered_at == "2026-06-29T06:00:00+00:00"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted_gets_no_password(opened, mail_servers, security, caplog):
    server = mail_servers(security)
    workspace = opened(mail_of(server, security))
    (one,) = deliver.deliver(workspace, LAST)
    assert "the certificate of 127.0.0.1" in one.error
    assert "is not to be trusted" in one.error
    assert "SSL_CERT_FILE" in one.error
    assert (server.logins, server.came) == ([], [])
    assert one.gap in caplog.text


def test_a_certificate_of_another_host_is_refused(opened, mail_servers, certificate, monkeypatch):
    trust(monkeypatch, certificate)
    server = mail_servers("starttls")
    workspace = opened(mail_of(server).replace('host = "127.0.0.1"', 'host = "localhost"'))
    (one,) = deliver.deliver(workspace, LAST)
    assert "Hostname mismatch" in one.error
    assert server.logins == []


def test_a_server_without_encryption_gets_no_password(opened, mail_servers):
    server = mail_servers("none")
    (one,) = deliver.deliver(opened(mail_of(server, "starttls")), LAST)
    assert "cannot do what the settings ask" in one.error
    assert server.came == []


def test_a_password_does_not_cross_the_net_in_the_open(opened, mail_servers):
    toml = (
        mail_of(mail_servers("none"), "starttls").replace("starttls", "none").replace('"127.0.0.1"', '"mail.example"')
    )
    (one,) = deliver.deliver(opened(toml), LAST)
    assert "would cross the net for all to read" in one.error


def test_a_wrong_password_is_said_without_it(opened, mail_servers, certificate, monkeypatch):
    trust(monkeypatch, certificate)
    server = mail_servers("starttls")
    (one,) = deliver.deliver(opened(mail_of(server).replace(PASSWORD, "wrong-one")), LAST)
    assert "refuses user or password (535" in one.error
    assert "wrong-one" not in one.error
    assert server.came == []


def test_a_server_that_is_down_is_tried_again_by_the_next_run_and_gets_it_once(opened, mail_servers, monkeypatch):
    port = a_free_port()
    workspace = opened(mail_of(MailServer(port), "none"))
    for attempts in (1, 2):
        (one,) = deliver.deliver(workspace, LAST - WEEK)
        assert f"127.0.0.1:{port} cannot be reached (Connection refused)" in one.error
        assert "The next run tries again." in one.gap
        (row,) = rows(workspace)
        assert (row.attempts, row.delivered_at, row.error) == (attempts, None, one.error)
    server = mail_servers("none", port)
    done = deliver.deliver(workspace, LAST)
    assert [(one.week, one.error) for one in done] == [(LAST - WEEK, ""), (LAST, "")]
    assert [message["Subject"][:28] for _, _, message in server.came] == [
        "Charts of 12 – 18 Jun 2026. ",
        "Charts of 19 – 25 Jun 2026. ",
    ]
    assert deliver.deliver(workspace, LAST) == []
    assert len(server.came) == 2


def test_a_silent_server_is_given_up(opened):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        toml = mail_of(MailServer(silent.getsockname()[1]), "none").replace("timeout = 5", "timeout = 0.2")
        (one,) = deliver.deliver(opened(toml), LAST)
    assert "gave no answer within 0.2 s" in one.error


def test_one_refused_recipient_stops_nobody_and_sees_nobody(opened, mail_servers):
    server = mail_servers("none")
    server.refused = {"gone@news.example"}
    workspace = opened(mail_of(server, "none", '["a@news.example", "gone@news.example", "b@news.example"]'))
    done = deliver.deliver(workspace, LAST)
    assert [(one.target, bool(one.error)) for one in done] == [
        ("a@news.example", False), ("gone@news.example", True), ("b@news.example", False),
    ]  # fmt: skip
    assert "127.0.0.1 refuses this address (550 5.1.1 no such user)" in done[1].error
    for _, recipients, message in server.came:
        assert [message["To"]] == recipients
        assert not message["Cc"]
    server.refused = set()
    assert [one.target for one in deliver.deliver(workspace, LAST)] == ["gone@news.example"]
    assert server.recipients == ["a@news.example", "b@news.example", "gone@news.example"]


def test_a_server_that_takes_no_mail_now_is_tried_again(opened, mail_servers):
    server = mail_servers("none")
    server.answer = "451 4.7.1 greylisted, come back later"
    workspace = opened(mail_of(server, "none"))
    (one,) = deliver.deliver(workspace, LAST)
    assert "refuses it (451 4.7.1 greylisted, come back later)" in one.error
    server.answer = "421 closing"
    (one,) = deliver.deliver(workspace, LAST)
    assert "421 closing" in one.error
    server.answer = "250 OK"
    assert [one.error for one in deliver.deliver(workspace, LAST)] == [""]


def test_another_report_is_another_mail_in_the_same_thread(opened, mail_servers):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none"))
    deliver.deliver(workspace, LAST)
    write(workspace.reports_folder, LAST)
    assert deliver.deliver(workspace, LAST) == []  # written again, and says the same
    changed = SEASON.measures.assign(value=SEASON.measures["value"] * 1.01)
    write(workspace.reports_folder, LAST, season=replace(SEASON, measures=changed))
    deliver.deliver(workspace, LAST)
    first, second = (message for _, _, message in server.came)
    assert second["Subject"].startswith("Updated: Charts of 19")
    assert second["Message-ID"] != first["Message-ID"]
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]


def test_sent_again_when_asked_under_the_same_name(opened, mail_servers):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none"))
    deliver.deliver(workspace, LAST)
    assert [one.error for one in deliver.deliver(workspace, LAST, again=True)] == [""]
    first, second = (message for _, _, message in server.came)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_week_long_past_is_mailed_only_when_asked(opened, mail_servers, monkeypatch):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none"))
    at(monkeypatch, LAST + 5 * WEEK)
    assert deliver.deliver(workspace, LAST) == []
    assert server.came == []
    assert [one.week for one in deliver.deliver(workspace, LAST, again=True)] == [LAST]


def test_what_failed_long_ago_is_let_be(opened, mail_servers, monkeypatch):
    port = a_free_port()
    workspace = opened(mail_of(MailServer(port), "none"))
    deliver.deliver(workspace, LAST - WEEK)
    at(monkeypatch, LAST + 4 * WEEK)
    server = mail_servers("none", port)
    write(workspace.reports_folder, LAST + 4 * WEEK)
    assert [one.week for one in deliver.deliver(workspace, LAST + 4 * WEEK)] == [LAST + 4 * WEEK]
    assert len(server.came) == 1


def test_a_password_that_no_login_takes_is_said_without_it(opened, mail_servers):
    server = mail_servers("none")
    (one,) = deliver.deliver(opened(mail_of(server).replace(PASSWORD, "пароль")), LAST)
    assert "only ASCII" in one.error
    assert "пароль" not in one.error


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('host = "127.0.0.1"\nsender = "a@b.example"', "name the recipients, to = [...] under [report.mail]"),
        ('host = "127.0.0.1"\nto = ["a@b.example"]', "no sender: give sender under [report.mail]"),
        ('host = "127.0.0.1"\nto = ["a@b.example"]\nuser = "apikey"', "no sender: give sender under [report.mail]"),
    ],
)
def test_half_a_setting_is_one_clear_line(opened, toml, said):
    (one,) = deliver.deliver(opened(f"[report.mail]\n{toml}"), LAST)
    assert said in one.gap
    assert "\n" not in one.gap


def test_a_report_that_is_not_written_is_one_clear_line(opened, mail_servers, hook, tmp_path):
    toml = mail_of(mail_servers("none"), "none") + f'[report.webhook]\nurl = "{hook.url}"'
    toml = toml.replace("[report]", f'[report]\nfolder = "{tmp_path / "www"}"')
    done = deliver.deliver(opened(toml), LAST - 2 * WEEK)
    assert [one.way for one in done] == ["folder", "mail", "webhook"]
    assert all(f"run `chartropy report --week {LAST - 2 * WEEK}`" in one.gap for one in done)


# -- the webhook -------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_report_signed(opened, hook):
    workspace = opened(hook_of(hook))
    (one,) = deliver.deliver(workspace, LAST)
    assert (one.way, one.target, one.error) == ("webhook", hook.url, "")
    ((path, headers, body),) = hook.came
    assert path == f"{PATH}?t0ken=1"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Chartropy-Signature"] == f"sha256={hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()}"
    told = json.loads(body)
    schema = json.loads((workspace.reports_folder / feed.SCHEMA).read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(told)
    assert told["links"]["page"] == f"{BASE}/{LAST}/index.html"
    assert told["$schema"] == f"{BASE}/report.schema.json"
    written = feed.read_report(workspace.reports_folder, LAST)
    assert {name: value for name, value in told.items() if name not in ("links", "$schema")} == {
        name: value for name, value in written.items() if name != "$schema"
    }
    assert headers["X-Chartropy-Delivery"] == feed.digest_of(written)


def test_without_a_key_nothing_is_signed(opened, hook):
    deliver.deliver(opened(hook_of(hook).replace(KEY, "")), LAST)
    assert "X-Chartropy-Signature" not in hook.came[0][1]


def test_a_webhook_that_failed_is_told_by_the_next_run_once(opened, hook):
    hook.answers = [(500, {}), (200, {})]
    workspace = opened(hook_of(hook))
    (one,) = deliver.deliver(workspace, LAST)
    assert one.error == f"{hook.url} answered 500. The next run tries again."
    assert [one.error for one in deliver.deliver(workspace, LAST)] == [""]
    assert deliver.deliver(workspace, LAST) == []
    assert len(hook.came) == 2


def test_a_webhook_is_not_followed_elsewhere(opened, hook, server):
    hook.answers = [(307, {"Location": f"{server.url}/elsewhere"})]
    (one,) = deliver.deliver(opened(hook_of(hook)), LAST)
    assert "sends it on to another address, on 127.0.0.1" in one.error
    assert server.paths == []


def test_a_silent_webhook_is_given_up(opened, hook):
    hook.answers = [(0, {})]
    (one,) = deliver.deliver(opened(hook_of(hook, "timeout = 0.2")), LAST)
    assert "gave no answer within 0.2 s" in one.error


def test_a_webhook_that_is_not_there_is_named(opened):
    url = f"http://127.0.0.1:{a_free_port()}"
    (one,) = deliver.deliver(opened(hook_of(Hook(url))), LAST)
    assert f"{url} cannot be reached" in one.error


# -- the folder --------------------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_folder_becomes_a_whole_site(opened, tmp_path):
    workspace = opened(f'[report]\nfolder = "{tmp_path / "www"}"')
    (workspace.reports_folder / LAST.isoformat() / ".index.html.part").write_text("half")
    done = deliver.deliver(workspace, LAST)
    assert [(one.week, one.target, one.error) for one in done] == [
        (week, str(tmp_path / "www"), "") for week in (LAST - WEEK, LAST)
    ]
    expected = {name: body for name, body in contents(workspace.reports_folder).items() if not name.endswith(".part")}
    assert contents(tmp_path / "www") == expected
    assert {
        "index.html",
        "feed.xml",
        "report.schema.json",
        f"{LAST}/report.json",
        f"{LAST}/index.html",
    } <= expected.keys()


def test_only_what_changed_is_copied_and_nothing_is_deleted(opened, tmp_path):
    www = tmp_path / "www"
    www.mkdir()
    (www / "robots.txt").write_text("the webmaster's own")
    workspace = opened(f'[report]\nfolder = "{www}"')
    deliver.deliver(workspace, LAST)
    before = {file: file.stat().st_mtime_ns for file in www.rglob("*")}
    assert deliver.deliver(workspace, LAST) == []
    assert {file: file.stat().st_mtime_ns for file in www.rglob("*")} == before
    changed = SEASON.measures.assign(value=SEASON.measures["value"] * 1.01)
    write(workspace.reports_folder, LAST - WEEK, season=replace(SEASON, measures=changed))
    assert [one.week for one in deliver.deliver(workspace, LAST)] == [LAST - WEEK]
    assert contents(www) == contents(workspace.reports_folder) | {"robots.txt": b"the webmaster's own"}


def test_a_page_taken_off_the_web_stays_off_until_asked(opened, tmp_path):
    workspace = opened(f'[report]\nfolder = "{tmp_path / "www"}"')
    deliver.deliver(workspace, LAST)
    shutil.rmtree(tmp_path / "www" / LAST.isoformat())
    assert deliver.deliver(workspace, LAST) == []
    assert not (tmp_path / "www" / LAST.isoformat()).exists()
    deliver.deliver(workspace, LAST, again=True)
    assert (tmp_path / "www" / LAST.isoformat() / "index.html").is_file()


def a_recording(folder: Path, name: str, made: str, said: str = "page") -> None:
    """Write what stands for a recording's page, made on a day."""
    page = folder / "recordings" / name
    (page / "figures").mkdir(parents=True, exist_ok=True)
    (page / "figures" / "places.svg").write_text(said)
    (page / "index.html").write_text(f'<meta name="chartropy-made" content="{made}T08:59:00+03:00">{said}')


def test_figures_and_recordings_are_carried_too(opened, tmp_path, monkeypatch):
    www = tmp_path / "www"
    workspace = opened(f'[report]\nfolder = "{www}"')
    reports = workspace.reports_folder
    assert len(list((reports / LAST.isoformat() / "figures").iterdir())) > 20
    for name in ("one", "two", "three"):
        a_recording(reports, name, "2026-06-29")
    assert [one.error for one in deliver.deliver(workspace, LAST)] == ["", ""]
    assert contents(www) == contents(reports)
    # later: another figure of a week, another page of a recording, one that was taken away, one that is the webmaster's own
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-06T09:00")
    before = {file: file.stat().st_mtime_ns for file in www.rglob("*.*")}
    (reports / LAST.isoformat() / "figures" / "compared.csv").write_text("other numbers\n")
    a_recording(reports, "two", "2026-07-06", "another page")
    shutil.rmtree(www / "recordings" / "three")
    own = www / "recordings" / "one" / "figures" / "own.txt"
    own.write_text("the webmaster's own")
    assert [one.week for one in deliver.deliver(workspace, LAST)] == [LAST]
    changed = {
        file.relative_to(www).as_posix() for file in before if file.exists() and file.stat().st_mtime_ns != before[file]
    }
    assert changed == {
        f"{LAST}/figures/compared.csv", "recordings/two/index.html", "recordings/two/figures/places.svg"
    }  # fmt: skip
    assert own.is_file()
    assert not (www / "recordings" / "three").exists()
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-07T09:00")
    assert deliver.deliver(workspace, LAST) == []
    deliver.deliver(workspace, LAST, again=True)
    assert contents(www) == contents(reports) | {"recordings/one/figures/own.txt": b"the webmaster's own"}


def test_a_recording_that_could_not_be_copied_is_copied_by_the_next_run(opened, tmp_path, monkeypatch):
    www = tmp_path / "www"
    www.mkdir()
    (www / "recordings").write_text("in the way")
    workspace = opened(f'[report]\nfolder = "{www}"')
    a_recording(workspace.reports_folder, "one", "2026-06-29")
    (failed,) = deliver.deliver(workspace, LAST)
    assert "recordings" in failed.gap
    (www / "recordings").unlink()
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-06T09:00")
    assert [one.error for one in deliver.deliver(workspace, LAST)] == ["", ""]
    assert contents(www) == contents(workspace.reports_folder)


def test_a_relative_folder_lies_below_the_workspace(opened):
    workspace = opened('[report]\nfolder = "public"')
    deliver.deliver(workspace, LAST)
    assert (workspace.folder / "public" / "index.html").is_file()


@pytest.mark.parametrize("folder", ["reports", "reports/public", "./reports/../reports", "public/../reports/x"])
def test_the_reports_are_not_copied_into_themselves(opened, folder):
    workspace = opened(f'[report]\nfolder = "{folder}"')
    before = contents(workspace.reports_folder)
    (one,) = deliver.deliver(workspace, LAST)
    assert "lies in the workspace's own folder of reports: choose another" in one.gap
    assert contents(workspace.reports_folder) == before


def test_a_folder_that_cannot_be_written_is_a_gap_and_filled_by_the_next_run(opened, tmp_path):
    www = tmp_path / "www"
    www.write_text("in the way")  # no rights keep root from writing, a file does
    workspace = opened(f'[report]\nfolder = "{www}"')
    (one,) = deliver.deliver(workspace, LAST)
    assert str(www) in one.gap
    assert "make its folder writable or choose another" in one.gap
    www.unlink()
    assert [bool(one.error) for one in deliver.deliver(workspace, LAST)] == [False, False]
    assert contents(www) == contents(workspace.reports_folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="rights do not bind root")
def test_a_read_only_folder_is_a_gap(opened, tmp_path):
    www = tmp_path / "www"
    www.mkdir(mode=0o500)
    (one,) = deliver.deliver(opened(f'[report]\nfolder = "{www}"'), LAST)
    assert "cannot be written" in one.gap


# -- whatever happens --------------------------------------------------------------------------------------------------


def test_one_way_that_fails_stops_no_other(opened, mail_servers, hook, tmp_path):
    server = mail_servers("none")
    server.refused = {"desk@news.example"}
    toml = mail_of(server, "none").replace("[report]", '[report]\nfolder = "reports"')
    done = deliver.deliver(opened(f'{toml}[report.webhook]\nurl = "{hook.url}"'), LAST)
    assert [(one.way, bool(one.error)) for one in done] == [("folder", True), ("mail", True), ("webhook", False)]


def test_a_failure_nobody_thought_of_is_a_line(opened, hook, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError(f"boom, {KEY}")

    monkeypatch.setattr(deliver, "_told", fail)
    (one,) = deliver.deliver(opened(hook_of(hook)), LAST)
    assert "RuntimeError: boom, ***" in one.gap


def test_a_database_that_cannot_be_read_is_a_line(opened, hook, monkeypatch):
    def fail(*_):
        raise WorkspaceError("the database is gone.")

    workspace = opened(hook_of(hook))
    monkeypatch.setattr(workspace.store, "reading", fail)
    (one,) = deliver.deliver(workspace, LAST)
    assert one.gap == f"webhook, week to {LAST}: not delivered: the database is gone."


def test_secrets_are_in_no_log_and_no_table(opened, mail_servers, hook, certificate, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    trust(monkeypatch, certificate)
    server = mail_servers("starttls")
    server.refused = {"echo@news.example"}
    toml = mail_of(server, to='["desk@news.example", "echo@news.example"]')
    workspace = opened(toml + hook_of(hook).partition("\n[report.webhook]")[2].join(("[report.webhook]", "")))
    hook.answers = [(500, {}), (302, {"Location": f"{hook.url}{PATH}/next?t0ken=2"})]
    said = [one.gap for _ in range(3) for one in deliver.deliver(workspace, LAST)]
    monkeypatch.setenv("CHARTROPY_REPORT__WEBHOOK__URL", f"http://127.0.0.1:{a_free_port()}{PATH}?t0ken=3")
    said += [one.gap for one in deliver.deliver(opened(toml), LAST)]
    assert len(hook.came) == 3
    everything = f"{said}{caplog.text}{rows(workspace)}{workspace.settings!r}"
    assert all(secret not in everything for secret in SECRETS)
    database = b"".join(file.read_bytes() for file in workspace.folder.glob("chartropy.sqlite*"))
    assert all(secret.encode() not in database for secret in SECRETS)


@pytest.mark.parametrize(
    ("toml", "said", "hidden"),
    [
        ("[report.mail]\npassword = 12345678", "report.mail.password = ***: should be a valid string", "12345678"),
        ("[report.webhook]\nkey = 12345678", "report.webhook.key = ***", "12345678"),
        ('[report.webhook]\nurl = "ftp://x/S3CRET"', "report.webhook.url = ***: should be an address like", "S3CRET"),
        ('[report]\nwebhook = "https://x/S3CRET"', "report.webhook = ***", "S3CRET"),
        ("[sources.lastfm]\nkey = 12345678", "sources.lastfm.key = ***", "12345678"),
    ],
)
def test_a_wrong_secret_is_named_without_it(opened, toml, said, hidden):
    with pytest.raises(SettingsError) as error:
        opened(toml)
    assert said in str(error.value)
    assert hidden not in f"{error.value}{error.value.__cause__}"


def test_a_secret_in_a_variable_that_is_no_table_is_not_shown(opened, monkeypatch):
    monkeypatch.setenv("CHARTROPY_REPORT__MAIL", f'{{"password": "{PASSWORD}", oops}}')
    with pytest.raises(SettingsError, match="CHARTROPY_REPORT__MAIL") as error:
        opened("")
    assert PASSWORD not in str(error.value)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[report.mail]\nto = ["desk"]', "should be one e-mail address like desk@example.org"),
        ('[report.mail]\nto = ["desk@"]', "should be one e-mail address"),
        ('[report.mail]\nto = ["a@b.example, c@d.example"]', "should be one e-mail address"),
        ('[report.mail]\nsender = "Desk <desk@b.example"', "should be one e-mail address"),
        ('[report.mail]\nfailures_to = ["a@b.example\\nBcc: x@y.example"]', "should be one e-mail address"),
        ('[report]\nbase_url = "https://"', "should be an address like https://example.org/charts"),
        ('[report]\nbase_url = "https://x.example:port"', "should be an address like"),
        ('[report]\nbase_url = "https://x.example/?a=b"', "leave out what follows ? or #"),
    ],
)
def test_addresses_are_checked(opened, toml, said):
    with pytest.raises(SettingsError, match=re.escape(said)):
        opened(toml)


# -- a run that failed -------------------------------------------------------------------------------------------------


def test_a_failed_run_is_told_by_mail(opened, mail_servers):
    server = mail_servers("none")
    workspace = opened(mail_of(server, "none", more='failures_to = ["admin@news.example"]'))
    deliver.notify_failure(workspace, "weekly", SourceError(f"TopHit said {PATH} no. {PASSWORD}"))
    ((_, recipients, message),) = server.came
    assert recipients == ["admin@news.example"]
    assert message["Subject"] == "Chartropy: weekly failed"
    text = words(message.get_content())
    assert "`chartropy weekly` failed at 2026-06-29 09:00 (Europe/Moscow)." in text
    assert "TopHit said" in text
    assert str(workspace.folder.absolute()) in text.replace(" ", "") or str(workspace.folder.absolute()) in text
    deliver.notify_failure(opened(mail_of(server, "none")), "weekly", KeyError("x"))
    assert server.recipients[-1] == "desk@news.example"
    assert "KeyError: 'x'" in server.came[-1][2].get_content()


@pytest.mark.parametrize("toml", ["", '[report.mail]\nhost = "127.0.0.1"', None])
def test_telling_of_a_failure_never_fails(opened, toml, caplog):
    toml = mail_of(MailServer(a_free_port()), "starttls") if toml is None else toml
    deliver.notify_failure(opened(toml), "weekly", RuntimeError("x"))
    assert ("nobody was told by mail that weekly failed" in caplog.text) == ("port = " in toml)
    assert PASSWORD not in caplog.text


# -- the documentation -------------------------------------------------------------------------------------------------

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "deliver.md"


def test_the_settings_in_the_documentation_are_settings(opened, monkeypatch):
    (example,) = re.findall(r"```toml.*?\n(.+?)```", DOCS.read_text("utf-8"), re.DOTALL)
    monkeypatch.setenv("CHARTROPY_REPORT__MAIL__PASSWORD", PASSWORD)
    monkeypatch.setenv("CHARTROPY_REPORT__WEBHOOK__KEY", KEY)
    report = opened(example).settings.report
    assert (report.mail.password, report.webhook.key) == (PASSWORD, KEY)
    named = set(re.findall(r"`(?:report\.)?((?:mail\.|webhook\.)?[a-z_]+)`", "\n".join(re.findall(r"^\| (`.+?) \|", DOCS.read_text("utf-8"), re.MULTILINE))))  # fmt: skip
    settings = {*type(report).model_fields, *(f"mail.{name}" for name in type(report.mail).model_fields)}
    settings |= {f"webhook.{name}" for name in type(report.webhook).model_fields} - {"mail", "webhook"}
    # a second setting in a cell goes without its table
    assert settings - named - {"mail", "webhook", "mail.port", "mail.password"} == set()


def test_a_signature_is_checked_as_the_documentation_says():
    (example,) = re.findall(r"```python\n(.+?)```", DOCS.read_text("utf-8"), re.DOTALL)
    told: dict = {}
    exec(example, told)
    assert told["is_ours"](KEY, b"{}", f"sha256={deliver.signature(KEY, b'{}')}")
    assert not told["is_ours"](KEY, b"{ }", f"sha256={deliver.signature(KEY, b'{}')}")


# -- the command line --------------------------------------------------------------------------------------------------


@pytest.fixture
def chartropy(opened, command_line):
    def run(toml: str, *arguments: str) -> tuple[int, str, str]:
        return command_line(*arguments, "--workspace", opened(toml).folder)

    return run


def test_the_command_delivers_and_says_what(chartropy, tmp_path, hook):
    toml = f'[report]\nfolder = "{tmp_path / "www"}"\n[report.webhook]\nurl = "{hook.url}"'
    code, said, _ = chartropy(toml, "deliver", "--week", str(LAST))
    assert code == 0
    assert f"Delivered: folder to {tmp_path / 'www'}, weeks to {LAST - WEEK} and {LAST}" in said
    assert f"Delivered: webhook to {hook.url}, week to {LAST}" in said
    code, said, _ = chartropy(toml, "deliver")
    assert (code, "Nothing new to deliver" in said) == (0, True)
    code, said, _ = chartropy(toml, "deliver", "--again")
    assert (code, said.count("Delivered: ")) == (0, 2)
    hook.answers = [(500, {})]
    code, _, complaint = chartropy(toml, "deliver", "--again")
    assert code == 3
    assert f"webhook to {hook.url}, week to {LAST}: not delivered: {hook.url} answered 500" in complaint


def test_the_command_says_what_it_needs(chartropy):
    code, _, complaint = chartropy("", "deliver")
    assert code == 2
    assert "Nowhere to deliver to" in complaint


# -- the weekly run ----------------------------------------------------------------------------------------------------


def test_a_run_reports_delivers_and_lists_what_failed(chartropy, tmp_path, hook, monkeypatch):
    monkeypatch.setenv("CHARTROPY_COLLECT", "[]")
    hook.answers = [(503, {})]
    toml = f'[report]\nfolder = "{tmp_path / "www"}"\nbase_url = "{BASE}"\n[report.webhook]\nurl = "{hook.url}"'
    code, said, complaint = chartropy(toml, "weekly")
    assert code == 3
    assert "Report: " in said
    assert f"Delivered: folder to {tmp_path / 'www'}" in said
    assert f"{hook.url} answered 503. The next run tries again." in complaint
    assert {"feed.xml", "report.schema.json", f"{LAST}/report.json"} <= contents(tmp_path / "www").keys()
    code, said, _ = chartropy(toml, "weekly")
    assert (code, f"Delivered: webhook to {hook.url}, week to {LAST}" in said) == (0, True)
    # another language: what machines read of earlier weeks follows their pages
    code, _, _ = chartropy(toml.replace("[report]", '[report]\nlanguages = ["ru", "en"]'), "report")
    found = feed.read_report(tmp_path / "workspace" / "reports", LAST - WEEK)
    assert (code, found["pages"]) == (0, {"ru": "index.html", "en": "index.en.html"})
