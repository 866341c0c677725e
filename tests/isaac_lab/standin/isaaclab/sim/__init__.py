"""`isaaclab.sim`."""

from isaaclab.strict import cfg_class

SimulationCfg = cfg_class("SimulationCfg", __name__, "device dt gravity render_interval physics use_newton_actuators")
UsdFileCfg = cfg_class(
    "UsdFileCfg", __name__, "usd_path rigid_props articulation_props activate_contact_sensors variants"
)
DistantLightCfg = cfg_class("DistantLightCfg", __name__, "intensity color")
