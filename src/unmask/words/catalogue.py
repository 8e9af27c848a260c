"""Languages, read from their gettext catalogues, and rendering of messages.

An entry's ``msgctxt`` is the code, its ``msgid`` the English sentence with ``{places}``. Where it
has a plural, the value ``count`` decides.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from unmask.messages import VERBATIM, Message, Value
from unmask.words.numbers import show

FOLDER = Path(__file__).with_name("languages")

ENGLISH = "en"
"""Language whose catalogue has every sentence; shown if the asked language does not exist."""


@dataclass(frozen=True, slots=True)
class Series:
    """Way of listing several values.

    It has the codes of the words between them, and the number named before the rest is counted.
    """

    last: str = "series.and"
    between: str = "series.comma"
    most: int = 5
    more: str = "series.more"


SERIES = {
    "faults": Series("series.or"),
    "spans": Series(most=3, more="series.more_times"),
    "breaks": Series(more="series.more_times"),
    "unseen": Series("series.semicolon", "series.semicolon", more="series.more_times"),
    "stretches": Series("series.semicolon", "series.semicolon"),
    "sentences": Series("series.space", "series.space", most=9),
    "originals": Series(between="series.and", most=3, more="series.more_originals"),
}
"""Series of places that are not listed in the usual way, by name."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """English sentence with its places in braces; ``many`` is its plural, or empty."""

    one: str
    many: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: its BCP 47 code.
        sentences: English sentences, by code.
        translations: their translations.
        translated: codes that the language's own catalogue has.
    """

    code: str
    sentences: Mapping[str, Sentence]
    translations: NullTranslations
    translated: frozenset[str]

    def __call__(self, code: str, **values: Value) -> str:
        """Renders the message of a code."""
        return self.say(Message(code, values))

    def __contains__(self, code: object) -> bool:
        return code in self.sentences

    def say(self, message: Message) -> str:
        """Renders a message.

        Raises:
            KeyError: no catalogue has the code, or the sentence has a place without a value.
        """
        if message.code == VERBATIM:
            return str(message.values["text"])
        count = message.values.get("count", 1)
        sentence = self.sentence(message.code, count if isinstance(count, int) else 1)
        return sentence.format_map(
            {name: self._show(name, value) for name, value in message.values.items()}
        )

    def sentence(self, code: str, count: int = 1) -> str:
        """Returns the sentence of a code with its places unfilled, for scripts that fill them."""
        english = self.sentences[code]
        if english.many:
            return self.translations.npgettext(code, english.one, english.many, count)
        return self.translations.pgettext(code, english.one)

    def group(self, prefix: str) -> dict[str, str]:
        """Returns the sentences whose codes begin with ``prefix``, by the rest of their codes.

        Their places are unfilled.
        """
        return {
            code.removeprefix(prefix): self.sentence(code)
            for code in self.sentences
            if code.startswith(prefix)
        }

    def knows(self, message: Message) -> bool:
        """Tells whether all of a message is said in this language.

        Verbatim texts count as English only.
        """
        own = self.code == ENGLISH or message.code in self.translated
        return own and all(self.knows(inner) for inner in _inside(message.values.values()))

    def _show(self, name: str, value: Value) -> str:
        if isinstance(value, Message):
            return self.say(value)
        if isinstance(value, tuple):
            return self._list(SERIES.get(name, Series()), [self._show(name, one) for one in value])
        if isinstance(value, str):
            return value
        shown = show(name, value)
        return self.say(shown) if isinstance(shown, Message) else shown

    def _list(self, series: Series, names: Sequence[str]) -> str:
        """Lists names as a sentence does, such as ``1, 2 and 3``.

        Names past the most are counted if they are more than one.
        """
        over = len(names) - series.most
        *some, last = names if over < 2 else [*names[: series.most], self(series.more, count=over)]
        if not some:
            return last
        head = reduce(lambda first, rest: self(series.between, first=first, rest=rest), some)
        return self(series.last, first=head, rest=last)


def capital(text: str) -> str:
    """Makes the first letter of a clause a capital, if the script has capitals."""
    return text[:1].upper() + text[1:]


def codes() -> tuple[str, ...]:
    """Returns the languages that have a catalogue, English first."""
    return _codes(FOLDER)


def language(code: str) -> Language:
    """Returns the language of a code among `codes`."""
    return _load(code, FOLDER)


def english() -> Language:
    """Returns English, which has a sentence for every message."""
    return language(ENGLISH)


def sayable(message: Message) -> bool:
    """Tells whether every language can render a message.

    A message read from a file may have an unknown code or unknown values.
    """
    try:
        for code in codes():
            language(code).say(message)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return False
    return True


@cache
def _codes(folder: Path) -> tuple[str, ...]:
    return tuple(
        sorted(
            (file.stem for file in folder.glob("*.po")), key=lambda code: (code != ENGLISH, code)
        )
    )


@cache
def _load(code: str, folder: Path) -> Language:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (folder / f"{ENGLISH}.po").open("rb") as file:
        entries = [(entry.context or "", entry.id) for entry in read_po(file) if entry.id]
    sentences = {code: Sentence(*([one] if isinstance(one, str) else one)) for code, one in entries}
    if code == ENGLISH:
        return Language(code, sentences, NullTranslations(), frozenset(sentences))
    with (folder / f"{code}.po").open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    translated = frozenset(
        one.context for one in catalogue if one.context and one.string and not one.fuzzy
    )
    return Language(code, sentences, GNUTranslations(compiled), translated)


def choose(cookie: str | None, accept_language: str) -> Language:
    """Chooses the language: the reader's choice by the switch, else the browser's, else English.

    The browser's is the one that it asks for most (RFC 9110, 12.5.4).
    """
    there = codes()
    wanted = [cookie or "", *_accepted(accept_language)]
    return language(next((code for code in wanted if code in there), ENGLISH))


def _accepted(header: str) -> list[str]:
    weighed = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), tag.split("-")[0].strip().lower()))
        except ValueError:
            continue
    return [code for weight, code in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def _inside(values: Iterable[Value]) -> Iterator[Message]:
    """Yields every message among values, including those in lists."""
    for value in values:
        if isinstance(value, Message):
            yield value
        elif isinstance(value, tuple):
            yield from _inside(value)
