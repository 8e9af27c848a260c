"""The English sentences of a verdict, spelt out: newspaper readers read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import results
from unmask.errors import BrokenMedia
from unmask.messages import Message, plain, read, verbatim
from unmask.types import Match, Span

SMALL, BLURRED = Message("fault.small", {"width": 64.0}), Message("fault.blurred")
HERE, THERE = Span(3.2, 9.1), Span(72.4, 73.0)


def when(*spans: Span) -> tuple[Message, ...]:
    return tuple(Message("span", {"start": span.start, "end": span.end}) for span in spans)


def people(code: str, *ids: int, **values: object) -> Message:
    return Message(code, {"count": len(ids), "people": ids, **values})  # type: ignore[dict-item]


def unjudged(why: Message) -> Message:
    return Message("face.unjudged", {"why": why})


def stretches(person: int, *spans: Span) -> Message:
    return Message("file.stretches", {"person": person, "spans": when(*spans)})


SENTENCES = [
    (Message("face.no_change"), "What was measured does not speak for a change of this face."),
    (
        Message("face.changed_when", {"log10_lr": 1.955, "spans": when(Span(9.75, 14.75))}),
        "What was measured is about 90 times likelier if this face was changed than if it was not; "
        "the signs appear from 0:09.8 to 0:14.8.",
    ),
    (
        Message("face.changed", {"log10_lr": 1.4624}),
        "What was measured is about 29 times likelier if this face was changed than if it was not.",
    ),
    (
        Message("face.weak"),
        "What was measured leans towards a change of this face, but too weakly to say so.",
    ),
    (
        unjudged(Message("why.unfit", {"faults": (SMALL,)})),
        "This face cannot be judged: it is too small (under 64 px wide).",
    ),
    (
        unjudged(Message("why.unfit", {"faults": (SMALL, BLURRED)})),
        "This face cannot be judged: it is too small (under 64 px wide) or too blurred.",
    ),
    (
        unjudged(
            Message(
                "why.mostly_unfit",
                {"faults": (SMALL, Message("fault.aside")), "count": 2, "needed": 3},
            )
        ),
        "This face cannot be judged: it is too small (under 64 px wide) or turned too far aside in "
        "all but 2 frames, "
        "and 3 are needed.",
    ),
    (
        unjudged(
            Message(
                "why.mostly_unfit",
                {"faults": (Message("fault.compressed"),), "count": 1, "needed": 3},
            )
        ),
        "This face cannot be judged: it is too heavily compressed in all but 1 frame, and 3 are "
        "needed.",
    ),
    (
        unjudged(Message("why.seldom", {"count": 2, "needed": 3})),
        "This face cannot be judged: it is seen in only 2 frames, and 3 are needed.",
    ),
    (
        unjudged(Message("why.seldom", {"count": 1, "needed": 3})),
        "This face cannot be judged: it is seen in only 1 frame, and 3 are needed.",
    ),
    (
        unjudged(Message("why.no_line")),
        "This face cannot be judged: no calibrated line of evidence could be applied.",
    ),
    (Message("file.no_face_photo"), "No face was found in this photo."),
    (Message("file.no_face_video"), "No face was found in this video."),
    (people("file.changed", 1), "The face of person 1 shows signs of a change."),
    (
        people("file.changed_when", 1, spans=when(HERE, THERE)),
        "The face of person 1 shows signs of a change from 0:03.2 to 0:09.1 and "
        "from 1:12.4 to 1:13.0.",
    ),
    (
        people("file.changed_when", 1, spans=when(*[Span(i, i + 0.5) for i in range(6)])),
        "The face of person 1 shows signs of a change from 0:00.0 to 0:00.5, "
        "from 0:01.0 to 0:01.5, "
        "from 0:02.0 to 0:02.5 and 3 more times.",
    ),
    (
        people(
            "file.changed_each", 2, 3, stretches=(stretches(2, HERE), stretches(3, HERE, THERE))
        ),
        "The faces of persons 2 and 3 show signs of a change: person 2 from 0:03.2 to 0:09.1; "
        "person 3 from 0:03.2 to 0:09.1 and from 1:12.4 to 1:13.0.",
    ),
    (
        people("file.changed", *range(1, 9)),
        "The faces of persons 1, 2, 3, 4, 5 and 3 more show signs of a change.",
    ),
    (people("file.no_change", 1), "No change was found in the face of person 1."),
    (people("file.no_change", 1, 2), "No change was found in the faces of persons 1 and 2."),
    (
        people("file.no_change_but", 1, but=people("but.small", 2)),
        "No change was found in the face of person 1; person 2 is too small to be judged.",
    ),
    (
        people("file.no_change_but", 1, but=people("but.small", 2, 3, 4)),
        "No change was found in the face of person 1; persons 2, 3 and 4 are too small to be "
        "judged.",
    ),
    (
        people("file.untold", 1, 2),
        "It cannot be told whether the faces of persons 1 and 2 were changed.",
    ),
    (
        people("file.untold_but", 2, but=people("but.no_change", 1)),
        "It cannot be told whether the face of person 2 was changed; no change was found in the "
        "face of person 1.",
    ),
    (
        people("file.licensed_but", 1, but=people("but.small", 3)),
        "A licence allows the change of the face of person 1; person 3 is too small to be judged.",
    ),
    (
        Message("limit.brief", {"count": 1}),
        "1 face that showed too briefly to be followed was not judged.",
    ),
    (
        Message("limit.brief", {"count": 2}),
        "2 faces that showed too briefly to be followed were not judged.",
    ),
    (
        Message("motion.seldom", {"count": 1, "needed": 5}),
        "Nothing can be said of motion: the face is seen once well enough, and 5 are needed.",
    ),
    (
        Message("evidence.failed", {"error": "ValueError: 1 {not} a place"}),
        "This line of evidence failed (ValueError: 1 {not} a place) and weighs nothing.",
    ),
    (
        BrokenMedia(
            "a\n.mp4",
            Message("media.long", {"seconds": 20_000.4, "most_seconds": 14_400.0}),
            Message("way.cut"),
        ).message,
        r"a\n.mp4: 20,000 s long, over the bound of 14,400 s; cut out the part that matters",
    ),
    (verbatim("As {it} stands."), "As {it} stands."),
]


@pytest.mark.parametrize(
    ("message", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES]
)
def test_what_a_message_says(message: Message, sentence: str) -> None:
    assert str(message) == sentence


@pytest.mark.parametrize("message", [message for message, _ in SENTENCES], ids=str)
def test_a_message_survives_json(message: Message) -> None:
    assert read(plain(message)) == message


def test_a_result_s_reason_prints_as_its_sentence() -> None:
    assert f"{results.nobody().reason}" == "No face was found in this photo."


def test_a_stretch_of_an_original() -> None:
    from unmask.types import Kind
    from unmask.words.footage import shown

    one = results.DRAMA
    still = Match((one,), 2.0, 2.0, 5.0, 5.0, False, 9, ())
    faster = Match((one, one), 0.0, 8.0, 3.0, 19.0, True, 9, ())
    assert str(shown(still)) == "this picture shows 0:05.0 of “The drama” (Us)"
    assert str(shown(faster)) == (
        "0:00.0 to 0:08.0 shows 0:03.0 to 0:19.0 of “The drama” (Us) and “The drama” (Us), "
        "mirrored, at 0.50 times its speed"
    )
    photo = replace(one, title="The still", kind=Kind.PHOTO, duration=0.0)
    same = Match((photo,), 0.0, 0.0, 0.0, 0.0, False, 9, ())
    assert str(shown(same)) == "this picture shows “The still” (Us)"
    assert (
        str(shown(replace(same, end=8.0, mirrored=True)))
        == "0:00.0 to 0:08.0 shows “The still” (Us), mirrored"
    )
