"""What emulates the network between the namespaces: the kernel's netem, or the relay of this package."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
from typing import Any, Protocol

from teletwin.bench.three_hosts.hops import HOSTS, PREFIX_BITS, WAYS, WIRES, Hops
from teletwin.bench.three_hosts.namespaces import Namespaces, Run, run_command
from teletwin.bench.three_hosts.tun import DEVICE, MTU
from teletwin.errors import ConfigError, MissingPartError, TeletwinError

_END_S = 2.0
_NETEM_QUEUE = 10_000


class Emulator(Protocol):
    """The only route between the hosts. A context manager: enter lays the cables."""

    name: str

    def __enter__(self) -> Emulator:
        """Lay the cables."""
        ...

    def __exit__(self, *exc: object) -> None:
        """Take them away."""
        ...

    def devices(self, host: str) -> set[str]:
        """Names of the network devices of a host, all of them."""
        ...

    def apply(self, hops: Hops) -> None:
        """Emulate this network from now on."""
        ...

    def figures(self) -> dict[str, Any]:
        """What it did since this was asked last."""
        ...


class TunRelay:
    """One tun device a host; a process of its own carries the packets, see `relay`."""

    name = "relay"

    def __init__(self, namespaces: Namespaces, *, seed: int) -> None:
        self._namespaces, self._seed = namespaces, seed
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> TunRelay:
        command = [sys.executable, "-m", "teletwin.bench.three_hosts.relay_process"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            self._tell({"namespaces": {host: self._namespaces.path(host) for host in HOSTS}, "seed": self._seed})
            refused = self._hear().get("refused")
            if refused:
                raise MissingPartError(refused)
            for host, address in HOSTS.items():
                self._namespaces.ip(host, "addr", "add", f"{address}/{PREFIX_BITS}", "dev", DEVICE)
                self._namespaces.ip(host, "link", "set", DEVICE, "mtu", str(MTU), "up")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()

    def devices(self, host: str) -> set[str]:
        """Loopback and the cable."""
        return {"lo", DEVICE}

    def apply(self, hops: Hops) -> None:
        """Tell the process."""
        self._tell({"hops": {hop: dataclasses.asdict(settings) for hop, settings in hops.items()}})

    def figures(self) -> dict[str, Any]:
        """Its lateness and counts."""
        self._tell({"figures": True})
        return self._hear()

    def _tell(self, words: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise TeletwinError("the relay has ended", mend="its message stands above") from None

    def _hear(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise TeletwinError("the relay has ended", mend="its message stands above")
        return json.loads(line)

    def _end(self) -> None:
        """The process ends with its input, or is ended."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            process.communicate(timeout=_END_S)
        if process.poll() is None:
            process.kill()
            process.wait()
        self._process = None


class Netem:
    """A veth cable between each two hosts that talk, with the kernel's netem on both of its ends."""

    name = "netem"

    def __init__(self, namespaces: Namespaces, *, run: Run = run_command) -> None:
        self._namespaces, self._run = namespaces, run

    def __enter__(self) -> Netem:
        for hop, _ in WIRES.values():
            self._lay(*WAYS[hop])
        return self

    def __exit__(self, *exc: object) -> None:
        return None  # the cables go with their namespaces

    def devices(self, host: str) -> set[str]:
        """Loopback and a cable to each peer."""
        return {"lo", *(f"to-{receiver}" for sender, receiver in WAYS.values() if sender == host)}

    def apply(self, hops: Hops) -> None:
        """Set netem on the sender's end of each hop."""
        for hop, (sender, receiver) in WAYS.items():
            where = ["-n", self._namespaces.names[sender], "qdisc", "replace", "dev", f"to-{receiver}", "root"]
            settings = hops[hop]
            shares = {"loss": settings.loss, "duplicate": settings.duplication}
            asked = [word for name, share in shares.items() if share for word in (name, f"{100.0 * share:g}%")]
            delay = ["delay", f"{settings.delay_ms:g}ms"]
            self._run(["tc", *where, "netem", "limit", str(_NETEM_QUEUE), *delay, *asked])

    def figures(self) -> dict[str, Any]:
        """The kernel does not tell how late it was."""
        return {}

    def _lay(self, left: str, right: str) -> None:
        names = self._namespaces.names
        cable = ["type", "veth", "peer", "name", f"to-{left}", "netns", names[right]]
        self._run(["ip", "-n", names[left], "link", "add", f"to-{right}", *cable])
        for here, there in ((left, right), (right, left)):
            ip, device = self._namespaces.ip, f"to-{there}"
            ip(here, "addr", "add", f"{HOSTS[here]}/32", "dev", device)
            ip(here, "link", "set", device, "mtu", str(MTU), "up")
            ip(here, "route", "add", f"{HOSTS[there]}/32", "dev", device, "src", HOSTS[here])


def has_netem(namespaces: Namespaces, *, run: Run = run_command) -> bool:
    """Whether this kernel has netem; tried on the loopback device of a namespace."""
    name = namespaces.names["arm"]
    try:
        run(["tc", "-n", name, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"])
        run(["tc", "-n", name, "qdisc", "delete", "dev", "lo", "root"])
    except (ConfigError, FileNotFoundError):
        return False
    return True


def netem_can(hops: Hops) -> bool:
    """Whether netem emulates this truthfully: delay, independent loss, duplication.

    Its jitter is drawn anew for each packet, which either reorders half of them or lifts the mean; bursts
    of loss live on its packets, not in time; its queue is counted in packets.
    """
    others = ("jitter_ms", "reordering", "rate_mbps", "burst_ms")
    return not any(getattr(settings, name) for settings in hops.values() for name in others)
