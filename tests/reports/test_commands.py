"""What the commands about charts and recordings say and do."""

from __future__ import annotations

import csv
import io
import json

import pytest

pytestmark = pytest.mark.both_databases

LISTS = {
    "yandex-chart": [("Ёлка", "Прованс"), ("Zivert", "Life"), ("Баста", "Неболей")],
    "apple-songs": [("Zivert", "Life"), ("Yolka", "Provans"), ("Ramil'", "Сияй")],
    "deezer-top": [("Zivert", "Life (feat. Niletto)"), ("Dabro", "Юность"), ("Elka", "Provans")],
}


@pytest.fixture
def chartropy(workspace, command_line, monkeypatch):
    """Run a command in a workspace; return its exit code, what it said and what it complained of."""
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03")
    monkeypatch.setenv("CHARTROPY_COLLECT", "[]")

    def run(*arguments: object) -> tuple[int, str, str]:
        return command_line(*arguments, "--workspace", workspace.folder)

    return run


@pytest.fixture
def imported(chartropy, tmp_path):
    for source, entries in LISTS.items():
        rows = "\n".join(f'{place},"{artist}","{title}"' for place, (artist, title) in enumerate(entries, 1))
        (tmp_path / "chart.csv").write_text(f"position,artist,title\n{rows}\n", "utf-8")
        chartropy("import", tmp_path / "chart.csv", "--source", source, "--week", "2026-07-02")


def exported(chartropy, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(chartropy("export", table)[1].lstrip("\ufeff"))))


def ids(chartropy) -> dict[tuple[str, str], tuple[str, str]]:
    """Recording and name of each spelling."""
    return {
        (row["artist"], row["title"]): (row["recording_id"], row["name_id"]) for row in exported(chartropy, "names")
    }


# -- the composite -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("imported")
def test_the_composite_shows_how_each_place_got_there(chartropy):
    code, said, _ = chartropy("composite")
    assert code == 0
    first, second = (next(line for line in said.splitlines() if line.startswith(f"{place} ")) for place in (1, 2))
    assert "Life" in first
    assert "apple-songs 1; deezer-top 1; yandex-chart 2" in first
    assert "0.9967" in first  # (1 + 1 + .99) / 3
    assert first.rstrip().endswith(("  1", "1 to 2"))
    assert "Прованс" in second or "Provans" in second
    assert "Method: weighted Borda count" in said


@pytest.mark.usefixtures("imported")
def test_one_place_is_taken_apart(chartropy):
    code, said, _ = chartropy("composite", "--place", "1")
    assert code == 0
    assert "score 0.9967 of 1" in said
    shares = [
        float(line.split()[4]) for line in said.splitlines() if line.split()[:1] in (["apple"], ["deezer"], ["yandex"])
    ]
    assert sum(shares) == pytest.approx(0.9967, abs=2e-4)
    code, _, complaint = chartropy("composite", "--place", "90")
    assert (code, "has 5 places" in complaint) == (2, True)


def test_no_composite_says_what_it_needs(chartropy):
    code, _, complaint = chartropy("composite")
    assert (code, "it needs charts of two platforms" in complaint) == (2, True)


# -- recordings --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("imported")
def test_recordings_are_merged_and_split_as_the_user_says_and_stay_so(chartropy, tmp_path):
    before = ids(chartropy)
    one, other = before["Dabro", "Юность"][0], before["Ramil'", "Сияй"][0]
    assert one != other
    code, said, _ = chartropy("recordings", "merge", one[:8], other)
    assert (code, said.startswith("One recording: ")) == (0, True)
    chartropy("import", tmp_path / "chart.csv", "--source", "deezer-top", "--week", "2026-06-25")
    merged = ids(chartropy)
    assert merged["Dabro", "Юность"][0] == merged["Ramil'", "Сияй"][0]
    code, said, _ = chartropy("recordings", "split", merged["Dabro", "Юность"][1])
    assert (code, "Now 2 recordings" in said) == (0, True)
    chartropy("import", tmp_path / "chart.csv", "--source", "deezer-top", "--week", "2026-06-18")
    apart = ids(chartropy)
    assert apart["Dabro", "Юность"][0] != apart["Ramil'", "Сияй"][0]
    assert len(apart) == len(before)


@pytest.mark.usefixtures("imported")
def test_the_least_certain_pairs_come_as_a_table(chartropy):
    rows = list(csv.DictReader(io.StringIO(chartropy("recordings", "review")[1].lstrip("\ufeff"))))
    assert {(row["name"], row["other name"]) for row in rows} | {(row["other name"], row["name"]) for row in rows} >= {
        ("Zivert - Life", "Zivert - Life (feat. Niletto)")
    }
    assert all(row["state"] in ("merged", "apart") and 0 < float(row["score"]) <= 1 and row["evidence"] for row in rows)


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("merge", "r-none", "r-nothing"), "no such recording"),
        (("merge", "r", "r"), "several recordings begin so"),
        (("split", "r-none"), "no such recording"),
    ],
)
def test_what_is_no_recording_is_named(chartropy, arguments, said):
    code, _, complaint = chartropy("recordings", *arguments)
    assert (code, said in complaint, "Traceback" in complaint) == (1, True, False)


# -- importing, status -------------------------------------------------------------------------------------------------


def test_period_and_country_are_taken_from_the_command_where_a_file_does_not_say(chartropy, tmp_path):
    file = tmp_path / "chart.json"
    file.write_text(json.dumps([{"position": 1, "artist": "A", "title": "T"}]))
    code, said, _ = chartropy(
        "import", file, "--source", "tophit-radio", "--week", "2024-05-01", "--period", "annual", "--country", "kz"
    )
    assert (code, said) == (3, "tophit-radio (kz, annual), year 2024: 1 positions\n")
    code, _, complaint = chartropy("import", file, "--source", "tophit-radio", "--period", "yearly")
    assert (code, "--period yearly: choose one of daily, weekly" in complaint) == (2, True)


def test_a_long_silence_is_one_line_of_the_status(chartropy, tmp_path):
    (tmp_path / "chart.csv").write_text("position,artist,title\n1,A,T\n")
    for week in ("2025-01-02", "2025-01-16", "2026-06-25"):
        chartropy("import", tmp_path / "chart.csv", "--source", "vk-top", "--week", week)
    said = " ".join(chartropy("status")[1].split())
    assert "3 weeks, 3 entries" in said
    assert "2025-01-09 none" in said
    assert "2025-01-23 to 2026-06-18 none in 74 weeks" in said


def test_a_span_that_is_none_is_named(chartropy):
    for arguments, said in (
        (("--from", "2026-07-02", "--to", "2026-06-01"), "that is no span"),
        (("--to", "2026-06-01"), "--to needs --from"),
        (("--week", "2026-06-01", "--from", "2026-06-01"), "give one or the other"),
        (("--from", "2026-08-01"), "that is no span"),
        (("--period", "hourly"), "choose one of daily"),
    ):
        code, _, complaint = chartropy("collect", *arguments)
        assert (code, said in complaint) == (2, True), (arguments, complaint)
