"""The rows of `teletwin bench drag`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from teletwin.bench.dragged.loop import DragCfg, DragErrors, measure_drag
from teletwin.bench.dragged.motions import TIMINGS, Motion, Timing, circle, strokes, writing
from teletwin.clock import NS_PER_S
from teletwin.report.bench_rows import BenchRow

RATE_RAD_S, FAST_RAD_S = 2.0, 4.0
BARS = {"60 Hz": 0.06, "125 Hz": 0.06, "60 Hz, handled 6 ms late": 0.08, "irregular, 12-38 ms": 0.10}
FAST_BAR = 0.15
"""Of no prediction."""
PIXEL_M = 0.7 / 500
"""The view of 0.7 m on 500 pixels: what one pixel of a usual window is."""


def drag_rows(
    cfg: DragCfg, *, diameter_m: float, seeds: Sequence[int], say: Callable[[str], None] = lambda _: None
) -> Iterator[BenchRow]:
    """Circles of every timing, slow and fast; then other motions, whole pixels, and a page that knows no times."""
    slow = circle(diameter_m=diameter_m, rate_rad_s=RATE_RAD_S)
    fast = circle(diameter_m=diameter_m, rate_rad_s=FAST_RAD_S)
    late, irregular = TIMINGS[2], TIMINGS[3]
    whole = replace(cfg, pixel_m=PIXEL_M)
    for timing in TIMINGS:
        yield _row("circle", slow, timing, cfg, seeds, say, bar=BARS.get(timing.name))
    for timing in TIMINGS:
        yield _row("faster circle", fast, timing, cfg, seeds, say, bar=FAST_BAR if timing.name in BARS else None)
    for name, motion in (("strokes with rests", strokes()), ("handwriting", _handwriting())):
        yield _row(name, motion, irregular, cfg, seeds, say)
        yield _row(f"{name}, whole pixels", motion, irregular, whole, seeds, say)
    yield _row("circle, whole pixels", slow, irregular, whole, seeds, say)
    yield _row("faster circle, whole pixels", fast, irregular, whole, seeds, say)
    yield _row("circle, stamped at sending", slow, late, replace(cfg, knows_times=False), seeds, say)


def _row(
    name: str,
    motion: Motion,
    timing: Timing,
    cfg: DragCfg,
    seeds: Sequence[int],
    say: Callable[[str], None],
    *,
    bar: float | None = None,
) -> BenchRow:
    errors = measure_drag(motion, timing, cfg, seeds=seeds)
    say(f"{name}, {timing.name}: {errors.of_none:.3f} of no prediction")
    return BenchRow(
        name=f"{name}, {timing.name}", unit="of no prediction", value=errors.of_none, bar=bar, beside=_beside(errors)
    )


def _beside(errors: DragErrors) -> dict[str, float | None]:
    ratios = [ours / none for ours, none in zip(errors.arm_mm, errors.none_mm, strict=True)]
    return {
        "worst seed": max(ratios),
        "of feed-forward only": errors.of_feed_forward,
        "arm [mm]": math.fsum(errors.arm_mm) / len(errors.arm_mm),
        "feed-forward only [mm]": math.fsum(errors.feed_forward_mm) / len(errors.feed_forward_mm),
        "no prediction [mm]": math.fsum(errors.none_mm) / len(errors.none_mm),
    }


def _handwriting() -> Motion:
    from teletwin.hand.handwriting import write_by_hand
    from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base

    recording = write_by_hand(home_pose=tool_pose_in_ur_base(HOME_Q))
    return writing(recording.poses, (recording.t_ns - recording.t_ns[0]) / NS_PER_S)
