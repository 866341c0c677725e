"""`isaaclab.scene`."""

from isaaclab.strict import cfg_class

InteractiveSceneCfg = cfg_class(
    "InteractiveSceneCfg", __name__, "num_envs env_spacing replicate_physics clone_in_fabric"
)
