"""ForecastPacket as bytes: the curve travels as float32 displacements from the newest pose."""

from __future__ import annotations

import struct

import numpy as np

from teletwin.errors import MessageError
from teletwin.messages import CURVE_KNOTS, ForecastPacket, Horizons, Mode

_FIXED = struct.Struct("<qqqBBII5d7d")
_CURVE_BYTES = CURVE_KNOTS * 7 * 4
_SIZE = _FIXED.size + _CURVE_BYTES
_NORM_SQUARED_TOLERANCE = 0.02


def encode_forecast(packet: ForecastPacket) -> bytes:
    """Payload of a forecast, 859 bytes."""
    pose, curve, h = packet.pose, packet.curve, packet.horizons
    if pose.shape != (7,) or curve.shape != (CURVE_KNOTS, 7):
        raise MessageError("a forecast has a wrong shape", given=(pose.shape, curve.shape))
    flags = h.late_binding_control | h.late_binding_render << 1
    fixed = _FIXED.pack(
        *(packet.t_ns, packet.input_seq, packet.slot, packet.mode, flags, packet.act, packet.enable_seq),
        *(h.control_s, h.render_s, h.control_orientation_s, h.render_orientation_s, h.gain),
        *pose.tolist(),
    )
    return fixed + (curve - pose).astype("<f4").tobytes()


def decode_forecast(payload: bytes) -> ForecastPacket:
    """The forecast in a payload; refuses what is not finite and what is not a rotation."""
    if len(payload) != _SIZE:
        raise MessageError("a forecast has a wrong length", given=len(payload), allowed=_SIZE)
    fields = _FIXED.unpack_from(payload)
    if fields[4] > 3:
        raise MessageError("a forecast has unknown flags", given=fields[4])
    numbers = np.array(fields[7:])
    pose = numbers[5:]
    displacement = np.frombuffer(payload, "<f4", offset=_FIXED.size)
    if not (np.isfinite(numbers).all() and np.isfinite(displacement).all()):
        raise MessageError("a forecast holds numbers that are not finite")
    curve = displacement.reshape(CURVE_KNOTS, 7) + pose
    _check_rotations(pose, curve)
    return ForecastPacket(
        t_ns=fields[0],
        pose=pose,
        curve=curve,
        horizons=Horizons(
            control_s=fields[7],
            render_s=fields[8],
            control_orientation_s=fields[9],
            render_orientation_s=fields[10],
            gain=fields[11],
            late_binding_control=bool(fields[4] & 1),
            late_binding_render=bool(fields[4] & 2),
        ),
        mode=Mode(fields[3]),
        input_seq=fields[1],
        slot=fields[2],
        act=fields[5],
        enable_seq=fields[6],
    )


def _check_rotations(pose: np.ndarray, curve: np.ndarray) -> None:
    quats = curve[:, 3:]
    norms = np.einsum("ij,ij->i", quats, quats)
    own = float(pose[3:] @ pose[3:])
    lowest, highest = min(own, float(norms.min())), max(own, float(norms.max()))
    if not 1.0 - _NORM_SQUARED_TOLERANCE <= lowest <= highest <= 1.0 + _NORM_SQUARED_TOLERANCE:
        raise MessageError("a forecast holds a quaternion that is not of unit length")
