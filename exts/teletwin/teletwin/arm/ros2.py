"""A UR arm behind ROS 2: set-points to a controller of ros2_control, joints from /joint_states."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.arm import MeasuredJoints
from teletwin.arm.ros2_controllers import DEFAULT_CONTROLLER, controller_of
from teletwin.arm.ros2_joints import SAFETY_FAULTS, JointOrder
from teletwin.arm.stop_plan import OWN_STOP_RAD_S2, stop_accelerations
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.ur3e import JOINT_NAMES, JointLimits
from teletwin.ros2 import Ros2Cfg, types
from teletwin.ros2.participant import Publisher, Ros2Participant, Subscription
from teletwin.ros2.qos import Profile
from teletwin.safety import ROS2_LOST_MS

JOINT_STATES = "/joint_states"
DRIVER = "/io_and_status_controller"
_SILENT = "the joint states are silent: see that the driver runs, then clear"
_UNHEARD = "nobody takes set-points: activate the controller, then clear"
_NO_PROGRAM = "the robot's control program is not running: start it on the teach pendant, then clear"
_TICK_NS = 2 * NS_PER_MS
_LOOK_NS = 200 * NS_PER_MS
_SILENT_NS = int(ROS2_LOST_MS * NS_PER_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ros2ArmCfg:
    """Which controller is driven, and where its graph is."""

    controller: str = DEFAULT_CONTROLLER
    """Name of a controller of CONTROLLERS."""
    ros2: Ros2Cfg = field(default_factory=Ros2Cfg)
    stop_deceleration: float = OWN_STOP_RAD_S2
    """Of a stop in motion [rad/s^2]; the arm's role brakes within its limits before it asks for one."""
    meet_s: float = 6.0
    """How long to wait on entering for joints and for a controller [s]."""

    def __post_init__(self) -> None:
        """Refuse an unknown controller."""
        controller_of(self.controller)


class Ros2Arm:
    """An `arm.Arm` behind a topic.

    `servo` and `state` touch memory and one socket, and never wait. A fault (silent joint states, a controller that is
    gone, a stop or a missing program that the UR driver tells of) stays until a person calls `clear_fault`.
    """

    def __init__(self, cfg: Ros2ArmCfg | None = None, *, clock: Clock | None = None) -> None:
        self._cfg = cfg or Ros2ArmCfg()
        self._clock = clock or SystemClock()
        self._controller = controller_of(self._cfg.controller)
        self._names = tuple(f"{self._cfg.ros2.ros2_joint_prefix}{name}" for name in JOINT_NAMES)
        self._order = JointOrder(self._names)
        self._graph = Ros2Participant(self._cfg.ros2, self._clock, self._subscriptions())
        self._commands: Publisher | None = None
        self._open = contextlib.ExitStack()
        self._known = MeasuredJoints(t_ns=0, q=np.zeros(6), qd=np.zeros(6))
        self._most_rad_s = JointLimits().velocity
        self._fault = self._told = self._program = ""
        self._heard_ns = self._looked_ns = self._sent_ns = 0
        self._braking: threading.Thread | None = None
        self._last: tuple[int, Array, Array] | None = None
        self.refused_count = 0
        """Set-points that were not sent: not finite, or the arm is stopped."""
        self.unnamed_count = 0
        """Joint states that did not hold all of the arm's joints."""

    def __enter__(self) -> Ros2Arm:
        """Join the graph; wait for the joints, and for somebody who takes set-points.

        Raises:
            RobotError: One of the two is not there.
            MissingPartError: The extra [ros2] is not installed.
        """
        with contextlib.ExitStack() as opening:
            opening.enter_context(self._graph)
            self._commands = self._graph.publisher(self.topic, self._controller.type_name, Profile.COMMAND)
            self._meet(self._commands)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._last is not None and not self._fault:
            self.stop()
        if self._braking is not None:
            self._braking.join(timeout=2.0)
        self._commands = None
        self._open.close()

    @property
    def busy(self) -> bool:
        """True while set-points are dropped because the arm is being brought to rest."""
        return self._is_braking()

    @property
    def topic(self) -> str:
        """Where set-points go."""
        return f"/{self._cfg.controller}/{self._controller.topic}"

    def state(self) -> MeasuredJoints:
        """The newest joints that the graph told; never blocks."""
        self._graph.spin()
        now_ns = self._clock.now_ns()
        reason = self._reason(now_ns)
        if reason and not self._fault:
            self._fault, self._last = reason, None
        known = self._known
        qd = np.zeros(6) if self._fault else known.qd
        return MeasuredJoints(t_ns=known.t_ns, q=known.q.copy(), qd=qd.copy(), fault=self._fault)

    def servo(self, q: Array) -> None:
        """Send one set-point [rad] (6,); dropped and counted while there is a fault or the arm is stopping."""
        if self._fault or self._is_braking() or self._commands is None or not np.isfinite(q).all():
            self.refused_count += 1
            return
        now_ns = self._clock.now_ns()
        if now_ns - self._sent_ns < self._controller.period_ns - _TICK_NS // 2:
            return
        self._send(np.array(q, dtype=np.float64), now_ns)

    def stop(self) -> None:
        """Bring the arm to rest; returns at once, set-points are dropped until they have come to rest."""
        if self._last is None or self._is_braking():
            return
        self._braking = threading.Thread(target=self._brake, args=self._last[1:], name="ros2-arm-brake", daemon=True)
        self._braking.start()

    def clear_fault(self) -> None:
        """A person says that the arm may move again; a fault whose reason is still there comes back at once."""
        self._graph.spin()
        self._looked_ns = 0
        if not self._reason(self._clock.now_ns()):
            self._fault = ""

    def _subscriptions(self) -> tuple[Subscription, ...]:
        def listen(topic: str, type_name: str, profile: Profile, on_message: Any) -> Subscription:
            return Subscription(topic=topic, type_name=type_name, profile=profile, on_message=on_message)

        return (
            listen(JOINT_STATES, types.JOINT_STATE, Profile.SENSOR, self._take_joints),
            listen(f"{DRIVER}/safety_mode", types.SAFETY_MODE, Profile.LATCHED, self._take_safety),
            listen(f"{DRIVER}/robot_program_running", types.BOOL, Profile.LATCHED, self._take_program),
        )

    def _take_joints(self, message: Any, t_ns: int) -> None:
        joints = self._order.read(message)
        if joints is None:
            self.unnamed_count += 1
            return
        self._heard_ns = t_ns
        self._known = MeasuredJoints(t_ns=t_ns, q=joints[0], qd=joints[1])

    def _take_safety(self, message: Any, t_ns: int) -> None:
        self._told = SAFETY_FAULTS.get(int(message.mode), "")

    def _take_program(self, message: Any, t_ns: int) -> None:
        self._program = "" if message.data else _NO_PROGRAM

    def _reason(self, now_ns: int) -> str:
        """What keeps the arm from moving now, in words; empty when nothing does."""
        if self._told or self._program:
            return self._told or self._program
        if now_ns - self._heard_ns > _SILENT_NS:
            missing = ", ".join(self._order.missing)
            return f"{_SILENT} (without {missing})" if self._order.missing and self.unnamed_count else _SILENT
        if now_ns - self._looked_ns > _LOOK_NS:
            self._looked_ns = now_ns
            if self._commands is not None and not self._commands.listener_count:
                return _UNHEARD
        return ""

    def _meet(self, commands: Publisher) -> None:
        """Wait for the first joints and for a subscriber of the set-points."""
        end_ns = self._clock.now_ns() + int(self._cfg.meet_s * NS_PER_S)
        where = f"ROS 2 domain {self._cfg.ros2.domain()}"
        while not (self._heard_ns and commands.listener_count):
            if self._clock.now_ns() > end_ns:
                if self._heard_ns:
                    mend = f"ros2 control switch_controllers --activate {self._cfg.controller}"
                    raise RobotError(f"nobody listens on {self.topic}", given=where, mend=mend)
                missing = f" that names {', '.join(self._order.missing)}" if self.unnamed_count else ""
                mend = "see ROS_DOMAIN_ID, --ros2-peers and --ros2-joint-prefix, and that the driver runs"
                raise RobotError(f"nothing on {JOINT_STATES}{missing}", given=where, mend=mend)
            self._clock.sleep_until(self._clock.now_ns() + 5 * NS_PER_MS)
            self._graph.spin()

    def _send(self, q: Array, now_ns: int) -> None:
        assert self._commands is not None
        rate = np.zeros(6)
        if self._last is not None and 0 < now_ns - self._last[0] < 50 * NS_PER_MS:
            rate = (q - self._last[1]) * (NS_PER_S / (now_ns - self._last[0]))
        most = self._most_rad_s
        self._last, self._sent_ns = (now_ns, q, np.minimum(np.maximum(rate, -most), most)), now_ns
        self._commands.send(self._controller.set_point(q, self._names))

    def _is_braking(self) -> bool:
        return self._braking is not None and self._braking.is_alive()

    def _brake(self, q: Array, qd: Array) -> None:
        """Set-points that come to rest from where and how fast the last one was, even in acceleration."""
        period_ns = max(_TICK_NS, self._controller.period_ns)
        period_s = period_ns / NS_PER_S
        for qdd in stop_accelerations(qd, np.zeros(6), most=self._cfg.stop_deceleration, cycle_s=period_s):
            self._clock.sleep_until(self._clock.now_ns() + period_ns)
            if self._fault or self._commands is None:
                break
            qd = qd + qdd * period_s
            q = q + qd * period_s
            self._commands.send(self._controller.set_point(q, self._names))
        self._last = None
