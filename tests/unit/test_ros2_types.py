"""What stands on the wire is what rosbags writes, for every type at the edges; and nothing from outside raises."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.clock import SystemClock
from teletwin.errors import ConfigError, MessageError
from teletwin.ros2 import Ros2Cfg, types
from teletwin.ros2.names import dds_topic, dds_type
from teletwin.ros2.participant import Ros2Participant, Subscription
from teletwin.ros2.qos import Profile

S = 1_000_000_000


def header(frame="base"):
    stamp = types.make("builtin_interfaces/msg/Time", sec=-3, nanosec=999_999_999)
    return types.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame)


def pose():
    point = types.make("geometry_msgs/msg/Point", x=0.1, y=-2.5e-7, z=1e9)
    turn = types.make("geometry_msgs/msg/Quaternion", x=0.0, y=0.6, z=0.0, w=0.8)
    return types.make("geometry_msgs/msg/Pose", position=point, orientation=turn)


def dimension(label):
    return types.make("std_msgs/msg/MultiArrayDimension", label=label, size=6, stride=1)


def layout(*labels):
    return types.make("std_msgs/msg/MultiArrayLayout", dim=[dimension(label) for label in labels], data_offset=7)


def point(count):
    values = {name: np.arange(count) / 3.0 for name in ("positions", "velocities", "accelerations", "effort")}
    duration = types.make("builtin_interfaces/msg/Duration", sec=1, nanosec=500)
    return types.make("trajectory_msgs/msg/JointTrajectoryPoint", **values, time_from_start=duration)


def trajectory(names, counts):
    points = [point(count) for count in counts]
    return types.make(types.JOINT_TRAJECTORY, header=header(""), joint_names=names, points=points)


def joint_state(names):
    numbers = {key: np.arange(len(names)) - 0.5 for key in ("position", "velocity", "effort")}
    return types.make(types.JOINT_STATE, header=header("ünïcode"), name=names, **numbers)


MESSAGES = {
    types.POSE_STAMPED: [
        types.make(types.POSE_STAMPED, header=header(name), pose=pose()) for name in ("", "a", "abcd")
    ],
    types.FLOAT64_MULTI_ARRAY: [
        types.make(types.FLOAT64_MULTI_ARRAY, layout=layout(*labels), data=np.linspace(-3, 3, count))
        for labels, count in (((), 6), ((), 0), (("joints", "x"), 3))
    ],
    types.JOINT_TRAJECTORY: [trajectory([], []), trajectory(["a", "shoulder_pan_joint"], [2, 0, 6])],
    types.JOINT_STATE: [joint_state([]), joint_state(["elbow_joint", "b", "wrist_3_joint"])],
    types.BOOL: [types.make(types.BOOL, data=value) for value in (False, True)],
    types.SAFETY_MODE: [types.make(types.SAFETY_MODE, mode=3)],
    types.PEN_BUTTONS: [types.make(types.PEN_BUTTONS, grey_button=1, white_button=-2)],
}
EVERY = [pytest.param(message, id=f"{name}-{k}") for name, all_ in MESSAGES.items() for k, message in enumerate(all_)]


def as_idl(value):
    """The same values in Cyclone's own struct."""
    if not hasattr(value, "__msgtype__"):
        if isinstance(value, np.ndarray):
            return value.tolist()
        return [as_idl(each) for each in value] if isinstance(value, list) else value
    _, fields = types.typestore().fielddefs[value.__msgtype__]
    return types.idl_type(value.__msgtype__)(**{name: as_idl(getattr(value, name)) for name, _ in fields})


def test_every_type_at_the_edges_is_tried():
    assert set(MESSAGES) == set(types.USED_TYPES)


@pytest.mark.parametrize("message", EVERY)
def test_the_description_told_to_dds_has_the_bytes_of_rosbags(message):
    ours = as_idl(message).serialize(use_version_2=False)
    assert ours == types.encode(message)
    assert ours[:4] == b"\x00\x01\x00\x00"


@pytest.mark.parametrize("message", EVERY)
def test_a_message_is_read_as_it_was_written(message):
    again = types.decode(message.__msgtype__, types.encode(message))
    assert types.encode(again) == types.encode(message)


@pytest.mark.parametrize("name", types.USED_TYPES)
def test_names_of_types_are_those_of_ros_2(name):
    package, _, message = name.split("/")
    assert types.topic_type(name).__idl__.idl_transformed_typename == f"{package}::msg::dds_::{message}_"
    assert dds_type(name) == f"{package}::msg::dds_::{message}_"


def test_names_of_topics_are_those_of_ros_2():
    assert dds_topic("/forward_position_controller/commands") == "rt/forward_position_controller/commands"
    for name in ("joint_states", "/", "/a//b", "/1a", "/a b", ""):
        with pytest.raises(ConfigError, match="ROS 2 topic"):
            dds_topic(name)


@pytest.mark.parametrize("name", types.USED_TYPES)
def test_bytes_from_outside_are_refused_by_one_kind_of_error(name):
    rng = np.random.default_rng(5)
    sound = types.encode(MESSAGES[name][-1])
    for size in (0, 3, 4, 9, 64, 300):
        for start in (b"\x00\x01\x00\x00", b"\x00\x03\x00\x00", b""):
            _read(name, start + rng.bytes(size))
    for cut in range(0, len(sound), 3):
        _read(name, sound[:cut])


def _read(name, cdr):
    try:
        types.decode(name, cdr)
    except MessageError:
        return


@pytest.mark.live
def test_what_a_subscriber_gets_are_the_bytes_of_rosbags(monkeypatch):
    for name in ("ROS_LOCALHOST_ONLY", "ROS_STATIC_PEERS"):
        monkeypatch.delenv(name, raising=False)
    cfg, clock, got = Ros2Cfg(ros2_domain=77, ros2_interface="127.0.0.1", ros2_peers="127.0.0.1"), SystemClock(), []

    def keep(message, t_ns):
        got.append((types.encode(message), t_ns))

    wanted = tuple(
        Subscription(topic=f"/t{k}", type_name=name, profile=Profile.LATCHED, on_message=keep)
        for k, name in enumerate(MESSAGES)
    )
    with Ros2Participant(cfg, clock, wanted) as reader, Ros2Participant(cfg, clock) as writer:
        publishers = [writer.publisher(f"/t{k}", name, Profile.LATCHED) for k, name in enumerate(MESSAGES)]
        sent = [each[-1] for each in MESSAGES.values()]
        start_ns = clock.now_ns()
        assert all(publisher.send(message) for publisher, message in zip(publishers, sent, strict=True))
        while len(got) < len(sent) and clock.now_ns() < start_ns + 10 * S:
            clock.sleep_until(clock.now_ns() + 5_000_000)
            reader.spin()
        assert all(publisher.listener_count == 1 for publisher in publishers)
    assert sorted(cdr for cdr, _ in got) == sorted(types.encode(message) for message in sent)
    assert all(start_ns <= t_ns <= clock.now_ns() for _, t_ns in got)
    assert reader.invalid_count == 0


def test_what_is_not_given_comes_from_the_variables_that_ros_2_reads():
    ros = {"ROS_DOMAIN_ID": "17", "ROS_STATIC_PEERS": "10.0.0.2;robot.local", "ROS_LOCALHOST_ONLY": "1"}
    cfg = Ros2Cfg()
    assert (cfg.domain(ros), cfg.peers(ros), cfg.interface(ros)) == (17, ("10.0.0.2", "robot.local"), "127.0.0.1")
    assert (cfg.domain({}), cfg.peers({}), cfg.interface({})) == (0, (), "")
    given = Ros2Cfg(ros2_domain=3, ros2_peers="a b:7400", ros2_interface="10.0.0.9")
    assert (given.domain(ros), given.peers(ros), given.interface(ros)) == (3, ("a", "b:7400"), "10.0.0.9")
    for text in ("many", "-1", "231"):
        with pytest.raises(ConfigError, match="ROS_DOMAIN_ID"):
            cfg.domain({"ROS_DOMAIN_ID": text})
    with pytest.raises(ConfigError, match="ros2_domain"):
        Ros2Cfg(ros2_domain=500)
