"""teletwin's UR3e for Isaac Lab: its USD, whose drives hold the gains, hung without gravity."""

from __future__ import annotations

import isaaclab.sim as sim_utils
from isaaclab.actuators import ImplicitActuatorCfg
from isaaclab.assets import ArticulationCfg
from isaaclab_newton.sim.schemas import MujocoRigidBodyCfg
from isaaclab_physx.sim.schemas import PhysxRigidBodyCfg

from teletwin.assets import asset_path
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES

UR3E_CFG = ArticulationCfg(
    spawn=sim_utils.UsdFileCfg(
        usd_path=str(asset_path("robots", "ur3e", "ur3e.usda")),
        # Without gravity in PhysX, and in Newton's MuJoCo, which does not heed the first.
        rigid_props=[PhysxRigidBodyCfg(disable_gravity=True), MujocoRigidBodyCfg(gravcomp=1.0)],
        activate_contact_sensors=False,
    ),
    init_state=ArticulationCfg.InitialStateCfg(joint_pos=dict(zip(JOINT_NAMES, HOME_Q.tolist(), strict=True))),
    actuators={
        "arm": ImplicitActuatorCfg(
            joint_names_expr=list(JOINT_NAMES),
            stiffness=None,  # those of the USD: one source for every simulator
            damping=None,
        )
    },
)
"""The arm alone, at teletwin's home; its bodies hang without gravity, as a controller that knows its arm has it."""
