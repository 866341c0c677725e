"""The fault study in small: what its judges see, that a broken study goes on, and one seeded run as it is counted."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from teletwin.bench.faults.aftermath import Kill, judge_kill, summarize_kills
from teletwin.bench.faults.judge import SERVO_S, judge_set_points, resume_overshoot
from teletwin.bench.faults.plan import BLACKOUT_MAX_S, LOSS_MAX, draw_plan
from teletwin.bench.faults.rows import kill_rows, run_rows
from teletwin.bench.faults.study import run_study, summarize
from teletwin.bench.faults.watch import SetPoint
from teletwin.cli.bench_faults import main
from teletwin.clock import VirtualClock
from teletwin.errors import ConfigError
from teletwin.messages import ArmState, JointCommand, Mode
from teletwin.recording import SessionLog, read_log
from teletwin.robot.ur3e import HOME_Q
from teletwin.safety import MotionLimits

LIMITS = MotionLimits(max_speed_rad_s=1.0)


def set_points(q, limits=LIMITS, start=0):
    return [
        SetPoint(t_ns=(start + k) * 2_000_000, arm_ns=(start + k) * 2_000_000, q=each, q_measured=each, limits=limits)
        for k, each in enumerate(np.asarray(q))
    ]


def moving(speed_rad_s, count=100):
    """Up to a speed, on, and down again, at half of the acceleration limit."""
    ramp = np.minimum(np.arange(count), np.arange(count)[::-1]) * 20.0 * SERVO_S
    return HOME_Q + np.cumsum(np.minimum(ramp, speed_rad_s))[:, None] * SERVO_S * np.ones(6)


def test_motion_within_the_limits_is_not_counted():
    assert not any(judge_set_points(set_points(moving(0.9))).values())


def test_each_broken_limit_is_counted_under_its_name():
    too_fast = judge_set_points(set_points(moving(1.2, 200)))
    assert too_fast["speed"] > 10
    assert too_fast["acceleration"] == too_fast["jumps"] == 0
    jump = moving(0.5)
    jump[50:] += 0.05
    found = judge_set_points(set_points(jump))
    assert found["jumps"] == 1
    assert found["acceleration"] > 0
    beyond = np.tile(HOME_Q, (10, 1))
    beyond[:, 0] = 7.0
    assert judge_set_points(set_points(beyond))["position"] == 10
    reach = np.tile([0.0, -0.6, 0.0, -1.57, -1.57, 0.0], (10, 1))
    outward = set_points(reach + np.linspace(0.02, 0.0, 10)[:, None] * [0, 0, 1, 0, 0, 0])
    assert judge_set_points(outward)["workspace"] > 0


def test_a_restart_from_elsewhere_than_the_measured_joints_is_a_jump():
    before, after = set_points(moving(0.5)), set_points(np.tile(HOME_Q, (20, 1)), start=500)
    assert judge_set_points([*before, *after])["jumps"] == 0
    elsewhere = [dataclasses.replace(each, q_measured=each.q + 0.2) for each in after]
    assert judge_set_points([*before, *elsewhere])["jumps"] == 1


def test_the_overshoot_of_a_way_back_is_measured_along_the_way():
    share = np.concatenate([np.linspace(0, 1.1, 100), np.linspace(1.1, 1.0, 50), np.ones(50)])
    way = resume_overshoot(set_points(HOME_Q + share[:, None] * np.array([0.1, 0, 0, 0, 0, 0])), 0)
    assert way is not None
    assert way["overshoot_mm"] == pytest.approx(0.1 * way["way_mm"], rel=0.05)


def test_a_way_back_that_other_rules_shape_is_not_judged_for_overshoot():
    way = set_points(HOME_Q + np.linspace(0, 1, 200)[:, None] * np.array([0.1, 0, 0, 0, 0, 0]))
    assert resume_overshoot(way, 0) is not None
    slower = dataclasses.replace(way[0].limits, max_speed_rad_s=0.5)
    on_the_way = [dataclasses.replace(point, limits=slower) if k > 100 else point for k, point in enumerate(way)]
    assert resume_overshoot(on_the_way, 0) is None
    narrow = dataclasses.replace(way[0].limits, workspace_radius_m=0.3)
    assert resume_overshoot([dataclasses.replace(point, limits=narrow) for point in way], 0) is None


def test_plans_keep_to_what_is_promised_and_repeat():
    for seed in range(60):
        plan = draw_plan(seed)
        assert draw_plan(seed) == plan
        networks = [plan.network, *(each for change in plan.changes for each in (change.hops or {}).values())]
        assert all(each.loss <= LOSS_MAX or each.loss == 1.0 for each in networks)
        dark_s = {}
        for change in plan.changes:
            for hop, settings in (change.hops or {}).items():
                if settings.loss == 1.0:
                    dark_s[hop] = change.at_s
                elif hop in dark_s:
                    assert change.at_s - dark_s.pop(hop) <= BLACKOUT_MAX_S + 1e-6
    steps = [change for seed in range(60) for change in draw_plan(seed).changes if change.steps_s]
    assert 15 < len(steps) < 45


def test_a_seeded_run_holds_in_time_breaks_no_limit_and_a_broken_study_goes_on(tmp_path):
    file = tmp_path / "runs.jsonl"
    runs = run_study(runs=2, seconds=3.0, jobs=1, resume=str(file))
    told = []
    again = run_study(runs=2, seconds=3.0, jobs=1, resume=str(file), tell=told.append)
    assert told == [2]
    assert [run["violations"] for run in again] == [run["violations"] for run in runs]
    summary = summarize(runs)
    assert not any(summary["violations"].values())
    assert summary["hold_count"] >= 2
    assert 70.0 < summary["to_hold_ms"]["max"] <= 100.0
    assert summary["longest_engaged_ms"] <= 100.0
    assert all(row.passed for row in run_rows(summary))
    with pytest.raises(ConfigError, match="another length"):
        run_study(runs=2, seconds=4.0, jobs=1, resume=str(file))


def test_the_command_writes_its_figures(tmp_path):
    assert main(["--runs", "0", "--fuzz", "300", "--report", str(tmp_path / "r.json")]) == 0
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert results["fuzz"]["datagrams"]["crashes"] == 0
    assert {"all: inputs that moved the arm", "datagrams: crashes"} <= {row["name"] for row in results["rows"]}
    with pytest.raises(ConfigError, match="nothing to do"):
        main(["--runs", "0"])


def killed(tmp_path, *, holds_after_ms):
    """The logs of a twin's end at 1 s; the arm holds so much later."""
    still = np.zeros(6)
    arm, twin = tmp_path / "run.arm.mcap", tmp_path / "run.twin.mcap"
    with SessionLog(arm, clock=VirtualClock(start_ns=1)) as log:
        for t_ms in range(0, 1900, 8):
            mode = Mode.HOLD if t_ms > 1000 + holds_after_ms else Mode.ENGAGED
            t_ns = t_ms * 1_000_000
            log.write(
                ArmState(t_ns=t_ns, q=HOME_Q, qd=still, q_shadows=np.tile(HOME_Q, (2, 1)), pose_t_ns=1, mode=mode),
                role="arm",
                t_ns=t_ns,
            )
    with SessionLog(twin, clock=VirtualClock(start_ns=1)) as log:
        for t_ms in range(0, 1000, 10):
            command = JointCommand(
                t_ns=1,
                q=HOME_Q,
                qd=still,
                q_shadows=np.tile(HOME_Q, (2, 1)),
                qd_shadows=np.tile(still, (2, 1)),
                pose_t_ns=1,
                mode=Mode.ENGAGED,
            )
            log.write(command, role="twin", t_ns=t_ms * 1_000_000)
    files = {"arm": arm, "twin": twin}
    kill = Kill(target="twin", t_ns=1_000_000_000, watched_s=0.9, files=files)
    return judge_kill(kill, {role: read_log(path) for role, path in files.items()} | {"operator": None})


def test_what_a_kill_did_is_read_off_the_others_logs(tmp_path):
    found = killed(tmp_path, holds_after_ms=82)
    assert found["followed_before"]
    assert found["reactions_ms"]["the arm holds"] == pytest.approx(88.0)
    assert found["reactions_ms"]["the operator asks for hold"] is None
    assert not found["as_documented"]
    assert found["longest_gap_ms"] == pytest.approx(8.0)
    assert found["log_missing_s"] == pytest.approx(0.01)
    assert not found["log_readable"], "the operator's could not be read"
    rows = {row.name: row for row in kill_rows(summarize_kills([found]))}
    assert rows["twin killed: the arm holds"].passed
    assert rows["twin killed: the operator asks for hold"].value is None


@pytest.mark.live
def test_a_killed_operator_is_noticed_by_twin_and_arm_and_leaves_a_log():
    from teletwin.bench.faults.kill import kill_all

    (found,) = kill_all(times=1, controller_host="127.0.22.11", targets=("operator",))
    assert found["followed_before"]
    assert found["as_documented"], found
    assert found["log_readable"]
