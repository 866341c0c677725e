"""The official simulator's numbers (metalore 2.0.1, commit e626883), step by step."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np
import pytest

from teletwin_training.allocation import channel
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.counts import TOTALS
from teletwin_training.allocation.scenario import Radio
from teletwin_training.allocation.scenarios import scenario
from teletwin_training.allocation.streams import Draws, even_draws, official_draws

# distance [m], loss [dB], SNR, rate of 100 MHz [Mbit/s]
CHANNEL = [
    (0, -410.45072807277023, 1.1093607784071179e54, 17953.384574872653),
    (1, 36.833863665655215, 2073068408.3278213, 3094.912057881255),
    (5, 60.88298005233408, 8160222.390990486, 2296.01772167002),
    (10, 71.24037072245572, 751558.736723049, 1951.9528253826604),
    (20, 81.59776139257744, 69218.76729344577, 1607.8896470934983),
    (40, 91.9551520626992, 6375.06759154306, 1263.8451207821574),
    (50, 95.28948710913565, 2958.361821015519, 1153.1070380475078),
    (80, 102.31254273282099, 587.1454864899131, 920.0029260950903),
    (100, 105.64687777925742, 272.4659410541117, 809.52173528398),
    (120, 108.37122788016138, 145.50476370127726, 719.4803765387945),
    (141.4213562373095, 110.82557311431832, 82.68803825539759, 638.694952431933),
    (500, 129.69599416593746, 1.072508106360502, 105.13777446562362),
    (2000, 150.41077550618104, 0.009097508067483846, 1.3065587336811433),
]
TRACES = {
    "default": {
        "sha": "1713788cf3dfb14e",
        "total": 1682.221101,
        "counted": (205 + 300, 493, 493, 84302.833939, 24621, 1.465686, 1.995098),
    },
    "paper": {
        "sha": "4c9db42925531859",
        "total": 1359.742090,
        "counted": (685 + 1500, 1404, 1394, 85277.807094, 8314, 0.732456, 24.581871),
    },
}


def run(cells: Cells, shares: tuple[float, float], steps: int) -> tuple[list[float], list[list[float]]]:
    """Rewards and observations of the first cell."""
    rewards, seen = [], []
    cells.reset()
    for _ in range(steps):
        cells.step(np.array(shares))
        rewards.append(float(cells.reward[0]))
        seen.append([float(x) for x in cells.seen[0, :2]])
    return rewards, seen


def inside(cells: Cells, name: str) -> np.ndarray:
    """An array of the kernels, of the first cell."""
    return getattr(cells.blocks[0].cell, name).numpy()[0]


# ------------------------------------------------------------------------------------------------ radio


@pytest.mark.parametrize(("distance_m", "loss_db", "snr", "rate"), CHANNEL)
def test_the_channel_is_exact(distance_m: float, loss_db: float, snr: float, rate: float) -> None:
    radio, distance = Radio(), np.array(distance_m)
    assert channel.loss_db(radio, distance) == pytest.approx(loss_db, rel=1e-12)
    assert channel.snr(radio, distance) == pytest.approx(snr, rel=1e-11)
    assert 100.0 * channel.efficiency(radio, distance) == pytest.approx(rate, rel=1e-12)


def test_the_kernels_have_the_same_channel() -> None:
    distances = np.array([row[0] for row in CHANNEL] + [7.3, 61.0, 133.7])
    places = np.column_stack([100.0 + distances, np.full(len(distances), 100.0)])
    setting = scenario("default", users=1, sensors=len(distances) - 1, user_speed=0.0)
    cells = Cells(setting, [0], draws=even_draws(setting, places))
    cells.reset()
    wanted = channel.efficiency(setting.radio, distances)
    np.testing.assert_allclose(inside(cells, "efficiency"), wanted, rtol=1e-12)
    np.testing.assert_allclose(100.0 * wanted[: len(CHANNEL)], [row[3] for row in CHANNEL], rtol=1e-12)


def test_a_link_without_signal_is_dropped_and_its_device_waits() -> None:
    radio = dataclasses.replace(Radio(), least_snr=1.0)
    setting = scenario("default", users=1, sensors=1, user_speed=0.0, radio=radio)
    far, near = (1500.0, 100.0), (110.0, 100.0)
    cells = Cells(setting, [0], draws=even_draws(setting, np.array([far, near])))
    run(cells, (0.5, 0.5), 5)
    counted = dict(zip(TOTALS, cells.totals[0], strict=True))
    assert (counted["made_requests"], counted["sent_requests"], counted["sent_updates"]) == (5, 0, 5)
    assert inside(cells, "station").tolist() == [-1, 0]


# ------------------------------------------------------------------------------------------------ queues


def crafted(users: int, sensors: int, jobs: dict[tuple[int, int], tuple[float, float]], **changes: Any) -> Cells:
    """One cell whose devices all stand 10 m from the base station, with jobs by (step, device)."""
    setting = scenario("default", users=users, sensors=sensors, user_speed=0.0, steps=8, **changes)
    made = np.zeros((1, 8, setting.devices, 2))
    for (step, device), job in jobs.items():
        made[0, step, device] = job
    places = np.tile([110.0, 100.0], (1, setting.devices, 1))
    return Cells(setting, [0], draws=Draws(positions=places, waypoints=np.zeros((1, 2, 1, 2)), jobs=made))


def growth(cells: Cells, shares: tuple[float, float], columns: str, steps: int = 5) -> list[list[float]]:
    """What each step adds to some totals."""
    chosen, before, rows = [TOTALS.index(name) for name in columns.split()], np.zeros(len(TOTALS)), []
    cells.reset()
    for _ in range(steps):
        cells.step(np.array(shares))
        rows.append((cells.totals[0] - before)[chosen].tolist())
        before = cells.totals[0].copy()
    return rows


def test_a_device_sends_its_jobs_part_by_part_and_several_in_a_step() -> None:
    hertz = 120e6 / float(channel.efficiency(Radio(), np.array(10.0)))
    jobs = {(0, 0): (200.0, 1.0), (1, 0): (200.0, 1.0), (2, 0): (50.0, 1.0)}
    cells = crafted(1, 1, jobs, radio=dataclasses.replace(Radio(), bandwidth_hz=hertz))
    rows = np.array(growth(cells, (1.0, 0.5), "bits sent_requests"))
    np.testing.assert_allclose(rows[:, 0], [120.0, 120.0, 120.0, 90.0, 0.0], atol=1e-9)
    assert rows[:, 1].tolist() == [0, 1, 0, 2, 0]


def test_a_base_station_processes_part_by_part_and_in_order() -> None:
    jobs = {(0, 1): (1.0, 50.0), (0, 2): (1.0, 30.0), (0, 3): (1.0, 100.0)}
    cells = crafted(1, 3, jobs, compute=60.0)
    rows = growth(cells, (0.0, 0.0), "cycles done_updates update_delay sent_updates")
    assert rows == [[60, 1, 0, 3], [60, 1, 1, 0], [60, 1, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_a_request_waits_for_the_first_update_ever_of_its_sensor_and_all_behind_it_wait_too() -> None:
    """The nearest sensor of both devices is the first one; its only update comes in step 2, and is done after them."""
    jobs = {(0, 0): (1.0, 10.0), (0, 1): (1.0, 10.0), (0, 3): (1.0, 10.0), (2, 2): (1.0, 10.0)}
    cells = crafted(2, 2, jobs, compute=200.0)
    rows = growth(cells, (0.5, 0.5), "done_requests done_updates aori aosi", steps=5)
    assert [row[0] for row in rows] == [0, 0, 0, 2, 0]
    assert [row[1] for row in rows] == [1, 0, 1, 0, 0]
    assert rows[3][2:] == [6, 4]


# ------------------------------------------------------------------------------------------------ by hand

PLACES = np.array([(110.0, 100.0), (100.0, 160.0), (120.0, 110.0), (70.0, 150.0)])
RATES = {0.5: (487.988206346, 265.662154425, 388.127129025, 269.206561315)}
RATES[0.7] = (683.183488884, 371.927016195, 232.876277415, 161.523936789)
BY_HAND: dict[tuple[float, float], tuple[list[float], str]] = {
    (0.5, 0.5): (
        [0, 10, 10, 10, 9, 9, 18, 9, 9, 9, 9, 18, 9, 9],
        "(2,1)(3,2)(4,3)(5,4)(6,4)(7,5)(7,6)(8,7)(9,8)(10,8)(11,9)(11,10)(12,11)(13,12)",
    ),
    (0.7, 0.3): (
        [0, 0, 9, 8, 0, 7.1, 6.29, 6.29, 0, 5.561, 5.561, 0, 4.31441, 4.31441],
        "(2,1)(4,1)(5,1)(6,2)(8,2)(9,2)(10,3)(11,3)(13,3)(14,4)(15,4)(17,4)(18,5)(19,5)",
    ),
}


def still() -> Cells:
    """Every device makes a job of the mean size in every step, and nobody moves."""
    setting = scenario("default", users=2, sensors=2, user_speed=0.0, compute=120.0)
    return Cells(setting, [0], draws=even_draws(setting, PLACES))


@pytest.mark.parametrize("shares", BY_HAND)
def test_cells_without_chance_give_the_rewards_and_queues_that_can_be_counted_by_hand(shares) -> None:
    cells = still()
    rewards, seen = run(cells, shares, 14)
    wanted, queues = BY_HAND[shares]
    np.testing.assert_allclose(rewards, wanted, atol=1e-12)
    assert "".join(f"({a:.0f},{b:.0f})" for a, b in seen) == queues
    rates = inside(cells, "efficiency") * 50.0 * np.array([shares[0]] * 2 + [1 - shares[0]] * 2)
    np.testing.assert_allclose(rates, RATES[shares[0]], rtol=1e-11)
    assert not inside(cells, "waiting").any()
    assert dict(zip(TOTALS, cells.totals[0], strict=True))["sent_requests"] == 28


def test_cycles_left_and_ages_are_those_that_can_be_counted_by_hand() -> None:
    cells = still()
    cells.reset()
    left, ages = [], []
    for _ in range(7):
        before = cells.totals[0].copy()
        cells.step(np.array([0.5, 0.5]))
        left.append(inside(cells, "pending")[0].tolist())
        grown = cells.totals[0] - before
        ages.append([grown[TOTALS.index(name)] for name in ("done_requests", "aori", "aosi")])
    np.testing.assert_allclose(left[:4], [(100, 40), (150, 80), (190, 120), (230, 160)])
    np.testing.assert_allclose(np.diff(left[3:], axis=0), 40.0)
    assert ages == [[0, 0, 0], [1, 1, 0], [1, 2, 0], [1, 2, 0], [1, 3, 0], [1, 3, 0], [2, 7, 0]]


# ------------------------------------------------------------------------------------------------ seeded


@pytest.mark.parametrize("name", TRACES)
def test_a_seeded_episode_is_the_official_one_to_the_last_digit(name: str) -> None:
    setting, golden = scenario(name), TRACES[name]
    cells = Cells(setting, [0], draws=official_draws(setting, [999]))
    rewards, seen = run(cells, (0.5, 0.5), 100)
    digest = hashlib.sha256(json.dumps([[round(reward, 6) for reward in rewards], seen]).encode()).hexdigest()
    assert digest[:16] == golden["sha"]
    assert sum(rewards) == pytest.approx(golden["total"], abs=1e-6)
    assert cells.done.all()
    counted = dict(zip(TOTALS, cells.totals[0], strict=True))
    assert counted["reward"] == pytest.approx(sum(rewards), abs=1e-9)
    both = [counted[f"{what}_requests"] + counted[f"{what}_updates"] for what in ("made", "sent", "done")]
    means = [counted[age] / counted["done_requests"] for age in ("aori", "aosi")]
    assert [*both, counted["bits"], counted["cycles"], *means] == pytest.approx(golden["counted"], abs=1e-6)


def test_devices_start_move_and_send_as_in_the_official_episode() -> None:
    setting = scenario("default")
    cells = Cells(setting, [0], draws=official_draws(setting, [999]))
    cells.reset()
    start = [(155.765003516, 34.449726165), (142.714558690, 150.067015556), (34.221815372, 180.384912163)]
    sensors = [(28.356308356, 122.245740932), (182.188623938, 38.154654512), (111.479980407, 122.412736247)]
    np.testing.assert_allclose(inside(cells, "position"), start + sensors, atol=1e-9)
    rates = (147.303300319, 169.464571245, 131.793105289, 158.645199712, 132.597779916, 248.922042616)
    np.testing.assert_allclose(inside(cells, "efficiency") * 50.0 / 3.0, rates, rtol=1e-11)
    cells.step(np.array([0.5, 0.5]))
    np.testing.assert_array_equal(inside(cells, "data")[:, 0], [0, 209, 0, 138, 155, 137])
    np.testing.assert_array_equal(inside(cells, "work")[1:, 0], [41, 0, 52, 45, 55])
    assert inside(cells, "near")[1, 0] == 2
    np.testing.assert_allclose(inside(cells, "waiting"), [0, 39.535429, 0, 0, 22.402220, 0], atol=1e-6)
    rewards = [float(cells.reward[0])]
    for _ in range(99):
        cells.step(np.array([0.5, 0.5]))
        rewards.append(float(cells.reward[0]))
    np.testing.assert_allclose(rewards[:12], [0, 10, 19, 9, 10, 30, 9, 19, 28, 8.1, 15.2, 7.1], atol=1e-9)
    final = [(115.005200812, 62.536884860), (159.180098186, 103.385798679), (73.814790763, 150.675548326)]
    np.testing.assert_allclose(inside(cells, "position"), final + sensors, atol=1e-8)


def test_nobody_moves_in_the_first_step_as_the_first_waypoint_is_where_one_stands() -> None:
    setting = scenario("default")
    for draws in (official_draws(setting, [999]), None):
        cells = Cells(setting, [0], draws=draws)
        cells.reset()
        places = [inside(cells, "position").copy()]
        for _ in range(3):
            cells.step(np.array([0.5, 0.5]))
            places.append(inside(cells, "position").copy())
        moved = np.linalg.norm(np.diff(places, axis=0), axis=-1)
        np.testing.assert_allclose(moved[0], 0.0, atol=1e-12)
        np.testing.assert_allclose(moved[1:, :3], 0.5, rtol=1e-9)
        assert not moved[:, 3:].any()


def test_the_replayed_stream_is_numpys() -> None:
    setting = scenario("default", users=1, sensors=1)
    draws = official_draws(setting, [999])
    np.testing.assert_allclose(
        draws.positions[0].ravel()[:4],
        [155.7650035160545, 34.449726165002325, 142.714558689897, 150.06701555580585],
        rtol=1e-15,
    )
    rng = np.random.default_rng(999)
    assert rng.random() == 0.7788250175802724
    assert (rng.poisson(200), rng.poisson(50)) == (185, 55)
    assert rng.random() == 0.9019245608172058
    assert (rng.poisson(200), rng.poisson(50)) == (182, 61)
