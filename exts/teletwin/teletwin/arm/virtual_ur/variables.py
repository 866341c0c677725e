"""The names that a client may ask for, their types, and the memory that holds their present values."""

from __future__ import annotations

import struct

REGISTER_COUNT = 48

_STRUCTS = {
    "VECTOR6D": struct.Struct(">6d"),
    "VECTOR3D": struct.Struct(">3d"),
    "VECTOR6INT32": struct.Struct(">6i"),
    "DOUBLE": struct.Struct(">d"),
    "UINT64": struct.Struct(">Q"),
    "UINT32": struct.Struct(">I"),
    "INT32": struct.Struct(">i"),
    "UINT8": struct.Struct(">B"),
    "BOOL": struct.Struct(">?"),
}
_OUTPUTS_BY_TYPE = {
    "VECTOR6D": "target_q target_qd target_qdd target_current target_moment actual_q actual_qd actual_qdd"
    " actual_current joint_control_output actual_TCP_pose actual_TCP_speed actual_TCP_force target_TCP_pose"
    " target_TCP_speed joint_temperatures actual_joint_voltage ft_raw_wrench payload_inertia",
    "VECTOR3D": "actual_tool_accelerometer payload_cog",
    "VECTOR6INT32": "joint_mode",
    "DOUBLE": "timestamp actual_execution_time speed_scaling target_speed_fraction actual_momentum actual_main_voltage"
    " actual_robot_voltage actual_robot_current standard_analog_input0 standard_analog_input1 standard_analog_output0"
    " standard_analog_output1 payload tcp_force_scalar",
    "UINT64": "actual_digital_input_bits actual_digital_output_bits",
    "UINT32": "runtime_state robot_status_bits safety_status_bits output_bit_registers0_to_31"
    " output_bit_registers32_to_63",
    "INT32": "robot_mode safety_mode safety_status",
}


def _outputs() -> dict[str, str]:
    types = {name: kind for kind, names in _OUTPUTS_BY_TYPE.items() for name in names.split()}
    for number in range(REGISTER_COUNT):
        types[f"output_int_register_{number}"] = "INT32"
        types[f"output_double_register_{number}"] = "DOUBLE"
    return types


def _inputs() -> dict[str, str]:
    types = {
        "speed_slider_mask": "UINT32",
        "speed_slider_fraction": "DOUBLE",
        "external_force_torque": "VECTOR6D",
        "standard_digital_output_mask": "UINT8",
        "standard_digital_output": "UINT8",
    }
    for number in range(REGISTER_COUNT):
        types[f"input_int_register_{number}"] = "INT32"
        types[f"input_double_register_{number}"] = "DOUBLE"
    return types


OUTPUT_TYPES = _outputs()
INPUT_TYPES = _inputs()


class Memory:
    """Present values of variables, kept packed as they travel, so that a recipe only joins slices."""

    def __init__(self, types: dict[str, str]) -> None:
        self._places: dict[str, tuple[struct.Struct, int]] = {}
        size = 0
        for name, kind in types.items():
            self._places[name] = (_STRUCTS[kind], size)
            size += _STRUCTS[kind].size
        self._bytes = bytearray(size)
        self.view = memoryview(self._bytes)

    def set(self, name: str, *values: float) -> None:
        """Store the value of a variable (several numbers for a vector)."""
        packing, start = self._places[name]
        packing.pack_into(self._bytes, start, *values)

    def get(self, name: str) -> tuple[float, ...]:
        """Numbers of a variable; one for a scalar."""
        packing, start = self._places[name]
        return packing.unpack_from(self._bytes, start)

    def slice_of(self, name: str) -> slice:
        """Where a variable lies in `view`."""
        packing, start = self._places[name]
        return slice(start, start + packing.size)
