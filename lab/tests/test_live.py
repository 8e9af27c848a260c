"""Simulator of the live check: its physics, its sessions, its page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from unmask_lab.cli import main
from unmask_lab.data import DataError
from unmask_lab.live import moves, species
from unmask_lab.live.camera import Automatics, camera, noisy, times, toned
from unmask_lab.live.head import LUMINANCE, STEP, TONES, Surface, head, posed, sheet
from unmask_lab.live.light import (
    FILL,
    KEY,
    LIGHTS,
    SKIN,
    Finish,
    Room,
    Screen,
    bases,
    irradiance,
    light_colour,
)
from unmask_lab.live.report import rates, simulate, summary, write
from unmask_lab.live.scene import Setting, astronaut, setting, stage
from unmask_lab.live.sessions import (
    FRAMES,
    HONEST,
    LIGHT,
    LUX,
    MOVEMENT,
    OFFERED,
    READINGS,
    RETIMED,
    STALE,
    Scenario,
    SessionCounts,
    SessionResult,
    judge,
    plan,
    record,
)
from unmask_lab.live.trial import cells, read_frames, readings, timing

from unmask import faces
from unmask.live.challenge import light_challenge
from unmask.live.protocol import JITTER
from unmask.live.reading import FrameReading
from unmask.live.signals import fit_illumination

MATT = Finish(0.0, 1.0)
PHONE = Screen(0.065, 0.13, 500.0, 0.03, 0.005)
LAPTOP = Screen(0.30, 0.165, 300.0, 0.03, 0.005)
LAMP = Room(100.0, 0.5, np.array([0.6, -0.4, -0.6928]), 4000.0, 0.0, 50.0)


def _sheet(albedo: float, distance: float) -> Surface:
    image = np.full((64, 64, 3), albedo, np.float32)
    flat, _ = sheet(image, np.float32([[20, 24], [44, 24], [32, 38], [22, 52], [42, 52]]))
    return replace(flat, points=flat.points + np.float32([0, 0, distance]))


@pytest.fixture(scope="module")
def where() -> Setting:
    return setting(np.random.default_rng(5), astronaut(), lux=80, tone="tan")


# ---------------------------------------------------------------- light


def test_no_surface_sends_back_more_than_it_gets() -> None:
    white = _sheet(1.0, 0.35)
    lit = bases(white, PHONE, LAMP, MATT)
    got = irradiance(white.points, white.normals, PHONE)
    np.testing.assert_allclose(lit[:4] @ LUMINANCE * np.pi, got, rtol=1e-4)
    shiny = bases(white, PHONE, LAMP, Finish(0.04, 20.0)) - lit
    assert 0 < shiny[:4].sum() < 0.3 * lit[:4].sum()


def test_a_room_sends_its_lux_to_a_plane_that_faces_the_camera() -> None:
    lit = bases(_sheet(1.0, 0.4), PHONE, LAMP, MATT) @ LUMINANCE * np.pi
    np.testing.assert_allclose(lit[KEY] + lit[FILL], LAMP.lux, rtol=1e-3)


def test_light_falls_with_the_square_of_the_distance() -> None:
    near, far = (
        irradiance(s.points, s.normals, PHONE).sum(axis=0).mean()
        for s in (_sheet(1, 0.5), _sheet(1, 1.0))
    )
    assert near / far == pytest.approx(4, rel=0.12)  # neither screen nor sheet are points


def test_a_phone_lights_a_face_with_tens_of_lux() -> None:
    sheet_ = _sheet(1, 0.35)
    assert 15 < irradiance(sheet_.points, sheet_.normals, PHONE).sum(axis=0).max() < 60


def test_light_is_linear_in_the_screen() -> None:
    surface = _sheet(0.4, 0.35)
    twice = bases(surface, replace(PHONE, luminance=1000.0), LAMP, SKIN)
    once = bases(surface, PHONE, LAMP, SKIN)
    np.testing.assert_allclose(twice[:4], 2 * once[:4], rtol=1e-4)
    np.testing.assert_array_equal(twice[4:], once[4:])


def test_a_flat_sheet_is_lit_smoothly_and_a_head_is_not(where: Setting) -> None:
    def left_over(points: np.ndarray, normals: np.ndarray) -> float:
        """Returns the share of left less right light in all light that no plane explains."""
        quarters = irradiance(points, normals, LAPTOP)
        ratio = (quarters[[0, 2]].sum(axis=0) - quarters[[1, 3]].sum(axis=0)) / (
            quarters.sum(axis=0) + 1e-3
        )
        plane = np.column_stack([points[:, :2], np.ones(len(points))])
        return float(np.std(ratio - plane @ np.linalg.lstsq(plane, ratio, rcond=None)[0]))

    person = where.head.surface
    inner = np.hypot(person.points[:, 0] / 0.05, (person.points[:, 1] - 0.03) / 0.08) < 1
    flat = _sheet(1, 0.4)
    near = np.hypot(flat.points[:, 0] / 0.05, (flat.points[:, 1] - 0.03) / 0.08) < 1
    of_sheet = left_over(flat.points[near], flat.normals[near])
    of_head = left_over(person.points[inner] + np.float32([0, 0, 0.4]), person.normals[inner])
    assert of_head > 5 * of_sheet


def test_a_sheet_can_be_bent_any_way() -> None:
    image, marks = (
        np.ones((80, 64, 3), np.float32),
        np.float32([[20, 24], [44, 24], [32, 38], [22, 52], [42, 52]]),
    )
    for along in (0.0, 0.7, np.pi / 2):
        bent, _ = sheet(image, marks, 6.0, along)
        way = np.array([np.cos(along), np.sin(along)])
        tilt = bent.normals[:, :2] @ way
        assert np.abs(tilt).max() > 0.4
        np.testing.assert_allclose(bent.normals[:, :2] @ [-way[1], way[0]], 0, atol=1e-5)
        np.testing.assert_allclose(tilt, 6.0 * bent.points[:, :2] @ way, atol=1e-4)  # a cylinder


def test_the_left_of_the_screen_lights_the_left_of_the_person(where: Setting) -> None:
    points, normals = (
        where.head.surface.points + np.float32([0, 0, 0.4]),
        where.head.surface.normals,
    )
    quarters = irradiance(points, normals, LAPTOP)
    left, right = quarters[[0, 2]].sum(axis=0), quarters[[1, 3]].sum(axis=0)
    cheek = (np.abs(points[:, 0] - 0.05) < 0.01) & (np.abs(points[:, 1] - 0.03) < 0.02)
    assert left[cheek].sum() > 1.1 * right[cheek].sum()
    other = (np.abs(points[:, 0] + 0.05) < 0.01) & (np.abs(points[:, 1] - 0.03) < 0.02)
    assert right[other].sum() > 1.1 * left[other].sum()


def test_light_has_luminance_one_whatever_its_colour() -> None:
    for kelvin in (2700, 4000, 6500):
        assert light_colour(kelvin) @ LUMINANCE == pytest.approx(1)
    assert light_colour(2700)[2] < light_colour(6500)[2]


# ---------------------------------------------------------------- heads


def test_tones_go_from_light_to_dark(where: Setting) -> None:
    portrait = astronaut()[0]
    skins = [head(portrait.rgb, portrait.points, tone, np.random.default_rng(1)) for tone in TONES]
    luminances = [float(np.median(skin.surface.albedo @ LUMINANCE)) for skin in skins]
    assert luminances == sorted(luminances, reverse=True)
    assert all(skin.surface.albedo.min() > 0 and skin.surface.albedo.max() <= 0.8 for skin in skins)


def test_normals_have_length_one_and_face_the_viewer(where: Setting) -> None:
    normals = where.head.surface.normals
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-4)
    assert (normals[:, 2] < 0).all()


def test_the_nose_stands_out_and_the_eyes_lie_apart_as_they_should(where: Setting) -> None:
    right, left, nose = where.head.marks[:3]
    assert left[0] - right[0] == pytest.approx(0.063, abs=2 * STEP)
    assert nose[2] < right[2] - 0.008


def test_turning_keeps_lengths() -> None:
    points = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    turned = posed(points, np.zeros(3, np.float32), 0.4, -0.2, 0.1)
    np.testing.assert_allclose(
        np.linalg.norm(turned, axis=1), np.linalg.norm(points, axis=1), rtol=1e-5
    )


def test_closed_eyes_have_the_colour_of_skin(where: Setting) -> None:
    surface = where.head.surface
    eye = np.hypot(surface.points[:, 0] - 0.0315, surface.points[:, 1]) < 0.004
    pupil, lid = (
        float((where.head.blinking(closed).albedo[eye] @ LUMINANCE).mean()) for closed in (0.0, 1.0)
    )
    assert lid > 2 * pupil


# ---------------------------------------------------------------- camera


def test_noise_is_that_of_electrons() -> None:
    random = np.random.default_rng(1)
    device = replace(camera(random), sensitivity=1.0, read_noise=15.0)
    gains = np.full(3, 0.02, np.float32)
    light = np.full((200, 200, 3), 10.0, np.float32)
    electrons = 10.0 * 16_000 / 30
    spread = np.sqrt(electrons + 15.0**2) / electrons
    one, merged = (noisy(light, gains, device, random, n) for n in (1.0, 25.0))
    assert one.mean() == pytest.approx(0.2, rel=0.01)
    assert one.std() / one.mean() == pytest.approx(spread, rel=0.03)
    assert merged.std() / one.std() == pytest.approx(0.2, rel=0.05)


def test_automatics_settle_and_lag() -> None:
    device = replace(camera(np.random.default_rng(1)), exposure_seconds=0.5, dead_band=0.05)
    automatics = Automatics(device)
    dim, bright = np.float32([10, 10, 10]), np.float32([20, 20, 20])
    assert automatics.gains(dim, 0.0)[1] * 10 == pytest.approx(device.target, rel=0.01)
    assert automatics.gains(bright, 0.1)[1] * 20 > 1.5 * device.target
    for tenth in range(2, 60):
        last = automatics.gains(bright, tenth / 10)
    assert last[1] * 20 == pytest.approx(device.target, rel=0.06)


def test_the_tone_curve_rises_and_clips() -> None:
    device = camera(np.random.default_rng(1))
    ramp = np.repeat(np.linspace(-0.1, 1.5, 50, dtype=np.float32)[:, None], 3, axis=1)
    curve = toned(ramp, device)[:, 0]
    assert (np.diff(curve) >= -1e-6).all()
    assert curve[0] == pytest.approx(0, abs=1e-6)
    assert curve[-1] == pytest.approx(1, abs=1e-3)


def test_frames_come_unevenly_and_some_never() -> None:
    device = replace(camera(np.random.default_rng(1)), fps=12.0, dropped=0.1, jitter=0.01)
    came = times(device, 0, 100, np.random.default_rng(2))
    assert 1020 < came.size < 1140
    assert (np.diff(came) > 0).all()
    assert np.diff(came).std() > 0.01


# ---------------------------------------------------------------- sessions


def test_a_screen_shows_symbols_late_and_settles() -> None:
    challenge = light_challenge(species.drawn(np.random.default_rng(1)))
    playing = species.playing(
        challenge, np.array([1.0 + 0.4 * i for i in range(len(challenge.symbols))])
    )
    before, during, early = playing.at(np.array([0.9, 1.35, 1.0]), PHONE)
    np.testing.assert_allclose(
        before, species.linear(np.array(species.NEUTRAL)) + np.zeros((4, 3)), atol=1e-6
    )
    first = [challenge.symbols[0].quarters[r][c] for r in (0, 1) for c in (0, 1)]
    np.testing.assert_allclose(during, species.linear(np.array(first)), atol=1e-3)
    np.testing.assert_array_equal(early, before)


def test_the_same_seed_gives_the_same_session() -> None:
    case = Scenario(3, LIGHT, READINGS, "bent print", 0)
    one, again = (record(case, astronaut()) for _ in range(2))
    other = record(replace(case, number=1), astronaut())
    assert one.challenge == again.challenge != other.challenge
    assert one.shown == again.shown
    for a, b in zip(one.readings, again.readings, strict=True):
        np.testing.assert_array_equal(_cells(a), _cells(b))


def test_readings_without_pictures_are_like_those_of_whole_frames(where: Setting) -> None:
    random = np.random.default_rng(1)
    challenge = light_challenge(species.drawn(random))
    late = timing(challenge, random).painted + 100  # even light all the while
    steady = replace(where, room=replace(where.room, flicker=0.0))
    act = replace(species.honest(steady, species.playing(challenge, late), random), still=0.0)
    whole = np.stack([_cells(r) for r in read_frames(where, act, 3.0, np.random.default_rng(2))])
    grid = cells(act.stage, where.camera, random)
    assert grid
    quick = np.stack(
        [_cells(r) for r in readings(where, act, grid, 3.0, np.random.default_rng(2), wobble=0.0)]
    )
    inner = (slice(None), slice(4, 13), slice(4, 12))
    np.testing.assert_allclose(quick[inner].mean(), whole[inner].mean(), rtol=0.05)
    noise = [(c[inner].std(axis=0) / c[inner].mean(axis=0)).mean() for c in (quick, whole)]
    assert 0.5 < noise[0] / noise[1] < 2


def test_a_session_without_pictures_is_as_noisy_as_one_of_whole_frames() -> None:
    ratios = []
    for number in range(4):
        random = np.random.default_rng(number)
        where = setting(random, astronaut(), 300)
        challenge = light_challenge(species.drawn(random))
        when = timing(challenge, random)
        act = species.honest(where, species.playing(challenge, when.painted), random)
        grid = cells(act.stage, where.camera, random)
        assert grid
        end = float(when.painted[-1]) + challenge.seconds
        both = (readings(where, act, grid, end, random), read_frames(where, act, end, random))
        quick, whole = (
            np.median(np.abs(np.diff(fit_illumination(found), axis=0)), axis=0) for found in both
        )
        ratios.append(quick / whole)
    assert 0.7 < np.median(ratios) < 1.4


def test_every_attack_shows_a_face_and_each_light_has_a_basis(where: Setting) -> None:
    random = np.random.default_rng(1)
    challenge = light_challenge(species.drawn(random))
    asked = species.playing(challenge, timing(challenge, random).painted)
    for name, act in ((name, one(where, asked, random)) for name, one in species.ATTACKS.items()):
        assert cells(act.stage, where.camera, random), name
        assert len(act.stage.lit) == LIGHTS + (name == "screen replay")
        assert np.isfinite(act.stage.lit).all()
        assert act.stage.lit.min() >= 0


def test_a_tint_is_even_and_a_relit_face_is_not(where: Setting) -> None:
    random = np.random.default_rng(1)
    asked = species.playing(light_challenge(species.drawn(random)), np.arange(18.0))
    for act, even in ((species.flat_tint, True), (species.relit_face, False)):
        seen = act(where, asked, random).stage.lit
        share = seen[0, :, 1] / (seen[KEY] + seen[FILL])[:, 1]
        assert (share.std() / share.mean() < 1e-3) == even


def test_moves_are_made_when_asked(where: Setting) -> None:
    random = np.random.default_rng(4)
    asked = moves.movement_challenge(species.drawn(random))
    shown = moves.asked_at(asked)
    act = moves.honest(where, asked, shown, random)
    time = np.arange(0, shown[-1] + asked.seconds, 0.05)
    motion = moves.moved(time, act, 0.4, random)
    for move, since in zip(asked.moves, shown, strict=True):
        during = (time > since) & (time < since + asked.seconds)
        yaw, nearer = np.degrees(motion.turned[during, 0]), -motion.place[during, 2]
        did = {
            moves.Move.TURN_LEFT: yaw.min() < -15,
            moves.Move.TURN_RIGHT: yaw.max() > 15,
            moves.Move.CLOSER: nearer.max() > 0.06,
            moves.Move.BLINK: motion.closed[during].max() > 0.9,
        }
        assert did[move], move


def test_a_head_that_turns_stays_a_face(where: Setting) -> None:
    random = np.random.default_rng(4)
    asked = moves.movement_challenge(species.drawn(random))
    frames = moves.frames(
        where, moves.honest(where, asked, moves.asked_at(asked), random), 5.0, random
    )
    seen = [faces.find(frame.rgb) for i, frame in enumerate(frames) if i % 6 == 0]
    assert all(seen)


def _cells(reading: FrameReading) -> np.ndarray:
    assert reading.face
    return reading.face.cells


# ---------------------------------------------------------------- the run and its page


def test_a_plan_spreads_every_kind() -> None:
    counts = SessionCounts(tone=2, species=3, stale=200, frames=1, moves=1)
    cases = plan(counts, 7)
    assert len({case.name for case in cases}) == len(cases)
    honest = [case for case in cases if (case.level, case.kind) == (READINGS, HONEST)]
    assert len(honest) == len(TONES) * (4 * 2 + 5 * 1)
    assert sum(case.kind == STALE for case in cases) * OFFERED == 200
    assert sum(case.kind == "flat tint" and case.level == READINGS for case in cases) == 3
    assert SessionCounts().scaled(1e-6) == SessionCounts(1, 1, 1, 1, 1)


def test_a_run_goes_on_and_writes_its_page(tmp_path: Path) -> None:
    cases = [
        Scenario(1, LIGHT, READINGS, HONEST, 0, 50, "dark"),
        Scenario(1, LIGHT, READINGS, "flat tint", 0),
    ]
    text = simulate(cases, [], tmp_path / "out", tmp_path, workers=0)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/recordings").iterdir()}
    assert len(kept) == 2
    assert simulate(cases, [], tmp_path / "out", tmp_path, workers=0) == text
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (tmp_path / "live.png").is_file()
    found = json.loads((tmp_path / "live.json").read_text())
    assert found["simulated"]
    assert found["lux"]["50"]["n"] == found["attacks"]["flat tint"]["n"] == 1
    assert found["attacks"]["flat tint"]["live"]["count"] == 0


def test_every_table_says_that_it_is_simulated(tmp_path: Path) -> None:
    sessions = [
        SessionResult(case, "not live", "try again", {})
        for case in plan(SessionCounts(1, 1, 100, 1, 1), 1)
    ]
    about = {
        "command": "this test",
        "date": "2026-01-01",
        "seed": 1,
        "faces": "nobody",
        "timed": {"n": 3, "median": 0.1, "p95": 0.2, "max": 0.3},
    }
    text = write(summary(sessions, about), tmp_path)
    heads = [
        line
        for before, line in zip(["", *text.splitlines()], text.splitlines(), strict=False)
        if not before and "|" in line
    ]
    assert len(heads) == 6
    assert all("simulated" in line for line in heads)
    assert f"| {LUX[0]} | 6 | 0.0 % (0.0–45.9) | 100.0 % (54.1–100.0)" in text
    assert "median 100 ms" in text


def test_a_stale_answer_is_offered_to_other_challenges() -> None:
    case = Scenario(2, LIGHT, READINGS, STALE, 0)
    what = record(case, astronaut())
    sessions = judge(case, replace(what, readings=what.readings[:3]))
    assert len(sessions) == OFFERED
    assert rates(sessions)["inconclusive"]["count"] == OFFERED  # of three frames nobody can tell


def test_a_re_timed_recording_goes_through_the_protocol() -> None:
    whats = [
        record(Scenario(2, LIGHT, READINGS, RETIMED, number), astronaut())
        for number in (4, 6, 8, 10)
    ]
    for what in whats:
        times = [reading.time for reading in what.readings]
        assert len(times) > 100
        assert times == sorted(set(times))
        np.testing.assert_allclose(np.diff(what.sent), 0.4)
        shown_late = np.subtract(what.shown, what.sent)
        np.testing.assert_allclose(shown_late, 0, atol=JITTER)
        assert judge(Scenario(2, LIGHT, READINGS, RETIMED, 0), what)[0].result != "live"


def test_an_honest_browser_s_times_pass_the_protocol() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        when = timing(light_challenge(species.drawn(random)), random)
        assert (when.painted > when.sent).all()
        usual = np.median(when.painted - when.sent)
        assert np.abs(when.painted - usual - when.shown).max() < 0.2


def test_a_missing_data_set_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.parquet: no such file"):
        simulate(
            [Scenario(1, MOVEMENT, FRAMES, HONEST, 0)],
            [tmp_path / "none.parquet"],
            tmp_path,
            tmp_path,
            workers=0,
        )


@pytest.mark.parametrize(
    "option", [["--share", "0"], ["--share", "2"], ["--seed", "0"], ["--workers", "-1"]]
)
def test_options_out_of_range_are_refused(option: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["live", *option])


def test_the_stage_of_a_person_has_all_lights(where: Setting) -> None:
    seen = stage(where)
    assert seen.lit.shape == (LIGHTS, len(seen.points), 3)
    assert seen.lit[:4].mean() > 0
