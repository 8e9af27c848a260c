"""The table of licences: what is granted, and what is said of a person.

The person's face was changed, or is declared to be.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.licences.credential_cases import OURS, flipped, signed
from tests.licences.footage import FILE, film, judged, of, of_film, person
from tests.support.owner import Owner
from unmask.licences import licence
from unmask.licences.licence import Licence, Part
from unmask.types import Labels, Match, Verdict

ON_HER = (12.0, 0.5, 0.33)
"""A mark on the first person's face: s, and parts of the picture."""
MINUTE = 1 / 24 / 60
"""One minute in days."""


@dataclass(frozen=True)
class Desk:
    """Parties to a case: the portrait's owner, whose folder is the register, and a stranger."""

    zoe: Owner
    mallory: Owner

    @classmethod
    def of(cls, folder: Path) -> Desk:
        """Makes both."""
        return cls(Owner.in_folder(folder / "desk"), Owner.in_folder(folder / "mallory", "Mallory"))

    def grants(
        self, by: Owner | None = None, days: tuple[float, float] = (-1, 30), **fields: object
    ) -> Path:
        """Adds a licence to the register; for the file, if nothing else is named."""
        number = len(list(self.zoe.folder.glob("*.json")))
        of = {"files": [FILE]} if "works" not in fields else {}
        by = by or self.zoe
        path = by.grants(f"licence-{number}.json", days, **{**of, **fields})
        if by is not self.zoe:
            for name in (path.name, "list.json"):
                (self.zoe.folder / f"other-{name}").write_bytes((by.folder / name).read_bytes())
        return path

    def revokes(self, *paths: Path, days: float = 0, holds: float | None = None) -> None:
        """Revokes licences, or, without any, signs a list, ``days`` from now, that revokes none."""
        at = datetime.now(UTC) + timedelta(days=days)
        gone = tuple(Licence.of(path) for path in paths)
        licence.revoke(gone, self.zoe.folder / "list.json", self.zoe.key, at, holds)


NO_LABEL = Labels()
Granted = Callable[[Desk], object]


@dataclass(frozen=True)
class Case:
    """A row: what is granted, and what is said.

    Attributes:
        because: code of why a licence that reaches the person does not hold; empty if there is
            none.
        answer: verdict on the person as measured.
        days: time of the check, counted from now.
        carries: content of the file; by default an empty photo.
    """

    made: str
    make: Granted
    verdict: Verdict
    because: str = ""
    answer: Verdict = Verdict.CHANGED
    labels: Labels = NO_LABEL
    days: float = 0
    matches: tuple[Match, ...] = (film(10.0),)
    people: int = 1
    carries: Callable[[], bytes] = lambda: b"\xff\xd8\xff\xd9"


def said(case: Case, folder: Path) -> tuple[Verdict, str]:
    """Returns the verdict on the first person, and why the licence for them does not hold."""
    desk = Desk.of(folder)
    case.make(desk)
    plain = folder / "clip.jpg"
    plain.write_bytes(case.carries())
    (desk.zoe.folder / "ours.pem").write_text(OURS.pem)
    people = [person(number, case.answer) for number in range(1, case.people + 1)]
    found = judged(of(desk.zoe, plain, case.labels, case.days), *people, matches=case.matches)[0]
    refused = [one.refused.code for one in found.licences if one.refused is not None]
    return found.verdict, refused[0] if refused else ""


def tampered(desk: Desk) -> None:
    """Grants a licence, and changes its licensee after signing."""
    path = desk.grants()
    document = json.loads(path.read_text())
    document["credentialSubject"]["licensee"] = "Somebody else"
    path.write_text(json.dumps(document))


def oversized(desk: Desk) -> None:
    """Grants a licence padded with spaces beyond the size that is read."""
    path = desk.grants()
    path.write_bytes(path.read_bytes() + b" " * (4 << 20))


def without_list(desk: Desk) -> None:
    """Grants a licence without a list of revocations."""
    desk.grants()
    (desk.zoe.folder / "list.json").unlink()


def from_old_list(desk: Desk) -> None:
    """Grants a licence that is newer than the list at hand."""
    desk.grants(files=["ef" * 32])
    old = (desk.zoe.folder / "list.json").read_bytes()
    desk.grants()
    (desk.zoe.folder / "list.json").write_bytes(old)


def in_her_name(desk: Desk) -> None:
    """Grants a licence for another person, signed by a stranger whose key is vouched for."""
    desk.grants(desk.mallory, name=desk.zoe.name)
    (desk.zoe.folder / "mallory.pub").write_bytes((desk.mallory.folder / "key.pub").read_bytes())


CHANGED, LICENSED, NO_CHANGE = Verdict.CHANGED, Verdict.LICENSED_CHANGE, Verdict.NO_CHANGE_FOUND
CANNOT_TELL = Verdict.CANNOT_TELL
STUDIO, ANOTHER = Labels("The studio"), Labels("Another studio")

CASES = (
    Case("for this file", lambda d: d.grants(), LICENSED),
    Case("for this work, marked on this face", lambda d: d.grants(works=of_film(ON_HER)), LICENSED),
    Case("for another file", lambda d: d.grants(files=["ef" * 32]), CHANGED),
    Case("for another work", lambda d: d.grants(works=of_film(ON_HER)), CHANGED, matches=()),
    Case("marked on another person", lambda d: d.grants(works=of_film((12.0, 0.9, 0.33))), CHANGED),
    Case("marked at a time that the file does not show",
         lambda d: d.grants(works=of_film((30.0, 0.5, 0.33))), CHANGED),
    Case("marked where two faces are", lambda d: d.grants(works=of_film(ON_HER)), CHANGED,
         people=2),
    Case("for this file, in which two were changed", lambda d: d.grants(), CHANGED, people=2),
    Case("of the covered face alone", lambda d: d.grants(part=Part.COVERED), CHANGED),
    Case("ended", lambda d: d.grants(days=(-1, 5)), CHANGED, "licence.ended", days=6),
    Case("not in force yet", lambda d: d.grants(days=(1, 5)), CHANGED, "licence.not_yet"),
    Case("in force in four minutes: clocks differ", lambda d: d.grants(days=(4 * MINUTE, 5)),
         LICENSED),
    Case("in force in ten minutes", lambda d: d.grants(days=(10 * MINUTE, 5)), CHANGED,
         "licence.not_yet"),
    Case("taken back", lambda d: d.revokes(d.grants()), CHANGED, "licence.revoked"),
    Case("another one taken back", lambda d: (d.grants(), d.revokes(d.grants(files=["ef" * 32]))),
         LICENSED),
    Case("taken back, and a second one that stands", lambda d: (d.revokes(d.grants()), d.grants()),
         LICENSED, "licence.revoked"),
    Case("without a list", without_list, CHANGED, "licence.no_list"),
    Case("with a list of eight days ago", lambda d: d.grants(), CHANGED, "licence.list_stale",
         days=8),
    Case("with an old list that says it holds for a year",
         lambda d: (d.grants(), d.revokes(holds=365)), CHANGED, "licence.list_stale", days=8),
    Case("with a list of four minutes ahead: clocks differ",
         lambda d: (d.grants(), d.revokes(days=4 * MINUTE)), LICENSED),
    Case("with a list of tomorrow", lambda d: (d.grants(), d.revokes(days=1)), CHANGED,
         "licence.list_future"),
    Case("newer than the list", from_old_list, CHANGED, "licence.list_without"),
    Case("by a key that nobody vouched for", lambda d: d.grants(d.mallory), CHANGED,
         "licence.unknown_key"),
    Case("for another person than the key may sign for", in_her_name, CHANGED,
         "licence.not_theirs"),
    Case("to another studio than the label names", lambda d: d.grants(), CHANGED,
         "licence.other_licensee", labels=ANOTHER),
    Case("altered after it was signed", tampered, CHANGED),
    Case("of four megabytes and more", oversized, CHANGED),
    Case("declared by a label, nothing found", lambda d: d.grants(), LICENSED, answer=NO_CHANGE,
         labels=STUDIO),
    Case("declared by a label, nothing could be told", lambda d: d.grants(), LICENSED,
         answer=CANNOT_TELL, labels=STUDIO),
    Case("declared by a label, no licence", lambda _: None, NO_CHANGE, answer=NO_CHANGE,
         labels=STUDIO),
    Case("declared by credentials", lambda d: d.grants(), LICENSED, answer=NO_CHANGE,
         carries=signed),
    Case("declared by credentials that do not fit any more", lambda d: d.grants(), NO_CHANGE,
         answer=NO_CHANGE, carries=lambda: flipped(signed(), -40)),
    Case("nothing declared, nothing found", lambda d: d.grants(), NO_CHANGE, answer=NO_CHANGE),
)  # fmt: skip
