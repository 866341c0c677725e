"""The task's settings as `teletwin_training` has them, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teletwin.errors import ConfigError
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.timing import TICKS_PER_SLOT

if TYPE_CHECKING:
    from isaaclab_teletwin.tasks.horizon.horizon_env_cfg import HorizonEnvCfg

TICK_S = 0.002
"""Of the controller's servo law, and of the physics [s]."""
SLOT_S = TICKS_PER_SLOT * TICK_S
HOLD_SLOTS = 4
"""Slots of 10 ms that an action lasts: noise that changed every slot would shake the arm more than it taught."""


def check_times(cfg: HorizonEnvCfg) -> None:
    """Refuse a physics step that is not the servo law's tick, and actions that do not last whole slots.

    Raises:
        ConfigError: They do not fit.
    """
    if abs(cfg.sim.dt - TICK_S) > 1e-9 or cfg.decimation < TICKS_PER_SLOT or cfg.decimation % TICKS_PER_SLOT:
        raise ConfigError(
            "the loop cannot be stepped so",
            given=f"sim.dt {cfg.sim.dt:g}, decimation {cfg.decimation}",
            allowed=f"sim.dt {TICK_S:g}, decimation a multiple of {TICKS_PER_SLOT}",
        )


def check_one_by_one(env: Any) -> None:
    """Refuse a physics that makes all steps of an action at once: the loop goes on between them.

    Raises:
        ConfigError: It does.
    """
    if getattr(env, "_physics_handles_decimation", False):
        raise ConfigError(
            "the physics takes all steps of an action at once",
            given="actuators of Newton's own",
            allowed="implicit actuators, between whose steps the loop goes on",
            mend="leave UR3E_CFG's actuators as they are, or set sim.use_newton_actuators to False",
        )


def draws_cfg(cfg: HorizonEnvCfg) -> EnvCfg:
    """What episodes draw, how long they are, and what they are rewarded by."""
    arm, arm_turn, picture, picture_turn = (float(weight) for weight in cfg.weights)
    return EnvCfg(
        envs=cfg.scene.num_envs,
        episode_slots=round(cfg.episode_length_s / SLOT_S),
        settle_slots=round(cfg.settle_s / SLOT_S),
        servo_lag_spread_s=cfg.servo_lag_spread_s,
        weights=(arm, arm_turn, picture, picture_turn),
        seed=max(cfg.seed or 0, 0),
    )
