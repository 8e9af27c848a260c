"""The notice to the uploader: what was decided, on what grounds, how it came about, and how to contest it.

It carries what a statement of reasons must contain under article 17 (3) of Regulation (EU) 2022/2065, the Digital Services
Act: (a) the restriction, where and how long it holds, (b) the facts, (c) the use of automated means, (d, e) the law or the
clause of the terms, and why, (f) the ways to contest it: with us, article 20; out of court, article 21; in court. Whether
somebody reported the file, (b), only the reviewer knows: it belongs into the grounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from unmask.errors import printable
from unmask.report.wording import about, ratio
from unmask.service.store.tables import CaseFile, Check

LANGUAGES = ("en", "zh")
"""In which every notice is written."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, as a notice tells it.

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


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language, with fields in braces."""

    date: str
    heading: str
    appeal: str
    decisions: Mapping[str, str]
    scope: str
    facts: str
    verdicts: Mapping[str, str]
    strength: str
    amount: Callable[[float], str]
    grounds: str
    law: str
    terms: str
    automatic: str
    opened: str
    person: str
    program: str
    contest: str
    elsewhere: str


def write(language: str, case: CaseFile, check: Check, decided: Decided, by_itself: bool, by_person: bool) -> str:
    """The notice as plain text, one paragraph per subject.

    Args:
        language: one of `LANGUAGES`.
        case: which was decided.
        check: what was examined.
        decided: the decision.
        by_itself: whether the examination opened the case, not a person.
        by_person: whether a person decided.
    """
    words = WORDINGS[language]
    restricted = bool(decided.rule)
    came_about = words.automatic if by_itself else words.opened
    paragraphs = [
        words.heading.format(name=printable(check.name)),
        words.appeal if decided.on_appeal else "",
        words.decisions[decided.decision] + (words.scope.format(date=_date(words, decided.time)) if restricted else ""),
        words.facts.format(date=_date(words, check.created), sha256=check.sha256) + _findings(words, check),
        words.grounds.format(grounds=decided.grounds),
        (words.law if decided.illegal else words.terms).format(rule=decided.rule) if restricted else "",
        came_about + (words.person if by_person else words.program),
        words.contest.format(case=case.id) if not decided.on_appeal else "",
        words.elsewhere if restricted or decided.on_appeal else "",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _findings(words: Wording, check: Check) -> str:
    said = words.verdicts.get(check.outcome or "", words.verdicts[""])
    if check.log10_lr is not None and check.log10_lr >= 1:
        said += words.strength.format(amount=words.amount(check.log10_lr))
    return said


def _date(words: Wording, seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return words.date.format(year=moment.year, month=moment.month, day=moment.day, iso=moment.date().isoformat())


def _amount_in_chinese(log10_lr: float) -> str:
    """How many times likelier: to two figures, counted in ten thousands."""
    if log10_lr > 9:
        return "为未被改动时的十亿倍以上"
    size = float(f"{10**log10_lr:.2g}")
    return f"约为未被改动时的 {size / 10_000:,.4g} 万倍" if size >= 10_000 else f"约为未被改动时的 {size:,.0f} 倍"


_ENGLISH = Wording(
    date="{iso}",
    heading="Our decision on your file “{name}”",
    appeal="You contested our earlier decision. We have looked at the file and at what you wrote again.",
    decisions=MappingProxyType(
        {
            "keep": "We leave the file as it is. Nothing is restricted.",
            "label": "The file stays, with a label that says that a face in it was changed by software.",
            "take down": "We have taken the file down. Nobody can see it on our service any more.",
            "restore": "We have taken back the restriction. The file is shown again as before.",
        }
    ),
    scope=" This holds since {date}, everywhere our service is offered, and has no set end.",
    facts="The file was uploaded on {date}; its sha256 is {sha256}. ",
    verdicts=MappingProxyType(
        {
            "changed": "An examination found traces of a face changed by software.",
            "licensed change": "An examination found a face changed by software, with a licence of the person shown.",
            "no change found": "An examination found nothing that speaks for a change.",
            "cannot tell": "An examination could not tell whether a face in it was changed.",
            "no face": "An examination found no face in it.",
            "": "An examination came to no result.",
        }
    ),
    strength=" What was measured is {amount} times likelier if the face was changed than if it was not.",
    amount=lambda log10_lr: about(ratio(log10_lr)),
    grounds="Our grounds: {grounds}",
    law="The law that the file breaks, as we see it: {rule}",
    terms="The clause of our terms of use that the file breaks: {rule}",
    automatic="A program, Unmask, examined the file and opened this case by itself. ",
    opened="A program, Unmask, examined the file, and a person of our staff asked for this review. ",
    person="The decision was taken by a person, not by the program.",
    program="The decision was taken by automated means.",
    contest="If you disagree, you can contest this decision free of charge within six months: answer to us, name the case {case} "
    "and say why. A person will look at it, another one than before where we have another.",
    elsewhere="You can also turn to a certified out-of-court dispute settlement body (article 21 of Regulation (EU) 2022/2065), "
    "or to a court.",
)

_CHINESE = Wording(
    date="{year}年{month}月{day}日",
    heading="关于您的文件“{name}”的处理决定",
    appeal="您对我们先前的决定提出了申诉。我们已重新审查该文件以及您的说明。",
    decisions=MappingProxyType(
        {
            "keep": "我们维持该文件原状，不作任何限制。",
            "label": "该文件予以保留，并加上标识，说明其中有人脸经软件改动。",
            "take down": "我们已下架该文件，任何人都无法再在本服务中看到它。",
            "restore": "我们已撤销限制，该文件恢复原样展示。",
        }
    ),
    scope="该限制自{date}起生效，适用于本服务的所有提供地区，没有预定的结束日期。",
    facts="该文件于{date}上传，其 sha256 为 {sha256}。",
    verdicts=MappingProxyType(
        {
            "changed": "检验发现人脸经软件改动的痕迹。",
            "licensed change": "检验发现人脸经软件改动，且已获得肖像权人许可。",
            "no change found": "检验没有发现表明人脸被改动的迹象。",
            "cannot tell": "检验无法判断其中的人脸是否被改动。",
            "no face": "检验未在其中发现人脸。",
            "": "检验没有得出结果。",
        }
    ),
    strength="若人脸被改动，出现所测结果的可能性{amount}。",
    amount=_amount_in_chinese,
    grounds="我们的理由：{grounds}",
    law="我们认为该文件违反的法律规定：{rule}",
    terms="该文件违反的服务条款：{rule}",
    automatic="程序 Unmask 检验了该文件，并自动立案。",
    opened="该文件由程序 Unmask 检验，并由我们的工作人员提请审查。",
    person="本决定由人作出，而非由程序作出。",
    program="本决定以自动化方式作出。",
    contest="如有异议，您可在六个月内免费申诉：请回复我们，注明案件编号 {case} 并说明理由。申诉由人审查；"
    "在有其他审查人员的情况下，由另一人审查。",
    elsewhere="您也可以向经认证的庭外争议解决机构（欧盟第 2022/2065 号条例第 21 条）或法院寻求救济。",
)

WORDINGS: Mapping[str, Wording] = MappingProxyType({"en": _ENGLISH, "zh": _CHINESE})
