"""Ratios over hands: every hand counts alike, and intervals tell how other hands of the kind would do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_hands import waves

from teletwin_training.horizon.bootstrap_ratio import mean_interval, ratio_interval
from teletwin_training.horizon.evaluation import compare as comparing
from teletwin_training.horizon.evaluation.bars import NEVER_WORSE, bar_rows
from teletwin_training.horizon.evaluation.compare import CompareCfg, compare, outcome_rows
from teletwin_training.horizon.evaluation.intervals import Cell, geometric_ratio
from teletwin_training.horizon.evaluation.methods import FEED_FORWARD, NO_PREDICTION_NAME, unforecast_methods
from teletwin_training.horizon.evaluation.tables import evaluation_markdown, evaluation_tables
from teletwin_training.horizon.hands import bank_of, source_of


def cell(ratios, sizes, *, networks=4, condition="jitter", motion="smooth"):
    """Every hand with its own ratio and size of error."""
    beside = np.tile(np.square(sizes)[:, None], (1, networks))
    return Cell(motion=motion, condition=condition, own=beside * np.square(ratios)[:, None], beside=beside)


def test_a_fast_hand_counts_for_no_more_than_a_slow_one():
    ratio = geometric_ratio([cell([0.5, 2.0], [1e-3, 1.0])])
    assert ratio.value == pytest.approx(1.0)
    assert (ratio.hands, ratio.networks) == (2, 4)


def test_an_interval_tells_how_other_hands_would_do_however_many_networks_there_are():
    rng = np.random.default_rng(0)
    ratios = np.exp(0.1 * rng.standard_normal(12))
    few, many = (geometric_ratio([cell(ratios, np.ones(12), networks=n)]) for n in (2, 200))
    expected = 2 * 1.96 * 0.1 / np.sqrt(12)
    for ratio in (few, many):
        assert 0.6 < np.log(ratio.high / ratio.low) / expected < 1.4
        assert ratio.low < ratio.value < ratio.high


def test_networks_are_drawn_too():
    rng = np.random.default_rng(1)
    beside = np.ones((8, 4))
    own = np.tile(np.exp(0.4 * rng.standard_normal(4)), (8, 1))
    ratio = geometric_ratio([Cell(motion="fast", condition="rough", own=own, beside=beside)])
    assert ratio.high / ratio.low > 1.1


def test_the_same_hands_on_more_networks_are_no_more_hands():
    cells = [cell([0.8, 1.2], [1.0, 1.0], condition=name) for name in ("fixed", "rough", "jitter")]
    assert geometric_ratio(cells).hands == 2
    one, three = geometric_ratio(cells[:1]), geometric_ratio(cells)
    assert three.high / three.low == pytest.approx(one.high / one.low, rel=0.05)


def test_a_hand_that_rests_has_a_ratio_of_one():
    still = np.zeros((1, 3))
    ratio = geometric_ratio([Cell(motion="other", condition="none", own=still, beside=still)])
    assert (ratio.value, ratio.low, ratio.high) == (1.0, 1.0, 1.0)


def test_persons_of_one_network_have_more_in_common():
    network = np.repeat(np.arange(4), 30)
    values = 1.0 + np.array([-0.2, -0.1, 0.1, 0.2])[network][None].repeat(3, 0)
    alone, together = mean_interval([values]), mean_interval([values], networks=[network])
    assert together["high"] - together["low"] > 2.0 * (alone["high"] - alone["low"])
    assert ratio_interval([np.exp(values)])["mean"] == pytest.approx(np.exp(values.mean()))


@pytest.mark.parametrize(
    ("name", "source"), [("line:seed=3", "line"), ("broad_014_15", "broad"), ("handwriting", "handwriting")]
)
def test_a_hand_tells_where_it_comes_from(name, source):
    assert source_of(name) == source


def test_feed_forward_only_stands_beside_no_prediction_everywhere(monkeypatch):
    hands = [
        replace(waves(1200, seed=seed), name=name) for seed, name in enumerate(("broad_1", "broad_1", "reach:seed=1"))
    ]
    monkeypatch.setattr(comparing, "load_hands", lambda *_, **__: bank_of(hands))
    stock, fed = unforecast_methods("arma")
    assert (stock.name, fed.name, fed.label) == (NO_PREDICTION_NAME, FEED_FORWARD, "feed-forward only")
    learned = replace(fed, name="mine", label="PPO after step 1, late bound", late=True)
    fixed = replace(fed, name="fixed", label="best fixed")
    cfg = CompareCfg(conditions=("jitter", "fixed"), sessions=2, slots=300, arm="lag")
    outcome = compare(["any"], [stock, fed, fixed, learned], cfg)
    assert outcome.grid("fixed", "fast").tolist() == [[6, 9], [7, 10]]
    rows = {(row["condition"], row["motion"], row["method"]): row for row in outcome_rows(outcome)}
    assert rows["jitter", "fast", FEED_FORWARD]["hands"] == 2
    bare, plain = (rows["jitter", "fast", name]["control_position_mm"] for name in (FEED_FORWARD, NO_PREDICTION_NAME))
    assert bare < 0.9 * plain
    bars = bar_rows(outcome)
    assert {bar.control.value for bar in bars if bar.beside in (FEED_FORWARD, "fixed")} == {1.0}
    never = [(bar.condition, bar.motion, bar.hands) for bar in bars if bar.name == NEVER_WORSE]
    assert never[:2] == [("all", "fast", "2 of 1"), ("all", "stop-and-go", "1 of 1")]
    assert len(never) == 6
    told = evaluation_markdown(outcome, bars, {})
    assert "| fast | 2 of 1 | feed-forward only |" in told
    assert "| hand | motion | feed-forward only mm | no prediction | best fixed |" in told
    assert "draws hands, then networks" in told
    assert len(evaluation_tables(outcome, bars, {})) == 4
