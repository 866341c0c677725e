"""The unmodified ur_rtde client against the virtual controller, over its real ports."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from teletwin.arm.rtde import RtdeArm, RtdeArmCfg
from teletwin.arm.ur_dashboard import ask_dashboard
from teletwin.errors import RobotError

pytestmark = pytest.mark.live
HOST = "127.0.0.62"


def start(host=HOST):
    command = [sys.executable, "-m", "teletwin.arm.virtual_ur", "--host", host, "--unlock-wait-s", "0.05"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def wait_for(condition, *, limit_s=5.0):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def controller():
    process = start()
    yield process
    process.terminate()
    assert process.wait(5) == 0


@pytest.fixture
def receive(controller):
    rtde_receive = pytest.importorskip("rtde_receive")
    interface = rtde_receive.RTDEReceiveInterface(HOST)
    yield interface
    interface.disconnect()


@pytest.fixture
def control(receive):
    rtde_control = pytest.importorskip("rtde_control")
    interface = rtde_control.RTDEControlInterface(HOST)
    yield interface
    interface.disconnect()


def test_every_default_variable_is_received_and_time_goes_on(receive):
    assert receive.getActualQ() == pytest.approx([0.0, -1.2, 1.4, -1.77, -1.57, 0.0], abs=1e-4)
    assert receive.getActualTCPPose()[:3] == pytest.approx([-0.382479, -0.131123, 0.244324], abs=1e-4)
    assert (receive.getRobotMode(), receive.getSafetyMode()) == (7, 1)
    before, at = receive.getTimestamp(), time.monotonic()
    time.sleep(0.5)
    passed = receive.getTimestamp() - before
    assert 0.05 < passed < time.monotonic() - at + 0.05  # a busy machine may make the controller late, never early


def test_moves_speeds_and_stops_are_done(receive, control):
    home = np.array(receive.getActualQ())
    assert control.isProgramRunning()
    assert control.moveJ((home + 0.1).tolist(), 1.5, 3.0)
    np.testing.assert_allclose(receive.getActualQ(), home + 0.1, atol=2e-3)
    assert control.speedJ([0.3] * 6, 2.0, 0.0)
    assert wait_for(lambda: min(receive.getActualQd()) > 0.29)
    assert control.speedStop(4.0)
    assert wait_for(lambda: max(np.abs(receive.getActualQd())) < 0.01)
    assert control.stopScript() is None
    assert wait_for(lambda: receive.getRuntimeState() == 1)


def test_servoj_at_500_hz_draws_what_it_is_asked(receive, control):
    home = np.array(receive.getActualQ())
    measured = []
    for k in range(750):
        period = control.initPeriod()
        assert control.servoJ((home + 0.05 * (1 - np.cos(0.008 * k))).tolist(), 0.5, 0.5, 0.002, 0.03, 1200)
        measured.append(receive.getActualQ()[0])
        control.waitPeriod(period)
    assert np.ptp(measured) == pytest.approx(0.1, abs=0.005)
    assert control.servoStop(8.0)


def test_a_protective_stop_is_seen_and_cleared_over_the_dashboard(receive, control):
    assert ask_dashboard(HOST, "inject protective stop")
    assert wait_for(receive.isProtectiveStopped)
    assert not control.servoJ(receive.getActualQ(), 0.5, 0.5, 0.002, 0.03, 1200)
    time.sleep(0.1)
    assert ask_dashboard(HOST, "unlock protective stop") == ["Protective stop releasing"]
    assert control.reuploadScript()
    assert wait_for(control.isProgramRunning)
    assert control.servoJ(receive.getActualQ(), 0.5, 0.5, 0.002, 0.03, 1200)


def test_an_unknown_variable_is_refused_as_on_a_robot(controller):
    rtde_receive = pytest.importorskip("rtde_receive")
    with pytest.raises(RuntimeError, match="nonsense"):
        rtde_receive.RTDEReceiveInterface(HOST, 500.0, ["nonsense"])


def test_noise_on_every_port_disturbs_nobody(receive):
    for port in (30004, 30003, 30002, 29999):
        with socket.create_connection((HOST, port), timeout=1.0) as sock:
            sock.sendall(bytes(range(256)) * 40)
    before = receive.getTimestamp()
    assert wait_for(lambda: receive.getTimestamp() > before + 0.1)


def test_an_arm_tells_its_fault_in_words_and_moves_again_only_after_a_person_cleared_it(controller):
    with RtdeArm(RtdeArmCfg(host=HOST)) as arm:
        here = arm.state().q
        ask_dashboard(HOST, "inject protective stop")
        assert wait_for(lambda: "protective stop" in arm.state().fault)
        time.sleep(0.1)
        ask_dashboard(HOST, "unlock protective stop")
        time.sleep(0.1)
        assert "protective stop" in arm.state().fault
        arm.servo(here)
        assert arm.refused_count == 1
        arm.clear_fault()
        assert wait_for(lambda: arm.state().fault == "")
        assert wait_for(lambda: not arm.busy)
        arm.servo(here)
        assert arm.refused_count == 1


def test_a_controller_that_dies_is_a_fault_and_comes_back_after_clearing():
    host = "127.0.0.63"
    process = start(host)
    try:
        with RtdeArm(RtdeArmCfg(host=host)) as arm:
            process.kill()
            process.wait(5)
            assert wait_for(lambda: "lost" in arm.state().fault)
            arm.servo(arm.state().q)
            process = start(host)
            time.sleep(1.0)
            assert "lost" in arm.state().fault
            arm.clear_fault()
            assert wait_for(lambda: arm.state().fault == "")
    finally:
        process.terminate()
        process.wait(5)


def test_a_controller_that_falls_silent_with_its_line_open_is_a_fault_that_a_person_clears():
    host = "127.0.0.65"
    process = start(host)
    try:
        with RtdeArm(RtdeArmCfg(host=host)) as arm:
            before = arm.state()
            process.send_signal(signal.SIGSTOP)
            assert wait_for(lambda: "lost" in arm.state().fault)
            silent = arm.state()
            assert silent.t_ns - before.t_ns < 500_000_000, "its time is that of the last report"
            arm.stop()
            process.send_signal(signal.SIGCONT)
            time.sleep(0.3)
            assert "lost" in arm.state().fault
            arm.clear_fault()
            assert wait_for(lambda: arm.state().fault == "")
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(5)


def test_no_robot_there_is_one_clear_line():
    with pytest.raises(RobotError, match=r"127\.0\.0\.64:30004"), RtdeArm(RtdeArmCfg(host="127.0.0.64")):
        pass


def test_a_busy_port_is_one_clear_line_and_a_failure(controller):
    second = start()
    _, error = second.communicate(timeout=10)
    assert second.returncode == 1
    assert len(error.strip().splitlines()) == 1
    assert "30004" in error


def test_a_terminated_controller_leaves_its_ports_free():
    process = start("127.0.0.65")
    process.terminate()
    assert process.wait(5) == 0
    again = start("127.0.0.65")
    again.terminate()
    assert again.wait(5) == 0


def test_a_controller_with_an_ipv6_address_is_driven_as_any_other():
    pytest.importorskip("rtde_control")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    process = start("::1")
    try:
        assert ask_dashboard("::1", "robotmode") == ["Robotmode: RUNNING"]
        with RtdeArm(RtdeArmCfg(host="::1")) as arm:
            start_q = arm.state().q

            def has_moved():
                arm.servo(np.add(start_q, [0.0, 0.0, 0.0, 0.0, 0.0, 0.01]))
                return abs(arm.state().q[5] - start_q[5]) > 0.005

            assert wait_for(has_moved)
    finally:
        process.terminate()
        process.wait(5)
