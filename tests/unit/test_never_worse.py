"""The study of hands tells the worst hand and the mean, each beside feed-forward only."""

import pytest

from teletwin.bench.never_worse import MEAN_BAR, NETWORKS, WORST_BAR, Worth, measure_worth, worth_rows


def worth(hand, arm_mm, picture_mm):
    return Worth(
        hand=hand,
        network="60 ± 10 ms",
        arm_mm=arm_mm,
        arm_fed_mm=10.0,
        arm_plain_mm=20.0,
        turn_rad=0.01,
        turn_fed_rad=0.02,
        picture_mm=picture_mm,
        picture_fed_mm=10.0,
        picture_plain_mm=20.0,
    )


def test_the_worst_hand_is_named_and_held_against_the_bar():
    rows = list(worth_rows([worth("good", 2.0, 3.0), worth("bad", 11.0, 9.0)]))
    assert rows[0].name == "arm, worst: bad, 60 ± 10 ms"
    assert rows[0].value == pytest.approx(1.1)
    assert rows[0].bar == WORST_BAR
    assert rows[0].passed is False
    assert rows[1].value == pytest.approx((0.2 * 1.1) ** 0.5)
    assert rows[1].bar == MEAN_BAR
    assert rows[2].passed is True


def test_a_smooth_hand_gains_on_arm_and_picture():
    networks = {"60 ± 10 ms": NETWORKS["60 ± 10 ms"]}
    (run,) = measure_worth(["handwriting"], networks, seconds=10.0)
    assert run.arm < 0.5
    assert run.picture < 0.5
    assert run.arm_fed_mm < run.arm_plain_mm
