"""The notice to the uploader: the decision, its grounds, how it came about, and how to contest it.

It contains all that a statement of reasons must contain under article 17 (3) of Regulation (EU)
2022/2065, the Digital Services Act: (a) the restriction, where and how long it holds, (b) the
facts, (c) the use of automated means, (d, e) the law or the clause of the terms, and why, (f) the
ways to contest it: with us, article 20; out of court, article 21; in court. Only the reviewer knows
whether somebody reported the file, (b): that belongs in the grounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from unmask.errors import printable
from unmask.messages import Message, Value
from unmask.service.store.tables import CaseFile, Check
from unmask.words import language
from unmask.words.dates import day

OF_ITS_ORIGIN = frozenset(
    (
        *("limit.no_licence", "limit.declared"),
        *("limit.stripped", "limit.stripped_unnamed", "limit.stripped_unfit"),
    )
)
"""Limits that say where the file comes from, and so belong in the notice."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, as a notice describes it.

    Attributes:
        decision: ``keep``, ``label``, ``take down`` or ``restore``.
        grounds: the reviewer's words.
        rule: the law or the clause; empty where nothing is restricted.
        illegal: whether the rule is a law.
        on_appeal: whether an appeal was decided.
        time: s since 1970.
    """

    decision: str
    grounds: str
    rule: str
    illegal: bool
    on_appeal: bool
    time: float


def write(
    code: str, case: CaseFile, check: Check, decided: Decided, by_itself: bool, by_person: bool
) -> str:
    """Writes the notice as plain text, one paragraph per subject.

    Args:
        code: of the language, one of `unmask.words.codes`.
        case: the decided case.
        check: the check of the file.
        decided: the decision.
        by_itself: whether the check opened the case, not a person.
        by_person: whether a person decided.
    """
    t = language(code)
    paragraphs = [
        Message("statement.heading", {"name": printable(check.name)}),
        Message("statement.appeal") if decided.on_appeal else None,
        _decision(decided, day(t, decided.time)),
        _facts(check, day(t, check.created)),
        *_origin(check),
        Message("statement.grounds", {"grounds": decided.grounds}),
        _rule(decided) if decided.rule else None,
        _came_about(by_itself, by_person),
        None if decided.on_appeal else Message("statement.contest", {"case": case.id}),
        Message("statement.elsewhere") if decided.rule or decided.on_appeal else None,
    ]
    return "\n\n".join(t.say(paragraph) for paragraph in paragraphs if paragraph)


def _decision(decided: Decided, date: str) -> Message:
    decision = Message(f"statement.decision.{decided.decision}")
    return (
        Message("statement.restricted", {"decision": decision, "date": date})
        if decided.rule
        else decision
    )


def _facts(check: Check, date: str) -> Message:
    finding = Message(f"statement.verdict.{check.outcome or 'none'}")
    values: dict[str, Value] = {"date": date, "sha256": check.sha256, "finding": finding}
    if check.log10_lr is not None and check.log10_lr >= 1:
        return Message("statement.facts_strength", {**values, "log10_lr": check.log10_lr})
    return Message("statement.facts", values)


def _origin(check: Check) -> list[Message]:
    """Says what the file declares without a licence, why one does not hold, and what it lost."""
    if check.result is None:
        return []
    document = check.document
    reasons = (person.message("reason") for person in document.people)
    refused = [
        Message("limit.no_licence", {"why": reason.values["why"]})
        for reason in reasons
        if reason.code == "face.unlicensed"
    ]
    limits = [limit for limit in document.all_limits() if limit.code in OF_ITS_ORIGIN]
    return list(dict.fromkeys((*refused, *limits)))


def _rule(decided: Decided) -> Message:
    values = {"rule": decided.rule}
    return (
        Message("statement.law", values) if decided.illegal else Message("statement.terms", values)
    )


def _came_about(by_itself: bool, by_person: bool) -> Message:
    opened = Message("statement.automatic") if by_itself else Message("statement.opened")
    decided = Message("statement.person") if by_person else Message("statement.program")
    return Message("statement.came_about", {"opened": opened, "decided": decided})
