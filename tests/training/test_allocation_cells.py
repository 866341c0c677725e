"""Cells lose no job, depend on nothing but their seed, draw what the official simulator draws, refuse nonsense."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.counts import TOTALS
from teletwin_training.allocation.poisson import BINS, poisson_tables
from teletwin_training.allocation.scenario import Arrivals, Level, Traffic
from teletwin_training.allocation.scenarios import scenario
from teletwin_training.allocation.streams import even_draws, official_draws

ALL = ("default", "paper", "multi", "mobile_sensor", "changing", "burst")
KINDS = ("requests", "updates")
STANDARD_ERRORS = 3.0


def shares_of(steps: int, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((steps, count, 2))


def counted(cells: Cells, name: str) -> np.ndarray:
    return cells.totals[:, TOTALS.index(name)]


def whole(cells: Cells, name: str) -> np.ndarray:
    """An array of the kernels, of all cells."""
    return np.concatenate([getattr(block.cell, name).numpy() for block in cells.blocks])


def episode(cells: Cells, shares: Any, steps: int | None = None) -> tuple[bytes, np.ndarray]:
    """All that happened, and the sums of rewards."""
    cells.reset()
    told, total = [cells.seen.tobytes()], np.zeros(cells.count)
    for step in range(steps or cells.scenario.steps):
        cells.step(shares[step] if np.ndim(shares) == 3 else np.asarray(shares))
        total += cells.reward
        told += [cells.seen.tobytes(), cells.reward.tobytes(), cells.done.tobytes()]
    return b"".join([*told, cells.totals.tobytes(), cells.histogram.tobytes()]), total


# ------------------------------------------------------------------------------------------------ conservation


def unsent(cells: Cells, kind: int) -> np.ndarray:
    """Jobs that wait at their devices (N,), counted one by one."""
    data, head, step = whole(cells, "data"), whole(cells, "head"), whole(cells, "step")
    users = cells.scenario.users
    numbers = np.arange(data.shape[2])
    waiting = (data > 0.0) & (numbers >= head[:, :, None]) & (numbers < step[:, None, None])
    return waiting[:, [slice(0, users), slice(users, None)][kind]].sum(axis=(1, 2))


def walked(cells: Cells, kind: int) -> np.ndarray:
    """Jobs in the processing queues (N,), counted by going from one to the next."""
    length, first, last = (whole(cells, name)[:, :, kind] for name in ("length", "queue", "tail"))
    behind, steps = whole(cells, "next"), cells.scenario.steps
    found = np.zeros(cells.count, dtype=int)
    for cell, station in np.argwhere(length > 0):
        node, seen = first[cell, station], set[int]()
        while node not in seen and len(seen) < length[cell, station]:
            seen.add(int(node))
            if node == last[cell, station]:
                break
            node = behind[cell, node // steps, node % steps]
        assert node == last[cell, station]
        found[cell] += len(seen)
    return found


@pytest.mark.parametrize("admission", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_every_job_is_waiting_done_or_dropped(name: str, admission: bool) -> None:
    cells = Cells(scenario(name, admission=admission), np.arange(8), threads=1)
    cells.reset()
    for step, shares in enumerate(shares_of(100, 8)):
        cells.step(shares)
        if step not in (0, 30, 60, 99):
            continue
        for kind, jobs in enumerate(KINDS):
            made, sent, done, dropped = (
                counted(cells, f"{what}_{jobs}") for what in ("made", "sent", "done", "dropped")
            )
            at_devices, queued = unsent(cells, kind), walked(cells, kind)
            np.testing.assert_array_equal(made, at_devices + queued + done + dropped)
            np.testing.assert_array_equal(queued, whole(cells, "length")[:, :, kind].sum(axis=1))
            np.testing.assert_array_equal(queued, cells.seen[:, kind])
            assert (sent >= done + queued).all()
            if not admission and name != "burst":
                assert not dropped.any()
                np.testing.assert_array_equal(sent, done + queued)
        np.testing.assert_array_equal(counted(cells, "done_requests"), cells.histogram.sum(axis=1))
    assert counted(cells, "done_requests").min() > 0
    assert not admission or counted(cells, "dropped_updates").max() > 0


@pytest.mark.parametrize("name", ["paper", "multi"])
def test_what_is_sent_and_processed_is_what_there_was(name: str) -> None:
    """Sizes of all jobs made = bits sent + bits that wait; work sent = cycles used + cycles that wait."""
    cells = Cells(scenario(name), np.arange(8), threads=1)
    episode(cells, shares_of(100, 8))
    made = whole(cells, "data").sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(made, counted(cells, "bits") + whole(cells, "waiting").sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(counted(cells, "bits"), counted(cells, "request_bits") + counted(cells, "update_bits"))
    numbers, head = np.arange(100), whole(cells, "head")
    sent = (whole(cells, "work") * ((whole(cells, "data") > 0.0) & (numbers < head[:, :, None]))).sum(axis=(1, 2))
    np.testing.assert_allclose(sent, counted(cells, "cycles") + whole(cells, "pending").sum(axis=(1, 2)), rtol=1e-6)


def test_with_admission_a_device_has_one_job_waiting_beside_one_begun() -> None:
    cells = Cells(scenario("paper", admission=True), np.arange(8), threads=1)
    cells.reset()
    for shares in shares_of(60, 8):
        cells.step(0.3 * shares)
        assert whole(cells, "length")[:, 0, 0].max() <= 2 * cells.scenario.users
        waiting = (whole(cells, "data") > 0.0) & (np.arange(100) >= whole(cells, "head")[:, :, None])
        assert waiting.sum(axis=2).max() <= 2


# ------------------------------------------------------------------------------------------------ determinism


@pytest.mark.parametrize("name", ["default", "multi", "burst"])
def test_a_cell_does_not_know_how_many_others_there_are_nor_on_which_thread_it_is(name: str) -> None:
    seeds, shares = np.arange(40) * 7, shares_of(100, 40)
    many = {threads: Cells(scenario(name), seeds, threads=threads) for threads in (1, 2)}
    assert [len(cells.blocks) for cells in many.values()] == [1, 2]
    alone = Cells(scenario(name), seeds[23:25], threads=1)
    for cells in (*many.values(), alone):
        cells.reset()
    for step in range(100):
        for cells in many.values():
            cells.step(shares[step])
        alone.step(shares[step, 23:25])
        for what in ("seen", "reward", "done", "totals", "histogram"):
            one, other = (getattr(cells, what) for cells in many.values())
            assert one.tobytes() == other.tobytes()
            assert one[23:25].tobytes() == getattr(alone, what).tobytes()


def test_the_same_seeds_give_the_same_bytes_and_episodes_differ() -> None:
    shares = shares_of(100, 20)
    cells, alike, other = (Cells(scenario("paper"), np.arange(20) + first) for first in (0, 0, 20))
    first, second = episode(cells, shares)[0], episode(cells, shares)[0]
    assert first != second
    assert [episode(alike, shares)[0] for _ in range(2)] == [first, second]
    assert episode(other, shares)[0] not in (first, second)
    cells.reseed()
    assert episode(cells, shares)[0] == first
    other.reseed(np.arange(20))
    assert episode(other, shares)[0] == first


def test_neighbouring_seeds_and_episodes_have_nothing_in_common() -> None:
    cells = Cells(scenario("default"), np.arange(400))
    cells.reset()
    first = whole(cells, "position")[:, :, 0]
    cells.reset()
    both = np.concatenate([first, whole(cells, "position")[:, :, 0]], axis=1)
    assert len(np.unique(both)) > both.size - 10
    correlation = np.corrcoef(both.T) - np.eye(both.shape[1])
    assert np.abs(correlation).max() < 0.2
    assert abs(np.corrcoef(first[:-1, 0], first[1:, 0])[0, 1]) < 0.2


@pytest.mark.parametrize("is_replayed", [False, True])
def test_only_the_chosen_cells_begin_anew(is_replayed: bool) -> None:
    draws = official_draws(scenario("default"), range(4)) if is_replayed else None
    cells = Cells(scenario("default"), np.arange(4), draws=draws)
    cells.reset()
    for _ in range(10):
        cells.step(np.array([0.5, 0.5]))
    before, rows = cells.totals.copy(), np.array([False, True, False, True])
    places = whole(cells, "position")
    cells.reset(rows)
    assert not cells.totals[rows].any()
    np.testing.assert_array_equal(cells.totals[~rows], before[~rows])
    assert whole(cells, "step").tolist() == [10, 0, 10, 0]
    assert (whole(cells, "position") == places).all(axis=(1, 2)).tolist() == [True, False, True, False]


# ------------------------------------------------------------------------------------------------ distribution


def figures(cells: Cells, shares: tuple[float, float]) -> dict[str, np.ndarray]:
    """What each episode came to (N,)."""
    total = episode(cells, shares)[1]
    done = counted(cells, "done_requests")
    ages = {age: counted(cells, age) / np.maximum(done, 1.0) for age in ("aori", "aosi")}
    return {"reward": total, "done": done, "updates": counted(cells, "done_updates"), **ages}


@pytest.mark.parametrize(
    ("name", "actions"),
    [("default", [(0.5, 0.5), (0.35, 0.5)]), ("paper", [(0.5, 0.5), (0.25, 0.25)]), ("mobile_sensor", [(0.5, 0.5)])],
)
def test_cells_come_to_what_the_official_simulator_comes_to(name: str, actions: list[tuple[float, float]]) -> None:
    """Own draws against numpy's in the official order, over 200 seeds."""
    setting, seeds = scenario(name), np.arange(200)
    replayed = Cells(setting, seeds, draws=official_draws(setting, [int(seed) for seed in seeds]))
    drawn = Cells(setting, np.arange(2400))
    for shares in actions:
        official, ours = figures(replayed, shares), figures(drawn, shares)
        for what, values in official.items():
            error = np.sqrt(values.var(ddof=1) / len(values) + ours[what].var(ddof=1) / len(ours[what]))
            apart = abs(values.mean() - ours[what].mean())
            assert apart <= STANDARD_ERRORS * error + 1e-9, (shares, what, values.mean(), ours[what].mean(), error)


@pytest.mark.parametrize("mean", [0.3, 5.0, 50.0, 200.0, 1500.0, 5e5, 3e6])
def test_tables_have_the_mean_and_variance_of_poisson_numbers_that_are_never_below_one(mean: float) -> None:
    tables = poisson_tables([mean, 7.0])
    chance = tables.kept[0].astype(np.float64)
    np.add.at(chance, tables.alias[0], 1.0 - tables.kept[0].astype(np.float64))
    values, chance = tables.first[0] + tables.width[0] * np.arange(BINS), chance / BINS
    got = float(chance @ values), float(chance @ values**2 - (chance @ values) ** 2)
    none = np.exp(-mean)
    wanted = mean + none, mean + mean**2 + none - (mean + none) ** 2
    assert chance.min() >= 0.0
    assert values[chance > 0.0].min() >= 1.0
    assert got == pytest.approx(wanted, rel=2e-3)
    assert got[0] == pytest.approx(wanted[0], rel=2e-5)


def test_jobs_are_as_often_and_as_large_as_they_are_said_to_be() -> None:
    cells = Cells(scenario("default"), np.arange(128))
    episode(cells, (0.5, 0.5))
    data, work = whole(cells, "data"), whole(cells, "work")
    requests, updates = data[:, :3], data[:, 3:]
    assert (updates > 0.0).all()
    assert (requests > 0.0).mean() == pytest.approx(0.7, abs=4.0 * np.sqrt(0.21 / requests.size))
    for sizes, mean in (
        (requests[requests > 0.0], 200.0),
        (updates, 150.0),
        (work[:, :3][requests > 0.0], 50.0),
        (work[:, 3:], 50.0),
    ):
        assert sizes.mean() == pytest.approx(mean, abs=4.0 * np.sqrt(mean / sizes.size))
        assert sizes.var() == pytest.approx(mean, rel=4.0 * np.sqrt(2.0 / sizes.size))


# ------------------------------------------------------------------------------------------------ options


def test_the_first_phase_is_the_plain_scenario_and_later_ones_change_jobs_and_resources() -> None:
    levels = (Level(), Level(probability=0.5, request_data=3.0, update_compute=2.0, bandwidth=0.5))
    setting = scenario("paper", traffic=Traffic(levels=levels, phase_steps=25))
    cells, plain = Cells(setting, np.arange(200)), Cells(scenario("paper"), np.arange(200))
    for each in (cells, plain):
        each.reset()
    for step in range(100):
        cells.step(np.array([0.5, 0.5]))
        plain.step(np.array([0.5, 0.5]))
        assert (whole(cells, "level") == step // 25 % 2).all()
        if step < 25:
            assert cells.reward.tobytes() == plain.reward.tobytes()
    data, work = whole(cells, "data"), whole(cells, "work")
    for phase, (chance, size, cycles) in enumerate([(0.7, 50.0, 7.0), (0.35, 150.0, 14.0)] * 2):
        span = slice(25 * phase, 25 * phase + 25)
        requests = data[:, :10, span]
        assert (requests > 0.0).mean() == pytest.approx(chance, abs=0.01)
        assert requests[requests > 0.0].mean() == pytest.approx(size, rel=0.01)
        assert work[:, 10:, span].mean() == pytest.approx(cycles, rel=0.01)


def test_phases_in_random_order_differ_from_cell_to_cell_and_take_every_level() -> None:
    traffic = Traffic(levels=(Level(), Level(bandwidth=0.5), Level(compute=0.5)), phase_steps=10, order="random")
    cells = Cells(scenario("paper", traffic=traffic), np.arange(50))
    cells.reset()
    levels = []
    for _ in range(100):
        cells.step(np.array([0.5, 0.5]))
        levels.append(whole(cells, "level").copy())
    by_phase = np.array(levels)[::10]
    assert set(by_phase.ravel()) == {0, 1, 2}
    assert len({tuple(row) for row in by_phase.T}) > 45
    assert np.diff(np.array(levels).reshape(10, 10, 50), axis=1).any() is np.False_


def test_user_devices_come_and_go_and_an_episode_ends_with_the_last() -> None:
    stay = Arrivals(window=(0.0, 0.4), mean_stay_steps=8.0)
    cells = Cells(scenario("paper", arrivals=stay), np.arange(60))
    cells.reset()
    came, left = whole(cells, "arrives").copy(), whole(cells, "leaves").copy()
    ended = np.full(60, -1)
    for step in range(100):
        cells.step(np.array([0.5, 0.5]))
        ended[(ended < 0) & cells.done] = step + 1
    np.testing.assert_array_equal(ended, np.minimum(left.max(axis=1), 100))
    assert ended.min() < 60
    assert came.max() < 40
    assert (left - came).mean() == pytest.approx(8.0, abs=1.0)
    # Who comes in a step acts from the next one on, those of the first step at once, to the step of leaving.
    made, steps = whole(cells, "data")[:, :10] > 0.0, np.arange(100)
    here = (steps >= np.where(came == 0, 0, came + 1)[:, :, None]) & (steps <= left[:, :, None])
    assert not made[~here].any()
    assert made[here].mean() == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("name", ["low", "medium", "high", "ramp_up", "ramp_down", "burst"])
def test_upstreams_profiles_arrive_when_they_say(name: str) -> None:
    setting = scenario(name)
    assert setting.arrivals is not None
    cells = Cells(setting, np.arange(32))
    rewards = episode(cells, (0.5, 0.5))[1]
    came = whole(cells, "arrives")
    uniform = came[:, ::2] if setting.arrivals.crowd else came
    first, last = (part * setting.steps for part in setting.arrivals.window)
    assert uniform.min() >= int(first)
    assert uniform.max() < last
    if setting.arrivals.crowd:
        assert np.median(came[:, 1::2]) == pytest.approx(50.0, abs=2.0)
        assert came[:, 1::2].std() == pytest.approx(8.0, abs=1.0)
    assert rewards.max() > 0.0


def test_dividing_by_backlog_leaves_no_share_unused() -> None:
    """Two devices at one place, of which one has something to send; then both, with three times as much in one."""
    sent: dict[str, list[float]] = {}
    for scheduler in ("equal", "backlog"):
        setting = scenario("default", users=2, sensors=1, user_speed=0.0, steps=2, scheduler=scheduler)
        draws = even_draws(setting, np.full((3, 2), 80.0))
        draws.jobs[0, :, :, 0] = [[9e4, 0.0, 0.0], [0.0, 3e4, 0.0]]
        cells = Cells(setting, [0], draws=draws)
        cells.reset()
        for _ in range(2):
            cells.step(np.array([0.5, 0.5]))
            left = whole(cells, "waiting")[0, :2]
            sent.setdefault(scheduler, []).extend([float(counted(cells, "bits")[0]), *left.tolist()])
    first = sent["backlog"][0]
    assert sent["equal"][0] == pytest.approx(0.5 * first)
    assert sent["equal"][3] == pytest.approx(1.5 * first)
    assert sent["backlog"][3] == pytest.approx(2.0 * first)
    assert (9e4 - first) / 3e4 == pytest.approx(sent["backlog"][4] / sent["backlog"][5])


def test_the_deadline_reward_counts_requests_in_time_and_in_step() -> None:
    setting = scenario("paper")
    goal = dataclasses.replace(setting.objective, reward="deadline")
    cells = Cells(dataclasses.replace(setting, objective=goal), np.arange(16))
    rewards = episode(cells, (0.2, 0.4))[1]
    np.testing.assert_allclose(rewards, 10.0 * counted(cells, "fresh"))
    assert counted(cells, "fresh").sum() > 0
    assert (counted(cells, "fresh") <= counted(cells, "in_time")).all()
    in_time = cells.histogram[:, : goal.deadline_steps + 1].sum(axis=1)
    np.testing.assert_array_equal(counted(cells, "in_time"), in_time)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("admission", [False, True])
def test_a_class_can_be_starved(shares: tuple[float, float], admission: bool) -> None:
    for scheduler in ("equal", "backlog"):
        cells = Cells(scenario("paper", admission=admission, scheduler=scheduler), np.arange(4))
        _, total = episode(cells, shares)
        assert np.isfinite(cells.seen).all()
        assert not total.any()  # either no request is sent or processed, or there is no update for it
        for kind, share in (("requests", shares[0]), ("updates", 1.0 - shares[0])):
            assert (counted(cells, f"sent_{kind}") > 0).all() == (share > 0.0)
        for kind, share in (("requests", 0.0), ("updates", min(1.0 - shares[0], 1.0 - shares[1]))):
            assert counted(cells, f"done_{kind}").any() == (share > 0.0)


def test_no_feature_is_ever_negative_or_not_finite() -> None:
    for name in ALL:
        for admission in (False, True):
            cells = Cells(scenario(name, admission=admission), np.arange(6), threads=1)
            cells.reset()
            for shares in shares_of(100, 6, seed=4):
                cells.step(np.round(shares, 1))
                assert np.isfinite(cells.seen).all()
                assert cells.seen.min() >= -1e-9


# ------------------------------------------------------------------------------------------------ bad input


def test_paper_compat_has_the_papers_jobs_and_lets_compute_bind() -> None:
    setting, official = scenario("small", compat="paper"), scenario("small")
    assert (setting.users, setting.sensors) == (official.users, official.sensors)
    assert setting.jobs == scenario("paper").jobs
    cells = {each.name: Cells(each, np.arange(16)) for each in (official, scenario("paper"))}
    pending = {}
    for name, each in cells.items():
        episode(each, (0.5, 0.1))
        pending[name] = each.seen[:, :2].sum()
    assert pending["small"] == 0
    assert pending["paper"] > 100
