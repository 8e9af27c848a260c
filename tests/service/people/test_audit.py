"""The audit chain: no entry can be changed, dropped, swapped, inserted or cut off unnoticed."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from tests.service.desk import Desk
from unmask.cli import app
from unmask.errors import UsageError
from unmask.service.people import audit
from unmask.service.people.audit import Anchor
from unmask.service.store.tables import AuditEntry

ENTRIES = 6
COLUMNS = ("time", "actor", "actor_name", "action", "subject", "detail", "previous", "hash")
NUMBERS = st.integers(1, ENTRIES)
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Chain:
    """A log of a few entries, and somebody who owns the database and forges it."""

    def __init__(self, desk: Desk) -> None:
        self.tenant, self._database = desk.tenants["ours"], desk.database
        with self._database.transaction() as session:
            for number in range(ENTRIES):
                audit.record(
                    session, desk.system(), "thing.done", f"subject {number}", figure=number / 7
                )
        with self._database.transaction() as session:
            for change in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER audit_refuses_{change}"))
        with self._database.reading() as session:
            self.anchor = audit.newest(session, self.tenant)
            self.good = self._rows(session)

    def verify(self, *anchors: Anchor) -> audit.Verification:
        with self._database.reading() as session:
            return audit.verify(session, self.tenant, *anchors)

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Replaces the chain's rows."""
        with self._database.transaction() as session:
            session.execute(delete(AuditEntry).where(AuditEntry.tenant == self.tenant))
            if rows:
                session.execute(insert(AuditEntry), rows)

    def _rows(self, session: Session) -> list[dict[str, Any]]:
        query = (
            select(*AuditEntry.__table__.columns)
            .where(AuditEntry.tenant == self.tenant)
            .order_by(AuditEntry.number)
        )
        return [dict(row._mapping) for row in session.execute(query)]


@pytest.fixture
def chain(desk: Desk) -> Chain:
    return Chain(desk)


def rehashed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Forges the rows as somebody who knows how the chain is made."""
    previous, forged = audit.START, []
    for row in rows:
        entry = AuditEntry(**{**row, "previous": previous})
        previous = hashlib.sha256(audit.canonical(entry).encode()).hexdigest()
        forged.append({**row, "previous": entry.previous, "hash": previous})
    return forged


def test_an_untouched_chain_is_intact(chain: Chain) -> None:
    found = chain.verify(chain.anchor)
    assert (found.count, found.head, found.broken) == (ENTRIES, chain.anchor.hash, None)


@FEW
@given(number=NUMBERS, column=st.sampled_from(COLUMNS), data=st.data())
def test_a_changed_entry_is_named(
    chain: Chain, number: int, column: str, data: st.DataObject
) -> None:
    kinds = {
        "time": st.floats(0, 2e9),
        "detail": st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    }
    value = data.draw(
        kinds.get(column, st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
    )
    rows = [dict(row) for row in chain.good]
    assume(value != rows[number - 1][column])
    rows[number - 1][column] = value
    chain.write(rows)
    assert chain.verify().broken == number


@FEW
@given(numbers=st.sets(st.integers(1, ENTRIES - 1), min_size=1))
def test_dropped_entries_are_noticed(chain: Chain, numbers: set[int]) -> None:
    chain.write([row for row in chain.good if row["number"] not in numbers])
    assert chain.verify().broken == min(numbers)


@FEW
@given(one=NUMBERS, other=NUMBERS, renumbered=st.booleans())
def test_swapped_entries_are_noticed(chain: Chain, one: int, other: int, renumbered: bool) -> None:
    assume(one != other)
    rows = [dict(row) for row in chain.good]
    rows[one - 1], rows[other - 1] = rows[other - 1], rows[one - 1]
    if renumbered:
        rows = [{**row, "number": number} for number, row in enumerate(rows, start=1)]
    else:
        rows[one - 1]["number"], rows[other - 1]["number"] = one, other
    chain.write(rows)
    assert chain.verify().broken == min(one, other)


@FEW
@given(number=NUMBERS)
def test_an_inserted_entry_is_noticed(chain: Chain, number: int) -> None:
    forged = {**chain.good[number - 1], "action": "thing.forged"}
    rows = [*chain.good[: number - 1], forged, *chain.good[number - 1 :]]
    chain.write([{**row, "number": at} for at, row in enumerate(rows, start=1)])
    assert chain.verify().broken == number


@FEW
@given(left=st.integers(0, ENTRIES - 1))
def test_a_cut_off_end_is_noticed_by_an_anchor(chain: Chain, left: int) -> None:
    chain.write(chain.good[:left])
    assert chain.verify().broken is None
    assert chain.verify(chain.anchor).broken == left + 1


@FEW
@given(number=NUMBERS)
def test_a_rest_forged_with_all_its_hashes_is_noticed_by_an_anchor(
    chain: Chain, number: int
) -> None:
    rows = [dict(row) for row in chain.good]
    rows[number - 1]["actor"] = "somebody else"
    chain.write(rehashed(rows))
    assert chain.verify().broken is None
    assert chain.verify(chain.anchor).broken == ENTRIES


@FEW
@given(detail=st.dictionaries(st.text(), json_values, max_size=4))
def test_whatever_was_recorded_verifies(desk: Desk, detail: dict[str, Any]) -> None:
    safe = {f"field {number}": value for number, value in enumerate(detail.values())}
    with desk.database.transaction() as session:
        audit.record(session, desk.system(), "thing.done", "subject", **safe)
    with desk.database.reading() as session:
        assert audit.verify(session, desk.tenants["ours"]).broken is None


def test_whatever_was_recorded_verifies_on_postgresql(either_desk: Desk) -> None:
    odd = {
        "text": "ok \u2028 \U0001f600 \x00 \ud800",
        "floats": [0.1, 1e-7, 1e300, -0.0, 12345.678],
        "nested": {"z": 1, "a": [None]},
    }
    with either_desk.database.transaction() as session:
        audit.record(session, either_desk.system(), "thing.done", "subject", **odd)
    with either_desk.database.reading() as session:
        assert audit.verify(session, either_desk.tenants["ours"]) == audit.Verification(
            1, audit.newest(session, either_desk.tenants["ours"]).hash
        )


def test_many_who_write_at_once_make_one_chain(either_desk: Desk) -> None:
    def write(number: int) -> None:
        with either_desk.database.transaction() as session:
            audit.record(
                session,
                either_desk.system(("ours", "theirs")[number % 2]),
                "thing.done",
                str(number),
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with either_desk.database.reading() as session:
        for tenant in either_desk.tenants.values():
            found = audit.verify(session, tenant)
            assert (found.count, found.broken) == (20, None)


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit SET action = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE number = 7"],
)
def test_the_database_itself_lets_it_only_grow(either_desk: Desk, change: str) -> None:
    with either_desk.database.transaction() as session:
        for number in range(7):
            audit.record(session, either_desk.system(), "thing.done", str(number))

    def attempt() -> None:
        with either_desk.database.transaction() as session:
            session.execute(text(change))

    with pytest.raises(DBAPIError, match="only grows"):
        attempt()
    with either_desk.database.reading() as session:
        assert audit.verify(session, either_desk.tenants["ours"]).count == 7


def test_what_is_taken_back_leaves_no_entry(desk: Desk) -> None:
    def record_and_fail() -> None:
        with desk.database.transaction() as session:
            audit.record(session, desk.system(), "thing.done", "subject")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        record_and_fail()
    with desk.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_an_export_can_be_verified_without_unmask(desk: Desk, chain: Chain) -> None:
    _, secret = desk.key(*desk.actor("ada").scopes)
    lines = desk.program(secret).get("/api/v1/audit/export").text.splitlines()
    previous = "0" * 64
    for number, line in enumerate(lines, start=1):
        entry, digest = line.removeprefix('{"entry":').removesuffix('"}').rsplit(',"hash":"', 1)
        assert hashlib.sha256(entry.encode()).hexdigest() == digest
        assert json.loads(line)["entry"]["number"] == number
        assert json.loads(line)["entry"]["previous"] == previous
        previous = digest
    assert len(lines) == ENTRIES + 1


def test_the_page_of_the_log_and_its_verification(desk: Desk, chain: Chain) -> None:
    admin = desk.browser(person="ada")
    page = admin.get("/api/v1/audit", params={"limit": 4}).json()
    assert [entry["number"] for entry in page["entries"]] == [7, 6, 5, 4]
    rest = admin.get("/api/v1/audit", params={"limit": 4, "before": page["next"]}).json()
    assert [entry["number"] for entry in rest["entries"]] == [3, 2, 1]
    assert rest["next"] is None
    assert admin.get("/api/v1/audit/verification").json()["intact"]
    chain.write(chain.good[:3])
    asked = {"number": chain.anchor.number, "hash": chain.anchor.hash}
    assert admin.get("/api/v1/audit/verification", params=asked).json()["broken"] == 4


def test_the_command_verifies_names_the_break_and_takes_anchors(
    desk: Desk, chain: Chain, tmp_path: Path
) -> None:
    run, data = CliRunner().invoke, ["--data", str(desk.data)]
    intact = run(app, ["audit", "verify", *data])
    assert intact.exit_code == 0
    assert f"{chain.tenant}: intact, {ENTRIES} in all, head {chain.anchor.hash}" in intact.stdout
    anchors = tmp_path / "anchors.txt"
    anchors.write_text(run(app, ["audit", "anchor", *data]).stdout)
    assert run(app, ["audit", "verify", *data, "--anchors", str(anchors)]).exit_code == 0
    chain.write(chain.good[:2])
    assert run(app, ["audit", "verify", *data]).exit_code == 0
    cut = run(app, ["audit", "verify", *data, "--anchors", str(anchors)])
    assert cut.exit_code == 1
    assert f"{chain.tenant}: entry 3 is not as it was written: it is gone" in cut.stdout
    with desk.database.transaction() as session:
        session.execute(
            update(AuditEntry).where(AuditEntry.number == 2).values(action="thing.forged")
        )
    changed = run(app, ["audit", "verify", *data])
    assert changed.exit_code == 1
    assert "entry 2 is not as it was written: it was changed" in changed.stdout


def test_the_command_makes_no_service_where_there_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["audit", "verify", "--data", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "holds no service" in result.stderr
    assert not (tmp_path / "nowhere").exists()


@given(line=st.text())
def test_what_is_no_anchor_is_refused(line: str) -> None:
    try:
        anchor = Anchor.parse(line)
    except UsageError:
        return
    assert Anchor.parse(str(anchor)) == anchor
