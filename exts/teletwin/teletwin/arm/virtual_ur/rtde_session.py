"""One RTDE client: what it asked for and what it is sent; bytes in, bytes out, no sockets."""

from __future__ import annotations

import struct
from collections import deque

from teletwin.arm.virtual_ur import recipes, wire
from teletwin.arm.virtual_ur.variables import Memory
from teletwin.arm.virtual_ur.wire import Kind

_CYCLE_RATE_HZ = 500.0
_RECIPES_MAX = 255
"""Their number is one byte, and 0 means refused."""
_WAITING_MAX = 1000
"""Data messages that wait for a cycle; older ones are dropped."""


class RtdeSession:
    """State of one connection on port 30004."""

    def __init__(self, outputs: Memory, inputs: Memory) -> None:
        self._outputs, self._inputs = outputs, inputs
        self._buffer = bytearray()
        self._output: recipes.OutputRecipe | None = None
        self._input_recipes: list[recipes.InputRecipe] = []
        self._every = 1
        self._waiting: deque[bytes] = deque(maxlen=_WAITING_MAX)
        self.started = False
        self.refused_count = 0
        self.update_count = 0
        """How many data messages were stored; the watchdog looks at it."""

    @property
    def owned(self) -> set[str]:
        """Input variables that this client writes."""
        return {name for recipe in self._input_recipes for name in recipe.names}

    def feed(self, data: bytes, taken: set[str]) -> bytes:
        """Handle received bytes; return the answer. `taken`: input variables that other clients write.

        Raises:
            MessageError: The stream is not RTDE; close the connection.
        """
        self._buffer += data
        answers = [self._answer(kind, payload, taken) for kind, payload in wire.split(self._buffer)]
        return b"".join(answers)

    def store(self, cycles_left: int = 1) -> None:
        """Write what was received to the inputs, evenly over the cycles that are to be made up for, this one included.

        A process that stood still finds the messages of its pause waiting: each acts in a cycle of its own, as on a
        controller that did not stand still.
        """
        for _ in range(-(-len(self._waiting) // cycles_left)):
            self._store(self._waiting.popleft())

    def packet(self, cycle: int) -> bytes:
        """What to send after controller cycle number `cycle`; empty when it is not the turn."""
        if not self.started or self._output is None or cycle % self._every:
            return b""
        return self._output.packet()

    def _answer(self, kind: int, payload: bytes, taken: set[str]) -> bytes:
        if kind == Kind.DATA:
            self._waiting.append(payload)
            return b""
        if kind == Kind.PROTOCOL:
            wanted = int.from_bytes(payload[:2], "big")
            return wire.frame(kind, bytes([wanted == wire.PROTOCOL_VERSION]))
        if kind == Kind.CONTROLLER:
            return wire.frame(kind, struct.pack(">4I", *wire.CONTROLLER_VERSION))
        if kind == Kind.OUTPUTS:
            return wire.frame(kind, self._set_up_outputs(payload))
        if kind == Kind.INPUTS:
            return wire.frame(kind, self._set_up_inputs(payload, taken))
        if kind in (Kind.START, Kind.PAUSE):
            self.started = kind == Kind.START
            return wire.frame(kind, b"\x01")
        self.refused_count += kind != Kind.TEXT
        return b""

    def _set_up_outputs(self, payload: bytes) -> bytes:
        if len(payload) < 8:
            self.refused_count += 1
            return b"\x00"
        (rate_hz,) = struct.unpack_from(">d", payload)
        names = recipes.split_names(payload[8:])
        types = recipes.output_types(names)
        self._output = None
        if recipes.NOT_FOUND not in types and 1.0 <= rate_hz <= _CYCLE_RATE_HZ:
            self._output = recipes.OutputRecipe(1, names, self._outputs)
            self._every = max(1, round(_CYCLE_RATE_HZ / rate_hz))
        return bytes([self._output is not None]) + ",".join(types).encode()

    def _set_up_inputs(self, payload: bytes, taken: set[str]) -> bytes:
        names = recipes.split_names(payload)
        types = recipes.input_types(names, taken)
        is_full = len(self._input_recipes) >= _RECIPES_MAX
        if is_full or recipes.NOT_FOUND in types or recipes.IN_USE in types:
            return b"\x00" + ",".join(types).encode()
        self._input_recipes.append(recipes.InputRecipe(names, self._inputs))
        return bytes([len(self._input_recipes)]) + ",".join(types).encode()

    def _store(self, payload: bytes) -> None:
        number = payload[0] if payload else 0
        known = 1 <= number <= len(self._input_recipes)
        if known and self._input_recipes[number - 1].store(payload[1:]):
            self.update_count += 1
        else:
            self.refused_count += 1
