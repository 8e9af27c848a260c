"""Result of a take: the answer for one file, or for several that are one take."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.errors import UsageError
from unmask.messages import Message
from unmask.takes.findings import Finding, TakeAnswer, Unseen, merged
from unmask.takes.power import Power
from unmask.types import MediaFacts, Seal, SegmentSeal


@dataclass(frozen=True, slots=True)
class TakeSettings:
    """Settings of a judgement.

    Attributes:
        thorough: whether all pictures are decoded, however long the footage is.
        power: whether cuts are made at random places, to measure how many are found.
        seed: seed of the random places.
    """

    thorough: bool = False
    power: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"a seed is 0 or more, not {self.seed}")


@dataclass(frozen=True, slots=True)
class TakeFile:
    """One file of a take.

    Attributes:
        path: as the caller gave it.
        sha256: of the file.
        start: where it begins in the take, s.
        duration: s.
        size_bytes: of the file.
        seal: what its signature as a live segment says; None where that was not looked at.
        follows: whether it is signed to follow the file before; None where nothing says so.
    """

    path: str
    sha256: str
    start: float
    duration: float
    size_bytes: int
    seal: SegmentSeal | None = None
    follows: bool | None = None


@dataclass(frozen=True, slots=True)
class TakeResult:
    """The answer for one file, or for several that are one take.

    Attributes:
        path: as the caller gave it; of several files, the first.
        answer: None where the file could not be read; ``error`` then says why.
        reason: one sentence for the answer.
        findings: breaks of the take, and other notes, in order of time.
        unseen: stretches in which a cut could not have been seen, in order of time.
        decoded: share of the footage of which all pictures were looked at, 0 to 1.
        looked: the stretches, s, of which all pictures were looked at, in order of time.
        followed: stretches, s, in which a steady tone was followed, in order of time.
        power: how many tried cuts were found, by the seconds they took out; empty where none were
            tried.
        media: facts about the file; of several files, the first.
        parts: all files, in order.
        report: path of the page that was written, if one was.
    """

    path: str
    answer: TakeAnswer | None
    reason: Message
    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    decoded: float = 0.0
    looked: tuple[tuple[float, float], ...] = ()
    followed: tuple[tuple[float, float], ...] = ()
    power: tuple[Power, ...] = ()
    media: MediaFacts | None = None
    parts: tuple[TakeFile, ...] = ()
    error: Message | None = None
    report: str | None = None

    @property
    def breaks(self) -> tuple[Finding, ...]:
        """Findings that break the take."""
        return tuple(finding for finding in self.findings if finding.kind.breaks)

    @property
    def duration(self) -> float:
        """Total duration, s."""
        return sum(part.duration for part in self.parts)

    @property
    def blind(self) -> float:
        """Total seconds in which a cut could not have been seen."""
        return sum(
            end - start for start, end in merged([(one.start, one.end) for one in self.unseen])
        )

    @property
    def signed(self) -> Message | None:
        """Sentence on the signatures of live segments; None where there are none."""
        seals = [part.seal for part in self.parts if part.seal]
        if all(one.seal is Seal.NONE for one in seals):
            return None
        told: dict[str, int | str] = {
            "held": sum(one.seal is Seal.INTACT for one in seals),
            "all": len(self.parts),
            "linked": sum(part.follows is True for part in self.parts),
            "seams": len(self.parts) - 1,
            "signers": ", ".join(dict.fromkeys(one.signer for one in seals if one.signer)) or "?",
        }
        return Message("take.signed", told)

    @property
    def looked_at(self) -> Message:
        """Sentence that says how much of the footage was decoded in full."""
        if self.decoded > 0.999:
            return Message("take.decoded_all")
        return Message("take.decoded_part", {"percent": round(100 * self.decoded)})

    @classmethod
    def failed(cls, path: str, error: Message) -> TakeResult:
        """Builds the answer for a file that could not be read."""
        return cls(path=path, answer=None, reason=error, error=error)
