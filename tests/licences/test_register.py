"""Effects of a register of licences on a check: on marks, on files, on declarations.

Everything else stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import results
from tests.licences.footage import FILE, film, given, judged, of, of_film, person
from tests.sightings import track
from tests.support.authority import Authority
from tests.support.owner import Owner
from unmask import limits, verdict
from unmask.errors import LicenceError, UsageError
from unmask.evidence.credentials import Credentials as Line
from unmask.licences import licence as licences
from unmask.licences import manifest
from unmask.licences.licence import Licence
from unmask.licences.register import declared
from unmask.report import document
from unmask.types import (
    Basis,
    CheckResult,
    ContentCredentials,
    Declared,
    Labels,
    Seal,
    Status,
    Verdict,
)

NOTHING = ContentCredentials(Seal.NONE)
AI = Labels("The studio")


@pytest.fixture
def zoe(tmp_path: Path) -> Owner:
    return Owner.in_folder(tmp_path / "desk")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    (tmp_path / "clip.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    return tmp_path / "clip.jpg"


def test_a_change_where_a_licence_marks_the_face_is_licensed(zoe: Owner, plain: Path) -> None:
    zoe.grants("licence.json", works=of_film((12.0, 0.5, 0.33)))
    (one,) = judged(of(zoe, plain), person())
    assert (one.verdict, one.basis, one.log10_lr) == (Verdict.LICENSED_CHANGE, Basis.MEASURED, 2.5)
    assert str(one.reason).startswith(
        "This face was changed, and a licence of Zoë 张, given to The studio until "
    )
    assert [str(limit)[:17] for limit in limits.of_licences([one], None)] == ["The licence marks"]


@pytest.mark.parametrize("mark", [(12.0, 0.9, 0.33), (12.0, 0.5, 0.9), (30.0, 0.5, 0.33)])
def test_a_mark_elsewhere_then_or_where_no_face_was_seen_reaches_nobody(
    zoe: Owner, plain: Path, mark: tuple[float, float, float]
) -> None:
    zoe.grants("licence.json", works=of_film(mark))
    (one,) = judged(of(zoe, plain), person())
    assert (one.verdict, one.licences) == (Verdict.CHANGED, ())


def test_between_two_sightings_a_face_moves_steadily_and_a_second_away_from_both_nobody_knows(
    zoe: Owner, plain: Path
) -> None:
    zoe.grants("licence.json", works=of_film((12.9, 0.5, 0.33)))
    said = of(zoe, plain)
    assert judged(said, person())[0].verdict is Verdict.LICENSED_CHANGE
    seldom = replace(given(said), tracks=(track([0.0, 4.0]),))
    assert verdict.under_licences([person()], seldom)[0].verdict is Verdict.CHANGED


def test_another_film_no_index_and_two_faces_in_one_place_reach_nobody(
    zoe: Owner, plain: Path
) -> None:
    zoe.grants("licence.json", works=of_film((12.0, 0.5, 0.33)))
    said = of(zoe, plain)
    other = film(10.0)
    other = replace(other, originals=tuple(replace(o, sha256="ef" * 32) for o in other.originals))
    assert judged(said, person(), matches=(other,))[0].verdict is Verdict.CHANGED
    assert judged(said, person(), matches=())[0].verdict is Verdict.CHANGED
    assert [p.verdict for p in judged(said, person(1), person(2))] == [Verdict.CHANGED] * 2


def test_a_licence_that_names_the_file_covers_the_one_who_was_changed(
    zoe: Owner, plain: Path
) -> None:
    zoe.grants("licence.json", files=[FILE])
    said = of(zoe, plain)
    one, other = judged(said, person(1), person(2, Verdict.NO_CHANGE_FOUND), matches=())
    assert (one.verdict, other.verdict) == (Verdict.LICENSED_CHANGE, Verdict.NO_CHANGE_FOUND)
    assert limits.of_licences([one, other], None) == []
    assert [p.verdict for p in judged(said, person(1), person(2), matches=())] == [
        Verdict.CHANGED
    ] * 2


def test_a_licence_of_the_covered_face_alone_does_not_allow_a_swap(zoe: Owner, plain: Path) -> None:
    zoe.grants("licence.json", files=[FILE], part=licences.Part.COVERED)
    (one,) = judged(of(zoe, plain), person())
    assert (one.verdict, len(one.licences)) == (Verdict.CHANGED, 1)


def test_what_was_revoked_expired_or_has_no_list_is_changed_with_the_reason(
    zoe: Owner, plain: Path
) -> None:
    path = zoe.grants("licence.json", days=(-1, 5), files=[FILE])
    assert "ended on" in str(judged(of(zoe, plain, days=6), person())[0].reason)
    (zoe.folder / "list.json").rename(zoe.folder / "kept")
    assert "there is no list of revocations" in str(judged(of(zoe, plain), person())[0].reason)
    (zoe.folder / "kept").rename(zoe.folder / "list.json")
    licences.revoke((Licence.of(path),), zoe.folder / "list.json", zoe.key, datetime.now(UTC))
    people = judged(of(zoe, plain), person())
    assert (people[0].verdict, people[0].basis) == (Verdict.CHANGED, Basis.MEASURED)
    assert "and no licence allows it: the licence was taken back" in str(people[0].reason)
    _, reason, _ = verdict.of_file(people, given(None).media)
    assert "; no licence allows it: the licence was taken back" in str(reason)


def test_a_stranger_s_licence_and_another_maker_s_file_are_not_allowed(
    zoe: Owner, plain: Path, tmp_path: Path
) -> None:
    zoe.grants("licence.json", files=[FILE])
    (one,) = judged(of(zoe, plain, Labels("Somebody else")), person())
    assert "for use by The studio, not Somebody else" in str(one.reason)
    (zoe.folder / "key.pub").unlink()
    assert "nobody vouched for" in str(judged(of(zoe, plain), person())[0].reason)


@pytest.mark.parametrize("answer", [Verdict.CANNOT_TELL, Verdict.NO_CHANGE_FOUND])
def test_a_declared_change_with_a_licence_is_licensed_and_keeps_what_was_measured(
    zoe: Owner, plain: Path, answer: Verdict
) -> None:
    zoe.grants("licence.json", files=[FILE])
    before = person(answer=answer)
    (one,) = judged(of(zoe, plain, AI), before)
    assert (one.verdict, one.basis, one.log10_lr) == (
        Verdict.LICENSED_CHANGE,
        Basis.DECLARED,
        before.log10_lr,
    )
    assert str(one.reason).startswith("The file declares that it was changed by AI, and a licence")


def test_a_declaration_alone_makes_nobody_changed(zoe: Owner, plain: Path) -> None:
    (one,) = judged(of(zoe, plain, AI), person(answer=Verdict.NO_CHANGE_FOUND))
    assert (one.verdict, one.basis) == (Verdict.NO_CHANGE_FOUND, Basis.MEASURED)


def test_credentials_that_do_not_fit_the_file_declare_nothing() -> None:
    for seal in Seal:
        said = Declared(
            ContentCredentials(seal, source_types=(manifest.SWAP,), manifests=1), Labels()
        )
        assert said.ai is (seal is Seal.INTACT)


def test_without_a_register_all_stays_as_it_was() -> None:
    before = person()
    assert judged(None, before)[0] is not None
    assert judged(None, before)[0].verdict is Verdict.CHANGED
    said = Line().examine(track([0.0]), given(None))
    assert (said.status, said.summary.code) == (Status.NOT_APPLICABLE, "credentials.not_read")


def test_the_line_tells_what_is_declared_and_weighs_nothing() -> None:
    none = Line().examine(track([0.0]), given(Declared(NOTHING, Labels())))
    assert none.status is Status.NOT_APPLICABLE
    assert "that proves nothing" in str(none.summary)
    ai = Line().examine(track([0.0]), given(Declared(NOTHING, AI)))
    assert (ai.status, ai.score, ai.readings) == (Status.RAN, 1.0, ())
    assert "by The studio" in str(ai.summary)
    camera = Declared(ContentCredentials(Seal.INTACT, "A camera", manifests=1), Labels())
    assert Line().examine(track([0.0]), given(camera)).score == 0.0


def test_a_register_passes_over_what_is_no_licence_but_not_a_key_that_is_none(
    zoe: Owner, plain: Path
) -> None:
    zoe.grants("licence.json", files=[FILE])
    (zoe.folder / "note.json").write_text('{"type": ["PortraitLicence"]}')
    (zoe.folder / "other.json").write_text("[" * 5000)
    assert len(of(zoe, plain).licences) == 1
    (zoe.folder / "bad.pub").write_text("nobody")
    with pytest.raises(LicenceError, match="not a public key"):
        of(zoe, plain)
    with pytest.raises(UsageError, match="no such folder of licences"):
        declared(str(plain), FILE, Labels(), zoe.folder / "missing")


def test_the_register_s_authorities_are_trusted(zoe: Owner, tmp_path: Path) -> None:
    from PIL import Image

    authority = Authority.called("Our authority")
    (zoe.folder / "ours.pem").write_text(authority.pem)
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    manifest.write(tmp_path / "a.png", tmp_path / "signed.png", authority.vouches("The studio"), [])
    assert of(zoe, tmp_path / "signed.png").credentials.trusted


def test_the_json_says_what_it_rests_on(zoe: Owner, plain: Path) -> None:
    zoe.grants("licence.json", files=[FILE])
    said = of(zoe, plain, AI)
    people = judged(said, person())
    answer, reason, log10_lr = verdict.of_file(people, given(None).media)
    whole: CheckResult = replace(
        results.changed_video("clip.mp4"),
        verdict=answer, reason=reason, log10_lr=log10_lr, people=people, declared=said,
    )  # fmt: skip
    told = document.document(whole)
    assert (told["verdict"], told["basis"], told["log10_lr"]) == (
        "licensed change",
        "measured",
        2.5,
    )
    assert told["declared"]["ai"] is True
    assert told["declared"]["labels"]["producer"] == "The studio"
    (one,) = told["people"][0]["licences"]
    assert (one["subject"], one["refused"], one["names_file"]) == ("Zoë 张", None, True)
    assert document.Document.model_validate(told).plain() == told
