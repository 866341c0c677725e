"""rsl_rl's PPO."""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_rl.rsl_rl import RslRlMLPModelCfg, RslRlOnPolicyRunnerCfg, RslRlPpoAlgorithmCfg


@configclass
class HorizonPPORunnerCfg(RslRlOnPolicyRunnerCfg):
    """Small steps around the rule, which is action 0."""

    num_steps_per_env = 32
    max_iterations = 300
    save_interval = 50
    experiment_name = "teletwin_horizon"
    clip_actions = 1.0
    obs_groups = {"actor": ["policy"], "critic": ["policy"]}  # noqa: RUF012
    actor = RslRlMLPModelCfg(
        hidden_dims=[64, 64],
        activation="elu",
        obs_normalization=False,
        distribution_cfg=RslRlMLPModelCfg.GaussianDistributionCfg(init_std=0.135),
    )
    critic = RslRlMLPModelCfg(hidden_dims=[64, 64], activation="elu", obs_normalization=False)
    algorithm = RslRlPpoAlgorithmCfg(
        value_loss_coef=2.0,
        use_clipped_value_loss=True,
        clip_param=0.2,
        entropy_coef=0.0,
        num_learning_epochs=5,
        num_mini_batches=4,
        learning_rate=3.0e-3,
        schedule="adaptive",
        gamma=0.8,
        lam=0.9,
        desired_kl=0.01,
        max_grad_norm=1.0,
    )
