"""`isaaclab.actuators`."""

from isaaclab.strict import cfg_class

ImplicitActuatorCfg = cfg_class(
    "ImplicitActuatorCfg",
    __name__,
    "joint_names_expr stiffness damping armature friction joint_effort_limit joint_velocity_limit",
)
