from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner, Result

from tests import clips
from tests.support.authority import Authority
from unmask.cli import app
from unmask.licences import manifest
from unmask.media import labels

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia">'
    '<TC260:AIGC>{"Label": "1", "ContentProducer": "Somebody"}</TC260:AIGC>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a photo and a video with credentials, a photo with only labels, and a trust list."""
    folder = tmp_path_factory.mktemp("credentials")
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "plain.jpg")
    authority = Authority.called("Our authority")
    (folder / "trust.pem").write_text(authority.pem)
    manifest.write(
        folder / "plain.jpg", folder / "signed.jpg", authority.vouches("The studio"), ["ab" * 32]
    )
    Image.fromarray(noise).save(folder / "labelled.jpg", xmp=XMP.encode())
    return folder


def credentials(*args: str | Path) -> Result:
    return CliRunner().invoke(app, ["credentials", *map(str, args)])


def test_people_read_sentences(folder: Path) -> None:
    shown = credentials(
        folder / "signed.jpg", folder / "plain.jpg", "--trust", folder / "trust.pem"
    )
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        str(folder / "signed.jpg"),
        "  The file is still what its content credentials were signed for.",
        "  They were signed by The studio, whom an authority of the trust list vouches for.",
        "  They declare that the content was made by a trained model, whole or in part.",
        f"  They name these licences: {'ab' * 32}.",
        str(folder / "plain.jpg"),
        "  The file carries no content credentials. Most files carry none, and they are easily "
        "removed: that proves nothing.",
    ]
    spoken = credentials(folder / "plain.jpg", "--language", "zh")
    assert "文件没有内容凭证" in spoken.stdout


def test_programs_read_json(folder: Path) -> None:
    shown = credentials(folder / "signed.jpg", folder / "labelled.jpg", "--json")
    signed, labelled = map(json.loads, shown.stdout.splitlines())
    assert (signed["seal"], signed["signer"], signed["trusted"]) == ("intact", "The studio", False)
    assert (labelled["seal"], labelled["labels"]["producer"]) == ("none", "Somebody")
    assert labelled["labels"]["source_types"][0].endswith("/trainedAlgorithmicMedia")
    assert any("Somebody" in one for one in labelled["says"])


def test_what_cannot_be_read_does_not_stop_the_rest(folder: Path) -> None:
    shown = credentials(folder / "missing.jpg", folder / "plain.jpg")
    assert shown.exit_code == 1
    assert "missing.jpg" in shown.stderr
    assert str(folder / "plain.jpg") in shown.stdout
    assert credentials(folder / "plain.jpg", "--trust", folder / "plain.jpg").exit_code == 1
    assert credentials(folder / "plain.jpg", "--language", "xx").exit_code == 2


def test_labels_are_read_in_png_and_in_a_video_s_own_metadata(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png", pnginfo=info)
    assert labels(tmp_path / "a.png").producer == "Somebody"
    video = clips.write_video(
        tmp_path / "a.mp4", [clips.textured(i) for i in range(3)],
        container_options={"movflags": "use_metadata_tags"},
        metadata={"AIGC": '{"Label": "1", "ContentProducer": "制作方"}'},
    )  # fmt: skip
    assert labels(video).producer == "制作方"


@pytest.mark.parametrize(
    "aigc",
    ["", "{", "[]", '{"Label": "0"}', '{"Label": null}', "[" * 50_000, '{"ContentProducer": "x"}'],
)
def test_what_is_no_label_is_none(tmp_path: Path, aigc: str) -> None:
    xmp = XMP.replace('{"Label": "1", "ContentProducer": "Somebody"}', aigc)
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png", pnginfo=_info(xmp))
    assert labels(tmp_path / "a.png").producer is None


@pytest.mark.parametrize("inside", ['<!DOCTYPE x [<!ENTITY a "aa">]>', "<unclosed", "&undefined;"])
def test_a_hostile_packet_is_passed_over(tmp_path: Path, inside: str) -> None:
    Image.new("RGB", (64, 64)).save(
        tmp_path / "a.png", pnginfo=_info(XMP.replace("<rdf:RDF", f"{inside}<rdf:RDF"))
    )
    assert labels(tmp_path / "a.png").producer is None


def _info(xmp: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp)
    return info
