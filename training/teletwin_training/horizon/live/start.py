"""What a lesson begins with: a run's folder, a policy's file, the shipped policy, or the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from teletwin.errors import ConfigError
from teletwin.horizon.learned import policy_path
from teletwin.horizon.policy_file import PolicyFile, identity_policy, load_policy
from teletwin.horizon.rule import STOCK_ORIENTATION_LAG_S, STOCK_POSITION_LAG_S, RuleCfg
from teletwin_training.horizon.live.actor import awake, purpose_of
from teletwin_training.ppo import PpoCfg
from teletwin_training.ppo.checkpoint import CHECKPOINT_NAME, check_checkpoint

_POLICY_NAME = "policy.npz"


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """An actor, and where its critic is."""

    policy: PolicyFile
    checkpoint: Path | None
    """Checkpoint with critic and optimizer; None: the critic begins anew."""
    source: str
    """Where the policy comes from, in words."""

    def ppo(self, cfg: PpoCfg, *, own_critic_epochs: bool = False) -> PpoCfg:
        """Settings for going on from here.

        With `own_critic_epochs` the critic goes first as long as the start says, where it says anything: a
        meta-learned one brings a critic that knows the live reward.

        Raises:
            ConfigError: The checkpoint is not the policy's.
        """
        hidden = tuple(len(biases) for _, biases in self.policy.layers[:-1])
        cfg = replace(cfg, hidden=hidden)
        adaptation = self.policy.note.get("adaptation")
        if own_critic_epochs and self.checkpoint is not None and isinstance(adaptation, Mapping):
            cfg = replace(cfg, critic_first_epochs=int(adaptation["critic_epochs"]))
        if self.checkpoint is not None:
            counts = [len(self.policy.mean), len(self.policy.layers[-1][1])]
            check_checkpoint(self.checkpoint, purpose=purpose_of(self.policy), cfg=cfg, counts=counts)
        return cfg


def find_start(source: str, *, paper_mode: bool, seed: int) -> Start:
    """The start that a person named.

    Args:
        source: A run's folder, a policy's file (.npz), or nothing: the shipped policy, else the rule.
        paper_mode: The session's; the rule is then the sender's.
        seed: Of random layers where there are none yet.

    Raises:
        ConfigError: It is not there or cannot be used.
    """
    path = Path(source)
    if not source:
        policy, words = _default(paper_mode)
        return Start(policy=awake(policy, seed=seed), checkpoint=None, source=words)
    if not path.is_dir():
        return Start(policy=awake(load_policy(path), seed=seed), checkpoint=None, source=str(path))
    if not (path / _POLICY_NAME).is_file():
        raise ConfigError("the folder holds no policy", given=path, allowed=f"a run's folder with {_POLICY_NAME}")
    candidates = (path / "ppo" / CHECKPOINT_NAME, path / CHECKPOINT_NAME)
    checkpoint = next((each for each in candidates if each.is_file()), None)
    policy = load_policy(path / _POLICY_NAME)
    return Start(policy=awake(policy, seed=seed), checkpoint=checkpoint, source=str(path))


def _default(paper_mode: bool) -> tuple[PolicyFile, str]:
    """The shipped policy where it suits the session, else one that acts as the rule."""
    if paper_mode:
        lags = RuleCfg(
            late_binding=False, position_lag_s=STOCK_POSITION_LAG_S, orientation_lag_s=STOCK_ORIENTATION_LAG_S
        )
        return replace(identity_policy("rich", "sender"), rule=lags), "the rule"
    try:
        return load_policy(policy_path("")), "the shipped policy"
    except ConfigError:
        return identity_policy(), "the rule"
