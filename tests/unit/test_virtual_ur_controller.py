from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.set_point_number import BRIDGE_REGISTER, WATCHDOG_ENDED
from teletwin.arm.simulated import START_Q
from teletwin.arm.virtual_ur.control_script import Command
from teletwin.arm.virtual_ur.controller import Controller, ControllerCfg, Runtime
from teletwin.arm.virtual_ur.dashboard import Dashboard
from teletwin.arm.virtual_ur.reports import tcp_values
from teletwin.errors import ConfigError
from teletwin.geometry import quat_from_rotvec

PROGRAM = 'def rtde_control():\n  textmsg("RTDE Control Script Loaded")\nend\n'


@pytest.fixture
def controller():
    made = Controller(ControllerCfg(unlock_wait_s=0.1))
    assert made.run_program(PROGRAM)
    made.cycle()
    return made


def order(controller, command, doubles=(), *, asynchronous=0):
    for number, value in enumerate(doubles):
        controller.inputs.set(f"input_double_register_{number}", value)
    controller.inputs.set("input_int_register_1", asynchronous)
    controller.inputs.set("input_int_register_0", command)
    controller.heard()


def run(controller, count):
    for _ in range(count):
        controller.cycle()


def answer_of(controller):
    return controller.outputs.get("output_int_register_0")[0]


def servo(controller, q):
    order(controller, Command.SERVO_J, [*q, 0.5, 0.5, 0.002, 0.03, 1200.0])


def test_a_new_controller_stands_still_and_waits_for_a_program():
    controller = Controller()
    run(controller, 100)
    assert controller.outputs.get("runtime_state") == (Runtime.STOPPED,)
    np.testing.assert_allclose(controller.outputs.get("actual_q"), START_Q, atol=1e-6)
    assert controller.outputs.get("timestamp") == (0.2,)


def test_servo_moves_the_arm_and_stays_ready(controller):
    goal = np.array(START_Q) + 0.05
    servo(controller, goal)
    run(controller, 200)
    np.testing.assert_allclose(controller.outputs.get("actual_q"), goal, atol=1e-3)
    assert answer_of(controller) == 1


@pytest.mark.parametrize(("scene", "rests_on_the_table"), [("table", True), ("bare", False)])
def test_the_arm_meets_what_the_picture_shows(scene, rests_on_the_table):
    controller = Controller(ControllerCfg(scene=scene))
    assert controller.run_program(PROGRAM)
    below = np.add(START_Q, [0.0, 0.9, 0.0, -0.9, 0.0, 0.0])
    for share in np.linspace(0.0, 1.0, 500):
        servo(controller, START_Q + share * (below - START_Q))
        controller.cycle()
    run(controller, 300)
    height = controller.dynamics.world.tool_pose()[2]
    assert (height > 0.0) == rests_on_the_table


def test_a_scene_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match="scene"):
        Controller(ControllerCfg(scene="moon"))


def test_a_move_says_done_when_it_is_there_and_ready_once_cleared(controller):
    goal = np.array(START_Q) + 0.1
    order(controller, Command.MOVE_J, [*goal, 1.0, 2.0])
    run(controller, 20)
    assert answer_of(controller) != 2
    run(controller, 400)
    assert answer_of(controller) == 2
    np.testing.assert_allclose(controller.dynamics.q, goal, atol=1e-3)
    order(controller, Command.NONE)
    run(controller, 1)
    assert answer_of(controller) == 1


def test_an_asynchronous_move_says_done_at_once_and_shows_its_progress(controller):
    order(controller, Command.MOVE_J, [*(np.array(START_Q) + 0.1), 1.0, 2.0], asynchronous=1)
    run(controller, 2)
    assert answer_of(controller) == 2
    assert controller.outputs.get("output_int_register_2")[0] & 1 << 15
    run(controller, 400)
    assert not controller.outputs.get("output_int_register_2")[0] & 1 << 15


def test_values_that_servoj_does_not_take_end_the_program(controller):
    servo(controller, [np.nan] * 6)
    run(controller, 50)
    assert controller.runtime == Runtime.STOPPED
    np.testing.assert_allclose(controller.dynamics.q, START_Q, atol=1e-6)


def test_a_command_that_is_not_emulated_ends_the_program_instead_of_pretending(controller):
    order(controller, 3)
    run(controller, 2)
    assert controller.runtime == Runtime.STOPPED


def test_a_foreign_program_is_not_run(controller):
    assert not controller.run_program("def mine():\n  movej([0,0,0,0,0,0])\nend\n")
    assert controller.runtime == Runtime.STOPPED


def test_a_protective_stop_brakes_and_waits_for_unlock_and_play(controller):
    dashboard = Dashboard(controller)
    order(controller, Command.SPEED_J, [0.5] * 6 + [5.0])
    run(controller, 200)
    assert dashboard.answer("inject protective stop")
    run(controller, 30)
    assert np.abs(controller.dynamics.qd).max() < 0.02
    assert controller.outputs.get("safety_mode") == (3,)
    assert controller.outputs.get("safety_status_bits")[0] & 0b100
    assert controller.outputs.get("runtime_state") == (Runtime.PAUSED,)
    assert dashboard.answer("play").startswith("Failed")
    assert dashboard.answer("unlock protective stop").startswith("Cannot")
    run(controller, 50)
    assert dashboard.answer("unlock protective stop") == "Protective stop releasing"
    assert dashboard.answer("safetymode") == "Safetymode: NORMAL"
    assert dashboard.answer("play") == "Starting program"
    assert dashboard.answer("programState").startswith("PLAYING")


def test_an_emergency_stop_ends_the_program_until_released(controller):
    dashboard = Dashboard(controller)
    dashboard.answer("inject emergency stop")
    run(controller, 1)
    assert controller.outputs.get("safety_mode") == (7,)
    assert not controller.run_program(PROGRAM)
    dashboard.answer("release emergency stop")
    assert controller.run_program(PROGRAM)


def test_the_watchdog_stops_the_program_of_a_silent_client(controller):
    order(controller, Command.SET_WATCHDOG, [10.0])
    run(controller, 10)
    assert controller.runtime == Runtime.PLAYING
    run(controller, 60)
    assert controller.runtime == Runtime.STOPPED


def test_without_a_watchdog_a_silent_client_leaves_the_arm_holding(controller):
    goal = np.array(START_Q) + 0.02
    servo(controller, goal)
    run(controller, 2000)
    assert controller.runtime == Runtime.PLAYING
    np.testing.assert_allclose(controller.dynamics.q, goal, atol=1e-4)


def test_the_dashboard_answers_what_clients_look_for(controller):
    dashboard = Dashboard(controller)
    assert dashboard.answer("PolyscopeVersion").startswith("URSoftware 5.21")
    assert dashboard.answer("get serial number").isdigit()
    assert dashboard.answer("is in remote control") == "true"
    assert dashboard.answer("running") == "Program running: true"
    assert dashboard.answer("stop") == "Stopped"
    assert dashboard.answer("running") == "Program running: false"
    assert "understand" in dashboard.answer("dance")


def test_the_tcp_pose_is_the_tool_in_the_base_frame_with_a_rotation_vector(controller):
    values = np.array(controller.outputs.get("actual_TCP_pose"))
    np.testing.assert_allclose(values[:3], [-0.382479, -0.131123, 0.244324], atol=1e-5)
    pose = controller.dynamics.world.tool_pose()
    np.testing.assert_allclose(np.abs(quat_from_rotvec(values[3:]) @ pose[3:]), 1.0, atol=1e-9)


def test_a_rotation_vector_is_the_short_way_round():
    assert tcp_values(np.array([0.0, 0, 0, -1.0, 0, 0, 0]))[3:] == pytest.approx((0.0, 0.0, 0.0))
    values = tcp_values(np.array([1.0, 2.0, 3.0, -np.cos(0.1), 0, 0, np.sin(0.1)]))
    assert values == pytest.approx((1.0, 2.0, 3.0, 0.0, 0.0, -0.2))


def test_tcp_speed_is_the_motion_of_the_tool(controller):
    order(controller, Command.SPEED_J, [0.3, 0, 0, 0, 0, 0, 5.0])
    run(controller, 200)
    before = np.array(controller.outputs.get("actual_TCP_pose"))
    speed = np.array(controller.outputs.get("actual_TCP_speed"))
    run(controller, 1)
    after = np.array(controller.outputs.get("actual_TCP_pose"))
    np.testing.assert_allclose((after - before)[:3] / 0.002, speed[:3], atol=2e-3)
    np.testing.assert_allclose(speed[3:], [0.0, 0.0, 0.3], atol=2e-3)


def test_a_start_that_is_not_six_joints_is_refused():
    with pytest.raises(ConfigError, match="q_start"):
        ControllerCfg(q_start=(0.0, 1.0))


def test_the_watchdog_does_not_count_cycles_that_are_made_up_for_but_every_other(controller):
    order(controller, Command.SET_WATCHDOG, [10.0])
    controller.cycle()
    order(controller, Command.SERVO_J, [*START_Q, 0.5, 0.5, 0.002, 0.03, 1200.0])
    controller.forgive(200)
    run(controller, 200)
    assert controller.runtime == Runtime.PLAYING, "this process did not run: nobody was silent"
    run(controller, 60)
    assert controller.runtime == Runtime.STOPPED
    assert controller.outputs.get(f"output_int_register_{BRIDGE_REGISTER}") == (WATCHDOG_ENDED,)
    assert controller.run_program(PROGRAM)
    assert controller.outputs.get(f"output_int_register_{BRIDGE_REGISTER}") == (0,)
