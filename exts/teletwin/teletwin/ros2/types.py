"""ROS 2 messages: described, written and read by rosbags, told to DDS with the same members in the same order."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from teletwin.dds.domain import import_cyclone
from teletwin.dds.raw_type import raw_type
from teletwin.errors import MessageError, MissingPartError
from teletwin.ros2.names import dds_type

POSE_STAMPED = "geometry_msgs/msg/PoseStamped"
FLOAT64_MULTI_ARRAY = "std_msgs/msg/Float64MultiArray"
JOINT_TRAJECTORY = "trajectory_msgs/msg/JointTrajectory"
JOINT_STATE = "sensor_msgs/msg/JointState"
BOOL = "std_msgs/msg/Bool"
SAFETY_MODE = "ur_dashboard_msgs/msg/SafetyMode"
PEN_BUTTONS = "omni_msgs/msg/OmniButtonEvent"
USED_TYPES = (POSE_STAMPED, FLOAT64_MULTI_ARRAY, JOINT_TRAJECTORY, JOINT_STATE, BOOL, SAFETY_MODE, PEN_BUTTONS)

_BASE, _NAME, _ARRAY, _SEQUENCE = 1, 2, 3, 4  # rosbags' kinds of fields
_NUMBERS = {
    "bool": bool,
    **{name: name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
    **{name: name for name in ("float32", "float64")},
    "byte": "uint8",
    "char": "uint8",
    "string": str,
}


@cache
def typestore() -> Any:
    """The messages of ROS 2 Humble, which the releases after it share, those of the UR driver and of haptic pens
    used here.

    Raises:
        MissingPartError: rosbags is not installed.
    """
    try:
        typesys = import_module("rosbags.typesys")
    except ImportError as error:
        raise MissingPartError("ROS 2 needs rosbags", given=error, mend="pip install 'teletwin[ros2]'") from error
    store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    store.register(typesys.get_types_from_msg("uint8 mode", SAFETY_MODE))
    store.register(typesys.get_types_from_msg("int32 grey_button\nint32 white_button", PEN_BUTTONS))
    return store


def make(type_name: str, **fields: Any) -> Any:
    """A message of this type; all its members must be given, numbers in sequences as numpy arrays."""
    return typestore().types[type_name](**fields)


def encode(message: Any) -> bytes:
    """A message in plain CDR, little endian, its encapsulation header first."""
    return bytes(typestore().serialize_cdr(message, message.__msgtype__))


def decode(type_name: str, cdr: bytes) -> Any:
    """The message in these bytes.

    Raises:
        MessageError: They are not one.
    """
    if len(cdr) < 4 or cdr[0] != 0 or cdr[1] not in (0, 1):
        raise MessageError("not plain CDR", given=cdr[:4].hex())
    try:
        return typestore().deserialize_cdr(cdr, type_name)
    except Exception as error:  # rosbags has errors of many kinds for bytes from outside
        raise MessageError(f"not a {type_name}", given=type(error).__name__) from None


@cache
def idl_type(type_name: str) -> Any:
    """The type as Cyclone's IdlStruct, members in rosbags' order and by their own names."""
    idl = import_cyclone("idl")
    _, fields = typestore().fielddefs[type_name]
    name = dds_type(type_name).replace("::", ".")
    return idl.make_idl_struct(name.rpartition(".")[2], name, {member: _idl(kind) for member, kind in fields})


@cache
def topic_type(type_name: str) -> Any:
    """The same for a topic whose samples are bytes that rosbags wrote or will read."""
    return raw_type(idl_type(type_name))


def _idl(kind: Any) -> Any:
    """One member's type."""
    types = import_cyclone("idl").types
    number, what = int(kind[0]), kind[1]
    if number == _BASE:
        known = _NUMBERS[what[0]]
        return getattr(types, known) if isinstance(known, str) else known
    if number == _NAME:
        return idl_type(what)
    element, length = _idl(what[0]), what[1]
    if number == _ARRAY:
        return types.array[element, length]
    assert number == _SEQUENCE
    return types.sequence[element, length] if length else types.sequence[element]
