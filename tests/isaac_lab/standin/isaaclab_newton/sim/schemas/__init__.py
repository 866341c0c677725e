"""`isaaclab_newton.sim.schemas`."""

from isaaclab.strict import cfg_class

MujocoRigidBodyCfg = cfg_class("MujocoRigidBodyCfg", __name__, "gravcomp")
