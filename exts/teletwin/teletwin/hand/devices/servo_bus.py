"""Positions of smart servos on a serial bus, by their makers' libraries; nothing is ever written to a servo."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from teletwin.errors import MissingPartError
from teletwin.hand.devices import DeviceLostError

_SUCCESS = 0


class ServoBus(Protocol):
    """Servos that tell where they are."""

    def open(self) -> None:
        """Open the port; see HandDevice."""
        ...

    def ticks(self) -> dict[int, int] | None:
        """Position of every servo by its id [ticks]; None when the answer was disturbed."""
        ...

    def close(self) -> None:
        """Let the port go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """How a maker's library reads the present position."""

    module: str
    package: str
    protocol: float
    address: int
    byte_count: int
    sign_bit: int
    """Of Feetech's sign and magnitude; 0 is two's complement."""


_MAKERS = {
    "feetech": _Maker(
        module="scservo_sdk", package="feetech-servo-sdk", protocol=0, address=56, byte_count=2, sign_bit=15
    ),
    "dynamixel": _Maker(
        module="dynamixel_sdk", package="dynamixel-sdk", protocol=2.0, address=132, byte_count=4, sign_bit=0
    ),
}
"""STS and SMS servos of Feetech, X servos of Robotis."""


class SdkBus:
    """One serial port; see ServoBus."""

    def __init__(self, maker: str, port: str, baud_rate: int, ids: tuple[int, ...]) -> None:
        self._maker, self._where, self._baud_rate, self._ids = _MAKERS[maker], port, baud_rate, ids
        self._port: Any = None
        self._reader: Any = None

    def open(self) -> None:
        """Open the port; see HandDevice."""
        maker = self._maker
        try:
            library = import_module(maker.module)
        except ImportError as error:
            mend = "pip install 'teletwin[hands]'"
            raise MissingPartError(f"the leader needs {maker.package}", given=error, mend=mend) from error
        self._port = library.PortHandler(self._where)
        try:
            is_open = self._port.openPort() and self._port.setBaudRate(self._baud_rate)
        except OSError as error:
            raise DeviceLostError("no leader arm is found", given=error, mend=_LOOK) from error
        if not is_open:
            raise DeviceLostError("no leader arm is found", given=self._where, mend=_LOOK)
        packets = library.PacketHandler(maker.protocol)
        self._reader = library.GroupSyncRead(self._port, packets, maker.address, maker.byte_count)
        for each in self._ids:
            self._reader.addParam(each)

    def ticks(self) -> dict[int, int] | None:
        """Where the servos are; None when the answer was disturbed."""
        maker, ids = self._maker, self._ids
        if self._reader.txRxPacket() != _SUCCESS:
            return None
        raw = [self._reader.getData(each, maker.address, maker.byte_count) for each in ids]
        numbers = [signed(value, byte_count=maker.byte_count, sign_bit=maker.sign_bit) for value in raw]
        return dict(zip(ids, numbers, strict=True))

    def close(self) -> None:
        """Let the port go."""
        port, self._port, self._reader = self._port, None, None
        if port is not None:
            port.closePort()


_LOOK = "plug it in, switch its power on, and allow this user the port (group dialout)"


def signed(value: int, *, byte_count: int, sign_bit: int) -> int:
    """A register's number with its sign: sign and magnitude with a sign bit, else two's complement."""
    if sign_bit:
        magnitude = value & ((1 << sign_bit) - 1)
        return -magnitude if value >> sign_bit & 1 else magnitude
    return value - (1 << 8 * byte_count) if value >> (8 * byte_count - 1) & 1 else value
