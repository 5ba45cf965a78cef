"""One polite client: retries what may pass, waits as asked, keeps its rate across runs, obeys robots.txt, says who asks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chartropy.workspace import http
from chartropy.workspace.errors import SourceError, SourceRefused, SourceUnreachable
from chartropy.workspace.http import Client
from chartropy.workspace.rates import bucket
from chartropy.workspace.settings import Rate, Source
from chartropy.workspace.store import Store
from chartropy.workspace.workspace import Workspace


@pytest.fixture
def client_of(server, tmp_path, database_url):
    clients = []
    store = Store(database_url or f"sqlite:///{tmp_path / 'test.sqlite'}")

    def make(**settings) -> Client:
        defaults = {
            "base_url": server.url,
            "robots": False,
            "timeout": 5,
            "retries": 1,
            "rate": Rate(requests=100, seconds=1),
        }
        source = Source(**defaults | settings)
        recent = bucket(store, tmp_path, "tophit", source.rate)
        clients.append(Client("tophit", source, "Chartropy/0 (me@example.org)", recent))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    store.close()


@pytest.fixture
def client(client_of) -> Client:
    return client_of()


def test_a_page_comes_whole(client, server, answer):
    server.say("/page", answer(b"x" * 200_000))
    response = client.get("/page", params={"q": "ё"})
    assert response.content == b"x" * 200_000
    assert server.asked[0][1] == "/page?q=%D1%91"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_asked_again(client, server, answer, status):
    server.say("/page", answer(status=status), answer(b"here"))
    assert client.get("/page").content == b"here"


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_what_means_no_is_the_callers_to_judge_and_asked_once(client, server, answer, status):
    server.say("/page", answer(b"no", status=status))
    assert client.get("/page").status_code == status
    assert len(server.asked) == 1


def test_a_failure_that_stays_says_what_and_where(client, server, answer):
    server.say("/page", answer(status=503))
    with pytest.raises(SourceUnreachable, match=r"tophit: http.*/page answered 503 after 1 retries"):
        client.get("/page")
    assert len(server.asked) == 2


def test_retry_after_is_waited_for(client, server, answer):
    server.say("/page", answer(status=503, headers={"Retry-After": "1"}), answer(b"here"))
    client.get("/page")
    assert server.asked[1][0] - server.asked[0][0] >= 1.0


@pytest.mark.parametrize("wait", ["500", "99999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_that_is_too_long_ends_it_at_once_and_is_named(client_of, server, answer, wait):
    server.say("/page", answer(status=429, headers={"Retry-After": wait}))
    with pytest.raises(SourceUnreachable, match=rf"429 and asks to wait [\d,]+ s, more than the {http.LONGEST_WAIT} s"):
        client_of(retries=5).get("/page")
    assert len(server.asked) == 1


def test_a_retry_after_that_says_nothing_does_not_stop_the_retries(client, server, answer):
    server.say("/page", answer(status=503, headers={"Retry-After": "soon"}), answer(b"here"))
    assert client.get("/page").content == b"here"


def test_a_reset_connection_is_asked_again(client, server, answer):
    server.say("/page", answer(how="reset"), answer(b"here"))
    assert client.get("/page").content == b"here"


def test_a_body_that_breaks_off_is_asked_for_again(client, server, answer):
    server.say("/page", answer(b"x" * 1000, how="cut"), answer(b"x" * 1000))
    assert len(client.get("/page").content) == 1000


@pytest.mark.parametrize("how", ["cut", "stall"])
def test_a_body_that_never_comes_whole_is_no_answer(client_of, server, answer, how):
    server.say("/page", answer(b"x" * 1000, how=how))
    with pytest.raises(SourceUnreachable, match="broke off 2 times"):
        client_of(timeout=0.4).get("/page")
    assert len(server.asked) == 2


def test_a_garbled_body_is_no_answer(client_of, server, answer):
    server.say("/page", answer(b"not gzip", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceUnreachable, match="broke off"):
        client_of(retries=0).get("/page")


def test_silence_ends_after_the_timeout(client_of, server, answer):
    server.say("/page", answer(how="silent"))
    with pytest.raises(SourceUnreachable, match=r"/page"):
        client_of(retries=0, timeout=0.2).get("/page")


def test_a_platform_that_is_not_there_is_named(client_of):
    with pytest.raises(SourceUnreachable, match="cannot be reached.*refused"):
        client_of(base_url="http://127.0.0.1:1", retries=0).get("/page")


@pytest.mark.parametrize("location", ["/page", "http://[", "ftp://127.0.0.1/x"])
def test_a_redirect_to_nowhere_is_an_error_of_ours(client, server, answer, location):
    server.say("/page", answer(status=302, headers={"Location": location}))
    with pytest.raises(SourceUnreachable):
        client.get("/page")


def test_a_file_that_is_far_too_large_is_not_read(client, server, answer, monkeypatch):
    server.say("/announced", answer(b"x", headers={"Content-Length": str(10**10)}))
    with pytest.raises(SourceError, match="10,000,000,000 bytes long"):
        client.get("/announced")
    monkeypatch.setattr(http, "MAX_BYTES", 1000)
    server.say("/unannounced", answer(b"x" * 5000, headers={"Content-Length": "", "Connection": "close"}))
    with pytest.raises(SourceError, match="goes on after 1,000 bytes"):
        client.get("/unannounced")


@pytest.mark.parametrize("how", ["cut", "reset", "silent", "whole"])
def test_signatures_and_keys_stay_out_of_messages(client_of, server, answer, how):
    server.say("/file", answer(b"x" * 100, status=503, how=how))
    with pytest.raises(SourceUnreachable) as error:
        client_of(retries=0, timeout=0.2).get(f"{server.url}/file?hmac=SECRET#SECRET")
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x?k=SECRET", "http://[bad?k=SECRET", "http://:1:2/?k=SECRET"])
def test_nor_do_they_stand_in_messages_about_bad_addresses(client_of, url):
    with pytest.raises(SourceUnreachable) as error:
        client_of(retries=0).get(url)
    assert "SECRET" not in str(error.value)


def test_the_client_says_who_asks(server, tmp_path, monkeypatch, answer):
    monkeypatch.setenv("CHARTROPY_SOURCES__DEEZER__BASE_URL", server.url)
    monkeypatch.setenv("CHARTROPY_CONTACT", "me@example.org")
    with Workspace(tmp_path / "w", create=True) as workspace:
        workspace.client("deezer", Source()).get("/x")
        assert workspace.client("deezer", Source()) is workspace.client("deezer", Source())
    agent = server.asked[0][2]["User-Agent"]
    assert agent.startswith("Chartropy/")
    assert "me@example.org" in agent


# -- robots.txt --------------------------------------------------------------------------------------------------------


def test_what_robots_txt_forbids_is_not_asked_and_remembered(client_of, server, answer):
    server.say("/robots.txt", answer(b"User-agent: *\nDisallow: /chart/*/secret\n"))
    server.say("/open", answer(b"here"))
    client = client_of(robots=True)
    with pytest.raises(SourceRefused, match=r"robots\.txt forbids /chart/x/secret.*chartropy import"):
        client.get("/chart/x/secret")
    with pytest.raises(SourceRefused):  # the whole platform is left alone in this run
        client.get("/open")
    assert server.paths == ["/robots.txt"]


def test_what_robots_txt_allows_is_asked_and_robots_txt_only_once(client_of, server, answer):
    server.say("/robots.txt", answer(b"User-agent: *\nDisallow: /admin/\n"))
    server.say("/page", answer(b"here"))
    client = client_of(robots=True)
    assert client.get("/page").content == client.get("/page").content == b"here"
    assert server.paths == ["/robots.txt", "/page", "/page"]


def test_a_rule_for_us_by_name_counts(client_of, server, answer):
    server.say("/robots.txt", answer(b"User-agent: Chartropy\nDisallow: /\n\nUser-agent: *\nAllow: /\n"))
    with pytest.raises(SourceRefused):
        client_of(robots=True).get("/page")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_no_robots_txt_forbids_nothing(client_of, server, answer, status):
    server.say("/robots.txt", answer(b"User-agent: *\nDisallow: /\n", status=status))
    server.say("/page", answer(b"here"))
    assert client_of(robots=True).get("/page").content == b"here"


def test_a_robots_txt_that_cannot_be_had_forbids_all(client_of, server, answer):
    server.say("/robots.txt", answer(status=503))
    server.say("/page", answer(b"here"))
    with pytest.raises(SourceUnreachable, match="robots.txt"):
        client_of(robots=True, retries=0).get("/page")
    assert "/page" not in server.paths


# -- rates -------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_the_rate_holds_across_clients_that_share_a_database(client_of, server, answer):
    server.say("/page", answer(b"here"))
    clients = [client_of(rate=Rate(requests=3, seconds=1)) for _ in range(2)]
    for turn in range(4):
        clients[turn % 2].get("/page")
    times = [when - server.asked[0][0] for when, _, _ in server.asked]
    assert times[2] < 0.8
    assert times[3] >= 0.9


def test_asking_again_counts_as_asking(client_of, server, answer):
    server.say("/page", answer(status=500), answer(status=503, headers={"Retry-After": "0"}), answer(b"here"))
    client_of(retries=3, rate=Rate(requests=1, seconds=1)).get("/page")
    times = [when for when, _, _ in server.asked]
    assert min(later - sooner for sooner, later in pairwise(times)) >= 0.9


@pytest.mark.both_databases
def test_the_rate_is_remembered_from_run_to_run(client_of, server, answer):
    server.say("/page", answer(b"here"))
    first = client_of(rate=Rate(requests=2, seconds=1))
    first.get("/page")
    first.get("/page")
    first.close()
    client_of(rate=Rate(requests=2, seconds=1)).get("/page")
    assert server.asked[2][0] - server.asked[0][0] >= 0.9
