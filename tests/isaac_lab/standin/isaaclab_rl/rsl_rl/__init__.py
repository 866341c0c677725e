"""`isaaclab_rl.rsl_rl`."""

from isaaclab.strict import cfg_class

RslRlMLPModelCfg = cfg_class("RslRlMLPModelCfg", __name__, "hidden_dims activation obs_normalization distribution_cfg")
RslRlMLPModelCfg.GaussianDistributionCfg = cfg_class("GaussianDistributionCfg", __name__, "init_std std_type")
RslRlPpoAlgorithmCfg = cfg_class(
    "RslRlPpoAlgorithmCfg",
    __name__,
    "value_loss_coef use_clipped_value_loss clip_param entropy_coef num_learning_epochs num_mini_batches learning_rate"
    " schedule gamma lam desired_kl max_grad_norm",
)
RslRlOnPolicyRunnerCfg = cfg_class(
    "RslRlOnPolicyRunnerCfg",
    __name__,
    "num_steps_per_env max_iterations save_interval experiment_name clip_actions obs_groups actor critic algorithm",
)
