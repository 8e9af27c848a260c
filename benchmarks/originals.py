"""Known originals: what is found after what uploaders do, how exactly, and whether a changed face is told from an edit.

    python -m benchmarks.originals recall --count 100 [--faces FACES.parquet]     clips through every attack, faces changed
    python -m benchmarks.originals unrelated --count 10000 --faces FACES.parquet  clips of other films, by other people
    python -m benchmarks.originals trials --count 3000 [--faces FACES.parquet]    changed against merely edited faces
    python -m benchmarks.originals trials --first 1000000 --count 600 --faces OTHERS.parquet    the same, for fit
    python -m benchmarks.originals scale                                          5 million hashes
    python -m benchmarks.originals ingest                                         registering a film, against real time
    python -m benchmarks.originals report                                         tables of all that was measured
    python -m benchmarks.originals fit                                            the line's LR, from the trials for it

All media is made here (see `benchmarks.films`) and gone through real encoders: every accuracy below is simulated. Results
are appended to out/originals/*.jsonl, so that a run can be split (--first) and goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks import films
from benchmarks.films import FPS, Portrait, Rgb
from unmask import faces, originals, pipeline
from unmask.media import open_media
from unmask.types import Match

OUT = Path("out/originals")
SECONDS = 10
SPEED = 1.05
FITTED_FROM = 1_000_000
"""Seed from which on trials are for fitting; those before are for measuring."""

LEAST_CHANGE = 4.0
"""Levels of 255 by which a change must differ where it was made: twice the films' grain. A face pasted onto itself is none."""

LIBRARY = 300
"""Films in the index that unrelated clips are held against: 4 x 20 minutes."""
WEIGHT = Path("src/unmask/weights/originals.json")


# ---------------------------------------------------------------- media


def encode(path: Path, frames: Iterable[Rgb], crf: int, gop: int = 250, fps: Fraction | int = FPS) -> Path:
    """H.264 as uploaders make it: medium speed settings would cost minutes, so x264's veryfast, key frames at cuts."""
    with av.open(str(path), "w") as out:
        stream: Any = None
        for rgb in frames:
            if stream is None:
                stream = out.add_stream(
                    "libx264", rate=fps, options={"crf": str(crf), "preset": "veryfast", "threads": "1"}
                )
                stream.height, stream.width, stream.pix_fmt, stream.gop_size = *rgb.shape[:2], "yuv420p", gop
                stream.time_base = 1 / Fraction(fps)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def small(rgb: Rgb) -> Rgb:
    """240 lines."""
    return cv2.resize(rgb, (426, 240), interpolation=cv2.INTER_AREA)


ATTACKS: dict[str, Callable[[Rgb, Rgb], Rgb]] = {
    "240p, quality 30": lambda rgb, _other: small(rgb),
    "crop 5 %": lambda rgb, _other: films.cropped(rgb),
    "bars": lambda rgb, _other: films.barred(rgb),
    "mirror": lambda rgb, _other: films.mirrored(rgb),
    "subtitles": lambda rgb, _other: films.subtitled(rgb),
    "logo": lambda rgb, _other: films.with_logo(rgb),
    "colour grade": lambda rgb, _other: films.graded(rgb),
    "speed 5 %": lambda rgb, _other: rgb,
    "cut out of the middle": lambda rgb, _other: rgb,
    "shown in a corner of another": films.inset,
    "another in its corner": films.behind,
    "all: 240p, crop, grade, subtitles, logo": lambda rgb, _other: small(
        films.with_logo(films.subtitled(films.graded(films.cropped(rgb))))
    ),
}
"""What is done to each frame of a clip, given a frame of another film as well; all are encoded at CRF 30."""


def original_time(attack: str, start: float, t: float) -> float:
    """When the original shows what the attacked clip shows at ``t`` seconds."""
    if attack == "speed 5 %":
        return start + round(SPEED * t * FPS) / FPS
    if attack == "cut out of the middle":
        return start + t + (3.0 if t >= SECONDS / 2 else 0.0)
    return start + t


# ---------------------------------------------------------------- parts


def recall(people: list[Portrait], seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Per film and attack: whether it was found, how far off the time code is, and whole-frame PDQ beside it.

    Films draw their people from one set of portraits, so that some show the same photograph; those are named, too.
    """
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            made = Attacked.of(seed, people, Path(name))
            with originals.opened_store(OUT / "index", writing=True) as store:
                pipeline.register(made.film, store, f"film {seed}", "benchmark")
            with originals.opened(OUT / "index") as known:
                yield from [_attacked(seed, made, attack, known) for attack in ATTACKS]  # all of a film or none


def _attacked(seed: int, made: Attacked, attack: str, known: originals.Known) -> dict[str, Any]:
    path, pdq = made.clip(attack)
    begun = time.perf_counter()
    found = pipeline.match(path, known)
    told = _told(found, f"film {seed}", attack, made.start)
    seconds = round(time.perf_counter() - begun, 2)
    return {"seed": seed, "attack": attack, "face": made.face, "pdq": pdq, "seconds": seconds, **told}


def _told(found: Sequence[Match], title: str, attack: str, start: float) -> dict[str, Any]:
    """Whether the film was found, frames by which each of its pairs is off, and how many other films were named."""
    right = [match for match in found if match.originals[0].title == title]
    pairs = [pair for match in right for pair in match.pairs]
    off = [round(abs(p.original_time - original_time(attack, start, p.time)) * FPS, 2) for p in pairs]
    return {"found": bool(right), "frames_off": off, "wrong": len(found) - len(right)}


@dataclass(frozen=True)
class Attacked:
    """A film, and ten seconds of it with the face another's, in all its frames.

    Attributes:
        film: the file.
        start: where in the film the clip begins, s.
        face: area of the largest face, share of the frame.
        changed: the film's frames with the face changed.
        other: frames of another film, to be shown beside it.
        pdq: of frames of the film two seconds apart.
    """

    film: Path
    start: float
    face: float
    changed: list[Rgb]
    other: list[Rgb]
    pdq: list[Any]

    @classmethod
    def of(cls, seed: int, people: list[Portrait], folder: Path) -> Attacked:
        film = films.film(seed, people, SECONDS + 6)
        start = round(np.random.default_rng(seed).uniform(0.2, 2.5) * FPS) / FPS
        swap = films.another_face(people[(seed * 37 + 5) % len(people)])
        both = [film.both(i / FPS, swap) for i in range(round(film.seconds * FPS))]
        pdq = [pdq_hash(both[round(t * FPS)][0]) for t in np.arange(0, film.seconds - 0.1, 2.0)]
        path = encode(folder / "film.mp4", (plain for plain, _ in both), 20, gop=100)
        another = films.film(seed + 10**6, people, SECONDS)
        other = [another.frame(i / FPS) for i in range(SECONDS * FPS)]
        return cls(path, start, max(shot.face for _, shot in film.shots), [c for _, c in both], other, pdq)

    def clip(self, attack: str) -> tuple[Path, int | None]:
        """The clip after an attack, beside the film; and the least distance of a frame's PDQ to one of the film's."""
        at = [original_time(attack, self.start, i / FPS) for i in range(SECONDS * FPS)]
        frames = [ATTACKS[attack](self.changed[round(t * FPS)], other) for t, other in zip(at, self.other, strict=True)]
        pdq = [pdq_hash(frame) for frame in frames[::12]]
        apart = [int((a != b).sum()) for a in pdq for b in self.pdq if a is not None]
        return encode(self.film.with_name("clip.mp4"), frames, 30), min(apart, default=None)


def pdq_hash(rgb: Rgb) -> Any:
    """Facebook's PDQ of a whole frame, 256 bits; None where the package pdqhash is missing."""
    with suppress(ImportError):
        import pdqhash

        return pdqhash.compute(rgb)[0]
    return None


def unrelated(people: list[Portrait], seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Clips of films that are not in the index, by other people; what they are said to show.

    Two frames a second, as many as a clip is hashed at, against a frame every two seconds of `LIBRARY` films.
    """
    acting, others = people[: len(people) // 2], people[len(people) // 2 :]
    with originals.opened(_library(acting)) as known, tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            film = films.film(seed + 2 * 10**6, others, SECONDS)
            frames = (small(film.frame(i / 2)) for i in range(SECONDS * 2))
            found = pipeline.match(encode(Path(name) / "clip.mp4", frames, 30, fps=2), known)
            yield {"seed": seed, "matches": len(found)}


def _library(people: list[Portrait]) -> Path:
    """An index of films, a frame every two seconds each; made once."""
    where = OUT / "library"
    with originals.opened_store(where, writing=True) as store, tempfile.TemporaryDirectory() as name:
        for seed in range(len(store.originals()), LIBRARY):
            film = films.film(seed, people, SECONDS + 6)
            frames = (film.frame(2.0 * i) for i in range(8))
            path = encode(Path(name) / "film.mp4", frames, 20, gop=1, fps=Fraction(1, 2))
            pipeline.register(path, store, f"film {seed}", "benchmark")
    return where


EDITS: dict[str, Callable[[Rgb, float], Rgb]] = {
    "re-encode": lambda rgb, _y: small(rgb),
    "crop": lambda rgb, _y: small(films.cropped(rgb)),
    "grade": lambda rgb, _y: small(films.graded(rgb)),
    "subtitle across the face": lambda rgb, y: small(films.subtitled(rgb, height=y)),
    "logo and subtitle": lambda rgb, _y: small(films.with_logo(films.subtitled(rgb))),
    "mirror and grade": lambda rgb, _y: small(films.graded(films.mirrored(rgb))),
}
"""What is done to both classes; ``_y`` is the height of the face in the frame, 0 to 1."""


def trials(people: list[Portrait], seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """One face each, of three frames of film: changed (face or mouth) or merely edited, or acted once more."""
    for seed in seeds:
        rng = np.random.default_rng((seed, 17))
        film = films.film(seed + 3 * 10**6, people, 1.0)
        shot, t = film.at(0.4)
        edit = list(EDITS)[int(rng.integers(len(EDITS)))]
        kind = str(rng.choice(["none", "face", "mouth", "take"], p=[0.4, 0.3, 0.2, 0.1]))
        other = people[int(rng.integers(len(people)))]
        swap = {"face": films.another_face(other), "mouth": films.another_mouth(other)}.get(kind)
        acted = films.Shot(shot.seed, shot.portrait, 1, shot.face) if kind == "take" else shot
        plain = [shot.frame(t + i / FPS)[0] for i in range(3)]
        seen = faces.find(plain[1]) if "across" in edit else ()
        height = float(seen[0].points[:, 1].mean() / films.HEIGHT) if seen else 0.5
        both = [acted.frame(t + i / FPS, swap) for i in range(3)]
        effect = changed_by(*both[0])
        shown = [EDITS[edit](frame, height) for _, frame in both]
        yield {
            "seed": seed,
            "edit": edit,
            "kind": kind if swap is None or effect >= LEAST_CHANGE else "none",
            "face": shot.face,
            "effect": round(effect, 2),
            **_tried(plain, shown, int(rng.integers(24, 35))),
        }


def changed_by(before: Rgb, after: Rgb) -> float:
    """Root mean square of what a change made differ, of 255, over the pixels that it touched; 0 if none."""
    difference = after.astype(np.float32) - before
    touched = difference[difference.any(axis=2)]
    return float(np.sqrt((touched**2).mean())) if touched.size else 0.0


def _tried(plain: list[Rgb], shown: list[Rgb], crf: int) -> dict[str, Any]:
    """Registers one, looks for the other, and compares the largest face; score None where that could not be done."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with originals.opened_store(folder / "index", writing=True) as store:
            pipeline.register(encode(folder / "a.mp4", plain, 20), store, "film", "benchmark")
        path = encode(folder / "b.mp4", shown, crf)
        with originals.opened(folder / "index") as known:
            found: tuple[Match, ...] = pipeline.match(path, known)
        pair = next((p for m in found for p in m.pairs), None)
        frame = next(iter(open_media(path).frames([pair.time] if pair else [0.0])))
        seen = faces.find(frame.rgb)
        if pair is None or not seen:
            return {"crf": crf, "found": pair is not None, "score": None, "finding": None}
        told = originals.compare(pair, [face.points for face in seen])[0]
        score = float(told.score) if np.isfinite(told.score) else None
        return {"crf": crf, "found": True, "score": score, "around": float(told.around), "finding": str(told.finding)}


def scale(
    _people: list[Portrait], _seeds: Iterable[int], hashes: int = 5_000_000, each: int = 64
) -> Iterator[dict[str, Any]]:
    """An index of as many hashes; its peer, in the same run, is comparing with every one of them."""
    from unmask.originals.index import Index
    from unmask.originals.matching import candidates, look
    from unmask.originals.store import Hashes
    from unmask.types import Frame

    rng = np.random.default_rng(1)
    film = films.film(1, films.portraits(), SECONDS)
    looks = look(Frame(t, film.frame(t)) for t in np.arange(0, SECONDS, 0.5))
    noise = (
        np.packbits(rng.random((hashes, 256)) < 0.25, axis=1).view(np.uint64)
        if hashes <= 10**5
        else _noise(rng, hashes)
    )
    known = looks.hashes[rng.integers(len(looks.hashes), size=hashes)] ^ noise
    moments = hashes // each
    rows = Hashes(
        moments, moments, np.arange(moments) // 1800, np.arange(moments) % 1800 * 2.0, np.full(moments, each),
        known, rng.random((hashes, 3), np.float32),
    )  # fmt: skip
    begun = time.perf_counter()
    index = Index.of(rows)
    built = time.perf_counter() - begun
    begun = time.perf_counter()
    candidates(looks, index.search)
    asked = time.perf_counter() - begun
    begun = time.perf_counter()
    for one in looks.hashes[:8]:
        np.flatnonzero(np.bitwise_count(known ^ one).sum(axis=1) <= 36)
    flat = (time.perf_counter() - begun) / 8 * 2 * len(looks.hashes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    held = sum(part.nbytes for part in (index.hashes, index.places, index.moment, index.order, index.starts)) / 1e9
    yield {"hashes": hashes, "build_s": built, "query_s": asked, "flat_s": flat, "index_gb": held, "peak_gb": peak}


def _noise(rng: np.random.Generator, rows: int) -> Any:
    """Bits of which a quarter is set, a block of rows after the other."""
    a, b = (rng.integers(0, 2**64, (rows, 4), np.uint64) for _ in range(2))
    return a & b


def ingest(_people: list[Portrait], _seeds: Iterable[int], minutes: int = 2) -> Iterator[dict[str, Any]]:
    """A 1080p film, a key frame every two seconds, three times."""
    from benchmarks.speed import write_clip

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "film.mp4"
        write_clip(path, 20, repeat=3 * minutes, gop=50)
        for turn in range(3):
            with originals.opened_store(Path(name) / str(turn), writing=True) as store:
                begun = time.perf_counter()
                (one,) = pipeline.register(path, store, "film", "benchmark")
                yield {"ingest_times_real_time": one.duration / (time.perf_counter() - begun), "frames": one.frames}


# ---------------------------------------------------------------- tables


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    p, z = hits / n, 1.96
    middle, half = (p + z * z / (2 * n)), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, float((middle - half) / (1 + z * z / n))), float((middle + half) / (1 + z * z / n))


def share(hits: Iterable[bool]) -> str:
    """As ``99.1 % (97.4 to 99.7), n = 331``."""
    values = list(hits)
    low, high = wilson(sum(values), len(values))
    part = 100 * sum(values) / max(1, len(values))
    return f"{part:.1f} % ({100 * low:.1f} to {100 * high:.1f}), n = {len(values)}"


def auc(changed: np.ndarray, bona_fide: np.ndarray, rounds: int = 1000) -> str:
    """With a 95 % interval by bootstrap."""

    def area(a: np.ndarray, b: np.ndarray) -> float:
        below, upto = (np.searchsorted(np.sort(b), a, side) for side in ("left", "right"))
        return float((below + upto).mean() / (2 * b.size))

    rng = np.random.default_rng(0)
    drawn = [area(rng.choice(changed, changed.size), rng.choice(bona_fide, bona_fide.size)) for _ in range(rounds)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{area(changed, bona_fide):.4f} ({low:.4f} to {high:.4f}), n = {changed.size} / {bona_fide.size}"


def measured(part: str) -> list[dict[str, Any]]:
    """What was written of a part."""
    path = OUT / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def report() -> None:
    """Prints all tables as Markdown."""
    print(
        "| attack (simulated) | found | time code within one frame | whole-frame PDQ at 31 |\n| --- | --- | --- | --- |"
    )
    rows, exact = measured("recall"), list[bool]()
    for attack in ATTACKS:
        mine = [row for row in rows if row["attack"] == attack]
        near = [float(np.median(row["frames_off"])) <= 1.01 for row in mine if row["frames_off"]]
        pdq = share(row["pdq"] <= 31 for row in mine if row["pdq"] is not None)
        print(f"| {attack} | {share(row['found'] for row in mine)} | {share(near)} | {pdq} |")
        exact += near
    print(f"\nfound {share(row['found'] for row in rows)}; time code within one frame {share(exact)}")
    taken = np.percentile([row["seconds"] for row in rows] or [0], [50, 95])
    print(f"a clip took {taken[0]:.1f} s, 95 in 100 of them at most {taken[1]:.1f} s")
    print(f"another film named as well: {share(row['wrong'] > 0 for row in rows)}")
    print(f"\nfalse matches of unrelated clips: {share(row['matches'] > 0 for row in measured('unrelated'))}\n")
    tried = [row for row in measured("trials") if row["seed"] < FITTED_FROM]
    if tried:
        compared(tried)
    for row in measured("scale") + measured("ingest"):
        print({key: round(value, 3) for key, value in row.items()})


def compared(tried: list[dict[str, Any]]) -> None:
    """Prints what came of trials: changed faces and mouths against edits, and against another take."""
    told = [row for row in tried if row["score"] is not None]
    changed, edited, acted = (
        np.array([row["score"] for row in told if row["kind"] in kinds])
        for kinds in ({"face", "mouth"}, {"none"}, {"take"})
    )
    print(f"trials: compared {share(row['score'] is not None for row in tried)}")
    line = json.loads(WEIGHT.read_text())["lines"]["originals"]
    even = -line["intercept"] / line["terms"]["score of originals"]
    print(f"right at an LR of 1, a score of {even:.2f}:")
    for name, others in (("edited", edited), ("edited or acted once more", np.append(edited, acted))):
        print(
            f"changed against {name}: AUC {auc(changed, others)}; right {share([*(changed >= even), *(others < even)])}"
        )
    print(f"missed {share(changed < even)}; edited, above {share(edited >= even)}; acted, above {share(acted >= even)}")
    wrong = [row for row in told if (row["score"] >= even) != (row["kind"] in {"face", "mouth"})]
    print(f"the wrong ones: {[(row['seed'], row['kind'], row['edit'], round(row['score'], 2)) for row in wrong]}\n")
    names = sorted({row["finding"] for row in told})
    print("| made | " + " | ".join(names) + " |\n| --- |" + " --- |" * len(names))
    for kind in ("none", "take", "face", "mouth"):
        counts = [sum(row["kind"] == kind and row["finding"] == name for row in told) for name in names]
        print(f"| {kind} | " + " | ".join(map(str, counts)) + " |")


def fit() -> None:
    """Logistic regression of the score on the trials, and what `unmask.likelihood.Calibration` needs besides."""
    told = [row for row in measured("trials") if row["seed"] >= FITTED_FROM and row["score"] is not None]
    score = np.array([row["score"] for row in told])
    label = np.array([row["kind"] in {"face", "mouth"} for row in told])
    x = np.column_stack([np.ones(score.size), score])
    weight = np.where(label, 0.5 / label.mean(), 0.5 / (1 - label.mean()))
    solution = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ solution, -50, 50)))
        gradient = x.T @ (weight * (label - p)) - 0.5 * np.array([0, 1]) * solution
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag([1e-6, 0.5])
        solution = solution + np.linalg.solve(hessian, gradient)
    bound = float(np.log10(min(label.sum(), (~label).sum())))
    known = np.clip((x @ solution) / np.log(10), -bound, bound)
    missed = wilson(int((known[label] < 0).sum()), int(label.sum()))[1]
    entry = {
        "weights": {},
        "intercept": float(solution[0]),
        "terms": {"score of originals": float(solution[1])},
        "bound": bound,
        "missed": missed,
        "shared": 0.9,
        "separation": float((known[label].mean() - known[~label].mean()) * np.log(10)),
        "fitted_on": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "command": f"python -m benchmarks.originals trials --first {FITTED_FROM}; python -m benchmarks.originals fit",
            "changed": int(label.sum()),
            "bona_fide": int((~label).sum()),
            "note": "simulated: painted scenes with portraits, real encoders; missed is the upper end of its 95 % interval;"
            " shared is assumed",
        },
    }
    WEIGHT.write_text(json.dumps({"lines": {"originals": entry}}, indent=1) + "\n")
    print(f"wrote {WEIGHT}")


PARTS = {"recall": recall, "unrelated": unrelated, "trials": trials, "scale": scale, "ingest": ingest}


def main() -> None:
    """One part, or the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=[*PARTS, "report", "fit"])
    parser.add_argument("--count", type=int, default=4, help="films, clips or trials")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--faces", type=Path, help="Parquet of portraits; NASA's portrait in twelve looks if not given")
    options = parser.parse_args()
    if options.part in {"report", "fit"}:
        (report if options.part == "report" else fit)()
        return
    OUT.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first, options.first + options.count)
    people = films.portraits(options.faces)
    with (OUT / f"{options.part}.jsonl").open("a") as out:
        for row in PARTS[options.part](people, _left(options.part, seeds)):
            out.write(json.dumps(row) + "\n")
            out.flush()


def _left(part: str, seeds: range) -> Iterator[int]:
    """Those that have not been measured yet; how far it is, on stderr."""
    done, begun = {row.get("seed") for row in measured(part)}, time.monotonic()
    left = [seed for seed in seeds if seed not in done]
    for i, seed in enumerate(left, start=1):
        yield seed
        print(f"\r{i} of {len(left)}, {(time.monotonic() - begun) / i:.1f} s each", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
