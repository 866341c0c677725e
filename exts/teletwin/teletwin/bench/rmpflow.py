"""Times RMPflow: one UR3e as in the control tick, and 1024 at once as in training."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from teletwin.bench.timing import call_times_us
from teletwin.geometry import Array
from teletwin.robot import forward, load_ur3e, tool_pose_in_ur_base
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin import ToolTarget
from teletwin.twin.rmpflow import RmpFlow, RmpFlowPolicy, load_ur3e_rmpflow

_TICK_S = 0.002
_BATCH = 1024


def measure_rmpflow(*, calls: int = 3000, batch_calls: int = 100, seed: int = 0) -> dict[str, float]:
    """Step times: one arm float64 [us], 1024 arms float32 [ms], few and all of them under the acceleration bound."""
    return {**_one_arm(calls, seed), **_many_arms(batch_calls, seed)}


def _one_arm(calls: int, seed: int) -> dict[str, float]:
    policy = RmpFlowPolicy()
    out = {"rmpflow_warm_up_s": policy.warm_up()}
    rng = np.random.default_rng(seed)
    target = ToolTarget(
        pose=tool_pose_in_ur_base(HOME_Q + rng.uniform(-0.2, 0.2, 6)),
        velocity=np.zeros(3),
        angular_velocity=np.zeros(3),
    )
    for name, dt_s in (("rmpflow_step", _TICK_S), ("rmpflow_step_4ms", 2 * _TICK_S)):
        policy.reset(HOME_Q)
        times_us = call_times_us(lambda dt_s=dt_s: policy.step(target, dt_s), calls=calls)
        out[f"{name}_us_p50"], out[f"{name}_us_p95"] = (float(np.percentile(times_us, p)) for p in (50, 95))
    return out


def _many_arms(calls: int, seed: int) -> dict[str, float]:
    flow = _batch_flow()
    flow.warm_up()
    rng = np.random.default_rng(seed)
    q = HOME_Q + rng.uniform(-0.3, 0.3, (_BATCH, 6))
    few, few_share = _time_batch(flow, q, rng.uniform(-0.02, 0.02, (_BATCH, 6)), calls)
    every, every_share = _time_batch(flow, q, _far_offsets(flow, q, rng), calls)
    return {
        "rmpflow_1024_ms_p50": few,
        "rmpflow_1024_projected_share": few_share,
        "rmpflow_1024_all_projected_ms_p50": every,
        "rmpflow_1024_all_projected_share": every_share,
    }


def _batch_flow() -> RmpFlow:
    return RmpFlow(load_ur3e(), load_ur3e_rmpflow(), dtype="float32", batch=_BATCH)


def _projected(flow: RmpFlow) -> NDArray[np.bool_]:
    bound = flow.config.resolve.max_acceleration_norm - 2 * flow.config.resolve.projection_tolerance
    return np.linalg.norm(flow.acceleration.pull(), axis=1) >= bound


def _far_offsets(flow: RmpFlow, q: Array, rng: np.random.Generator) -> Array:
    """Offsets of targets in joint space, redrawn until every arm wants more than the acceleration bound."""
    offsets = rng.uniform(-0.6, 0.6, q.shape)
    for _ in range(50):
        _aim(flow, q, offsets)
        flow.advance(0.0)
        slow = np.logical_not(_projected(flow))
        if not slow.any():
            break
        offsets[slow] = rng.uniform(-0.6, 0.6, (int(slow.sum()), q.shape[1]))
    return offsets


def _aim(flow: RmpFlow, q: Array, offsets: Array) -> None:
    flow.set_target(forward(flow.robot.chain, q + offsets, flow.robot.tool_frame))
    flow.set_cspace_target(q)
    flow.q.write(q)
    flow.qd.write(0.0)


def _time_batch(flow: RmpFlow, q: Array, offsets: Array, calls: int) -> tuple[float, float]:
    """Median time of a step from that state [ms], and the share of arms under the bound.

    The state is put back before each step, outside the time, so that the share stays what it is.
    """
    _aim(flow, q, offsets)
    times_ms = []
    for _ in range(calls):
        flow.q.write(q)
        flow.qd.write(0.0)
        start_ns = perf_counter_ns()
        flow.advance(_TICK_S)
        times_ms.append((perf_counter_ns() - start_ns) / 1e6)
    return float(np.median(times_ms)), float(_projected(flow).mean())
