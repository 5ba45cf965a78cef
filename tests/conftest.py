"""What every test may ask for: a clean environment, a workspace, a scripted web server, the test world.

The test world (``../shared/world/serve.py``, or what ``CHARTROPY_SHARED`` names) plays the platforms on loopback.
Tests that need it are skipped, with that reason, where it is not there.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest

from chartropy.workspace.workspace import Workspace

SHARED = Path(os.environ.get("CHARTROPY_SHARED") or Path(__file__).resolve().parents[1] / ".." / "shared").resolve()

# the same examples everywhere: a failure in CI is a failure at home
hypothesis.settings.register_profile("chartropy", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("chartropy")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests leaks into them, and no proxy stands before loopback."""
    for name in list(os.environ):
        if name.upper().startswith("CHARTROPY_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
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
def workspace(tmp_path: Path, empty_workspace: Path) -> Iterator[Workspace]:
    """An empty workspace: a copy of one made once, because making the tables takes longer than most tests."""
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


# -- the test world ----------------------------------------------------------------------------------------------------


class World:
    """A running test world.

    Attributes
    ----------
    url : str
    recordings : int
        How many it knows.
    """

    def __init__(self, program: Path, monkeypatch: pytest.MonkeyPatch, **options: object):
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
        for source in ("tophit", "deezer", "itunes"):
            monkeypatch.setenv(f"CHARTROPY_SOURCES__{source.upper()}__BASE_URL", f"{self.url}/{source}")
        monkeypatch.setenv("CHARTROPY_SOURCES__TOPHIT__EXPECTED_ROWS", str(said["size"]))
        monkeypatch.setenv("CHARTROPY_NOW", said["now"])

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
    """Start test worlds: ``worlds(weeks=2, size=10, faults="none")``; the settings' addresses point at the last one."""
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
    """Answers each path with what it was told, one after the other; the last answer stays. Unknown paths are 404."""

    def __init__(self):
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.asked: list[tuple[float, str, dict[str, str]]] = []
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
                told = outer.answers.get(urlsplit(self.path).path, [])
                answer = told.pop(0) if len(told) > 1 else told[0] if told else Answer(status=404)
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
