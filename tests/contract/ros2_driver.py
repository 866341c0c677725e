"""A driver at the far end of ROS 2 topics, in a thread of this process: a simulated arm under a controller's name."""

from __future__ import annotations

import threading

import numpy as np

from teletwin.arm.ros2 import DRIVER, JOINT_STATES
from teletwin.arm.ros2_controllers import CONTROLLERS
from teletwin.arm.simulated import SimulatedArm, SimulatedArmCfg
from teletwin.clock import SystemClock
from teletwin.robot.ur3e import JOINT_NAMES
from teletwin.ros2 import Ros2Cfg, types
from teletwin.ros2.participant import Ros2Participant, Subscription
from teletwin.ros2.qos import Profile

TICK_NS = 2_000_000
NAMES = ("gripper", *reversed(JOINT_NAMES))


class Driver:
    """Takes set-points of one controller and tells joint states at 500 Hz, names in another order and one more."""

    def __init__(self, ros2: Ros2Cfg, controller: str, *, names=NAMES):
        self.clock = SystemClock()
        kind = CONTROLLERS[controller]
        self.arm = SimulatedArm(self.clock, SimulatedArmCfg(physics=False, bridges=False, watchdog_s=0.0))
        self.names, self.is_telling = list(names), True
        self.got = []
        commands = Subscription(
            topic=f"/{controller}/{kind.topic}",
            type_name=kind.type_name,
            profile=Profile.COMMAND,
            on_message=self._take,
        )
        self._graph = Ros2Participant(ros2, self.clock, (commands,))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._graph.__enter__()
        self._joints = self._graph.publisher(JOINT_STATES, types.JOINT_STATE, Profile.COMMAND)
        self._safety = self._graph.publisher(f"{DRIVER}/safety_mode", types.SAFETY_MODE, Profile.LATCHED)
        self._program = self._graph.publisher(f"{DRIVER}/robot_program_running", types.BOOL, Profile.LATCHED)
        self.tell_safety(1)
        self._program.send(types.make(types.BOOL, data=True))
        self.arm.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join(2.0)
        self._graph.__exit__()

    def tell_safety(self, mode):
        self._safety.send(types.make(types.SAFETY_MODE, mode=mode))

    def _take(self, message, t_ns):
        self.got.append(message)
        if hasattr(message, "points"):
            assert message.joint_names == list(JOINT_NAMES)
            self.arm.servo(message.points[0].positions)
        else:
            self.arm.servo(message.data)

    def _run(self):
        due = self.clock.now_ns()
        while not self._stop.is_set():
            self._graph.spin()
            self.arm.advance()
            if self.is_telling:
                self._tell()
            due = max(due + TICK_NS, self.clock.now_ns())
            self.clock.sleep_until(due)

    def _tell(self):
        state = self.arm.state()
        where = {name: (state.q[k], state.qd[k]) for k, name in enumerate(JOINT_NAMES)}
        pairs = [where.get(name, (0.7, 0.0)) for name in self.names]
        stamp = types.make("builtin_interfaces/msg/Time", sec=0, nanosec=0)
        message = types.make(
            types.JOINT_STATE,
            header=types.make("std_msgs/msg/Header", stamp=stamp, frame_id=""),
            name=self.names,
            position=np.array([q for q, _ in pairs]),
            velocity=np.array([qd for _, qd in pairs]),
            effort=np.zeros(0),
        )
        self._joints.send(message)
