"""The result as one HTML file that opens anywhere, `page`, and as a notebook card, `fragment`.

The page has no script, network access or font: its content security policy forbids them. Every text
is escaped, since file names come from strangers. Characters that do not print, such as marks that
reverse the reading direction, are spelt out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.errors import printable
from unmask.likelihood import posterior
from unmask.messages import Message
from unmask.report import images, timeline
from unmask.types import CheckResult, Kind, Person, Scene, Verdict, clock
from unmask.words import Language, capital, english, footage, numbers, strength
from unmask.words.dates import moment
from unmask.words.quality import traits

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_MARK = re.compile(rb'<meta name="unmask-file" content="([0-9a-f]{16})">')

BASE_RATES = (1 / 2, 1 / 100, 1 / 1000)
"""Base rates of changed faces for which every page says what its LR means."""

ORDER = (Verdict.CHANGED, Verdict.LICENSED_CHANGE, Verdict.CANNOT_TELL, Verdict.NO_CHANGE_FOUND)
"""Verdicts in the order in which a page lists people."""

OF_THE_FILE = frozenset(
    (
        *(
            "limit.damaged",
            "limit.cut_off",
            "limit.cut_photo",
            "limit.interlaced",
            "limit.sizes",
            "limit.not_decoded",
        ),
        *("limit.films", "limit.film", "limit.pictures", "limit.scaled", "limit.stretch"),
        *("limit.saved", "limit.saved_with"),
        *("limit.stripped", "limit.stripped_unnamed", "limit.stripped_unfit"),
    )
)
"""Limits that tell the state of the file itself, or what of it was not looked at."""

PEOPLE = 12
"""Most people that a card lists."""

CHART_SIZES = ((760, 240), (350, 220))
"""Width and height, px, of a timeline on a wide screen and on a phone."""


@dataclass(frozen=True, slots=True)
class BaseRate:
    """Meaning of an LR at the base rate ``prior``; ``stated`` if the user gave it."""

    prior: float
    posterior: float
    stated: bool


def mark(path: str, about: str = "") -> str:
    """Returns a digest of a file's whole path, which tells its page from those of namesakes.

    Args:
        about: subject of the page beside the file, which keeps pages on the same file apart.
    """
    whole = os.fsencode(os.path.abspath(path))  # noqa: PTH100 a Path would raise on some
    return hashlib.sha256(whole + about.encode()).hexdigest()[:16]


def marked(page: Path) -> str | None:
    """Reads from a page which file it is about, as `mark`; None if it is not such a page.

    Raises:
        OSError: it cannot be read.
    """
    with page.open("rb") as file:
        found = _MARK.search(file.read(8192))
    return found[1].decode() if found else None


def page(
    result: CheckResult, language: Language | None = None, scenes: Sequence[Scene] = ()
) -> str:
    """Renders the whole report as one self-contained HTML file.

    Args:
        result: what is reported.
        language: English if none is given.
        scenes: whole frames to show at the top, see `unmask.scenes`.
    """
    view = {**_view(result, language or english()), "scenes": scenes}
    return rendered("page.html.j2", ("report.css",), view, footer(result.sha256))


def rendered(
    template: str, stylesheets: Sequence[str], view: Mapping[str, Any], more: str = ""
) -> str:
    """Renders a template as one file that opens anywhere.

    Args:
        stylesheets: names in the folder of the templates.
        view: values that the template uses; ``t`` is the language.
        more: our own CSS to add.
    """
    from markupsafe import Markup

    css = "".join(map(_stylesheet, stylesheets)) + more
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return _environment().get_template(template).render(view, css=Markup(css), css_digest=digest)  # noqa: S704 - our own files


def fragment(result: CheckResult) -> str:
    """Renders the result as a compact card, as `CheckResult` shows itself in a notebook."""
    from markupsafe import Markup

    css = Markup(_stylesheet("fragment.css"))  # noqa: S704 - our own file
    return (
        _environment()
        .get_template("fragment.html.j2")
        .render(_view(result, english()), css=css, most=PEOPLE)
    )


def _view(result: CheckResult, t: Language) -> dict[str, Any]:
    settings = result.custody.settings if result.custody else {}
    duration = result.media.duration if result.media else 0.0
    moving = (
        result.media.kind is Kind.VIDEO
        if result.media
        else any(p.last_seen > 0 for p in result.people)
    )

    def charts(person: Person) -> list[timeline.Chart]:
        if not moving or len(person.timeline) < 2:
            return []
        return [timeline.chart(person, duration, settings, *size) for size in CHART_SIZES]

    people = sorted(
        result.people, key=lambda person: (_unjudged(person), ORDER.index(person.verdict))
    )
    folded = [person for person in people if _unjudged(person)] if len(people) > 1 else []
    return {
        "result": result,
        "of_the_file": [limit for limit in result.limits if limit.code in OF_THE_FILE],
        "limits": [limit for limit in result.limits if limit.code not in OF_THE_FILE],
        "people": [person for person in people if person not in folded],
        "folded": folded,
        "mark": mark(result.path),
        "t": t,
        "name": named(result.path),
        "headline": capital(t.say(footage.headline(result.error or result.reason))),
        "verdict": t(f"verdict.{(result.outcome or 'not judged').replace(' ', '-')}"),
        "moving": moving,
        "charts": charts,
        "base_rates": _base_rates(result),
        "reach": strength.reach(person.reach for person in result.people),
        "record": _record(result),
    }


def named(path: str) -> str:
    """Returns the file name at the end of a path of any operating system."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _unjudged(person: Person) -> bool:
    """Tells whether a person cannot be judged at all: there is not even a weak LR."""
    return person.verdict is Verdict.CANNOT_TELL and not person.timeline


def _record(result: CheckResult) -> Message | None:
    """States how often this answer was wrong where the truth was known.

    The rate is that of the lines that weighed on the person who decides the answer.
    """
    deciding = [person for person in result.people if person.verdict is result.verdict]
    return strength.record(result.verdict, deciding[0].record) if deciding else None


def _base_rates(result: CheckResult) -> list[BaseRate]:
    if result.log10_lr is None:
        return []
    rates = [
        BaseRate(prior, posterior(prior, result.log10_lr), stated=False) for prior in BASE_RATES
    ]
    if result.prior is None or result.posterior is None:
        return rates
    others = [rate for rate in rates if not math.isclose(rate.prior, result.prior)]
    return [BaseRate(result.prior, result.posterior, stated=True), *others]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("unmask.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_spelt_out,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        bold=_element("b"),
        cite=_element("cite"),
        footage=footage,
        images=images,
        moment=moment,
        rich=_rich,
        strength=strength,
        strong=_element("strong"),
        time=_time,
        timeline=timeline,
        traits=traits,
        whole=numbers.whole,
    )
    environment.filters.update(
        clock=clock,
        data_uri=images.data_uri,
        figure=numbers.figure,
        signed=numbers.signed,
        spelt=lambda value: value if isinstance(value, str) else json.dumps(value),
        thumbnail=images.thumbnail,
    )
    return environment


def _element(name: str) -> Callable[[object], Markup]:
    """Returns a function that puts a value into an HTML element."""

    def put(inner: object) -> Markup:
        from markupsafe import Markup

        return Markup(f"<{name}>{{}}</{name}>").format(inner)  # noqa: S704 - the name is our own

    return put


def _time(*seconds: float) -> Markup:
    """Formats a time, or two with a dash, as a player shows them."""
    from markupsafe import Markup

    return Markup('<span class="time">{}</span>').format("–".join(map(clock, seconds)))


def _rich(t: Language, code: str, count: int = 1, **values: object) -> Markup:
    """Renders the sentence of a code with HTML in its places."""
    from markupsafe import escape

    return escape(t.sentence(code, count)).format(**values)


def _spelt_out(value: object) -> object:
    """Escapes everything in a text that does not print; markup and numbers stay as they are."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else printable(value)


def _stylesheet(name: str) -> str:
    return files("unmask.report").joinpath("templates", name).read_text(encoding="utf-8")


def footer(sha256: str | None) -> str:
    """Renders the file's hash for the foot of every printed page."""
    if not sha256 or not sha256.isalnum():
        return ""
    return f'@page {{ @bottom-left {{ content: "sha256 {sha256}" }} }}\n'
