"""The whole check of a real photo with a register: allowed, revoked, and allowed by nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, PngImagePlugin
from skimage.data import astronaut

from tests.support.owner import Owner
from unmask import pipeline
from unmask.licences import files, licence
from unmask.licences.licence import Licence
from unmask.types import Basis, CheckResult, Verdict

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">'
    '<TC260:AIGC>{"Label": "1", "ContentProducer": "The studio"}</TC260:AIGC>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def check(photo: Path, desk: Path) -> CheckResult:
    return pipeline.check(photo, pipeline.Settings(lines=("texture", "credentials"), licences=desk))


def test_a_declared_change_is_licensed_until_the_licence_is_taken_back(tmp_path: Path) -> None:
    zoe = Owner.in_folder(tmp_path / "desk")
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut()[:256, 96:352]).save(photo, pnginfo=info)
    without = check(photo, zoe.folder)
    path = zoe.grants("licence.json", files=[files.sha256(photo)])
    allowed = check(photo, zoe.folder)
    assert (allowed.verdict, allowed.basis) == (Verdict.LICENSED_CHANGE, Basis.DECLARED)
    assert allowed.log10_lr == without.log10_lr
    assert str(allowed.reason) == "A licence allows the change of the face of person 1."
    assert "by The studio" in str(allowed.people[0].lines["credentials"].summary)
    licence.revoke((Licence.of(path),), zoe.folder / "list.json", zoe.key, datetime.now(UTC))
    again = check(photo, zoe.folder)
    assert (again.verdict, again.log10_lr) == (without.verdict, without.log10_lr)
    (held,) = again.people[0].licences
    assert held.refused is not None
    assert held.refused.code == "licence.revoked"
    assert any(
        "A licence was granted for this, and does not hold: the licence was taken back" in str(o)
        for o in again.limits
    )
