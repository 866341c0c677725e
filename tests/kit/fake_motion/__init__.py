"""Strict stand-ins for Isaac Sim's motion policies, with the habits that surprise their users.

Signatures are those of 5.1.0 and 6.0.1; an unknown name or argument raises. Accelerations come from our RMPflow
in the frame of base_link, so that frames, units and quaternion order must be right for the arm to go anywhere.
"""

from __future__ import annotations

import sys
import types

from . import cumotion_api, lula_api

LULA = "isaacsim.robot_motion.motion_generation"
CUMOTION = "isaacsim.robot_motion.cumotion"
STATES = "isaacsim.robot_motion.experimental.motion_generation"
STAGE = "isaacsim.core.experimental.utils"


def install(monkeypatch, *, version="6.0.1", metres_per_unit=1.0, joint_names=None):
    """Put the stand-ins of a version into sys.modules for one test."""
    lula = lula_api.make_module(metres_per_unit, joint_names)
    _module(monkeypatch, LULA, RmpFlow=lula.RmpFlow)
    loader = lula.load_supported_motion_policy_config
    _module(monkeypatch, f"{LULA}.interface_config_loader", load_supported_motion_policy_config=loader)
    _module(monkeypatch, STAGE, stage=types.SimpleNamespace(get_stage_units=lambda: metres_per_unit))
    if version.startswith("6"):
        names = ("JointState", "SpatialState", "RobotState")
        _module(monkeypatch, STATES, **{name: getattr(cumotion_api, name) for name in names})
        names = ("CumotionWorldInterface", "RmpFlowController", "load_cumotion_robot")
        _module(monkeypatch, CUMOTION, **{name: getattr(cumotion_api, name) for name in names})
    else:
        monkeypatch.setitem(sys.modules, CUMOTION, None)


def install_cloning(monkeypatch, version):
    """Put an application that can clone arms into sys.modules; return it."""
    from .cloned_api import FakeKit

    kit = FakeKit(version)
    for name, members in kit.modules.items():
        _module(monkeypatch, name, **vars(members))
    return kit


def _module(monkeypatch, name, **members):
    parts = name.split(".")
    for count in range(1, len(parts)):
        parent = ".".join(parts[:count])
        if parent not in sys.modules:
            package = types.ModuleType(parent)
            package.__path__ = []
            monkeypatch.setitem(sys.modules, parent, package)
    module = types.ModuleType(name)
    if len(parts) > 1:
        monkeypatch.setattr(sys.modules[".".join(parts[:-1])], parts[-1], module, raising=False)
    module.__path__ = []
    for key, value in members.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, name, module)
