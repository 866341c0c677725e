"""The extension's parts one by one: events, pace, hold gate, scene, world, camera."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fake import FakeKit, kit

from teletwin.clock import VirtualClock
from teletwin.errors import RobotError
from teletwin.geometry import quat_to_matrix
from teletwin.link import Received
from teletwin.messages import CURVE_KNOTS, ForecastPacket, Horizons, Mode, Note
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, tool_pose_in_ur_base
from teletwin.sim.mujoco_world import MujocoWorld
from teletwin.view.camera import Camera

pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Gf, Usd, UsdGeom, UsdPhysics  # noqa: TID253

VERSIONS = ("5.1", "6.0")


@pytest.fixture(params=VERSIONS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeKit]:
    with kit(request.param) as made:
        yield made


# Events


def test_every_event_arrives_until_its_guard_is_closed(fake: FakeKit) -> None:
    from teletwin.kit import events

    heard: list[object] = []
    guards = [
        events.on_update(lambda: heard.append("update")),
        events.on_new_frame(lambda event: heard.append("frame")),
        events.on_timeline(heard.append),
        events.on_stage(heard.append),
        events.on_physics_ready(lambda: heard.append("ready")),
        events.on_physics_step(lambda dt_s: heard.append(dt_s)),
    ]
    fake.timeline.play()
    fake.turn(dt_s=0.004, steps=2)
    assert heard == ["play", "update", "ready", 0.004, 0.004, "frame"]
    heard.clear()
    fake.timeline.pause()
    fake.timeline.stop()
    fake.context.open()
    assert heard == ["pause", "stop", "closing", "opened"]
    heard.clear()
    for guard in guards:
        guard.close()
        guard.close()  # twice is once
    fake.timeline.play()
    fake.turn()
    assert heard == []
    guards.clear()
    assert fake.leftovers() == []


def test_a_bound_method_stays_called_although_the_host_holds_it_weakly(fake: FakeKit) -> None:
    from teletwin.kit import events

    class Counter:
        count = 0

        def step(self, dt_s: float) -> None:
            Counter.count += 1

    guard = events.on_physics_step(Counter().step)
    fake.timeline.play()
    fake.turn(steps=3)
    assert Counter.count == 3
    guard.close()


# Pace


def test_the_steps_of_a_burst_lie_a_step_apart_and_follow_the_clock() -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace, instants = StepPace(clock), []
        random = np.random.default_rng(1)
        for turn in range(400):
            clock.sleep_until(10**9 + turn * 16_000_000 + int(random.uniform(0.0, 3e6)))
            pace.begin_update()
            instants += [pace.step(0.004) for _ in range(4)]
        apart_ms = 1e-6 * np.diff(instants)
        assert apart_ms.min() > 3.8
        assert apart_ms.max() < 4.2
        assert abs(instants[-4] - clock.now_ns()) < 5_000_000
        clock.sleep_until(clock.now_ns() + 10**9)
        pace.begin_update()
        assert pace.step(0.004) == clock.now_ns()


def test_a_simulation_at_half_speed_has_its_steps_stretched_to_real_time() -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace, instants = StepPace(clock), []
        for turn in range(400):
            clock.sleep_until(10**9 + turn * 32_000_000)
            pace.begin_update()
            instants += [pace.step(0.004) for _ in range(4)]
        late_ms = 1e-6 * np.diff(instants[-400:])
        assert late_ms.min() > 7.5
        assert late_ms.max() < 8.5
        assert abs(instants[-4] - clock.now_ns()) < 16_000_000


def test_instants_never_go_back_when_the_simulation_runs_ahead() -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace = StepPace(clock)
        instants = []
        for _ in range(300):
            pace.begin_update()
            instants.append(pace.step(0.004))
        assert min(np.diff(instants)) > 0


@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_the_ratio_of_simulated_to_wall_time_is_measured(ratio: float) -> None:
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock, random = VirtualClock(start_ns=10**9), np.random.default_rng(2)
        pace, ratios = StepPace(clock), []
        for turn in range(int(200 * ratio)):
            clock.sleep_until(10**9 + round(turn * 16.667e6 / ratio + random.uniform(0.0, 2e6)))
            pace.begin_update()
            for _ in range(4 + (turn % 6 == 0)):
                pace.step(0.004)
            ratios.append(pace.ratio)
        settled = ratios[int(120 * ratio) :]
        assert np.median(settled) == pytest.approx(ratio, rel=0.02)
        assert max(abs(each / ratio - 1.0) for each in settled) < 0.15
        assert 1.0 / pace.scale == pytest.approx(pace.ratio)


def test_a_simulation_that_stalls_has_no_ratio_and_goes_on_at_its_old_speed() -> None:
    """Else the drives would be told ten times the speed in the moment that it goes on."""
    with kit("6.0"):
        from teletwin.kit.pace import StepPace

        clock = VirtualClock(start_ns=10**9)
        pace = StepPace(clock)

        def turn(steps: int) -> None:
            clock.sleep_until(clock.now_ns() + 16_000_000)
            pace.begin_update()
            for _ in range(steps):
                pace.step(0.004)

        for steps in [4] * 100 + [0] * 200:
            turn(steps)
        assert pace.ratio == 0.0
        for _ in range(60):
            turn(4)
            assert pace.scale < 1.3
        assert pace.ratio == pytest.approx(1.0, abs=0.1)
        pace.rest()
        assert pace.ratio > 0.9


# Hold


def packet(mode: Mode) -> Received:
    pose = tool_pose_in_ur_base(HOME_Q)
    message = ForecastPacket(
        t_ns=5, pose=pose, curve=np.tile(pose, (CURVE_KNOTS, 1)), horizons=Horizons(), mode=mode, slot=1
    )
    return Received(message=message, peer="operator", seq=1, t_sent_ns=5, t_arrived_ns=6, raw=b"raw")


class OneLink:
    """Gives what it was given."""

    def __init__(self, *items: Received) -> None:
        self.items = list(items)

    def receive(self) -> list[Received]:
        return self.items


def test_while_held_every_packet_asks_for_hold_and_nothing_else_changes() -> None:
    with kit("6.0"):
        from teletwin.kit.gate import HoldGate

        note = dataclasses.replace(packet(Mode.OFF), message=Note(kind="reset"))
        gate = HoldGate(OneLink(packet(Mode.ENGAGED), packet(Mode.OFF), note))  # type: ignore[arg-type]
        assert [getattr(item.message, "mode", None) for item in gate.receive()] == [Mode.ENGAGED, Mode.OFF, None]
        gate.held = True
        held = gate.receive()
        assert [getattr(item.message, "mode", None) for item in held] == [Mode.HOLD, Mode.OFF, None]
        assert held[0].message.slot == 1
        assert held[0].raw == b"raw"


# Scene


@pytest.fixture
def stage(fake: FakeKit) -> Any:
    from teletwin.assets import asset_path
    from teletwin.kit.scene import SceneCfg, build_scene

    cfg = SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")))
    stage = fake.context.get_stage()
    stage_objects = build_scene(stage, cfg)
    assert build_scene(stage, cfg) == stage_objects  # a second Start changes nothing
    return stage


def test_the_objects_stand_where_the_embedded_world_has_them_and_weigh_the_same(stage: Any) -> None:
    world = MujocoWorld()
    world.reset(HOME_Q)
    cache = UsdGeom.XformCache()
    for described, pose in zip(world.objects, world.object_poses, strict=True):
        prim = stage.GetPrimAtPath(f"/World/teletwin/{described.name}")
        matrix = cache.GetLocalToWorldTransform(prim)
        np.testing.assert_allclose(matrix.ExtractTranslation(), pose[:3], atol=1e-9)
        rotation = np.array(matrix.RemoveScaleShear().ExtractRotationMatrix()).T
        np.testing.assert_allclose(rotation, quat_to_matrix(pose[3:]), atol=1e-7)
        box = UsdGeom.Boundable(prim).ComputeLocalBound(Usd.TimeCode.Default(), "default").ComputeAlignedRange()
        assert box.GetSize()[2] == pytest.approx(_height_m(described), abs=1e-6)
        assert UsdPhysics.MassAPI(prim).GetMassAttr().Get() > 0.0
        assert prim.HasAPI(UsdPhysics.RigidBodyAPI)
        assert prim.HasAPI(UsdPhysics.CollisionAPI)


def _height_m(described: Any) -> float:
    return 2.0 * described.size[{"box": 2, "cylinder": 1, "sphere": 0}[described.kind]]


def test_the_table_is_at_height_zero_and_does_not_move(stage: Any) -> None:
    table = stage.GetPrimAtPath("/World/teletwin/table")
    box = UsdGeom.Imageable(table).ComputeWorldBound(Usd.TimeCode.Default(), "default").ComputeAlignedRange()
    assert box.GetMax()[2] == pytest.approx(0.0, abs=1e-9)
    assert table.HasAPI(UsdPhysics.CollisionAPI)
    assert not table.HasAPI(UsdPhysics.RigidBodyAPI)


def test_the_world_is_the_ur_base_frame(stage: Any) -> None:
    """At zero joints the tool of the stage's arm is where our kinematics put it in the UR base frame."""
    tool = stage.GetPrimAtPath("/World/ur3e/wrist_3_link/flange/tool0")
    position = UsdGeom.XformCache().GetLocalToWorldTransform(tool).ExtractTranslation()
    np.testing.assert_allclose(position, tool_pose_in_ur_base(np.zeros(6))[:3], atol=1e-6)


def test_the_physics_rate_is_authored_and_gravity_points_down(stage: Any) -> None:
    (scene,) = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert scene.GetAttribute("physxScene:timeStepsPerSecond").Get() == 250
    assert UsdPhysics.Scene(scene).GetGravityDirectionAttr().Get() == Gf.Vec3f(0.0, 0.0, -1.0)


def test_a_physics_scene_that_is_there_is_used(fake: FakeKit) -> None:
    from teletwin.assets import asset_path
    from teletwin.kit.scene import SceneCfg, build_scene

    stage = fake.context.get_stage()
    UsdPhysics.Scene.Define(stage, "/physicsScene")
    build_scene(stage, SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")), physics_rate_hz=500.0))
    (scene,) = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert str(scene.GetPath()) == "/physicsScene"
    assert scene.GetAttribute("physxScene:timeStepsPerSecond").Get() == 500


def test_the_camera_sees_what_the_embedded_renderers_camera_sees(stage: Any) -> None:
    prim = stage.GetPrimAtPath("/World/teletwin/camera")
    frustum = UsdGeom.Camera(prim).GetCamera(Usd.TimeCode.Default()).frustum
    ours, width, height = Camera(), 640, 360
    matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
    for point in ((-0.38, -0.13, 0.24), (0.0, 0.0, 0.1), (-0.3, 0.2, 0.0)):
        x, y, _ = matrix.Transform(Gf.Vec3d(*point))
        pixel = ((0.5 + 0.5 * x) * width, (0.5 - 0.5 * y) * height)
        np.testing.assert_allclose(pixel, ours.project(np.array(point), width, height), atol=0.05)


def test_an_asset_with_single_precision_keeps_it(fake: FakeKit) -> None:
    from teletwin.kit.scene import place

    shape = UsdGeom.Xform.Define(fake.context.get_stage(), "/single")
    shape.AddOrientOp(UsdGeom.XformOp.PrecisionFloat).Set(Gf.Quatf(1.0, 0.0, 0.0, 0.0))
    place(shape, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))
    matrix = UsdGeom.XformCache().GetLocalToWorldTransform(shape.GetPrim())
    np.testing.assert_allclose(matrix.Transform(Gf.Vec3d(1.0, 0.0, 0.0)), (0.0, 2.0, 3.0), atol=1e-6)


# World


def simulated(fake: FakeKit) -> Any:
    """A world attached to the stage's arm, physics playing."""
    from teletwin.assets import asset_path
    from teletwin.kit.scene import SceneCfg, build_scene
    from teletwin.kit.world import IsaacWorld, simulated_prims

    cfg = SceneCfg(robot_usd=str(asset_path("robots", "ur3e", "ur3e.usda")))
    objects = build_scene(fake.context.get_stage(), cfg)
    world = IsaacWorld()
    fake.timeline.play()
    fake.turn(steps=0)
    world.attach(*simulated_prims(cfg.robot_path, objects))
    return world


def test_the_arm_starts_where_it_was_put_and_follows_its_target(fake: FakeKit) -> None:
    world = simulated(fake)
    start = HOME_Q + 0.1
    world.reset(start)
    world.flush()
    world.refresh()
    np.testing.assert_allclose(world.q, start, atol=1e-6)
    np.testing.assert_allclose(world.qd, 0.0)
    for k in range(50):
        world.step(start + 0.002 * (k + 1), 0.004)
        world.flush()
        fake.physics.step(0.004)
        world.refresh()
    np.testing.assert_allclose(world.q, start + 0.1, atol=0.005)
    np.testing.assert_allclose(world.qd, 0.5, atol=0.05)


def test_a_jump_of_the_target_feeds_no_impossible_speed_forward(fake: FakeKit) -> None:
    from teletwin.robot.ur3e import JointLimits

    world = simulated(fake)
    world.step(HOME_Q + 1.0, 0.004)
    assert (np.abs(world._velocity) <= JointLimits().velocity).all()


def test_before_and_after_a_simulation_the_world_answers_with_its_target(fake: FakeKit) -> None:
    from teletwin.kit.world import IsaacWorld

    world = IsaacWorld()
    assert not world.is_attached
    world.step(HOME_Q + 0.2, 0.004)
    np.testing.assert_allclose(world.q, HOME_Q + 0.2)
    assert world.object_poses.shape == (0, 7)
    world = simulated(fake)
    assert world.is_attached
    assert world.object_poses.shape == (5, 7)
    fake.timeline.stop()
    fake.turn()
    assert not world.is_attached


def test_joints_are_found_by_name_among_others(fake: FakeKit) -> None:
    from teletwin.kit.world import _joint_index

    class Other:
        dof_names = ("finger_joint", *reversed(JOINT_NAMES))

    assert _joint_index(Other()) == [6, 5, 4, 3, 2, 1]
    Other.dof_names = ("finger_joint", *JOINT_NAMES[1:])
    with pytest.raises(RobotError, match=r"not a UR3e.*finger_joint"):
        _joint_index(Other())


# Camera


def test_the_camera_gives_pictures_of_the_size_asked_for_once_the_renderer_is_warm(fake: FakeKit) -> None:
    from teletwin.kit.camera import CameraSource

    UsdGeom.Camera.Define(fake.context.get_stage(), "/camera")
    with CameraSource("/camera", 64, 36) as source:
        assert source.read() is None
        for _ in range(5):
            fake.turn(steps=0)
        rendered = source.read()
        assert rendered is not None
        assert rendered.pixels.shape == (36, 64, 3)
        assert rendered.pixels.flags.c_contiguous
        source.resize(128, 72)
        assert source.read() is None
        for _ in range(5):
            fake.turn(steps=0)
        assert source.read().pixels.shape == (72, 128, 3)  # type: ignore[union-attr]
        assert len(fake.leftovers()) == 3
    assert fake.leftovers() == []


def test_the_focal_length_gives_the_cameras_angle(stage: Any) -> None:
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/World/teletwin/camera"))
    half = 0.5 * camera.GetVerticalApertureAttr().Get() / camera.GetFocalLengthAttr().Get()
    assert 2.0 * math.degrees(math.atan(half)) == pytest.approx(Camera().vertical_fov_deg, abs=1e-3)


def test_the_encoder_of_a_gpu_gives_one_packet_a_picture_and_key_frames_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With x264 in NVENC's place: the same calls, where no GPU is."""
    from teletwin.messages import ViewSettings
    from teletwin.view.decoder import Decoder

    with kit("6.0"):
        from teletwin.kit import nvenc

        monkeypatch.setattr(nvenc, "CODEC", "libx264")
        monkeypatch.setattr(nvenc, "OPTIONS", {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"})
        settings = ViewSettings(width=160, height=90)
        encoder, name = nvenc.open_encoder(settings, "nvenc")
        assert name == "nvenc"
        picture = np.full((90, 160, 3), 90, dtype=np.uint8)
        encoded = [encoder.encode(picture, frame_id=k, force_key=k in (0, 3)) for k in range(5)]
        assert [each.is_key for each in encoded] == [True, False, False, True, False]
        shown = Decoder().decode(encoded[0].data, codec="h264", is_key=True)
        assert shown is not None
        assert abs(float(shown.mean()) - 90.0) < 4.0
        assert encoder.configure(dataclasses.replace(settings, width=320, height=180))
        assert encoder.encode(np.zeros((180, 320, 3), dtype=np.uint8), frame_id=9, force_key=True).is_key
        encoder.close()
