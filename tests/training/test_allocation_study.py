"""Comparing allocators: what is chosen is good, what is judged is paired, what is asked wrongly is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from teletwin.allocation.backlog import BacklogAllocator
from teletwin.allocation.fixed import FixedAllocator
from teletwin.errors import ConfigError
from teletwin_training.allocation.enumeration import enumerate_static
from teletwin_training.allocation.evaluation.rows import mean_95, percentile, row_of
from teletwin_training.allocation.rollout import run_allocator, run_shares
from teletwin_training.allocation.scenario import with_reward
from teletwin_training.allocation.scenarios import scenario
from teletwin_training.allocation.tuning import tune_rule
from teletwin_training.cli.evaluate import main

SEEDS = range(16)


def test_enumeration_finds_the_split_that_a_run_of_its_own_confirms():
    cell = scenario("paper")
    grid = enumerate_static(cell, SEEDS, side=5)
    alone = run_shares(cell, np.array([grid.best]), SEEDS).totals["reward"].mean()
    assert grid.reward.max() == pytest.approx(alone)
    assert alone > run_shares(cell, np.array([[0.5, 0.5]]), SEEDS).totals["reward"].mean()


def test_a_grid_of_one_share_is_refused():
    with pytest.raises(ConfigError, match="too coarse; given: 1"):
        enumerate_static(scenario("default"), SEEDS, side=1)


def test_the_tuned_rule_is_no_worse_than_the_rule_on_its_seeds_and_found_again():
    cell = scenario("changing")
    plain = run_allocator(cell, BacklogAllocator(), SEEDS).totals["reward"].mean()
    tuned = tune_rule(cell, SEEDS, rounds=2, each=8)
    assert tuned.reward >= plain
    assert tune_rule(cell, SEEDS, rounds=2, each=8) == tuned


def test_the_tuned_rule_is_no_worse_than_the_usual_split_and_its_answers_are_no_older_where_that_is_asked():
    cell = with_reward(scenario("paper"), "deadline")
    best = enumerate_static(cell, SEEDS).best
    static = run_allocator(cell, FixedAllocator(link_share=best[0], compute_share=best[1]), SEEDS)
    tuned = tune_rule(cell, SEEDS, rounds=2, each=8, usual=best, latest_aori_steps=static.aori_steps)
    assert tuned.reward >= static.totals["reward"].mean() - 1e-9
    assert tuned.aori_steps <= static.aori_steps
    again = run_allocator(cell, BacklogAllocator(tuned.rule), SEEDS)
    assert (again.totals["reward"].mean(), again.aori_steps) == (tuned.reward, tuned.aori_steps)
    young = tune_rule(cell, SEEDS, rounds=2, each=8, latest_aori_steps=0.0)
    assert young.aori_steps < static.aori_steps, "where no rule is young enough the youngest is taken"


def test_under_changing_traffic_the_rule_is_well_above_every_static_split():
    cell = scenario("changing")
    best = enumerate_static(cell, SEEDS).reward.max()
    assert run_allocator(cell, BacklogAllocator(), SEEDS).totals["reward"].mean() > 1.2 * best


def test_a_method_beside_itself_differs_by_nothing_at_all():
    cell = scenario("default")
    outcome = run_allocator(cell, FixedAllocator(link_share=0.5, compute_share=0.5), SEEDS, traced=True)
    row = row_of(outcome, outcome, scenario=cell, method="equal", shares="")
    assert (row.over_static, row.over_static_95, row.aori_over_static) == (0.0, 0.0, 0.0)
    assert outcome.steps["reward"].sum(axis=0) == pytest.approx(outcome.totals["reward"])


def test_intervals_and_percentiles_are_those_of_the_textbook():
    assert mean_95(np.array([1.0, 3.0, np.nan]))[0] == 2.0
    assert percentile(np.array([50, 45, 5]), 0.95) == 1.0
    assert np.isnan(percentile(np.zeros(3), 0.95))


def test_the_command_writes_tables_figures_and_a_report(tmp_path, capsys):
    options = ["--scenario", "default", "--seeds", "4", "--side", "3", "--out", str(tmp_path)]
    assert main(["allocation", *options]) == 0
    assert "best static" in capsys.readouterr().out
    rows = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))["results"]["rows"]
    assert [row["method"] for row in rows] == ["equal", "proportional", "best static", "backlog", "backlog, tuned"]
    assert (tmp_path / "pareto.png").stat().st_size > 1000
    assert "**default, without admission" in (tmp_path / "tables.md").read_text(encoding="utf-8")


def test_the_command_refuses_what_it_does_not_know():
    with pytest.raises(ConfigError, match="no scenario has this name; given: huge"):
        main(["allocation", "--scenario", "huge"])
    with pytest.raises(ConfigError, match="given: weather; allowed: horizon, allocation"):
        main(["weather"])
