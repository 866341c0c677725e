"""Settings of the horizon task."""

from __future__ import annotations

import isaaclab.sim as sim_utils
from isaaclab.assets import ArticulationCfg, AssetBaseCfg
from isaaclab.envs import DirectRLEnvCfg
from isaaclab.scene import InteractiveSceneCfg
from isaaclab.sim import SimulationCfg
from isaaclab.utils import configclass, replace
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

from isaaclab_teletwin.assets.ur3e import UR3E_CFG
from isaaclab_teletwin.tasks.horizon.settings import HOLD_SLOTS, TICK_S
from teletwin.horizon.action import ACTION_COUNTS
from teletwin.horizon.observation import RICH_NAMES
from teletwin_training.horizon.ground import HANDS
from teletwin_training.horizon.timing import TICKS_PER_SLOT


@configclass
class HorizonPhysicsCfg(PresetCfg):
    """What moves the arms; `physics=isaacsim_physx` on the command line takes Isaac Sim's."""

    isaacsim_physx: PhysxCfg = PhysxCfg()
    newton_mjwarp: NewtonCfg = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=20,
            nconmax=1,
            iterations=10,
            ls_iterations=10,
            integrator="implicitfast",
            disable_contacts=True,
            disable_sensors=True,
        ),
        num_substeps=1,
        use_cuda_graph=True,
    )
    default: NewtonCfg = newton_mjwarp


@configclass
class HorizonSceneCfg(InteractiveSceneCfg):
    """An arm each; hands and networks are tables, so nothing else stands there."""

    robot: ArticulationCfg = replace(UR3E_CFG, prim_path="{ENV_REGEX_NS}/Robot")
    light = AssetBaseCfg(prim_path="/World/Light", spawn=sim_utils.DistantLightCfg(intensity=2000.0))


@configclass
class HorizonEnvCfg(DirectRLEnvCfg):
    """teletwin's horizon task; what stands below `scene` is as in `teletwin_training.horizon.environment.EnvCfg`."""

    decimation: int = TICKS_PER_SLOT * HOLD_SLOTS
    """Ticks that an action lasts; whole slots of 10 ms."""
    episode_length_s: float = 8.0
    action_space: int = ACTION_COUNTS["late"]
    observation_space: int = len(RICH_NAMES)
    state_space: int = 0

    sim: SimulationCfg = SimulationCfg(dt=TICK_S, render_interval=decimation, physics=HorizonPhysicsCfg())
    scene: HorizonSceneCfg = HorizonSceneCfg(num_envs=1024, env_spacing=1.5, replicate_physics=True)

    hands: list[str] = list(HANDS)  # noqa: RUF012
    """What moves, by name or path; see `teletwin.hand.load_hand`."""
    forecaster: str = "arma"
    condition: str = "mixed"
    """Networks that are drawn; see `teletwin_training.horizon.conditions.CONDITIONS`."""
    sessions: int = 16
    """How many of them."""
    ground_seed: int = 0
    """Of the networks; what episodes draw has the seed of the run."""
    settle_s: float = 1.5
    """At an episode's beginning, without reward: the arm comes from rest."""
    servo_lag_spread_s: float = 0.012
    """The arm's lag is drawn within this of its usual one [s]."""
    weights: list[float] = [1.0, 0.3, 1.0, 0.3]  # noqa: RUF012
    """Of the normalised squares: arm's position and orientation, the picture's position and orientation."""
    beside_rule: bool = True
    """Take off the reward what the rule, its arm a lag, would have got there: less noise to learn through."""
