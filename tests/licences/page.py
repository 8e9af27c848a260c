"""The tables of cases as a page of the docs.

Run as ``python -m tests.licences.page > docs/credentials-cases.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from tests.licences import credential_cases, licence_cases

HEAD = """\
# Content credentials and licences: the cases

`tests/licences/test_cases.py` makes each of these, with authorities and keys of its own, and \
reads it in a process that the
kernel kills if anything in it asks for a connection. Nothing else is said in any of them. \
The page is written by `make api`.
"""


def page() -> str:
    """Returns the whole page."""
    return "\n".join([HEAD, *_credentials(), "", *_licences(), ""])


def _credentials() -> Iterator[str]:
    yield f"## Content credentials: {len(credential_cases.CASES)} cases\n"
    yield (
        "`trusted` is the signer on the reader's list; "
        "AI is what is declared, whatever the seal says of it.\n"
    )
    yield from _row("what is made", "seal", "signer", "AI", "problem")
    yield from _row(*["---"] * 5)
    for case in credential_cases.CASES:
        signer = (
            f"{case.signer}, {'trusted' if case.by_trusted else 'not trusted'}"
            if case.signer
            else ""
        )
        problem = f"`{case.problem}`" if case.problem else ""
        yield from _row(case.made, case.seal.value, signer, "declared" if case.ai else "", problem)


def _licences() -> Iterator[str]:
    yield f"## Licences: {len(licence_cases.CASES)} cases\n"
    yield (
        "A licence as it is granted, for a face that was found changed, "
        "unless another answer is named.\n"
    )
    yield from _row("what is granted", "measured", "verdict", "why a licence does not hold")
    yield from _row(*["---"] * 4)
    for case in licence_cases.CASES:
        because = f"`{case.because}`" if case.because else ""
        yield from _row(case.made, case.answer.value, f"**{case.verdict.value}**", because)


def _row(*cells: str) -> Iterable[str]:
    return [f"| {' | '.join(cells)} |".replace("|  |", "| |")]


if __name__ == "__main__":
    sys.stdout.write(page())
