"""Values that pass from stage to stage. All are frozen: nobody edits a value after it was returned.

Conventions: images are rgb uint8 ``(h, w, 3)``; times are seconds of presentation time from the
clip's first frame; boxes are ``(x0, y0, x1, y1)`` and points ``(x, y)`` in px of the upright frame;
``log10_lr`` is the decimal logarithm of the likelihood ratio *changed : bona fide*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.messages import Message

Rgb = NDArray[np.uint8]
"""An image, rgb uint8 ``(h, w, 3)``."""

Box = tuple[float, float, float, float]
"""``(x0, y0, x1, y1)`` in px."""


class Verdict(StrEnum):
    """Answer for a face or a file. There is no "authentic": no detector can say that."""

    CHANGED = "changed"
    LICENSED_CHANGE = "licensed change"
    NO_CHANGE_FOUND = "no change found"
    CANNOT_TELL = "cannot tell"


class Outcome(StrEnum):
    """Outcome of a check of a file: its verdict, except that `no face` is told apart."""

    CHANGED = "changed"
    LICENSED_CHANGE = "licensed change"
    NO_CHANGE_FOUND = "no change found"
    CANNOT_TELL = "cannot tell"
    NO_FACE = "no face"


class Status(StrEnum):
    """Result state of a line of evidence on one track."""

    RAN = "ran"
    NOT_APPLICABLE = "not_applicable"
    FAILED = "failed"


class Kind(StrEnum):
    """Sort of media that a file holds."""

    PHOTO = "photo"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """Facts about a file, measured: sizes and times come from its packets, not from its header.

    Attributes:
        path: as the caller gave it.
        kind: photo or video.
        sha256: sha256 of the whole file, hexadecimal.
        size_bytes: size of the whole file.
        container: name of the container or image format, e.g. ``mp4`` or ``jpeg``.
        codec: name of the picture codec, e.g. ``h264`` or ``jpeg``.
        width, height: px of the upright picture, after rotation and pixel aspect.
        rotation: degrees clockwise by which the stored picture was turned to stand upright.
        duration: seconds from the first presentation to the end of the last one; 0 for a photo.
        declared_duration: seconds that the header claims, or None where it claims nothing.
        frames: number of pictures in the file.
        frame_rate: mean frames per second; None for a photo.
        variable_frame_rate: whether the gaps between presentation times differ by more than
            rounding.
        bit_rate: bits per second of the picture stream; None for a photo.
        limits: what of the file its frames do not show, such as a missing end or another film.
    """

    path: str
    kind: Kind
    sha256: str
    size_bytes: int
    container: str
    codec: str
    width: int
    height: int
    rotation: int = 0
    duration: float = 0.0
    declared_duration: float | None = None
    frames: int = 1
    frame_rate: float | None = None
    variable_frame_rate: bool = False
    bit_rate: float | None = None
    limits: tuple[Message, ...] = ()


class Seal(StrEnum):
    """Result of comparing a file with what its content credentials were signed for."""

    NONE = "none"
    ELSEWHERE = "elsewhere"
    INTACT = "intact"
    CHANGED = "changed"
    BROKEN = "broken"
    UNKNOWN = "unknown"


AI_MADE = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic")
"""Ends of the IPTC digital source types for content made by a trained model, whole or in part."""


def declares_ai(source_types: Sequence[str]) -> bool:
    """Tells whether an IPTC digital source type declares content made by a trained model."""
    return any(one.rpartition("/")[2] in AI_MADE for one in source_types)


@dataclass(frozen=True, slots=True)
class Labels:
    """Unsigned labels in a file's metadata.

    Attributes:
        producer: who made the file with AI, by China's label (GB 45438-2025); may be empty; None
            without a label.
        source_types: IPTC digital source types, by their addresses.
    """

    producer: str | None = None
    source_types: tuple[str, ...] = ()

    @property
    def declares_ai(self) -> bool:
        """True if the labels declare content made by AI."""
        return self.producer is not None or declares_ai(self.source_types)


class IdentityState(StrEnum):
    """How far an identity in content credentials can be relied on."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or organisation that vouches, beside the signer, for what is declared (CAWG).

    Attributes:
        name: on their certificate, or as a service verified it; empty if unknown.
        kind: type of their signature, as the standard calls it.
        state: `untrusted` where the signature fits and no authority of the user's list vouches for
            them; `unverified` where it does not fit, or cannot be verified here.
        own: whether they vouch for this file, not for one that it was made from.
        problems: status codes of the standard.
    """

    name: str
    kind: str
    state: IdentityState
    own: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentCredentials:
    """Content of a file's content credentials (C2PA), and how far it can be trusted.

    Texts come from strangers and are on one line.

    Attributes:
        seal: whether the file is what was signed.
        signer: name on the certificate; empty if unknown.
        trusted: whether an authority of the user's own list vouches for the signer.
        signed_at: time of the time stamp, ISO 8601; empty without one.
        tool: tool that wrote the credentials.
        source_types: IPTC digital source types declared, including those of the file's ingredients.
        licences: sha256 of the licences named.
        problems: status codes of the standard, or the reader's words.
        manifests: number of manifests: the file's own, and those of its ingredients.
        identities: who vouches beside the signer, for the file or for its ingredients.
    """

    seal: Seal
    signer: str = ""
    trusted: bool = False
    signed_at: str = ""
    tool: str = ""
    source_types: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    manifests: int = 0
    identities: tuple[Identity, ...] = ()

    @property
    def declares_ai(self) -> bool:
        """True if the credentials declare content made by a trained model, whole or in part."""
        return declares_ai(self.source_types)


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a video, seconds, with ``pictures`` damaged pictures.

    It reaches from an error to the next intact key frame.
    """

    start: float
    end: float
    pictures: int


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Numbers that the encoder gave to the m key frames of a film, in the order of the file.

    All are int32 ``(m,)``. Codecs without such numbers have m = 0, and key frames that cannot be
    read are left out.

    Attributes:
        at: number of the packet.
        fresh: 1 for pictures at which the count of pictures starts over, 0 for others.
        idr: idr_pic_id of an IDR picture of H.264, 0 to 65535; else -1.
        order: lowest bits of the pic order count, which gives the order of presentation; -1 where
            there is none.
        wraps: value at which ``order`` starts over; 0 where there is none.
        skipped: reference frames of H.264 that are missing just before by their frame_num; -1 where
            that is not known.
    """

    at: NDArray[np.int32]
    fresh: NDArray[np.int32]
    idr: NDArray[np.int32]
    order: NDArray[np.int32]
    wraps: NDArray[np.int32]
    skipped: NDArray[np.int32]

    def before(self, number: int) -> Numbers:
        """Returns the numbers of packets before ``number``."""
        kept = self.at < number
        return Numbers(*(getattr(self, one.name)[kept] for one in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """All pictures of a film as they lie in its file, one packet each, before any is decoded.

    Attributes:
        tick: unit of the film's clock, seconds.
        ticks: int64 ``(n,)``, n >= 1: presentation time of each, in the order of the file; need not
            rise.
        keys: bool ``(n,)``: true for key frames.
        broken: bool ``(n,)``: true for packets that came broken, and for those after one up to the
            next whole key frame.
        sizes: int32 ``(n,)``: bytes.
        crcs: uint32 ``(n,)``: CRC-32 of the bytes.
        tail: duration of the last one, ticks; 0 where nothing tells.
        begun: numbers of the key frames, except the first, at which an encoder began anew or
            changed its settings.
        numbers: that the encoder gave to key frames.
    """

    tick: Fraction
    ticks: NDArray[np.int64]
    keys: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    sizes: NDArray[np.int32]
    crcs: NDArray[np.uint32]
    tail: int
    begun: tuple[int, ...]
    numbers: Numbers

    def before(self, number: int) -> Packets:
        """Returns the packets before ``number``."""
        arrays = {
            name: getattr(self, name)[:number]
            for name in ("ticks", "keys", "broken", "sizes", "crcs")
        }
        begun = tuple(one for one in self.begun if one < number)
        return replace(self, **arrays, begun=begun, numbers=self.numbers.before(number))


@dataclass(frozen=True, slots=True)
class SegmentSeal:
    """Statement of the signature of a live segment, see `unmask.licences.live_segments`.

    Attributes:
        seal: whether the segment is as it was signed.
        signer: name in the certificate, for which nobody vouches.
        names: of its manifest.
        previous: name of the manifest of the segment before; empty if it gives none.
        stream: name of the stream.
        number: of the segment in the stream; None if it gives none.
    """

    seal: Seal
    signer: str = ""
    names: frozenset[str] = frozenset()
    previous: str = ""
    stream: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One upright picture: ``time`` in seconds, ``rgb`` uint8 ``(h, w, 3)``."""

    time: float
    rgb: Rgb


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """A very small grey picture: ``time`` in seconds, ``grey`` uint8 ``(54, 96)``, upright."""

    time: float
    grey: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Small:
    """A small grey picture: ``time`` in seconds, ``grey`` uint8 ``(90, 160)`` whatever its shape.

    ``follows`` tells whether the picture right before it was given, too, and was not passed over as
    damaged. ``key`` tells whether it is a key frame, which was encoded without regard to the one
    before.
    """

    time: float
    grey: NDArray[np.uint8]
    follows: bool
    key: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A stretch of sound without a gap: start ``time``, s, and mono samples.

    Samples are float32 ``(n,)``, 16,000 a second.
    """

    time: float
    samples: NDArray[np.float32]


SOUND_RATE = 16_000
"""Samples per second of `Sound`."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face as the face detector sees it.

    Attributes:
        box: px in the frame.
        points: float32 ``(5, 2)`` px: the person's right eye, left eye, nose tip, right and left
            mouth corner.
        confidence: the detector's confidence, 0 to 1.
    """

    box: Box
    points: NDArray[np.float32]
    confidence: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of one face, which limits its judgement.

    Attributes:
        size_px: width of the face box in the frame, px.
        sharpness: variance of the Laplacian of the aligned crop's luma over the luma's own
            variance; below 0.02 is blurred.
        yaw: turn of the head, 0 frontal to 1 full profile, from the five points.
        blockiness: mean luma step across the frame's 8 px grid over the step inside it, at the
            face; 1 means no visible blocks.
        detail_px: width, px, at which the face would show as much detail; at most ``size_px``, less
            where it was enlarged.
        echo: strength of a double image, everything seen twice a little apart; 0 for none, towards
            1 in an even blend of two pictures.
    """

    size_px: float
    sharpness: float
    yaw: float
    blockiness: float
    detail_px: float = math.inf
    echo: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One face in one frame: its place, its quality and its aligned crop.

    The crop is rgb uint8 ``(192, 192, 3)``. ``eyes`` is a finer strip of both eyes, uint8 ``(64,
    192, 3)``, see `unmask.faces.eyes`; None where they are too small. ``close_up`` is the face
    finer than in the crop, uint8 ``(224, 224, 3)``, see `unmask.faces.close_up`; None where the
    face is too small to show more there. A sighting is compared and hashed by identity, so that
    measurements can be kept under it.
    """

    time: float
    face: Face
    quality: Quality
    crop: Rgb
    eyes: Rgb | None = None
    close_up: Rgb | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """One person's face followed over a clip; ``id`` counts from 1 in order of appearance."""

    id: int
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Original:
    """A known earlier version of some footage, as its owner registered it.

    Attributes:
        id: number of the registration in its index.
        title, owner: in the owner's words.
        name: name of the file that was registered, without its folder.
        sha256: sha256 of that file, hexadecimal.
        kind: photo or video.
        duration: seconds; 0 for a photo.
        frames: number of its frames that the index knows.
        complete: whether the registration came to its end.
        registered_at: UTC, ISO 8601.
        seal: whether that file was what its content credentials were signed for; None where they
            were not read, as by older versions.
        signer: name on the certificate of those credentials; empty if unknown.
    """

    id: int
    title: str
    owner: str
    name: str
    sha256: str
    kind: Kind
    duration: float
    frames: int
    complete: bool
    registered_at: str
    seal: Seal | None = None
    signer: str = ""

    @property
    def credit(self) -> Message:
        """Title and owner, each on one line, as a sentence names them."""
        title, owner = (" ".join(text.split()) for text in (self.title, self.owner))
        return Message("originals.named", {"title": title, "owner": owner})


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One frame aligned with the same moment of its original; compared and hashed by identity.

    Attributes:
        time, original_time: seconds in the file and in the original.
        rgb: the frame, turned, scaled and cropped like the original's thumbnail, uint8 ``(h, w,
            3)``.
        original: the thumbnail, uint8 ``(h, w, 3)``.
        seen: bool ``(h, w)``: true where the frame shows what the thumbnail shows.
        onto: float64 ``(3, 3)``: the homography from px of the file's frame to px of the thumbnail.
    """

    time: float
    original_time: float
    rgb: Rgb
    original: Rgb
    seen: NDArray[np.bool_]
    onto: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a file that shows a known original.

    Attributes:
        originals: every registration of that footage; two owners may have registered the same.
        start, end: of the stretch in the file, seconds.
        original_start, original_end: of the same stretch in the original, seconds.
        mirrored: whether left and right are exchanged.
        support: number of picture regions that agree, summed over the frames.
        pairs: frames aligned with the original, in order of time.
    """

    originals: tuple[Original, ...]
    start: float
    end: float
    original_start: float
    original_end: float
    mirrored: bool
    support: int
    pairs: tuple[Pair, ...]

    @property
    def speed(self) -> float:
        """Seconds of the original per second of the file."""
        length = self.end - self.start
        return (self.original_end - self.original_start) / length if length else 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A line's measurement of one sighting.

    Attributes:
        time: seconds.
        score: in the line's own unit; has no meaning until calibrated.
        heatmap: float32 ``(h, w)``, 0 to 1, over the aligned crop: where the line sees the change;
            None if it cannot say.
        held: whether it was measured at another moment nearby, and stands for this one.
    """

    time: float
    score: float
    heatmap: NDArray[np.float32] | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that shows a reason, with its caption.

    Attributes:
        caption: what it shows.
        rgb: uint8 ``(h, w, 3)``.
        original: picture to compare it with, of the same size.
        dark: the same for a dark page, where something is drawn on its own background.
    """

    caption: Message
    rgb: Rgb
    original: Rgb | None = None
    dark: Rgb | None = None


@dataclass(frozen=True, slots=True)
class TrackEvidence:
    """Evidence of one line on one track.

    Attributes:
        status: `ran`, `not_applicable` or `failed`.
        summary: one sentence that a newspaper reader understands; the reason where the line did not
            run.
        score: score of the whole track, in the line's own unit; None unless it ran.
        readings: one per sighting, in order of time.
        pictures: pictures that show the reason.
        sampled: whether the line looked only at sightings of its own choice, not at all that it
            could read.
        instead_of: names of lines that have no weight where this one looked, because it sees the
            same, better.
    """

    status: Status
    summary: Message
    score: float | None = None
    readings: tuple[Reading, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sampled: bool = False
    instead_of: tuple[str, ...] = ()


Evidence = Mapping[str, TrackEvidence]
"""Evidence on one track, by the name of the line that gave it."""


class Basis(StrEnum):
    """Basis of a verdict: a measurement, or what the file declares of itself."""

    MEASURED = "measured"
    DECLARED = "declared"


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on a face in an original: the original's sha256, seconds, and x and y.

    Both are relative to its width and height, 0 to 1.
    """

    original: str
    time: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """A licence in the register, and whether it is to be relied on.

    Attributes:
        sha256: sha256 of the licence.
        subject, licensee, role: in its issuer's words.
        part: part of the portrait, in a sentence.
        puts_in: whether it is for the face that is put in, not for the one that is covered.
        until: its last moment, UTC.
        marks: marks on the licensed face, in the originals.
        names_file: whether it names the checked file, by its sha256.
        refused: why it must not be relied on; None if it holds.
    """

    sha256: str
    subject: str
    licensee: str
    role: str
    part: Message
    puts_in: bool
    until: str
    marks: tuple[Mark, ...] = ()
    names_file: bool = False
    refused: Message | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A file's declarations about how it was made, and the licences in the register."""

    credentials: ContentCredentials
    labels: Labels
    licences: tuple[HeldLicence, ...] = ()

    @property
    def ai(self) -> bool:
        """True if AI is declared; by credentials only where the file is still what was signed."""
        signed = self.credentials.seal is Seal.INTACT and self.credentials.declares_ai
        return signed or self.labels.declares_ai


@dataclass(frozen=True, slots=True)
class Case:
    """Everything besides the examined track that a line of evidence may look at.

    Attributes:
        media: facts about the file.
        tracks: everybody in it, the examined track included.
        matches: the known originals that it shows; None where no index of them was given.
        declared: what it says of itself, and the licences in the register; None where no folder of
            licences was given.
        stripped: known originals that it shows, and that carried content credentials when they
            were registered, while the file carries none.
        cuts: times of shot changes, s, as far as looks at it show; where only colours tell, the
            time of the look after it.
        earlier: results of the lines asked before this one on the same track; a line must work
            without, because it may be asked alone.
    """

    media: MediaFacts
    tracks: tuple[Track, ...]
    matches: tuple[Match, ...] | None = None
    declared: Declared | None = None
    stripped: tuple[Original, ...] = ()
    cuts: tuple[float, ...] = ()
    earlier: Evidence = field(default_factory=dict)


def of_highest(scores: Sequence[float] | NDArray[np.floating[Any]], share: float) -> float:
    """Returns the mean of the highest ``share`` (0 to 1) of a track's scores, at least one of them.

    So a short change counts.
    """
    highest = np.sort(scores)[::-1]
    return float(highest[: max(1, math.ceil(share * highest.size))].mean())


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, seconds, in which a face is judged changed."""

    start: float
    end: float


def clock(seconds: float, digits: int = 1) -> str:
    """Formats a time as ``m:ss.s``, with hours in front if any, and ``digits`` decimals."""
    parts = 10**digits
    whole = round(max(seconds, 0) * parts)
    hours, minutes, rest = (
        whole // (3600 * parts),
        whole // (60 * parts) % 60,
        whole % (60 * parts) / parts,
    )
    shown = f"{rest:0{3 + digits}.{digits}f}"
    return f"{hours}:{minutes:02}:{shown}" if hours else f"{minutes}:{shown}"


@dataclass(frozen=True, slots=True)
class TimedLR:
    """Calibrated log10 LR of one sighting, on its own; a person's timeline consists of these."""

    time: float
    log10_lr: float


@dataclass(frozen=True, slots=True)
class TellingFrame:
    """A sighting worth showing: its aligned crop, and where in it the change is seen, 0 to 1.

    The heatmap is None if no line can say. ``box`` is the face in the frame, px. ``corners`` are
    those of the crop in the frame: float32 ``(4, 2)`` px, clockwise from its top left corner as the
    crop shows it.
    """

    time: float
    log10_lr: float | None
    crop: Rgb
    box: Box
    heatmap: NDArray[np.float32] | None = None
    corners: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Place of a face at one time: seconds, and px of the frame."""

    time: float
    box: Box


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line's contribution to one person's verdict; ``log10_lr`` is None if it had no weight."""

    status: Status
    summary: Message
    score: float | None = None
    log10_lr: float | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """A share, 0 to 1, with its 95 % interval."""

    part: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Error rates of the lines that weighed, on single faces of people never trained on.

    The changed ones were changed in ways never trained on.

    Attributes:
        bona_fide, changed: number of faces of each class.
        alarms: share of the bona fide faces that were called changed.
        missed: share of the changed faces in which no change was found.
    """

    bona_fide: int
    changed: int
    alarms: Rate
    missed: Rate


@dataclass(frozen=True, slots=True)
class Person:
    """The verdict on one track, with its reasons.

    Attributes:
        id: of the track.
        verdict, reason: the answer and one sentence for it.
        log10_lr: of the whole track; None where the verdict is `cannot tell`.
        spans: times at which the face is judged changed; empty unless the verdict is `changed`.
        lines: results per line of evidence, by name, in order of weight.
        timeline: LR of each judged sighting, on its own.
        first_seen, last_seen: seconds.
        sightings, judged: how often the face was seen, and how often well enough to be judged.
        quality: medians over the sightings.
        frames: the most telling sightings, the most telling first.
        thumbnail: aligned crop of the clearest sighting.
        places: place of the face at each sighting, in order of time.
        reach: lowest and highest log10 LR that the lines that weighed can give; None where none
            weighed.
        record: error rates of these lines; None where they were not measured.
        basis: basis of the verdict; None where it is `cannot tell`.
        licences: those that reach this person, whether they hold or not.
    """

    id: int
    verdict: Verdict
    reason: Message
    log10_lr: float | None
    spans: tuple[Span, ...]
    lines: Mapping[str, LineResult]
    timeline: tuple[TimedLR, ...]
    first_seen: float
    last_seen: float
    sightings: int
    judged: int
    quality: Quality
    frames: tuple[TellingFrame, ...]
    thumbnail: Rgb
    places: tuple[Place, ...] = ()
    reach: tuple[float, float] | None = None
    record: TrackRecord | None = None
    basis: Basis | None = None
    licences: tuple[HeldLicence, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole frame at ``time`` seconds, rgb uint8 ``(h, w, 3)``.

    ``boxes`` is the box of each face in it, by the person's id.
    """

    time: float
    rgb: Rgb
    boxes: Mapping[int, Box]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file's own metadata about its recording; unsigned, so anybody can write or remove them.

    Attributes:
        camera: its maker and model; empty, like each of these, where nothing is said.
        software: software that wrote the file.
        taken: time of the recording, ISO 8601; by the camera's clock, without an offset from UTC
            where it states none.
        saved: time of writing, likewise.
        located: whether they say where it was recorded; the place itself is not read.
    """

    camera: str = ""
    software: str = ""
    taken: str = ""
    saved: str = ""
    located: bool = False


@dataclass(frozen=True, slots=True)
class Custody:
    """Record of a check: enough to repeat it and to see that the file is the same.

    Attributes:
        checked_at: UTC, ISO 8601.
        versions: of Unmask, Python and the libraries that decode and infer.
        weights: sha256 by weight name.
        settings: of the check, JSON values.
        frames_examined: how many frames were decoded for judging.
        recorded: what the file's metadata say.
    """

    checked_at: str
    versions: Mapping[str, str]
    weights: Mapping[str, str]
    settings: Mapping[str, Any]
    frames_examined: int
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer for one file, as `unmask.check` returns it.

    A file that could not be judged has ``verdict`` None and ``error`` filled; ``media`` and
    ``custody`` may then be None. ``prior`` is the base rate of changed faces that the user stated,
    0 to 1, and ``posterior`` the probability that follows from it and the LR; both None where none
    was stated, ``posterior`` also where the verdict is `cannot tell`. ``matches`` are the known
    originals that it shows, ``damage`` the stretches that were passed over, ``declared`` what it
    says of itself, ``stripped`` the known originals whose content credentials it lacks. ``report``
    and ``key_frames`` are paths of the page and of whole frames that were written, if any were.
    """

    path: str
    sha256: str | None
    verdict: Verdict | None
    reason: Message
    log10_lr: float | None
    people: tuple[Person, ...]
    error: Message | None = None
    media: MediaFacts | None = None
    custody: Custody | None = None
    prior: float | None = None
    posterior: float | None = None
    limits: tuple[Message, ...] = ()
    matches: tuple[Match, ...] = ()
    damage: tuple[Damage, ...] = ()
    declared: Declared | None = None
    stripped: tuple[Original, ...] = ()
    report: str | None = None
    key_frames: tuple[str, ...] = ()

    @property
    def basis(self) -> Basis | None:
        """Basis of the verdict; `measured` if that holds for one person who has this verdict."""
        found = {person.basis for person in self.people if person.verdict is self.verdict}
        return (
            Basis.MEASURED
            if Basis.MEASURED in found
            else Basis.DECLARED
            if Basis.DECLARED in found
            else None
        )

    @property
    def outcome(self) -> Outcome | None:
        """The verdict, or `no face`; None without a verdict.

        `no face` is a `cannot tell` whose only cause is that an intact file shows nobody.
        """
        if self.verdict is Verdict.CANNOT_TELL and not self.people and not self.damage:
            return Outcome.NO_FACE
        return None if self.verdict is None else Outcome(self.verdict)

    @classmethod
    def failed(cls, path: str, error: Message, sha256: str | None = None) -> CheckResult:
        """Builds the answer for a file that could not be judged."""
        return cls(path, sha256, None, error, None, (), error=error)

    def _repr_html_(self) -> str:
        from unmask.report.html import fragment

        return fragment(self)
