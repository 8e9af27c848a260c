"""The page's words, from one catalogue per language.

A catalogue, ``languages/CODE.json``, holds ``messages`` by key, with ``{placeholders}``, and ``sentences``: how those that
Unmask's runtime writes in English read in this language. A sentence that no pattern knows stays English, and is marked so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

CODES = ("en", "zh")
"""Languages that there are, as BCP 47 calls them; the first is shown to whoever asks for none of them."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An English sentence with holes, and the same sentence in another language."""

    english: re.Pattern[str]
    translated: str


@dataclass(frozen=True, slots=True)
class Language:
    """One catalogue.

    Attributes:
        code: as BCP 47 calls the language.
        messages: by key.
        patterns: of the runtime's sentences, the longest first.
    """

    code: str
    messages: Mapping[str, str]
    patterns: tuple[Pattern, ...]

    def __call__(self, key: str, **values: object) -> str:
        """The message of a key, its placeholders filled."""
        return self.messages[key].format(**values)

    def group(self, prefix: str) -> dict[str, str]:
        """The messages whose keys begin so, by the rest of their keys; a script fills their placeholders."""
        return {key.removeprefix(prefix): text for key, text in self.messages.items() if key.startswith(prefix)}

    def said(self, sentence: str) -> str:
        """A sentence of the runtime in this language, or as it is where it is not known."""
        for pattern in self.patterns:
            if found := pattern.english.fullmatch(sentence):
                holes = {name: self.said(text) for name, text in found.groupdict().items()}
                return pattern.translated.format(**holes)
        return sentence

    def knows(self, sentence: str) -> bool:
        """Whether a sentence of the runtime is shown in this language."""
        return self.code == "en" or any(pattern.english.fullmatch(sentence) for pattern in self.patterns)


@cache
def language(code: str) -> Language:
    """The catalogue of a code among `CODES`."""
    text = files("unmask.service.page").joinpath("languages", f"{code}.json").read_text(encoding="utf-8")
    catalogue = json.loads(text)
    sentences = sorted(catalogue["sentences"].items(), key=lambda pair: -len(pair[0]))
    return Language(code, catalogue["messages"], tuple(Pattern(_pattern(a), b) for a, b in sentences))


def chosen(cookie: str | None, accept_language: str) -> Language:
    """What the reader chose by the switch, else what the browser asks for most (RFC 9110, 12.5.4), else English."""
    wanted = [cookie or "", *_accepted(accept_language)]
    return language(next((code for code in wanted if code in CODES), CODES[0]))


def _accepted(header: str) -> list[str]:
    weighed = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), tag.split("-")[0].strip().lower()))
        except ValueError:
            continue
    return [code for weight, code in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


HOLES = {"n": r"[\d,.]+", "time": r"[\d:.]+", "fault": "[^.;:]+?"}
"""What a hole matches, by its name without a number; one of another name matches any text, the shortest that fits."""


def _pattern(english: str) -> re.Pattern[str]:
    """An English sentence with holes in braces, as an expression."""
    parts = re.split(r"\{(\w+)\}", english)
    holes = (f"(?P<{part}>{HOLES.get(part.rstrip('0123456789'), '.+?')})" for part in parts[1::2])
    return re.compile("".join(re.escape(text) + next(holes, "") for text in parts[::2]), re.DOTALL)
