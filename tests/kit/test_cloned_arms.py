"""Arms cloned in Isaac Sim are a batch like any other."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

from teletwin.errors import ConfigError, RobotError
from teletwin.robot.drives import load_drives
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES

pytest.importorskip("pxr")
from fake_motion import install_cloning
from pxr import Usd, UsdGeom, UsdPhysics  # noqa: TID253

from teletwin.kit.cloned import ClonedArmsCfg, author_first_arm, build_cloned_arms

COUNT = 4


@pytest.fixture(params=["5.1.0", "6.0.1"])
def kit(request, monkeypatch):
    return install_cloning(monkeypatch, request.param)


@pytest.fixture
def arms(kit):
    return build_cloned_arms(ClonedArmsCfg(count=COUNT))


def targets():
    return HOME_Q + np.random.default_rng(2).uniform(-0.2, 0.2, (COUNT, 6))


def test_every_arm_starts_at_home_and_comes_to_its_own_target(arms):
    assert arms.count == COUNT
    assert arms.q == pytest.approx(np.tile(HOME_Q, (COUNT, 1)), abs=1e-6)
    for _ in range(50):
        arms.step(targets(), 0.01)
    assert arms.q == pytest.approx(targets(), abs=1e-5)
    assert np.abs(arms.qd).max() < 1e-3


def test_physics_is_stepped_in_its_own_steps_and_the_rest_is_carried_over(kit, arms):
    for _ in range(10):
        arms.step(targets(), 0.003)
    assert kit.steps == 15


def test_a_reset_of_some_leaves_the_others_alone(arms):
    for _ in range(20):
        arms.step(targets(), 0.01)
    before = arms.q.copy()
    arms.reset(np.zeros((2, 6)), rows=np.array([2, 0]))
    assert not arms.q[[0, 2]].any()
    arms.step(np.where(np.isin(np.arange(COUNT), [0, 2])[:, None], 0.0, before), 0.002)
    assert arms.q[[1, 3]] == pytest.approx(before[[1, 3]], abs=1e-6)
    assert np.abs(arms.q[[0, 2]]).max() < 1e-6


def test_joints_are_found_by_name_and_the_velocity_is_fed_forward(kit, arms):
    arms.step(HOME_Q + np.full((COUNT, 6), 0.004), 0.002)
    assert kit.articulations[0].dof_names[0] == "gripper_joint"
    assert kit.articulations[0].velocity_targets[:, 0] == pytest.approx(0.0)
    assert kit.articulations[0].velocity_targets[:, 1:] == pytest.approx(2.0, rel=1e-3)


def test_the_clones_do_not_meet_and_physics_is_replicated_on_the_device_asked_for(kit, arms):
    assert kit.filtered == ("/World/collisions", COUNT)
    assert kit.replicated
    assert kit.device == "cuda"


def test_every_clone_has_the_drives_of_the_shown_arm_and_no_weight(kit, arms):
    (view,), drives = kit.articulations, load_drives()
    for name in ("stiffness", "damping", "effort", "armature"):
        assert view.drives[name] == dict(zip(JOINT_NAMES, getattr(drives, name), strict=True))
    assert not view.gravity.any()


def test_the_environment_that_is_cloned_holds_one_ur3e_turned_into_the_ur_base_frame():
    stage = Usd.Stage.CreateInMemory()
    path = author_first_arm(stage, ClonedArmsCfg(count=1, timestep_s=0.004))
    scenes = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.Scene)]
    assert scenes[0].GetAttribute("physxScene:timeStepsPerSecond").Get() == 250
    joints = [prim for prim in stage.Traverse() if prim.IsA(UsdPhysics.RevoluteJoint)]
    assert len(joints) == 6
    at = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(stage.GetPrimAtPath(f"{path}/base/arm"))).T
    assert at == pytest.approx(np.diag([-1.0, -1.0, 1.0, 1.0]), abs=1e-12)


def test_a_stage_with_other_arms_than_asked_for_is_refused(kit, tmp_path):
    empty = tmp_path / "empty.usda"
    stage = Usd.Stage.CreateNew(str(empty))
    stage.SetDefaultPrim(stage.DefinePrim("/thing", "Xform"))
    stage.GetRootLayer().Save()
    with pytest.raises(RobotError, match="0 articulations"):
        build_cloned_arms(ClonedArmsCfg(count=2, robot_usd=str(empty)))


@pytest.mark.parametrize(
    ("values", "word"),
    [({"count": 0}, "number of arms"), ({"timestep_s": 1.0}, "timestep_s"), ({"device": "tpu"}, "device")],
)
def test_settings_that_make_no_sense_are_refused(values, word):
    with pytest.raises(ConfigError, match=word):
        ClonedArmsCfg(**{"count": 1, **values})


@pytest.mark.parametrize("version", ["5.1.0", "6.0.1"])
def test_the_stand_ins_have_the_signatures_of_the_api_index(isaac_api, version, monkeypatch):
    index = json.loads((isaac_api / f"{version}.json").read_text())
    modules = install_cloning(monkeypatch, version).modules
    manager = index["isaacsim.core.simulation_manager"]["SimulationManager"]["methods"]
    for name, fake in vars(modules["isaacsim.core.simulation_manager"].SimulationManager).items():
        assert list(inspect.signature(fake).parameters) == [row[0] for row in manager[name]], name
    for module, name in (
        ("isaacsim.core.cloner", "GridCloner"),
        ("isaacsim.core.experimental.prims", "Articulation"),
    ):
        methods = index[module][name]["methods"]
        fake = getattr(modules[module], name)
        for method in [each for each in dir(fake) if each in methods]:
            given = [each for each in inspect.signature(getattr(fake, method)).parameters if each != "self"]
            assert given == [row[0] for row in methods[method]], method
