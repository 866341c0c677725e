"""What cells refuse, in one line, before anything happens; and what they clamp and count."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from teletwin.allocation.policy_file import AllocationPolicyFile, identity_policy
from teletwin.errors import ConfigError
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.scenario import Jobs, Level, Radio, Traffic
from teletwin_training.allocation.scenarios import scenario
from teletwin_training.allocation.streams import Draws, even_draws, official_draws


def test_shares_that_are_no_numbers_are_refused_and_nothing_happens() -> None:
    cells = Cells(scenario("default"), np.arange(3))
    cells.reset()
    cells.step(np.full((3, 2), 0.5))
    before = cells.totals.copy(), cells.seen.copy()
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ConfigError, match="a share is not a number; given: 1 like"):
            cells.step(np.array([[0.5, 0.5], [bad, 0.5], [0.5, 0.5]]))
    for shape in ((3,), (3, 1), (2, 2), (3, 3), ()):
        with pytest.raises(ConfigError, match=r"shares do not fit.*allowed: \(3, 2\) or \(2,\)"):
            cells.step(np.full(shape, 0.5))
    np.testing.assert_array_equal(cells.totals, before[0])
    np.testing.assert_array_equal(cells.seen, before[1])


def test_shares_outside_are_clamped_and_counted() -> None:
    cells, alike = Cells(scenario("paper"), np.arange(2)), Cells(scenario("paper"), np.arange(2))
    for each in (cells, alike):
        each.reset()
    for _ in range(20):
        cells.step(np.array([[-0.3, 0.4], [0.5, 7.0]]))
        alike.step(np.array([[0.0, 0.4], [0.5, 1.0]]))
    assert (cells.clamped_count, alike.clamped_count) == (40, 0)
    assert cells.totals.tobytes() == alike.totals.tobytes()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"users": 0}, "an empty cell: no users"),
        ({"sensors": 0}, "an empty cell: no sensors"),
        ({"radio": Radio(stations=())}, "an empty cell: no stations"),
        ({"compute": 0.0}, "compute of the cell cannot be used"),
        ({"compute": float("nan")}, "compute of the cell cannot be used"),
        ({"radio": Radio(bandwidth_hz=0.0)}, "bandwidth_hz of the cell cannot be used"),
        ({"radio": Radio(bandwidth_hz=-1.0)}, "bandwidth_hz of the cell cannot be used"),
        ({"jobs": Jobs(request_data=0.0)}, "request_data of the cell cannot be used"),
        ({"jobs": Jobs(probability=1.2)}, "requests cannot be more than certain; given: 1.2"),
        ({"radio": Radio(noise=0.0)}, "noise of the cell cannot be used"),
        ({"user_speed": -1.0}, "user_speed of the cell cannot be used; given: -1.0; allowed: 0 or more"),
        ({"steps": 0}, "an episode has another length"),
        ({"scheduler": "round_robin"}, "no such scheduler; given: round_robin; allowed: equal, backlog"),
        ({"traffic": Traffic(levels=())}, "levels of the cell cannot be used"),
        ({"traffic": Traffic(levels=(Level(bandwidth=0.0),))}, "factor bandwidth of a level cannot be used"),
        ({"traffic": Traffic(order="shuffled")}, "no such order of phases"),
        ({"compat": "exact"}, "no such compat; given: exact; allowed: official, paper"),
    ],
)
def test_cells_that_cannot_be_are_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        scenario("default", **changes)


def test_unknown_scenarios_and_no_cells_are_refused() -> None:
    with pytest.raises(ConfigError, match="no scenario has this name; given: tiny; allowed: default, small"):
        scenario("tiny")
    with pytest.raises(ConfigError, match="no cells"):
        Cells(scenario("default"), [])


def test_draws_of_other_cells_are_refused() -> None:
    setting = scenario("default", steps=10)
    draws = official_draws(setting, [1, 2])
    Cells(setting, [1, 2], draws=draws)
    spoiled: list[Draws] = [
        official_draws(setting, [1]),
        dataclasses.replace(draws, jobs=draws.jobs[:, :9]),
        dataclasses.replace(draws, positions=draws.positions[:, :5]),
        dataclasses.replace(draws, waypoints=draws.waypoints[:, :, :20]),
    ]
    for each in spoiled:
        with pytest.raises(ConfigError, match="of the draws do not fit the cells"):
            Cells(setting, [1, 2], draws=each)
    with pytest.raises(ConfigError, match="waypoints of the draws"):
        Cells(setting, [1], draws=even_draws(setting, np.full((6, 2), 50.0)))  # they would move, but nowhere
    for name in ("burst", "low"):
        with pytest.raises(ConfigError, match="scenarios of the official kind"):
            official_draws(scenario(name), [1])


def test_a_policy_that_sees_something_else_is_refused() -> None:
    """Numbers of one observation under the name of another."""
    queues = identity_policy("queues", base="none")
    with pytest.raises(ConfigError, match="16"):
        AllocationPolicyFile(observation="full", mean=queues.mean, scale=queues.scale, layers=queues.layers)
    with pytest.raises(ConfigError, match="no observation has this name"):
        AllocationPolicyFile(observation="radio", mean=queues.mean, scale=queues.scale, layers=queues.layers)
