"""The sockets of the virtual controller: who is connected to which port, served without blocking."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Protocol

from teletwin.arm.virtual_ur.controller import Controller
from teletwin.arm.virtual_ur.dashboard import GREETING, Dashboard
from teletwin.arm.virtual_ur.rtde_session import RtdeSession
from teletwin.errors import MessageError, RobotError
from teletwin.listening import host_and_port, listening_socket

RTDE_PORT, DASHBOARD_PORT, SCRIPT_PORTS = 30004, 29999, (30001, 30002, 30003)
_SCRIPT_MAX = 1 << 20
_UNSENT_MAX = 1 << 16
_CLIENTS_MAX = 32
"""More connections are closed at once."""


class Service(Protocol):
    """What one connection does with its bytes."""

    greeting: bytes

    def feed(self, data: bytes) -> bytes:
        """Handle received bytes; return the answer."""
        ...

    def idle(self) -> None:
        """Called in a cycle in which nothing was received."""
        ...

    def packet(self, cycle: int) -> bytes:
        """What to send after controller cycle number `cycle`."""
        ...


class ScriptService:
    """A connection to a script port: a program is complete when it ends and nothing follows."""

    greeting = b""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._text = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Collect a program."""
        self._text += data
        if len(self._text) > _SCRIPT_MAX:
            raise MessageError("a program is too long", given=len(self._text), allowed=_SCRIPT_MAX)
        return b""

    def idle(self) -> None:
        """Start the program when it is complete."""
        if self._text and self._text.rstrip().endswith(b"end"):
            text, self._text = self._text.decode("utf-8", errors="replace"), bytearray()
            self._controller.run_program(text)

    def packet(self, cycle: int) -> bytes:
        """Nothing: ur_rtde does not read the state stream of these ports."""
        return b""


class DashboardService:
    """A connection to the dashboard."""

    greeting = GREETING

    def __init__(self, controller: Controller) -> None:
        self._dashboard = Dashboard(controller)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Answer every complete line."""
        self._buffer += data
        if len(self._buffer) > _UNSENT_MAX:
            raise MessageError("a dashboard line is too long", given=len(self._buffer), allowed=_UNSENT_MAX)
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        texts = [bytes(line).decode("utf-8", errors="replace").strip() for line in lines]
        return "".join(self._dashboard.answer(text) + "\n" for text in texts).encode()

    def idle(self) -> None:
        """Nothing to do."""

    def packet(self, cycle: int) -> bytes:
        """Nothing: the dashboard only answers."""
        return b""


class RtdeService:
    """A connection to the RTDE port."""

    greeting = b""

    def __init__(self, controller: Controller, others: Callable[[RtdeService], set[str]]) -> None:
        self._controller, self._others = controller, others
        self.session = RtdeSession(controller.outputs, controller.inputs)
        self.packet = self.session.packet

    def feed(self, data: bytes) -> bytes:
        """Handle set-up messages; data wait for the cycle."""
        return self.session.feed(data, self._others(self) if self.session.update_count == 0 else set())

    def store(self, cycles_left: int) -> None:
        """Let data act that have come."""
        before = self.session.update_count
        self.session.store(cycles_left)
        if self.session.update_count != before:
            self._controller.heard()

    def idle(self) -> None:
        """Nothing to do."""


class Connections:
    """Listening sockets and clients; every call returns at once."""

    def __init__(self, controller: Controller, host: str) -> None:
        self._controller = controller
        self._selector = selectors.DefaultSelector()
        self._clients: dict[socket.socket, Service] = {}
        self.lost_count = 0
        try:
            for port in (RTDE_PORT, DASHBOARD_PORT, *SCRIPT_PORTS):
                self._listen(host, port)
        except BaseException:
            self.close()
            raise

    def _listen(self, host: str, port: int) -> None:
        try:
            listener = listening_socket(host, port)
            listener.listen(8)
        except OSError as error:
            raise RobotError(
                f"the virtual controller cannot listen: {error.strerror or error}",
                given=host_and_port(host, port),
                mend="another controller may run there: stop it, or choose another loopback address, such as 127.0.0.2",
            ) from error
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, port)

    def send(self, cycle: int) -> None:
        """Send every client what is its due after a cycle; one that does not read is dropped."""
        for client, service in list(self._clients.items()):
            packet = service.packet(cycle)
            if packet:
                self._send(client, packet)

    def store_inputs(self, cycles_left: int) -> None:
        """Let what clients wrote act in this cycle, the first of so many that are due."""
        for service in self._clients.values():
            if isinstance(service, RtdeService):
                service.store(cycles_left)

    def poll(self) -> None:
        """Accept, receive and answer whatever is waiting."""
        heard: set[Service] = set()
        for key, _ in self._selector.select(0):
            if key.data in (RTDE_PORT, DASHBOARD_PORT, *SCRIPT_PORTS):
                self._accept(key.fileobj, key.data)  # pyright: ignore[reportArgumentType]
            else:
                heard.add(key.data)
                self._receive(key.fileobj, key.data)  # pyright: ignore[reportArgumentType]
        for service in self._clients.values():
            if service not in heard:
                service.idle()

    def _accept(self, listener: socket.socket, port: int) -> None:
        client, _ = listener.accept()
        if len(self._clients) >= _CLIENTS_MAX:
            self.lost_count += 1
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        service = self._service(port)
        self._clients[client] = service
        self._selector.register(client, selectors.EVENT_READ, service)
        if service.greeting:
            self._send(client, service.greeting)

    def _service(self, port: int) -> Service:
        if port == RTDE_PORT:
            return RtdeService(self._controller, self._taken)
        return DashboardService(self._controller) if port == DASHBOARD_PORT else ScriptService(self._controller)

    def _taken(self, asking: RtdeService) -> set[str]:
        sessions = [item.session for item in self._clients.values() if isinstance(item, RtdeService)]
        return set().union(*(session.owned for session in sessions if session is not asking.session))

    def _receive(self, client: socket.socket, service: Service) -> None:
        try:
            data = client.recv(1 << 16)
            answer = service.feed(data) if data else b""
        except (OSError, MessageError):
            data = answer = b""
        if not data:
            self._drop(client)
        elif answer:
            self._send(client, answer)

    def _send(self, client: socket.socket, data: bytes) -> None:
        try:
            sent = client.send(data)
        except OSError:
            sent = 0
        if sent != len(data):  # a client that lets its socket fill up would read the past
            self.lost_count += 1
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if self._clients.pop(client, None) is not None:
            self._selector.unregister(client)
            client.close()

    def close(self) -> None:
        """Close everything."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # pyright: ignore[reportAttributeAccessIssue]
        self._clients.clear()
        self._selector.close()
