"""`isaaclab_physx.sim.schemas`."""

from isaaclab.strict import cfg_class

PhysxRigidBodyCfg = cfg_class("PhysxRigidBodyCfg", __name__, "disable_gravity max_depenetration_velocity")
