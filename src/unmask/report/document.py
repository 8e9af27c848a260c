"""The result as a document for programs: the JSON of `unmask check --json`, declared here once.

The JSON, its schema and docs/json.md, the results that the service stores and shows, and those that
`unmask.client` returns all come from `Document`. ``schema-1.json`` is the contract as it was
published; the tests compare. Numbers are finite and rounded. Beside every English sentence stand
its code and its values, from which `unmask.words` says the same in another language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from itertools import zip_longest
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from unmask.errors import encodable
from unmask.messages import Message, plain, read, verbatim
from unmask.types import (
    Basis,
    CheckResult,
    IdentityState,
    Kind,
    Match,
    Outcome,
    Seal,
    Status,
    Verdict,
)
from unmask.words import sayable

SCHEMA_VERSION = 1
"""Version of the document; raised whenever its common core changes."""


def _to(digits: int) -> AfterValidator:
    return AfterValidator(lambda number: round(number, digits))


def _portable(value: Any) -> Any:
    """Replaces what not every JSON parser reads.

    These are tuples, other kinds of mapping, NaN, infinity and lone surrogates.
    """
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {encodable(str(key)): _portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


Number = Annotated[float, _to(3)]
Positive = Annotated[float, Field(ge=0), _to(3)]
Px = Annotated[float, _to(1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Box = Annotated[tuple[Px, ...], Field(min_length=4, max_length=4)]
Point = Annotated[
    tuple[Annotated[Px, Field(description="px.")], ...],
    Field(min_length=2, max_length=2, description="x, y."),
]
Corners = Annotated[tuple[Point, ...], Field(min_length=4, max_length=4)]
Reach = Annotated[tuple[Number, ...], Field(min_length=2, max_length=2)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Json = Annotated[dict[str, Any], AfterValidator(_portable)]
IsThere = Annotated[
    bool, BeforeValidator(lambda given: given if isinstance(given, bool) else given is not None)
]
"""True if there is a picture."""

CODE = Field(
    description="Code of that sentence, under which catalogues of other languages have it."
)
VALUES = Field(
    description="Values of the places in that sentence, by name: numbers, texts, messages of a "
    "code and values of their "
    "own, or lists of these. Times are seconds."
)

UNTOLD: dict[str, Any] = {
    "if": {"properties": {"verdict": {"const": "cannot tell"}}},
    "then": {"properties": {"log10_lr": {"type": "null"}}},
}
"""JSON Schema rule: where the verdict is `cannot tell`, there is no likelihood ratio."""


class DocumentPart(BaseModel):
    """Base of the document and its parts, made `of` a value of `unmask.types` or from JSON."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def of(cls, value: Any) -> Self:
        """Makes the part from a value with the same fields."""
        return cls.model_validate(value)

    def plain(self) -> dict[str, Any]:
        """Returns all fields as JSON values, the common core first."""
        return self.model_dump(mode="json")

    def message(self, name: str) -> Message:
        """Reads a message, such as the ``reason``.

        If it has no code, as in documents of older versions, or one that no language knows, its
        English sentence is used.
        """
        coded = {part: getattr(self, f"{name}_{part}") for part in ("code", "values")}
        return _sayable(coded, getattr(self, name))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Returns the schema, with descriptions on one line and no titles made of field names."""
        found = handler.resolve_ref_schema(handler(core))
        for field in found["properties"].values():
            field.pop("title", None)
        for told in (found, *found["properties"].values()):
            if "description" in told:
                told["description"] = " ".join(told["description"].split())
        return found

    @model_validator(mode="before")
    @classmethod
    def _take(cls, given: Any) -> Any:
        return _fields(cls, given) if is_dataclass(given) else given


class MessagePart(DocumentPart):
    """One sentence as a code and the values of its places."""

    code: str
    """Code of the sentence."""
    values: Json
    """Values of its places, by name."""


class SpanPart(DocumentPart):
    """A stretch of time in which a face is judged changed."""

    start: Positive
    """Seconds."""
    end: Positive
    """Seconds, not before start."""


class ReadingPart(DocumentPart):
    """One judged sighting."""

    time: Positive
    """Seconds."""
    log10_lr: Number
    """Decimal logarithm of the likelihood ratio changed : bona fide; of this sighting alone."""


class PlacePart(DocumentPart):
    """Where a face was at one time."""

    time: Positive
    """Seconds."""
    box: Box
    """x0, y0, x1, y1 of the face in the frame, px."""


class FramePart(DocumentPart):
    """A sighting worth showing."""

    time: Positive
    """Seconds."""
    log10_lr: Number | None
    """Decimal logarithm of the likelihood ratio changed : bona fide; of this sighting alone; null
    where it was not judged.
    """
    box: Box
    """x0, y0, x1, y1 of the face in the frame, px."""
    heatmap: IsThere = False
    """Whether a line of evidence says where in the face it reacts."""
    corners: Annotated[
        Corners | None, BeforeValidator(lambda array: getattr(array, "tolist", lambda: array)())
    ] = None
    """Corners of the upright picture of the face, in the frame, px, from its top left one
    clockwise; null where they were not kept.
    """


class QualityPart(DocumentPart):
    """How well a face can be seen."""

    size_px: Annotated[float, Field(ge=0), _to(1)] | None
    """Width of the face in the frame, px."""
    sharpness: Annotated[float, Field(ge=0), _to(4)] | None
    """Variance of the Laplacian of the aligned crop's luma over the luma's own variance, no unit;
    below 0.02 is blurred.
    """
    yaw: Positive | None
    """How far the head is turned aside, 0 frontal to 1 full profile."""
    blockiness: Positive | None
    """Luma step across the frame's 8 px grid over the step inside it, no unit; 1 means no visible
    blocks.
    """
    detail_px: Annotated[float, Field(ge=0), _to(1)] | None = None
    """Width at which the face would show as much detail, px; below size_px where it was enlarged.
    """
    echo: Positive | None = None
    """How clearly everything is seen twice, a little apart, no unit; 0 not at all."""


class PicturePart(DocumentPart):
    """One picture."""

    caption: str
    """What it shows."""
    original: IsThere
    """Whether the same place in a known original is shown beside it."""
    caption_code: Annotated[str, CODE] = ""
    caption_values: Annotated[Json, VALUES] = {}


class LinePart(DocumentPart):
    """What one line of evidence contributed."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"not": {"properties": {"status": {"const": "ran"}}}},
            "then": {"properties": {"score": {"type": "null"}, "log10_lr": {"type": "null"}}},
        }
    )

    status: Status
    """How the line fared."""
    score: Annotated[float, _to(6)] | None
    """In the line's own unit, meaningless until calibrated; null unless it ran."""
    log10_lr: Number | None
    """Decimal logarithm of the likelihood ratio changed : bona fide that the line adds to the lines
    before it; null where it weighed nothing.
    """
    summary: str
    """One sentence; the reason where the line did not run."""
    pictures: tuple[PicturePart, ...] = ()
    """What the report shows for this line, in the same order."""
    summary_code: Annotated[str, CODE] = ""
    summary_values: Annotated[Json, VALUES] = {}


class RatePart(DocumentPart):
    """A share with its 95 % interval."""

    part: Share
    """Of all, 0 to 1."""
    low: Share
    """Lower end of the interval."""
    high: Share
    """Upper end of the interval."""


class RecordPart(DocumentPart):
    """Error rates of the lines that weighed, on single faces of people never trained on.

    The changed faces were changed in ways never trained on.
    """

    bona_fide: Count
    """Number of bona fide faces."""
    changed: Count
    """Number of changed faces."""
    alarms: RatePart
    """Share of the bona fide faces that were called changed."""
    missed: RatePart
    """Share of the changed faces in which no change was found."""


class LicencePart(DocumentPart):
    """A licence that reaches a person.

    It names the file, or a place in an original where this person is.
    """

    sha256: Sha256
    """Of the licence, in canonical form."""
    subject: str
    """Whose portrait, in its issuer's words."""
    licensee: str
    """Who may use it."""
    role: str
    """As which the person is to appear."""
    puts_in: bool
    """Whether it is for the face that is put in, rather than for the one that is covered."""
    until: str
    """Its last moment, UTC."""
    names_file: bool
    """Whether it names this file, by its sha256."""
    refused: str | None = None
    """Why it must not be relied on; null if it holds."""
    refused_code: Annotated[str | None, CODE] = None
    refused_values: Annotated[Json | None, VALUES] = None


class IdentityPart(DocumentPart):
    """Who vouches, beside the signer, for what content credentials declare (CAWG identity)."""

    name: str
    """On their certificate, or as a service verified it; empty if unknown."""
    kind: str
    """Type of their signature, as the standard calls it."""
    state: IdentityState
    """Untrusted where the signature fits and no authority of the user's list vouches for them;
    unverified where it does not fit, or cannot be verified here.
    """
    own: bool
    """Whether they vouch for this file, not for one that it was made from."""
    problems: tuple[str, ...]
    """Status codes of the standard."""


class CredentialsPart(DocumentPart):
    """Content credentials (C2PA): what the file says, signed, of its own making."""

    seal: Seal
    """Whether the file is what was signed."""
    signer: str
    """Name on the certificate; empty if unknown."""
    trusted: bool
    """Whether an authority of the user's own list vouches for the signer."""
    signed_at: str
    """As a time stamp says, ISO 8601; empty without one."""
    tool: str
    """That wrote them."""
    source_types: tuple[str, ...]
    """IPTC digital source types declared."""
    licences: tuple[str, ...]
    """sha256 of the licences named."""
    problems: tuple[str, ...]
    """Status codes of the standard."""
    manifests: Count
    """How many there are, those of what the file was made from included."""
    identities: tuple[IdentityPart, ...] = ()
    """Who vouches beside the signer."""


class LabelsPart(DocumentPart):
    """Unsigned labels in the metadata."""

    producer: str | None
    """Who made it with AI, by the label of GB 45438-2025; may be empty; null without one."""
    source_types: tuple[str, ...]
    """IPTC digital source types."""


class DeclaredPart(DocumentPart):
    """What the file says of its own making."""

    ai: bool
    """Whether AI is declared; by credentials only where the file is still what was signed."""
    credentials: CredentialsPart
    """Signed."""
    labels: LabelsPart
    """Unsigned."""


class PersonPart(DocumentPart):
    """The verdict on one person's face, with its reasons."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                UNTOLD,
                {
                    "if": {"not": {"properties": {"verdict": {"const": "changed"}}}},
                    "then": {"properties": {"spans": {"maxItems": 0}}},
                },
            ]
        }
    )

    id: Annotated[int, Field(ge=1)]
    """Number of the person in this file, from 1."""
    verdict: Verdict
    """What is said of a face."""
    reason: str
    """One sentence for the verdict."""
    log10_lr: Number | None
    """Decimal logarithm of the likelihood ratio changed : bona fide; null where the verdict is
    'cannot tell'.
    """
    spans: tuple[SpanPart, ...]
    """When the face is judged changed; empty unless the verdict is 'changed'."""
    lines: dict[str, LinePart]
    """What each line of evidence said, by its name."""
    first_seen: Positive = 0.0
    """Seconds."""
    last_seen: Positive = 0.0
    """Seconds."""
    sightings: Count = 0
    """How often the face was seen."""
    judged: Count = 0
    """How often it was seen well enough to be judged."""
    quality: QualityPart = QualityPart(size_px=None, sharpness=None, yaw=None, blockiness=None)
    """What limits a judgement of this face: medians over its sightings."""
    timeline: tuple[ReadingPart, ...] = ()
    """The likelihood ratio of each judged sighting, on its own."""
    frames: tuple[FramePart, ...] = ()
    """The most telling sightings, the most telling first."""
    places: tuple[PlacePart, ...] = ()
    """Where the face was at each sighting, in order of time."""
    reach: Reach | None = None
    """Lowest and highest log10_lr that the lines which weighed can come to; null where none
    weighed.
    """
    record: RecordPart | None = None
    """How often these lines were right and wrong where the truth was known; null where it was not
    measured.
    """
    basis: Basis | None = None
    """What the verdict rests on; null where it is 'cannot tell', and in documents of older
    versions.
    """
    licences: tuple[LicencePart, ...] = ()
    """Licences that reach this person, whether they hold or not."""
    reason_code: Annotated[str, CODE] = ""
    reason_values: Annotated[Json, VALUES] = {}


class MediaPart(DocumentPart):
    """What the file is, measured from its packets rather than believed from its header."""

    kind: Kind
    """What sort of media it holds."""
    size_bytes: Count
    """Of the whole file."""
    container: str
    """Name of the container or image format, as mp4 or jpeg."""
    codec: str
    """Name of the picture codec, as h264 or jpeg."""
    width: Count
    """Of the upright picture, px."""
    height: Count
    """Of the upright picture, px."""
    rotation: int
    """Degrees clockwise by which the stored picture was turned to stand upright."""
    duration: Positive
    """Seconds from the first presentation to the end of the last one; 0 for a photo."""
    declared_duration: Number | None
    """Seconds that the header claims; null where it claims nothing."""
    frames: Count
    """Number of pictures in the file."""
    frame_rate: Number | None
    """Mean frames per second; null for a photo."""
    variable_frame_rate: bool
    """Whether the gaps between presentation times differ by more than rounding."""
    bit_rate: int | None
    """Bits per second of the picture stream; null for a photo."""


class RecordedPart(DocumentPart):
    """What the file's own metadata say of its recording.

    Nobody signs them: anybody can write or remove them.
    """

    camera: str
    """Its maker and model; empty, as each of these, where nothing is said."""
    software: str
    """That wrote the file."""
    taken: str
    """When it was recorded, ISO 8601, by the camera's clock; without an offset from UTC where it
    states none.
    """
    saved: str
    """When it was written, likewise."""
    located: bool
    """Whether they say where it was recorded. The place itself is not read: it would travel on with
    every report.
    """


class CustodyPart(DocumentPart):
    """Enough to repeat the check and to see that the file is the same."""

    checked_at: str
    """UTC, ISO 8601."""
    versions: dict[str, str]
    """Of Unmask, Python and the libraries that decode and infer, by name."""
    weights: dict[str, str]
    """sha256 by weight name."""
    settings: Json
    """Of the check, any JSON values."""
    frames_examined: Count
    """How many frames were decoded for judging."""
    recorded: RecordedPart | None = None
    """What the file's metadata say of its recording; null in documents of older versions."""


class MomentPart(DocumentPart):
    """One moment."""

    time: Number
    """Seconds in the file."""
    original_time: Number
    """Seconds in the original."""


class RegistrationPart(DocumentPart):
    """A known original, as its owner registered it."""

    id: int
    """Its number in the index."""
    title: str
    """In the owner's words."""
    owner: str
    """In the owner's words."""
    name: str
    """Of the file that was registered, without its folder."""
    sha256: str
    """Of that file, hexadecimal."""
    kind: Kind
    """What sort of media it is."""
    duration: Positive
    """Seconds; 0 for a photo."""
    frames: Count
    """How many of its frames are known."""
    complete: bool
    """Whether its registration came to its end."""
    registered_at: str
    """UTC, ISO 8601."""
    seal: Seal | None = None
    """Whether that file was what its content credentials were signed for; null where they were not
    read.
    """
    signer: str = ""
    """Name on the certificate of these credentials; empty if unknown."""


class MatchPart(DocumentPart):
    """A stretch of the file that shows a known original."""

    start: Positive
    """Seconds in the file."""
    end: Positive
    """Seconds in the file."""
    original_start: Number
    """Seconds in the original."""
    original_end: Number
    """Seconds in the original."""
    mirrored: bool
    """Whether left and right are exchanged."""
    compared: tuple[MomentPart, ...]
    """Moments at which the two were laid over each other."""
    registrations: Annotated[tuple[RegistrationPart, ...], Field(min_length=1)]
    """Who registered this footage; more than one where several own the same file."""

    @classmethod
    def of(cls, match: Match) -> Self:
        return cls.model_validate(
            {**_fields(cls, match), "compared": match.pairs, "registrations": match.originals}
        )


class DamagePart(DocumentPart):
    """A damaged stretch of a video."""

    start: Positive
    """Seconds."""
    end: Positive
    """Seconds."""
    pictures: Annotated[int, Field(ge=1)]
    """How many damaged pictures there are in it."""


class Document(DocumentPart):
    """The answer for one photo or video:

    whether a face in it was changed by software, how that is known, and how sure the answer is.
    Times are seconds of presentation time from the clip's first frame; px are pixels of the upright
    picture. Later releases may add fields; those described here keep their meaning until
    schema_version is raised.
    """  # noqa: D415 - the text is part of the frozen schema

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                UNTOLD,
                {
                    "if": {"properties": {"verdict": {"type": "null"}}},
                    "then": {
                        "properties": {
                            "error": {"type": "string", "minLength": 1},
                            "log10_lr": {"type": "null"},
                            "people": {"maxItems": 0},
                        }
                    },
                    "else": {"properties": {"error": {"type": "null"}}},
                },
                {
                    "if": {"properties": {"prior": {"type": "null"}}},
                    "then": {"properties": {"posterior": {"type": "null"}}},
                },
            ]
        },
    )

    schema_version: Literal[1]
    """Version of this schema."""
    path: str
    r"""The file as the caller gave it. A byte that is no UTF-8 stands as \udc80 to \udcff, written
    out.
    """
    sha256: Sha256 | None
    """Of the whole file, hexadecimal; null where it could not be read."""
    verdict: Verdict | None
    """The answer for the file; null where it could not be judged, and then error says why. There is
    no 'authentic': no detector can say that.
    """
    reason: str
    """One sentence for the verdict."""
    log10_lr: Number | None
    """Decimal logarithm of the likelihood ratio changed : bona fide; null where the verdict is
    'cannot tell' or missing.
    """
    people: tuple[PersonPart, ...]
    """One entry per person, in order of appearance."""
    error: str | None
    """Why the file could not be judged and what to do about it; null where it was judged."""
    outcome: Outcome | None = None
    """What the check came to: the verdict, but 'no face' where that is 'cannot tell' only because
    nobody is in the picture; null where the file could not be judged.
    """
    prior: Share | None = None
    """Base rate of changed faces that the user stated, 0 to 1; null where none was stated."""
    posterior: Annotated[Share, _to(6)] | None = None
    """Probability, 0 to 1, that the face is changed, given the prior and log10_lr; null without
    either.
    """
    limits: tuple[str, ...] = ()
    """What limits this answer, a sentence each."""
    limit_messages: tuple[MessagePart, ...] = ()
    """The same limits, in the same order, as codes and values."""
    limit_codes: tuple[str, ...] = ()
    """Which limits these are, in the same order: `limit.cut_off` stays what it is in every
    language.
    """
    media: MediaPart | None = None
    """What the file is; null where it could not be read."""
    custody: CustodyPart | None = None
    """Who judged what, with what; null where it was not judged."""
    originals: tuple[MatchPart, ...] = ()
    """Stretches of the file that show a known original, in order of time; empty where none is known
    or no index was given.
    """
    damage: tuple[DamagePart, ...] = ()
    """Stretches of a video that are damaged, from an error to the next intact key frame, in order
    of time. They were passed over; nothing is said of them.
    """
    basis: Basis | None = None
    """What the verdict rests on; null where it is 'cannot tell', and in documents of older
    versions.
    """
    declared: DeclaredPart | None = None
    """What the file says of its own making; null where no folder of licences was given."""
    stripped: tuple[Sha256, ...] = ()
    """Files of the known originals that carried content credentials when they were registered,
    while this file carries none. Platforms strip them: that proves nothing.
    """
    report: str | None = None
    """Path of the page on this file; null where none was written."""
    key_frames: tuple[str, ...] = ()
    """Paths of whole frames, as JPEGs, for a reverse image search; empty where none were asked for,
    or nobody was found.
    """
    reason_code: Annotated[str, CODE] = ""
    reason_values: Annotated[Json, VALUES] = {}
    error_code: Annotated[str | None, CODE] = None
    error_values: Annotated[Json | None, VALUES] = None

    @classmethod
    def of(cls, result: CheckResult) -> Self:
        more = {
            "schema_version": SCHEMA_VERSION,
            "limits": [encodable(str(limit)) for limit in result.limits],
            "limit_messages": [_portable(plain(limit)) for limit in result.limits],
            "limit_codes": [limit.code for limit in result.limits],
            "originals": [MatchPart.of(match) for match in result.matches],
            "stripped": [original.sha256 for original in result.stripped],
        }
        return cls.model_validate(_fields(cls, result) | more)

    def all_limits(self) -> list[Message]:
        """Reads the limits, each as `message` does."""
        coded = self.limit_messages[: len(self.limits)]
        return [
            _sayable(one and one.plain(), text) for text, one in zip_longest(self.limits, coded)
        ]


def document(result: CheckResult) -> dict[str, Any]:
    """Returns a result as JSON values, without its pictures."""
    return Document.of(result).plain()


def dumps(result: CheckResult) -> str:
    """Returns a result as JSON on one line, in ASCII."""
    return json.dumps(document(result), allow_nan=False)


def schema() -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) that every `document` obeys."""
    named = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://unmask.invalid/schema/check-{SCHEMA_VERSION}.json",
        "title": f"Unmask check, version {SCHEMA_VERSION}",
    }
    return Document.model_json_schema() | named


def _fields(part: type[DocumentPart], value: Any) -> dict[str, Any]:
    """Returns the fields of a part that a value has.

    A message becomes its English sentence, with its code and values beside it.
    """
    found = {name: getattr(value, name) for name in part.model_fields if hasattr(value, name)}
    for name, given in list(found.items()):
        if isinstance(given, Message):
            found |= {
                name: str(given),
                **{f"{name}_{key}": told for key, told in plain(given).items()},
            }
    return {name: _portable(given) for name, given in found.items()}


def _sayable(coded: Any, text: str) -> Message:
    try:
        found = read(coded)
    except (AttributeError, LookupError, RecursionError, TypeError):
        return verbatim(text)
    return found if sayable(found) else verbatim(text)
