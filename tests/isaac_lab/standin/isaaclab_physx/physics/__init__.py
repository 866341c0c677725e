"""`isaaclab_physx.physics`."""

from isaaclab.strict import cfg_class

PhysxCfg = cfg_class("PhysxCfg", __name__, "solver_type")
