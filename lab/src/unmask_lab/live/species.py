"""Persons and attacks before the camera in a challenge by light, and the colours that light them.

Every species gets the best that its kind can do without knowing the sequence in advance: pictures
are life-size and held still, replays are sharp, a virtual camera answers within 0.2 s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import LightChallenge, light_challenge
from unmask_lab.live.head import Floats, posed, sheet
from unmask_lab.live.light import FILL, KEY, Finish, Room, Screen, irradiance, linear
from unmask_lab.live.scene import Setting, Stage, held_up, pixels, render, stage

NEUTRAL = (172, 172, 172)
"""Colour that the page shows before the first symbol, sRGB."""


@dataclass(frozen=True, slots=True, eq=False)
class Playing:
    """Colours over time.

    Attributes:
        since: when each begins, s, rising, float ``(k,)``.
        colours: linear light of the quarters, the first one before all, float32 ``(k + 1, 4, 3)``,
            0 to 1.
    """

    since: NDArray[np.float64]
    colours: Floats

    def at(self, time: NDArray[np.float64], screen: Screen) -> Floats:
        """Computes the quarters' light as a screen shows it, float32 ``(n, 4, 3)``, for n times."""
        late = time - screen.lag
        k = np.searchsorted(self.since, late)
        passed = np.maximum(late - self.since[np.maximum(k - 1, 0)], 0)
        old = np.where(k > 0, np.exp(-passed / screen.settle), 0.0)[:, None, None]
        return np.asarray(
            self.colours[k] + (self.colours[np.maximum(k - 1, 0)] - self.colours[k]) * old,
            np.float32,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """One performance.

    Attributes:
        stage: what the camera sees under each light.
        playing: the colours that light it.
        room, screen: of the place where it happens; the screen's lag and an attacker's delay
            included.
        still: factor on the movement of a head.
    """

    stage: Stage
    playing: Playing
    room: Room
    screen: Screen
    still: float = 1.0


Species = Callable[[Setting, Playing, np.random.Generator], Performance]


def drawn(random: np.random.Generator) -> Random:
    """Returns the source of a simulated challenge; real ones come from `secrets.SystemRandom`."""
    return Random(int(random.integers(2**62)))  # noqa: S311


def playing(challenge: LightChallenge, shown: NDArray[np.float64]) -> Playing:
    """Returns the colours of a challenge whose symbols were painted at these times."""
    quarters = np.array(
        [[symbol.quarters[r][c] for r in (0, 1) for c in (0, 1)] for symbol in challenge.symbols]
    )
    before = np.broadcast_to(np.array(NEUTRAL), (1, 4, 3))
    return Playing(shown, linear(np.concatenate([before, quarters])))


def honest(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes a living person who looks at the screen."""
    return Performance(stage(where), asked, where.room, where.screen)


def flat_print(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes a life-size photo on flat paper, matt to glossy."""
    return _paper(where, asked, random, 0.0)


def bent_print(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes the same photo, bent as far as the head is round (radius 8 to 25 cm).

    Half of them are bent about an upright axis, half about any.
    """
    along = random.choice([0.0, random.uniform(0, np.pi)])
    return _paper(where, asked, random, 1 / random.uniform(0.08, 0.25), along)


def screen_replay(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes a video on a tablet: it emits its own light, with moire.

    Its glass reflects some of the room and of the challenge.
    """
    surface, marks = sheet(*photo(where))
    shape = surface.points.shape[0]
    period, angle = random.uniform(0.0016, 0.008), random.uniform(0, np.pi, 3)
    waves = [
        np.cos(2 * np.pi / period * (surface.points[:, :2] @ [np.cos(a), np.sin(a)])) for a in angle
    ]
    moire = 1 + random.uniform(0.0, 0.12) * np.stack(waves, axis=1)
    colour = random.uniform(0.9, 1.0, 3)
    emission = (surface.albedo * moire * colour * random.uniform(150, 450)).astype(np.float32)
    glass = replace(surface, albedo=np.full((shape, 3), random.uniform(0.005, 0.03), np.float32))
    finish = Finish(0.04, random.choice([25.0, 400.0]))
    return Performance(
        held_up(where, glass, marks, finish, emission), asked, where.room, where.screen, 0.3
    )


def recorded_session(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes the person's own answer to an earlier challenge.

    It is sent through a virtual camera from the first symbol on.
    """
    earlier = light_challenge(drawn(random))
    return Performance(
        stage(where), playing(earlier, asked.since), where.room, _late(where.screen, random)
    )


def other_sequence(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes a living person before another screen, which shows another challenge."""
    other = light_challenge(drawn(random))
    return Performance(
        stage(where), playing(other, asked.since + random.uniform(-1, 1)), where.room, where.screen
    )


def flat_tint(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes a virtual camera that tints every frame of a video.

    The tint is the mean of the colours that the screen shows.
    """
    seen, much = stage(where), np.float32(random.uniform(0.05, 0.5) / 4)
    return Performance(
        _tinted(seen, [much] * 4, [much] * 4), asked, where.room, _late(where.screen, random)
    )


def relit_face(where: Setting, asked: Playing, random: np.random.Generator) -> Performance:
    """Makes a virtual camera that relights a video by an estimate of the face's shape.

    It knows the screen. The normals are off by 11 degrees on average, smoothly, about what networks
    that estimate them from one photo reach.
    """
    seen, surface = stage(where), where.head.surface
    wrong = surface.normals + _smooth_noise(surface.points, random, 0.2)
    wrong /= np.linalg.norm(wrong, axis=1, keepdims=True)
    guessed = replace(where.screen, width=where.screen.width * random.uniform(0.8, 1.2))
    place = where.place * np.float32(random.uniform(0.85, 1.15))
    lux = irradiance(
        posed(surface.points, place), posed(wrong, np.zeros(3, np.float32), *where.turned), guessed
    )
    much = np.float32(random.uniform(0.1, 0.5)) * lux / lux.sum(axis=0).max()
    return Performance(
        _tinted(seen, much, [np.float32(0)] * 4), asked, where.room, _late(where.screen, random)
    )


ATTACKS: dict[str, Species] = {
    "flat print": flat_print,
    "bent print": bent_print,
    "screen replay": screen_replay,
    "recorded session": recorded_session,
    "other sequence": other_sequence,
    "flat tint": flat_tint,
    "relit face": relit_face,
}


# ---------------------------------------------------------------- how


def _paper(
    where: Setting, asked: Playing, random: np.random.Generator, bend: float, along: float = 0.0
) -> Performance:
    surface, marks = sheet(*photo(where), bend, along)
    finish = Finish(random.uniform(0.01, 0.045), random.uniform(4, 40))
    return Performance(held_up(where, surface, marks, finish), asked, where.room, where.screen, 0.5)


def photo(where: Setting) -> tuple[Floats, Floats]:
    """Takes a portrait of the person by soft light.

    Returns it as reflectance on paper, 0.03 to 0.85, float32 ``(h, w, 3)``, and its points.
    """
    frontal = replace(
        where,
        turned=(0.0, 0.0, 0.0),
        place=np.array([0, 0, 0.40], np.float32),
        camera=replace(where.camera, focal=300.0),
    )
    seen = stage(frontal)
    face, behind = (light[FILL] + 0.5 * light[KEY] for light in (seen.lit, seen.behind))
    image = render(posed(seen.points, frontal.place), face, behind, seen.focal)
    grey = image.mean(axis=(0, 1))
    image = image * (grey.mean() / grey)
    points = pixels(posed(seen.marks, frontal.place), seen.focal)
    return np.clip(image / np.percentile(image, 98) * 0.8, 0.03, 0.85).astype(np.float32), points


def _tinted(
    seen: Stage, face: Sequence[Floats | np.float32], behind: Sequence[Floats | np.float32]
) -> Stage:
    """Returns the stage with its quarters' light replaced by shares of the room's."""
    room, wall = seen.lit[KEY] + seen.lit[FILL], seen.behind[KEY] + seen.behind[FILL]
    lit, back = seen.lit.copy(), seen.behind.copy()
    for q in range(4):
        lit[q] = room * np.reshape(face[q], (-1, 1))
        back[q] = wall * behind[q]
    return replace(seen, lit=lit, behind=back)


def _late(screen: Screen, random: np.random.Generator) -> Screen:
    """Returns a screen with a delay: the time a program needs to see its light and to answer."""
    return replace(screen, lag=screen.lag + random.uniform(0.03, 0.15))


def _smooth_noise(points: Floats, random: np.random.Generator, much: float) -> Floats:
    """Draws noise over the face with structures of 3 cm and more, float32 ``(n, 3)``.

    Its standard deviation is ``much``.
    """
    waves = random.uniform(-100, 100, (12, 2))
    phase, weight = (
        random.uniform(0, 2 * np.pi, 12),
        random.normal(0, much * np.sqrt(2 / 12), (12, 3)),
    )
    return np.asarray(np.cos(points[:, :2] @ waves.T + phase) @ weight, np.float32)
