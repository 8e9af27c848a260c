"""A language that nobody speaks, made from the English catalogue: every letter accented, every
place kept.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from unmask.words import catalogue

CODE = "eo"
"""As which the language passes itself off; it needs one that CLDR knows months of."""

ACCENTS = str.maketrans("aeiouncsyAEIOUNCSY", "áéíóúñçšýÁÉÍÓÚÑÇŠÝ")


def write(folder: Path) -> Path:
    """Fills a folder with the catalogues that there are, and that of the new language: one more
    file, as a translator adds it.
    """
    for code in (path.stem for path in catalogue.FOLDER.glob("*.po")):
        shutil.copy(catalogue.FOLDER / f"{code}.po", folder)
    with (folder / "en.po").open("rb") as file:
        entries = read_po(file, locale=CODE)
    for entry in entries:
        if entry.id:
            entry.string = (
                accented(entry.id) if isinstance(entry.id, str) else tuple(map(accented, entry.id))
            )
    with (folder / f"{CODE}.po").open("wb") as file:
        write_po(file, entries)
    return folder


def accented(text: str) -> str:
    """The text in brackets, its letters accented, but for places."""
    if text in ("d MMMM yyyy, HH:mm:ss 'UTC'", "yyyy-MM-dd"):
        return text
    parts = re.split(r"(\{\w+\})", text)
    return (
        f"⟦{''.join(part if part.startswith('{') else part.translate(ACCENTS) for part in parts)}⟧"
    )
