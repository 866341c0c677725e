"""A launcher that is killed leaves nothing behind, whatever its roles were doing: no process, no port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

PROMISED_S = 2.0
BUSY_MACHINE_S = 2.0
"""On top of the promise: the machine of the tests may be shared."""
START = "import sys; from teletwin.cli import main; sys.exit(main(sys.argv[1:]))"
ROLES_ONLY = """
import sys, threading, time
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, start_local
from teletwin.session.role_cfg import PageCfg, RoleCfg
rates = {"control_rate_hz": 125.0, "servo_rate_hz": 125.0}
session = SessionCfg(robot="rtde", **rates, **{"forecaster": name for name in sys.argv[3:]})
cfg = RoleCfg(role="operator", session=session, page=PageCfg(port=int(sys.argv[2])), headless=True,
              controller_host=sys.argv[1])
with Roles() as roles:
    print("starting", flush=True)
    start_local(roles, cfg, threading.Event())
    print("all run", flush=True)
    time.sleep(60.0)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def members(session: int) -> list[int]:
    """Processes of a terminal session that are no corpses."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, sid = path.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(sid) == session and state not in "ZX":
            found.append(int(path.parent.name))
    return found


class Launcher:
    """A launcher in a terminal session of its own, with everything that it starts."""

    def __init__(self, code: str, *arguments: str, folder: Path, controller: str, environment: dict[str, str]) -> None:
        self.port, self.controller = free_port(), controller
        words = [each.format(port=self.port, controller=controller) for each in arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        assert any(text in line for line in self.process.stdout), f"never said: {text}"

    def wait_for_count(self, count: int, *, limit_s: float = 30.0) -> None:
        """Until so many processes were started."""
        end_s = time.monotonic() + limit_s
        while len(members(self.process.pid)) < count:
            assert time.monotonic() < end_s
            time.sleep(0.005)

    def kill(self) -> float:
        """Kill the launcher alone; how long until all processes and ports are gone [s]."""
        start_s = time.monotonic()
        self.process.kill()
        self.process.wait(5.0)
        while members(self.process.pid) or not self.ports_are_free():
            if time.monotonic() - start_s > 10.0:
                break
            time.sleep(0.01)
        return time.monotonic() - start_s

    def ports_are_free(self) -> bool:
        """Whether the page's port and the controller's can be bound again."""
        try:
            for address in (("127.0.0.1", self.port), *((self.controller, port) for port in (29999, 30002, 30004))):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(address)
        except OSError:
            return False
        return True


@pytest.fixture
def launch(tmp_path):
    started: list[Launcher] = []

    def start(code: str, *arguments: str, **environment: str) -> Launcher:
        controller = f"127.0.23.{10 + len(started) + os.getpid() % 200}"
        started.append(Launcher(code, *arguments, folder=tmp_path, controller=controller, environment=environment))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait(5.0)
        for pid in members(each.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


DEMO = ("demo", "--headless", "--robot", "rtde", "--controller-host", "{controller}", "--port", "{port}")


def is_gone_in_time(launcher: Launcher, record_property) -> None:
    took_s = launcher.kill()
    record_property("gone_after_s", round(took_s, 2))
    print(f"gone after {took_s:.2f} s")
    assert took_s < PROMISED_S + BUSY_MACHINE_S
    assert members(launcher.process.pid) == []
    assert launcher.ports_are_free()


@pytest.mark.parametrize("delay_s", [0.0, 0.7, 2.5])
def test_roles_that_start_end_with_their_launcher(launch, record_property, delay_s):
    launcher = launch(START, *DEMO, "--duration", "60")
    launcher.wait_for_count(3)  # the controller and its watch
    time.sleep(delay_s)
    is_gone_in_time(launcher, record_property)


def test_roles_that_compile_their_kernels_end_with_their_launcher(launch, record_property, tmp_path):
    launcher = launch(ROLES_ONLY, "{controller}", "{port}", WARP_CACHE_PATH=str(tmp_path / "warp"))
    launcher.wait_for("starting")
    launcher.wait_for_count(7)
    time.sleep(2.0)
    is_gone_in_time(launcher, record_property)


@pytest.mark.parametrize("suspended", ["none", "controller", "all"])
def test_roles_that_run_end_with_their_launcher_even_where_something_hangs(launch, record_property, suspended):
    launcher = launch(START, *DEMO, "--duration", "60", "--record", "run.mcap")
    launcher.wait_for("the page is at")
    time.sleep(2.0)
    of_launcher = Path(f"/proc/{launcher.process.pid}/task").glob("*/children")
    roles = sorted(int(pid) for path in of_launcher for pid in path.read_text().split())
    for pid in {"none": [], "controller": roles[:1], "all": roles}[suspended]:
        os.kill(pid, signal.SIGSTOP)
    is_gone_in_time(launcher, record_property)


def test_the_arms_role_ends_although_its_controller_died_just_before(launch, record_property):
    launcher = launch(START, *DEMO, "--duration", "60")
    launcher.wait_for("the page is at")
    time.sleep(1.0)
    of_launcher = Path(f"/proc/{launcher.process.pid}/task").glob("*/children")
    os.kill(min(int(pid) for path in of_launcher for pid in path.read_text().split()), signal.SIGKILL)
    is_gone_in_time(launcher, record_property)


def test_roles_that_are_told_to_stop_end_with_their_launcher(launch, record_property):
    launcher = launch(START, *DEMO, "--duration", "60", "--report", "out.json")
    launcher.wait_for("the page is at")
    time.sleep(1.0)
    os.killpg(launcher.process.pid, signal.SIGINT)
    time.sleep(0.2)  # they brake, and the report is written
    is_gone_in_time(launcher, record_property)


def test_a_slow_forecasters_process_ends_too(launch, record_property):
    launcher = launch(ROLES_ONLY, "{controller}", "{port}", "arima")
    launcher.wait_for("all run")
    time.sleep(2.0)
    is_gone_in_time(launcher, record_property)
