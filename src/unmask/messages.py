"""Messages: what is said, before `unmask.words` puts it into a language.

A stage of the check returns its findings as codes and values. Programs read these; people read the
sentence that a catalogue has for the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = "str | int | float | Message | tuple[Value, ...]"
"""Value of a place in a sentence; several values are joined as the language lists things."""

VERBATIM = "verbatim"
"""Code of a text in foreign words, such as a library's error, which no catalogue translates."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to say.

    Attributes:
        code: key of its sentence in the catalogues, ``subject.what``.
        values: by the name of their place in the sentence. Numbers are exact; times are seconds.
            Where there is a ``count``, it decides between singular and plural.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def at(self, time: float | None) -> Message:
        """Adds a time, seconds, and switches to the code with ``_at``; None adds nothing."""
        return self if time is None else Message(f"{self.code}_at", {**self.values, "time": time})

    def __str__(self) -> str:
        """Returns the English sentence."""
        from unmask.words import english

        return english().say(self)


def verbatim(text: str) -> Message:
    """Makes a message of a text that is the same in every language."""
    return Message(VERBATIM, {"text": text})


def plain(message: Message) -> dict[str, Any]:
    """Returns a message as JSON values ``{"code": ..., "values": {...}}``, nested messages too.

    `read` is the inverse.
    """
    return {
        "code": message.code,
        "values": {name: _plain(value) for name, value in message.values.items()},
    }


def read(values: Any) -> Message:
    """Makes a message from the output of `plain`.

    A plain string, as older versions wrote it, becomes `verbatim`.

    Raises:
        TypeError, KeyError: it is neither.
    """
    if isinstance(values, str):
        return verbatim(values)
    return Message(values["code"], {name: _read(value) for name, value in values["values"].items()})


def _plain(value: Value) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


def _read(value: Any) -> Value:
    if isinstance(value, Mapping):
        return read(value)
    if isinstance(value, list | tuple):
        return tuple(_read(one) for one in value)
    if not isinstance(value, str | int | float):
        raise TypeError(f"no value of a message: {value!r}")
    return value
