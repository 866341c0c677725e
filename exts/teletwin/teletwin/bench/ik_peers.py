"""Times what a user would pick instead of RMPflow: one step of inverse kinematics of the same UR3e."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teletwin.assets import asset_path
from teletwin.bench.timing import call_times_us
from teletwin.robot.ur3e import HOME_Q, TOOL_FRAME

Step = Callable[[], object]
_TICK_S = 0.002
_MOVED_Q = HOME_Q + 0.05


def measure_ik_peers(*, calls: int = 500) -> dict[str, float | None]:
    """Median time of one step [us] by peer; None where the package is not installed."""
    peers: dict[str, Callable[[], Step]] = {
        "pinocchio_dls_us_p50": pinocchio_step,
        "pink_us_p50": pink_step,
        "mink_us_p50": mink_step,
    }
    return {name: _median_us(prepare, calls) for name, prepare in peers.items()}


def _median_us(prepare: Callable[[], Step], calls: int) -> float | None:
    try:
        step = prepare()
    except ImportError:
        return None
    return float(np.median(call_times_us(step, calls=calls)))


def _urdf() -> str:
    return str(asset_path("robots", "ur3e", "ur3e.urdf"))


def pinocchio_step() -> Step:
    """A damped least-squares step with pinocchio, as its own inverse kinematics example is built."""
    import pinocchio as pin  # pyright: ignore[reportMissingImports]

    model = pin.buildModelFromUrdf(_urdf())
    data, frame = model.createData(), model.getFrameId(TOOL_FRAME)
    pin.framesForwardKinematics(model, data, _MOVED_Q)
    target, damping = data.oMf[frame].copy(), 1e-6 * np.eye(6)

    def step() -> object:
        pin.framesForwardKinematics(model, data, HOME_Q)
        error = pin.log6(data.oMf[frame].actInv(target)).vector
        J = pin.computeFrameJacobian(model, data, HOME_Q, frame)
        return pin.integrate(model, HOME_Q, J.T @ np.linalg.solve(J @ J.T + damping, error))

    return step


def pink_step() -> Step:
    """A quadratic program with pink: a frame task, a posture task and the joint limits."""
    import pink  # pyright: ignore[reportMissingImports]
    import pinocchio as pin  # pyright: ignore[reportMissingImports]
    from pink.tasks import FrameTask, PostureTask  # pyright: ignore[reportMissingImports]

    model = pin.buildModelFromUrdf(_urdf())
    configuration = pink.Configuration(model, model.createData(), HOME_Q.copy())
    moved = pink.Configuration(model, model.createData(), _MOVED_Q)
    frame = FrameTask(TOOL_FRAME, position_cost=1.0, orientation_cost=1.0)
    frame.set_target(moved.get_transform_frame_to_world(TOOL_FRAME))
    posture = PostureTask(cost=1e-3)
    posture.set_target(HOME_Q.copy())

    def step() -> object:
        configuration.update(HOME_Q.copy())
        return pink.solve_ik(configuration, [frame, posture], _TICK_S, solver="daqp")

    return step


def mink_step() -> Step:
    """A quadratic program with mink: a frame task, a posture task and the joint limits."""
    import mink  # pyright: ignore[reportMissingImports]
    import mujoco

    xml = asset_path("robots", "ur3e", "ur3e.xml")
    model = mujoco.MjModel.from_xml_path(str(xml))  # pyright: ignore[reportAttributeAccessIssue]
    configuration, moved = mink.Configuration(model), mink.Configuration(model)
    start = np.zeros(model.nq)
    start[: len(HOME_Q)] = HOME_Q
    other = start.copy()
    other[: len(HOME_Q)] = _MOVED_Q
    moved.update(other)
    frame = mink.FrameTask("tool", "site", position_cost=1.0, orientation_cost=1.0)
    frame.set_target(moved.get_transform_frame_to_world("tool", "site"))
    posture = mink.PostureTask(model, cost=1e-3)
    posture.set_target(start)
    limits = [mink.ConfigurationLimit(model)]

    def step() -> object:
        configuration.update(start)
        return mink.solve_ik(configuration, [frame, posture], _TICK_S, "daqp", limits=limits)

    return step
