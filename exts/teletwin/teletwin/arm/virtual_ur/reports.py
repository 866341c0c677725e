"""The output variables of the virtual controller, renewed every cycle."""

from __future__ import annotations

import math

from teletwin.arm.dynamics import CYCLE_S, UrDynamics
from teletwin.arm.virtual_ur.safety import Safety
from teletwin.arm.virtual_ur.variables import Memory
from teletwin.geometry import Array

_ROBOT_MODE_RUNNING = 7
_JOINT_MODE_RUNNING = 253
_PLAYING = 2
_CONSTANTS: dict[str, tuple[float, ...]] = {
    "joint_temperatures": (30.0,) * 6,
    "actual_joint_voltage": (48.0,) * 6,
    "joint_mode": (_JOINT_MODE_RUNNING,) * 6,
    "robot_mode": (_ROBOT_MODE_RUNNING,),
    "speed_scaling": (1.0,),
    "target_speed_fraction": (1.0,),
    "actual_main_voltage": (48.0,),
    "actual_robot_voltage": (48.0,),
}


class Reports:
    """Writes what a client can read: times, joints, the tool, and the state of program and safety."""

    def __init__(self, outputs: Memory, dynamics: UrDynamics) -> None:
        self._outputs, self._dynamics = outputs, dynamics
        for name, values in _CONSTANTS.items():
            outputs.set(name, *values)

    def renew(self, *, runtime: int, safety: Safety) -> None:
        """Write the present values."""
        put, dynamics = self._outputs.set, self._dynamics
        put("timestamp", dynamics.step_count * CYCLE_S)
        put("actual_q", *dynamics.q.tolist())
        put("actual_qd", *dynamics.qd.tolist())
        put("target_q", *dynamics.motion.q.tolist())
        put("target_qd", *dynamics.motion.qd.tolist())
        put("actual_TCP_pose", *tcp_values(dynamics.world.tool_pose()))
        put("actual_TCP_speed", *dynamics.world.tool_velocity().tolist())
        put("target_TCP_pose", *tcp_values(dynamics.world.tool_pose_at(dynamics.motion.q)))
        put("runtime_state", runtime)
        put("robot_status_bits", 1 | (runtime == _PLAYING) << 1)
        put("safety_mode", safety.mode)
        put("safety_status_bits", safety.status_bits)


def tcp_values(pose: Array) -> tuple[float, ...]:
    """Position [m] and rotation vector [rad] of a pose (7,), as UR reports a TCP pose."""
    x, y, z, qw, qx, qy, qz = pose.tolist()
    if qw < 0.0:
        qw, qx, qy, qz = -qw, -qx, -qy, -qz
    sine = math.sqrt(qx * qx + qy * qy + qz * qz)
    scale = 2.0 if sine < 1e-12 else 2.0 * math.atan2(sine, qw) / sine
    return x, y, z, scale * qx, scale * qy, scale * qz
