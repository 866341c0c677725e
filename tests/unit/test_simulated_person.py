"""Made-up persons who close the loop: human errors, worse with delay, better with a display that leads."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.geometry import Array, rotation_angle
from teletwin.hand.drawing_task import DrawingTask, DrawingTaskCfg
from teletwin.hand.synthetic.body import BodyCfg
from teletwin_training.horizon.person import PersonCfg, SimulatedPersons

SLOT_S = 0.01
PERSONS = 12
DELAYS_S = (0.0, 0.05, 0.1, 0.2, 0.3)
STILL = BodyCfg(tremor_m=(0.0, 0.0), drift_m=0.0, effort_s=(0.0, 0.0), sway_rad=(0.0, 0.0), wrist_tremor_rad=(0.0, 0.0))


@dataclass
class Run:
    hand: Array
    """(n + 1, persons, 7)."""
    error: Array
    """Distance of the dot and the shown tool (n, persons) [m]."""

    @property
    def rms(self) -> Array:
        return np.sqrt((self.error[300:] ** 2).mean(axis=0))


@cache
def dots(persons: int, duration_s: float, speed_m_s: float = 0.08) -> Array:
    t = np.arange(round(duration_s / SLOT_S)) * SLOT_S
    plane = np.eye(3)[:, 1:]
    cfgs = [DrawingTaskCfg(seed=seed, speed_m_s=speed_m_s) for seed in range(persons)]
    return np.stack([DrawingTask(cfg, middle=np.zeros(3), plane=plane).target(t) for cfg in cfgs], axis=1)


def follow(
    target: Array,
    *,
    delay_s: float = 0.0,
    lead_s: float = 0.0,
    cfg: PersonCfg | None = None,
    seed: int = 1,
    jumps: bool = False,
) -> Run:
    """Close the loop: shown(t) = hand(t - delay), carried on by lead_s with its velocity over 50 ms."""
    velocity = np.zeros_like(target) if jumps else np.gradient(target, SLOT_S, axis=0)
    count, persons = target.shape[:2]
    people = SimulatedPersons(persons=persons, cfg=cfg, rng=np.random.default_rng(seed))
    people.reset(np.arange(persons), target[0], target[0])
    hand, error = np.empty((count + 1, persons, 7)), np.empty((count, persons))
    hand[0] = np.concatenate([target[0], np.tile([1.0, 0.0, 0.0, 0.0], (persons, 1))], axis=1)
    for i in range(count):
        seen = max(i - round(delay_s / SLOT_S), 0)
        place, before = hand[seen, :, :3], hand[max(seen - 5, 0), :, :3]
        shown = place + lead_s / 0.05 * (place - before)
        error[i] = np.linalg.norm(target[i] - shown, axis=1)
        hand[i + 1] = people.step(shown, target[i], velocity[i])
    return Run(hand, error)


def speed_peaks_hz(hand: Array) -> Array:
    """Maxima per second (persons,) of the hand's speed, smoothed over 0.13 s."""
    speed = np.linalg.norm(np.diff(hand[..., :3], axis=0), axis=2)
    window = np.hanning(15) / np.hanning(15).sum()
    smooth = np.stack([np.convolve(one, window, "valid") for one in speed.T], axis=1)
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
    return peaks.sum(axis=0) / (len(smooth) * SLOT_S)


@pytest.fixture(scope="module")
def by_delay() -> dict[float, Run]:
    target = dots(PERSONS, 13.0)
    return {delay_s: follow(target, delay_s=delay_s) for delay_s in DELAYS_S}


def test_the_error_without_delay_is_a_persons(by_delay):
    rms = by_delay[0.0].rms
    assert 0.003 < np.median(rms) < 0.012
    assert rms.max() < 0.02


def test_every_persons_error_grows_with_the_delay(by_delay):
    table = np.stack([by_delay[delay_s].rms for delay_s in DELAYS_S])
    assert (np.diff(table, axis=0) > 0.0).all()


def test_the_loop_stays_stable_with_300_ms_of_delay(by_delay):
    error = by_delay[0.3].error
    early, late = (np.sqrt((part**2).mean(axis=0)) for part in (error[400:900], error[-500:]))
    assert error.max() < 0.12
    assert (late < 1.5 * early).all()


def test_a_dot_at_rest_is_reached_and_held_in_spite_of_the_delay():
    target = np.zeros((1000, PERSONS, 3))
    target[50:] = [0.05, 0.0, 0.0]
    for delay_s in (0.0, 0.3):
        rest = follow(target, delay_s=delay_s, jumps=True).error[-400:]
        assert np.sqrt((rest**2).mean(axis=0)).max() < 0.005


def test_nobody_answers_before_the_reaction_time():
    target = np.zeros((200, PERSONS, 3))
    target[100:] = [0.05, 0.0, 0.0]
    quiet = PersonCfg(body=STILL, reaction_s=(0.2, 0.2), continuous_share=0.5)
    along = follow(target, cfg=quiet, jumps=True).hand[..., 0]
    assert np.abs(along[:121]).max() == 0.0
    assert (along[170] > 0.005).all()


@pytest.mark.parametrize("delay_s", [0.0, 0.2])
def test_a_display_that_leads_lessens_the_error(by_delay, delay_s):
    led = follow(dots(PERSONS, 13.0), delay_s=delay_s, lead_s=0.05).rms
    assert np.median(led) < 0.9 * np.median(by_delay[delay_s].rms)
    assert (led < by_delay[delay_s].rms).mean() > 0.8


def test_the_hands_speed_has_two_to_five_peaks_a_second(by_delay):
    rate = speed_peaks_hz(by_delay[0.0].hand[300:])
    assert 2.0 < np.median(rate) < 5.0
    assert rate.min() > 1.5
    assert rate.max() < 6.0


def test_submovements_show_in_the_speed():
    target = dots(PERSONS, 8.0)
    in_bumps, smooth = (
        speed_peaks_hz(follow(target, cfg=PersonCfg(body=STILL, continuous_share=share)).hand) for share in (0.0, 1.0)
    )
    assert 2.0 < np.median(in_bumps) < 5.0
    assert np.median(in_bumps) > 1.5 * np.median(smooth)


def test_the_same_seed_gives_the_same_hands():
    target = dots(3, 3.0)
    first, again, other = (follow(target, seed=seed).hand for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes()
    assert np.abs(first - other).max() > 1e-4


def test_a_person_does_not_depend_on_the_others():
    target = dots(5, 3.0)
    few, many = follow(target[:, :2]).hand, follow(target).hand
    assert few.tobytes() == many[:, :2].tobytes()


def test_a_reset_of_others_changes_nothing_and_brings_a_new_person():
    still = np.zeros((2, 3))
    hands = []
    for again in (False, True):
        people = SimulatedPersons(persons=2, rng=np.random.default_rng(3))
        for slot in range(400):
            if again and slot == 77:
                before = people.traits["reaction_s"][1]
                people.reset(np.array([1]), still[:1], still[:1])
                assert people.traits["reaction_s"][1] != before
            hands.append(people.step(still, np.full((2, 3), 0.01 * np.sin(0.05 * slot)), still))
    alone, beside = np.array(hands).reshape(2, 400, 2, 7)
    assert alone[:, 0].tobytes() == beside[:, 0].tobytes()


def test_a_reset_hand_is_where_it_was_put():
    people = SimulatedPersons(persons=2, rng=np.random.default_rng(3))
    place = np.array([[0.3, -0.2, 0.4], [0.1, 0.1, 0.1]])
    people.reset(np.arange(2), place, place)
    pose = people.step(place, place, np.zeros((2, 3)))
    np.testing.assert_allclose(pose[:, :3], place, atol=1e-4)


def test_the_hand_stays_in_reach_and_below_its_fastest():
    rng = np.random.default_rng(2)
    people = SimulatedPersons(persons=8, rng=np.random.default_rng(1))
    start = rng.normal(size=(8, 3))
    people.reset(np.arange(8), start, start)
    hands = [start]
    for slot in range(600):
        away = 5.0 * np.sign(np.sin(0.02 * slot)) * np.ones((8, 3))
        hands.append(people.step(start, start + away, 3.0 * away)[:, :3])
    track = np.array(hands)
    assert np.linalg.norm(track - start, axis=2).max() <= 0.2 + 1e-9
    assert np.linalg.norm(np.diff(track, axis=0), axis=2).max() <= 1.0 * SLOT_S + 1e-9


def test_the_orientation_wanders_slowly_about_the_given_one():
    neutral = np.array([0.5, 0.5, -0.5, 0.5])
    people = SimulatedPersons(persons=8, rng=np.random.default_rng(1), orientation=neutral)
    still = np.zeros((8, 3))
    quats = np.array([people.step(still, still, still)[:, 3:] for _ in range(800)])
    np.testing.assert_allclose(np.linalg.norm(quats, axis=2), 1.0, atol=1e-12)
    away = rotation_angle(quats, neutral)
    assert 0.01 < np.sqrt((away**2).mean()) < 0.08
    assert rotation_angle(quats[1:], quats[:-1]).max() < 0.005


def test_tremor_and_effort_are_as_large_as_asked_for():
    cfg = PersonCfg(body=BodyCfg(tremor_m=(16e-6, 16e-6), drift_m=0.0, sway_rad=(0.0, 0.0)))
    people = SimulatedPersons(persons=32, cfg=cfg, rng=np.random.default_rng(1))
    still = np.zeros((32, 3))
    at_rest = np.array([people.step(still, still, still)[:, :3] for _ in range(700)])[200:]
    assert np.sqrt((at_rest**2).sum(axis=2).mean()) == pytest.approx(16e-6, rel=0.15)
    spectrum = (np.abs(np.fft.rfft(at_rest, axis=0)) ** 2).sum(axis=(1, 2))
    assert 7.0 < np.fft.rfftfreq(len(at_rest), SLOT_S)[spectrum.argmax()] < 12.0


def test_noise_grows_with_speed():
    def unsteadiness(speed_m_s: float) -> float:
        target = dots(6, 6.0, speed_m_s)
        cfgs = [PersonCfg(body=BodyCfg(drift_m=0.0)), PersonCfg(body=STILL)]
        noisy, steady = (follow(target, cfg=PersonCfg(body=c.body, continuous_share=1.0)).hand for c in cfgs)
        return float(np.sqrt(((noisy - steady)[300:, :, :3] ** 2).mean()))

    assert unsteadiness(0.16) > 1.5 * unsteadiness(0.08)


def test_many_persons_step_fast():
    people = SimulatedPersons(persons=256, rng=np.random.default_rng(1))
    place = 0.01 * np.random.default_rng(2).normal(size=(256, 3))
    spent_s = []
    for slot in range(300):
        begin = time.perf_counter()
        people.step(place * np.sin(0.05 * slot), place, place)
        spent_s.append(time.perf_counter() - begin)
    assert np.median(spent_s) < 4e-3  # 0.2 ms on an idle core


@pytest.mark.parametrize(
    "wrong",
    [
        {"reaction_s": (0.3, 0.2)},
        {"reaction_s": (0.0, 0.2)},
        {"submovement_s": (0.2, 0.9)},
        {"discount": (0.5, 1.5)},
        {"phase_rad": 2.0},
        {"reach_m": 0.0},
        {"continuous_share": float("nan")},
        {"scatter": float("nan")},
    ],
)
def test_a_person_out_of_range_is_refused(wrong):
    with pytest.raises(ConfigError):
        PersonCfg(**wrong)


def test_no_persons_are_refused():
    with pytest.raises(ConfigError):
        SimulatedPersons(persons=0, rng=np.random.default_rng(1))
