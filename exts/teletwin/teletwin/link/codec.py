"""Messages to payloads and back; whatever is wrong comes out as MessageError and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from teletwin.errors import MessageError
from teletwin.link.codec_control import decode_in_force, decode_stop, encode_in_force, encode_stop
from teletwin.link.codec_forecast import decode_forecast, encode_forecast
from teletwin.link.codec_joints import (
    decode_arm_state,
    decode_command,
    decode_twin_status,
    encode_arm_state,
    encode_command,
    encode_twin_status,
)
from teletwin.link.codec_json import dump_json, load_json
from teletwin.link.codec_view import (
    decode_frame,
    decode_frame_ack,
    decode_view_settings,
    encode_frame,
    encode_frame_ack,
    encode_view_settings,
)
from teletwin.link.wire import Kind
from teletwin.messages import (
    ArmState,
    ForecastPacket,
    Frame,
    FrameAck,
    InForce,
    JointCommand,
    Message,
    Note,
    Stop,
    TwinStatus,
    ViewSettings,
)

MAX_MESSAGE_BYTES = 1 << 20


def encode_note(note: Note) -> bytes:
    """Payload of a note: JSON."""
    return dump_json({"kind": note.kind, "values": note.values})


def decode_note(payload: bytes) -> Note:
    """The note in a payload."""
    fields = load_json(payload)
    kind, values = fields.get("kind"), fields.get("values")
    if not isinstance(kind, str) or not isinstance(values, dict) or len(fields) != 2:
        raise MessageError("a note lacks its kind or values")
    return Note(kind=kind, values=values)


_ENCODERS: dict[type, tuple[Kind, Callable[[Any], bytes]]] = {
    ForecastPacket: (Kind.FORECAST, encode_forecast),
    JointCommand: (Kind.COMMAND, encode_command),
    ArmState: (Kind.ARM_STATE, encode_arm_state),
    TwinStatus: (Kind.TWIN_STATUS, encode_twin_status),
    Frame: (Kind.FRAME, encode_frame),
    FrameAck: (Kind.FRAME_ACK, encode_frame_ack),
    ViewSettings: (Kind.VIEW_SETTINGS, encode_view_settings),
    Note: (Kind.NOTE, encode_note),
    Stop: (Kind.STOP, encode_stop),
    InForce: (Kind.IN_FORCE, encode_in_force),
}
_DECODERS: dict[Kind, Callable[[bytes], Message]] = {
    Kind.FORECAST: decode_forecast,
    Kind.COMMAND: decode_command,
    Kind.ARM_STATE: decode_arm_state,
    Kind.TWIN_STATUS: decode_twin_status,
    Kind.FRAME: decode_frame,
    Kind.FRAME_ACK: decode_frame_ack,
    Kind.VIEW_SETTINGS: decode_view_settings,
    Kind.NOTE: decode_note,
    Kind.STOP: decode_stop,
    Kind.IN_FORCE: decode_in_force,
}


def encode(message: Message) -> tuple[Kind, bytes]:
    """Kind and payload of a message.

    Raises:
        MessageError: A field has a wrong shape or does not fit, or the whole is over MAX_MESSAGE_BYTES.
    """
    kind, encoder = _ENCODERS[type(message)]
    try:
        payload = encoder(message)
    except (struct.error, ValueError, OverflowError) as error:
        raise MessageError("a message cannot be written", given=error) from None
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MessageError("a message is too long", given=len(payload), allowed=f"<= {MAX_MESSAGE_BYTES} bytes")
    return kind, payload


def decode(kind: Kind, payload: bytes) -> Message:
    """The message in a payload of this kind.

    Raises:
        MessageError: The payload is not such a message, or holds numbers that are not finite.
    """
    try:
        return _DECODERS[kind](payload)
    except (struct.error, ValueError, OverflowError, KeyError) as error:
        raise MessageError("a message cannot be read", given=error) from None
