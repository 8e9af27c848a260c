"""Languages, read from their gettext catalogues, and messages put into words.

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
"""Language whose catalogue holds every sentence; shown to whoever asks for none that there is."""


@dataclass(frozen=True, slots=True)
class Series:
    """How several values are listed: codes of the words between them, and how many are named before
    the rest is counted.
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
"""Of places that are not listed as usual, by their names."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """English sentence with its places in braces; ``many`` is its plural, empty where it has none."""

    one: str
    many: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: as BCP 47 calls it.
        sentences: English, by code.
        translations: of them.
        translated: codes that the language's own catalogue has.
    """

    code: str
    sentences: Mapping[str, Sentence]
    translations: NullTranslations
    translated: frozenset[str]

    def __call__(self, code: str, **values: Value) -> str:
        """Says the message of a code."""
        return self.say(Message(code, values))

    def __contains__(self, code: object) -> bool:
        return code in self.sentences

    def say(self, message: Message) -> str:
        """Puts a message into words.

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
        """The sentence of a code with its places unfilled, as scripts fill them."""
        english = self.sentences[code]
        if english.many:
            return self.translations.npgettext(code, english.one, english.many, count)
        return self.translations.pgettext(code, english.one)

    def group(self, prefix: str) -> dict[str, str]:
        """The sentences whose codes begin so, by the rest of their codes, with their places
        unfilled.
        """
        return {
            code.removeprefix(prefix): self.sentence(code)
            for code in self.sentences
            if code.startswith(prefix)
        }

    def knows(self, message: Message) -> bool:
        """Whether all of a message is said in this language; of no other language than English are
        texts verbatim.
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
        """Names as a sentence lists them, as ``1, 2 and 3``; those past the most counted where they
        are more than one.
        """
        over = len(names) - series.most
        *some, last = names if over < 2 else [*names[: series.most], self(series.more, count=over)]
        if not some:
            return last
        head = reduce(lambda first, rest: self(series.between, first=first, rest=rest), some)
        return self(series.last, first=head, rest=last)


def capital(text: str) -> str:
    """A clause as a sentence begins, its first letter a capital where the script has any."""
    return text[:1].upper() + text[1:]


def codes() -> tuple[str, ...]:
    """Languages that there is a catalogue of, English first."""
    return _codes(FOLDER)


def language(code: str) -> Language:
    """The language of a code among `codes`."""
    return _load(code, FOLDER)


def english() -> Language:
    """English, of which every message has a sentence."""
    return language(ENGLISH)


def sayable(message: Message) -> bool:
    """Whether every language can say a message; one that was read from a file may have a code or
    values that none knows.
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
    """What the reader chose by the switch, else what the browser asks for most (RFC 9110, 12.5.4),
    else English.
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
    """Every message among values, those in lists included."""
    for value in values:
        if isinstance(value, Message):
            yield value
        elif isinstance(value, tuple):
            yield from _inside(value)
