"""The answer as one HTML file that opens anywhere: `page`; and as a card for a notebook: `fragment`.

No script, no network, no font: a content security policy in the page forbids them. Every text is escaped, since file
names come from strangers; what does not print, such as marks that reverse the reading direction, is spelt out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from unmask.errors import printable
from unmask.likelihood import posterior
from unmask.report import images, timeline, wording
from unmask.types import CheckResult, Kind, Person, clock

if TYPE_CHECKING:
    from jinja2 import Environment

BASE_RATES = (1 / 2, 1 / 100, 1 / 1000)
"""Shares of changed faces for which every page says what its LR means."""

PEOPLE = 12
"""Most people that a card lists."""

CHART_SIZES = ((760, 240), (350, 220))
"""Width and height, px, of a timeline on a wide screen and on a phone."""


@dataclass(frozen=True, slots=True)
class BaseRate:
    """What an LR means where ``prior`` of all faces are changed; ``stated`` where the user said so."""

    prior: float
    posterior: float
    stated: bool


def page(result: CheckResult) -> str:
    """The whole report as one self-contained HTML file."""
    from markupsafe import Markup

    css = _stylesheet("report.css") + _footer(result.sha256)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return _environment().get_template("page.html.j2").render(_view(result), css=Markup(css), css_digest=digest)  # noqa: S704 - our own file


def fragment(result: CheckResult) -> str:
    """The answer as a compact card, as `CheckResult` shows itself in a notebook."""
    from markupsafe import Markup

    css = Markup(_stylesheet("fragment.css"))  # noqa: S704 - our own file
    return _environment().get_template("fragment.html.j2").render(_view(result), css=css, most=PEOPLE)


def _view(result: CheckResult) -> dict[str, Any]:
    settings = result.custody.settings if result.custody else {}
    duration = result.media.duration if result.media else 0.0
    moving = result.media.kind is Kind.VIDEO if result.media else any(p.last_seen > 0 for p in result.people)

    def charts(person: Person) -> list[timeline.Chart]:
        if not moving or len(person.timeline) < 2:
            return []
        return [timeline.chart(person, duration, settings, *size) for size in CHART_SIZES]

    return {
        "result": result,
        "name": result.path.replace("\\", "/").rstrip("/").rpartition("/")[2] or result.path,
        "headline": _headline(result),
        "verdict": result.outcome or "not judged",
        "moving": moving,
        "charts": charts,
        "base_rates": _base_rates(result),
    }


def _headline(result: CheckResult) -> str:
    """The reason, or the error without the path that stands above it anyway."""
    if not result.error:
        return result.reason
    text = result.error.removeprefix(f"{printable(result.path)}: ")
    return text[:1].upper() + text[1:]


def _base_rates(result: CheckResult) -> list[BaseRate]:
    if result.log10_lr is None:
        return []
    rates = [BaseRate(prior, posterior(prior, result.log10_lr), stated=False) for prior in BASE_RATES]
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
    environment.globals.update(images=images, timeline=timeline, wording=wording)
    environment.filters.update(
        base_rate=wording.base_rate,
        clock=clock,
        data_uri=images.data_uri,
        figure=wording.figure,
        in_hundred=wording.in_hundred,
        likelier=wording.likelier,
        moment=wording.moment,
        odds=wording.odds,
        signed=wording.signed,
        size=wording.size,
        spelt=lambda value: value if isinstance(value, str) else json.dumps(value),
        such=wording.such_findings,
        support=wording.support,
        thumbnail=images.thumbnail,
    )
    return environment


def _spelt_out(value: object) -> object:
    """Text with everything that does not print escaped; markup and numbers as they are."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else printable(value)


def _stylesheet(name: str) -> str:
    return files("unmask.report").joinpath("templates", name).read_text(encoding="utf-8")


def _footer(sha256: str | None) -> str:
    """The file's hash at the foot of every printed page."""
    if not sha256 or not sha256.isalnum():
        return ""
    return f'@page {{ @bottom-left {{ content: "sha256 {sha256}" }} }}\n'
