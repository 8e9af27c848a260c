"""Every case of the tables, read in a process that is killed if it asks for a connection."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from tests.licences import credential_cases, licence_cases, page
from tests.support import offline
from unmask.licences import manifest
from unmask.licences.telling import told
from unmask.types import ContentCredentials, Labels

pytestmark = pytest.mark.slow

LICENCES = {case.made: case for case in licence_cases.CASES}


@pytest.fixture(scope="module")
def reader() -> Iterator[ProcessPoolExecutor]:
    """Starts a process without a network."""
    with offline.reader() as pool:
        yield pool


def read(raw: bytes, trusted: str) -> ContentCredentials:
    return manifest.read(io.BytesIO(raw), trusted)


def judge(made: str, folder: Path) -> tuple[str, str]:
    """Returns the answer of a case of licences, by its name."""
    verdict, because = licence_cases.said(LICENCES[made], folder)
    return verdict.value, because


def connect() -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


@pytest.mark.parametrize("case", credential_cases.CASES, ids=lambda case: case.made)
def test_of_content_credentials_is_said_what_the_table_says(
    case: credential_cases.Case, reader: ProcessPoolExecutor
) -> None:
    found = reader.submit(read, case.make(), case.trusted).result(timeout=60)
    assert (found.seal, found.signer, found.trusted) == (case.seal, case.signer, case.by_trusted)
    assert (found.declares_ai, found.manifests) == (case.ai, case.manifests)
    assert tuple(one.code for one in told(found, Labels())) == case.sentences
    assert (
        any(one.startswith(case.problem) for one in found.problems)
        if case.problem
        else found.problems == ()
    )


@pytest.mark.parametrize("case", licence_cases.CASES, ids=lambda case: case.made)
def test_of_a_licence_is_said_what_the_table_says(
    case: licence_cases.Case, reader: ProcessPoolExecutor, tmp_path: Path
) -> None:
    found = reader.submit(judge, case.made, tmp_path).result(timeout=60)
    assert found == (case.verdict.value, case.because)


def test_a_reader_that_asks_for_a_connection_dies() -> None:
    with offline.reader() as pool, pytest.raises(BrokenProcessPool):
        pool.submit(connect).result(timeout=60)


def test_there_are_enough_cases_and_the_page_has_them_all() -> None:
    assert len(credential_cases.CASES) + len(licence_cases.CASES) >= 40
    assert (Path(__file__).parents[2] / "docs" / "credentials-cases.md").read_text(
        encoding="utf-8"
    ) == page.page()
