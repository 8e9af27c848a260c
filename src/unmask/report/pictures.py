"""Pictures of a result as files beside its document: `pack` writes them, `unpack` reads one.

A page shows both. The document lists the pictures (`frames`, `pictures` of a line); `thumbnail`,
`face`, `heat`, `shown` and `before` give their names. All lie in one uncompressed zip, so that one
deletion removes all faces.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from unmask.report import images
from unmask.types import CheckResult, Person


def thumbnail(person: int) -> str:
    """Names the picture of a person's clearest face."""
    return f"{person}.jpg"


def face(person: int, frame: int) -> str:
    """Names the upright face of a telling frame, counted from 0."""
    return f"{person}-frame-{frame}.jpg"


def heat(person: int, frame: int) -> str:
    """Names the heatmap of that face; a square of the same size, transparent elsewhere."""
    return f"{person}-frame-{frame}-heat.png"


def shown(person: int, line: str, number: int) -> str:
    """Names a picture of a line, counted from 0."""
    return f"{person}-{line}-{number}.jpg"


def before(person: int, line: str, number: int) -> str:
    """Names the picture of the same place in the known original."""
    return f"{person}-{line}-{number}-original.jpg"


def pack(result: CheckResult) -> bytes:
    """Packs all pictures of a result into a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
        for person in result.people:
            for name, content in _of(person):
                bundle.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def unpack(bundle: bytes, name: str) -> bytes | None:
    """Returns one picture of a bundle from `pack`; None if it holds none of that name."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        return opened.read(name) if name in opened.namelist() else None


def _of(person: Person) -> Iterator[tuple[str, bytes]]:
    yield thumbnail(person.id), images.jpeg(person.thumbnail)
    for i, frame in enumerate(person.frames):
        yield face(person.id, i), images.jpeg(frame.crop)
        if frame.heatmap is not None:
            yield heat(person.id, i), images.heat(frame.heatmap)
    for line, found in person.lines.items():
        for i, picture in enumerate(found.pictures):
            yield shown(person.id, line, i), images.jpeg(picture.rgb)
            if picture.original is not None:
                yield before(person.id, line, i), images.jpeg(picture.original)
