"""The CSV table: its rows, its form, and that no cell is a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests import results
from tests.report import strategies
from unmask.report import table
from unmask.types import Basis, CheckResult, Verdict

FREE_TEXT = ("path", "error", "reason", "lines")


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_per_person() -> None:
    rows = read(table.dumps([results.crowd(12), results.changed_video()]))
    assert [row["person"] for row in rows] == [*map(str, range(1, 13)), "1"]
    assert rows[1]["verdict"] == rows[1]["file_verdict"] == "changed"
    assert rows[2]["verdict"] == "cannot tell"
    assert rows[2]["log10_lr"] == ""
    assert rows[12]["changed_seconds"] == "3.200 to 9.100; 12.400 to 13.000"
    assert rows[12]["lines"] == "learned 2.21; texture 0.31; motion -0.22"


def test_a_row_for_a_file_without_people_or_with_an_error() -> None:
    nobody, failed = read(table.dumps([results.nobody(), results.failed()]))
    assert (nobody["person"], nobody["verdict"], nobody["error"]) == ("", "no face", "")
    assert nobody["file_verdict"] == "no face"
    assert nobody["reason"] == "No face was found in this photo."
    assert failed["verdict"] == failed["file_verdict"] == ""
    assert "breaks off" in failed["error"]


def test_the_prior_that_was_stated_and_what_follows_from_it() -> None:
    stated = replace(results.changed_video(), prior=0.001, posterior=0.169492)
    untold = replace(results.nobody(), prior=0.001)
    first, second, third = read(
        table.dumps([stated, untold, replace(stated, prior=None, posterior=None)])
    )
    assert (first["prior"], first["posterior"]) == ("0.001", "0.169492")
    assert (second["prior"], second["posterior"]) == ("0.001", "")
    assert (third["prior"], third["posterior"]) == ("", "")


@pytest.mark.parametrize("basis", list(Basis))
def test_what_the_verdict_rests_on(basis: Basis) -> None:
    whole = results.changed_video()
    person = replace(whole.people[0], verdict=Verdict.LICENSED_CHANGE, basis=basis)
    licensed, nobody = read(table.dumps([replace(whole, people=(person,)), results.nobody()]))
    assert (licensed["basis"], nobody["basis"]) == (basis.value, "")


def test_lines_end_as_rfc_4180_says_and_quotes_are_doubled() -> None:
    text = table.dumps([results.clean_photo('a "b", c.jpg')])
    assert text.count("\r\n") == text.count("\n") == 2
    assert '"a ""b"", c.jpg"' in text


@pytest.mark.parametrize("start", table.FORMULA, ids=ascii)
def test_a_file_name_is_no_formula(start: str) -> None:
    name = f"{start}HYPERLINK(1).jpg"
    assert read(table.dumps([results.nobody(name)]))[0]["path"] == f"'{name}"


def test_negative_numbers_stay_numbers() -> None:
    assert read(table.dumps([results.clean_photo()]))[0]["log10_lr"] == "-1.600"


def test_results_are_written_as_they_come() -> None:
    file = io.StringIO(newline="")
    seen = []

    def coming() -> object:
        for result in (results.nobody(), results.failed()):
            seen.append(file.getvalue().count("\r\n"))
            yield result

    table.write(coming(), file)  # type: ignore[arg-type]
    assert seen == [1, 2]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(strategies.results())
def test_any_result_makes_a_table(result: CheckResult) -> None:
    text = table.dumps([result])
    text.encode()
    rows = read(text)
    assert len(rows) == max(1, len(result.people))
    assert all(list(row) == list(table.COLUMNS) for row in rows)
    assert not any(row[column].startswith(table.FORMULA) for row in rows for column in FREE_TEXT)


def test_a_line_of_evidence_may_have_any_name() -> None:
    person = replace(results.person(), lines={"=1+1": results.line()})
    row = read(table.dumps([replace(results.changed_video(), people=(person,))]))[0]
    assert row["lines"].startswith("'=")
