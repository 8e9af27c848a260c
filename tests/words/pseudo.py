"""A pseudo-language made from the English catalogue: letters accented, placeholders kept."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from unmask.words import catalogue

CODE = "eo"
"""Code that the language uses; CLDR must know its months."""

ACCENTS = str.maketrans("aeiouncsyAEIOUNCSY", "áéíóúñçšýÁÉÍÓÚÑÇŠÝ")


def write(folder: Path) -> Path:
    """Writes the existing catalogues and the new language's into a folder, as a translator would.

    The new language is one more file.
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
    """Returns the text in brackets, with its letters accented except in placeholders."""
    if text in ("d MMMM yyyy, HH:mm:ss 'UTC'", "yyyy-MM-dd"):
        return text
    parts = re.split(r"(\{\w+\})", text)
    return (
        f"⟦{''.join(part if part.startswith('{') else part.translate(ACCENTS) for part in parts)}⟧"
    )
