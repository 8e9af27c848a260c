"""The protocol of a live check: an honest client passes, every abuse is refused.

Times are made up: there is no clock.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.live.protocol import (
    BEGUN_LATEST,
    FRAME_BYTES,
    FRAMES_PER_SECOND,
    HEAD,
    JITTER,
    LATEST,
    LEAD,
    PAINTED_LATEST,
    TAIL,
    TEXT_CHARACTERS,
    Abuse,
    CameraFrame,
    LiveProtocol,
    Refused,
)

AHEAD = 5000.0
"""s by which the client's clock is ahead of ours."""

STEPS, SECONDS = 4, 0.4


class Client:
    """A browser and its connection.

    Args:
        delay: time that a message takes, either way, s.
    """

    def __init__(self, delay: float = 0.05) -> None:
        self.delay, self.number, self.now = delay, 0, 100.0
        self.session = LiveProtocol(STEPS, SECONDS, delay - AHEAD, self.now + delay)

    @staticmethod
    def time(now: float) -> float:
        return now + AHEAD

    def frame(
        self, at: float, jpeg: bytes = b"", number: int | None = None, arrives: float | None = None
    ) -> object:
        """Sends a frame that the camera saw at a time, s of our clock."""
        self.number = self.number if number is None else number
        message = HEAD.pack(self.number, self.time(at)) + (jpeg or f"frame {at}".encode())
        self.number += 1
        return self.session.receive(message, at + self.delay if arrives is None else arrives)

    def painted(self, number: int, at: float, arrives: float | None = None) -> object:
        """Reports when a step was painted, s of our clock."""
        text = json.dumps({"painted": number, "time": self.time(at)})
        return self.session.receive(text, at + self.delay if arrives is None else arrives)

    def to_step(self, number: int) -> float:
        """Advances to a step, painting all before it; returns when it was sent, s of our clock."""
        for one in range(number + 1):
            due = self.session.due
            assert self.session.step(due) == one
            if one < number:
                self.painted(one, due + self.delay)
        return due


@pytest.fixture
def client() -> Client:
    return Client()


def abuse(what: object, *arguments: object, **more: object) -> Abuse:
    with pytest.raises(Refused) as refused:
        what(*arguments, **more)  # type: ignore[operator]
    return refused.value.abuse


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.45])
def test_an_honest_client_gets_through(delay: float) -> None:
    client = Client(delay)
    session, now, begun = client.session, client.now + delay, client.now + delay
    assert session.due == begun + LEAD
    taken, steps = [], []
    while True:
        if now >= session.due:
            number = session.step(now)
            if number is None:
                break
            steps.append((number, now))
        for number, sent in steps:
            if number == len(session.shown) and now >= sent + 2 * delay + 0.02:
                client.painted(number, sent + delay + 0.02)
        if frame := client.frame(now - delay + 0.001, arrives=now + 0.001):
            taken.append(frame)
        now += 0.05
    assert [number for number, _ in steps] == list(range(STEPS))
    assert now - begun == pytest.approx(LEAD + STEPS * SECONDS + TAIL, abs=0.3)
    # In the client's clock, minus the delay of the quickest message: 1 ms longer than the rest.
    assert session.sent == [
        pytest.approx(client.time(sent - delay), abs=0.002) for _, sent in steps
    ]
    assert session.shown == [pytest.approx(sent) for sent in session.sent]
    assert session.counted == [frame.time for frame in taken]
    assert len(taken) > 50
    assert [frame.number for frame in taken] == list(range(len(taken)))
    assert session.late == 0


def test_steps_never_come_closer_together_than_they_last(client: Client) -> None:
    sent = [client.session.due]
    client.session.step(sent[0])
    late = client.session.due + 0.3
    client.session.step(late)
    assert client.session.due == late + SECONDS


def test_a_frame_is_told_by_its_bytes(client: Client) -> None:
    assert client.frame(101.0, b"jpeg") == CameraFrame(0, client.time(101.0), b"jpeg")


def test_a_frame_sent_again_is_refused(client: Client) -> None:
    client.frame(100.1)
    client.frame(100.2)
    assert abuse(client.frame, 100.3, number=1) is Abuse.REPLAYED


def test_the_same_picture_again_is_refused(client: Client) -> None:
    client.frame(100.1, b"one")
    client.frame(100.2, b"two")
    assert abuse(client.frame, 100.3, b"one") is Abuse.REPLAYED


def test_a_camera_that_stalls_is_no_replay(client: Client) -> None:
    client.frame(100.1, b"one")
    assert client.frame(100.2, b"one") is None
    assert client.frame(100.3, b"two") is not None


def test_frames_out_of_order_are_refused(client: Client) -> None:
    client.frame(100.1)
    assert abuse(client.frame, 100.2, number=2) is Abuse.REORDERED


def test_frames_whose_time_goes_back_are_refused(client: Client) -> None:
    client.frame(100.3)
    assert abuse(client.frame, 100.2, arrives=100.4) is Abuse.REORDERED


def test_a_late_frame_does_not_count(client: Client) -> None:
    assert client.frame(100.1, arrives=100.2 + LATEST) is None
    assert client.session.late == 1
    assert client.session.counted == []


def test_a_stalled_connection_costs_only_the_frames_that_waited(client: Client) -> None:
    for at in range(10):
        assert client.frame(100.1 + at / 10)
    stalled = [client.frame(101.1 + at / 10, arrives=101.74) for at in range(6)]
    assert [frame is not None for frame in stalled] == [False, False, True, True, True, True]
    assert client.frame(101.8)


def test_a_clock_that_is_put_right_later_makes_no_frame_younger(client: Client) -> None:
    """A client that delays every message must not make all frames seem simultaneous."""
    client.frame(100.1, arrives=100.1 + client.delay + 0.3)
    client.frame(100.4)
    assert len(client.session.counted) == 2
    client.frame(100.9, arrives=100.75)  # so all before took 0.2 s longer than it seemed
    assert client.session.counted == [client.time(100.4), client.time(100.9)]


def test_a_late_word_of_a_step_is_refused(client: Client) -> None:
    sent = client.to_step(0)
    assert abuse(client.painted, 0, sent + 0.1, arrives=sent + PAINTED_LATEST + 0.1) is Abuse.LATE


def test_a_step_that_was_painted_late_is_refused(client: Client) -> None:
    sent = client.to_step(0)
    assert abuse(client.painted, 0, sent + PAINTED_LATEST) is Abuse.LATE


def test_steps_that_nobody_painted_end_it(client: Client) -> None:
    client.to_step(STEPS - 1)
    assert abuse(client.session.step, client.session.due) is Abuse.LATE


def test_a_frame_from_the_future_is_refused(client: Client) -> None:
    assert abuse(client.frame, 100.2 + BEGUN_LATEST, arrives=100.1) is Abuse.FORGED


def test_nothing_is_painted_before_it_was_sent(client: Client) -> None:
    sent = client.to_step(1)
    assert abuse(client.painted, 1, sent - 0.3, arrives=sent + 0.1) is Abuse.FORGED


def test_nothing_is_painted_before_the_step_before_it(client: Client) -> None:
    client.to_step(0)
    client.painted(0, 101.5)
    client.session.step(101.4)
    assert abuse(client.painted, 1, 101.4, arrives=101.6) is Abuse.FORGED


@given(st.lists(st.floats(0.0, 0.9), min_size=STEPS, max_size=STEPS))
def test_when_a_step_was_painted_is_believed_but_little(lates: list[float]) -> None:
    """Choosing the times after seeing the steps moves none of them further than jitter would."""
    client = Client()
    session, words = client.session, list[tuple[float, int, float]]()
    try:
        for number, late in enumerate(lates):
            session.step(due := session.due)
            words.append((due + late + 0.05, number, due + late))
            while words and words[0][0] <= session.due:
                arrives, one, at = words.pop(0)
                client.painted(one, at, arrives)
        for arrives, one, at in words:
            client.painted(one, at, arrives)
    except Refused:
        return
    assert session.sent == [
        pytest.approx(session.sent[0] + SECONDS * number) for number in range(STEPS)
    ]
    for shown, own in zip(session.shown, session.sent, strict=True):
        assert abs(shown - own) <= JITTER + 1e-9


def test_jitter_of_the_network_is_made_up_for(client: Client) -> None:
    session, jitter = client.session, [0.0, 0.03, 0.0, 0.08]
    for number, late in enumerate(jitter):
        session.step(due := session.due)
        client.painted(number, due + client.delay + late)
    usual = 0.015  # the median
    assert session.shown == [
        pytest.approx(sent + late - usual) for sent, late in zip(session.sent, jitter, strict=True)
    ]


def test_a_painting_from_the_future_moves_no_clock(client: Client) -> None:
    client.frame(100.1)
    due = client.to_step(0)
    sent = client.session.sent
    client.painted(0, due + 0.6, arrives=due + 0.3)
    assert client.session.sent == sent


def test_a_step_that_was_not_sent_is_not_painted(client: Client) -> None:
    assert abuse(client.painted, 0, 100.1) is Abuse.FORGED


def test_steps_are_painted_once_and_in_order(client: Client) -> None:
    sent = client.to_step(1)
    assert abuse(client.painted, 0, sent + 0.1) is Abuse.REPLAYED
    client.session.step(client.session.due)
    assert abuse(client.painted, 2, sent + 0.5) is Abuse.REORDERED


def test_large_messages_are_refused(client: Client) -> None:
    client.frame(100.1, bytes(FRAME_BYTES))
    assert abuse(client.frame, 100.2, bytes(FRAME_BYTES + 1)) is Abuse.OVERSIZED
    assert abuse(client.session.receive, " " * (TEXT_CHARACTERS + 1), 100.3) is Abuse.OVERSIZED


def test_too_many_frames_are_refused(client: Client) -> None:
    def flood() -> None:
        for i in range(int(3 * FRAMES_PER_SECOND)):
            client.frame(100 + i / 1000)

    assert abuse(flood) is Abuse.TOO_MANY
    assert len(client.session.counted) <= 1.2 * FRAMES_PER_SECOND


@pytest.mark.parametrize("text", [
    "", "null", "[]", "{", "[" * 190, '{"painted": "0", "time": 5101}',
    '{"painted": true, "time": 5101}', '{"painted": 0}', '{"painted": 0, "time": NaN}',
    '{"painted": 0, "time": -1}', '{"painted": 0, "time": 1e400}',
])  # fmt: skip
def test_what_is_no_message_is_refused(client: Client, text: str) -> None:
    client.to_step(0)
    assert abuse(client.session.receive, text, 101.2) is Abuse.MALFORMED


@given(
    st.lists(st.one_of(st.text(max_size=250), st.binary(max_size=200)), max_size=8),
    st.integers(0, STEPS),
)
def test_any_messages_are_taken_or_refused(messages: list[str | bytes], steps: int) -> None:
    client = Client()
    for _ in range(steps):
        client.session.step(client.session.due)
    for i, message in enumerate(messages):
        try:
            frame = client.session.receive(message, 103.0 + i)
        except Refused:
            return
        assert frame is None or frame.jpeg


@given(st.floats(), st.floats(0, 30), st.integers(0, 2**32 - 1))
def test_no_frame_claims_more_than_its_delay_allows(
    claimed: float, arrives: float, number: int
) -> None:
    client = Client()
    try:
        frame = client.session.receive(HEAD.pack(number, claimed) + b"jpeg", 100.05 + arrives)
    except Refused:
        return
    if frame is not None:
        assert (
            100 + arrives - LATEST - 0.2 <= frame.time - AHEAD <= 100 + arrives + BEGUN_LATEST + 0.2
        )
