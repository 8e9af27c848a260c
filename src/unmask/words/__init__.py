"""Every sentence that a person reads, in every language: codes and values in, words out.

A language is one gettext catalogue, ``languages/CODE.po``. The English one defines the codes; the
others translate them, and a missing translation is shown in English.
"""

from unmask.words.catalogue import Language, capital, choose, codes, english, language, sayable

__all__ = ["Language", "capital", "choose", "codes", "english", "language", "sayable"]
