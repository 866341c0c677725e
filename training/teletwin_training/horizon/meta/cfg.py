"""How a start is meta-learned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from teletwin.errors import ConfigError
from teletwin_training.horizon.closed_loop_env import ClosedLoopCfg
from teletwin_training.horizon.live.cfg import LIVE_PPO, check_spread
from teletwin_training.horizon.meta.lessons import SWAP_SLOTS
from teletwin_training.horizon.step_simulated import PPO, SimulatedCfg
from teletwin_training.ppo import PpoCfg

Method = Literal["maml", "reptile"]
INNER_PPO = replace(LIVE_PPO, critic_first_epochs=0)
"""The live learner; its critic need not go first, since the start brings one that knows the live reward."""


@dataclass(frozen=True, kw_only=True)
class MetaCfg:
    """First all persons' common policy (`together`), then blocks of lessons with outer roll-outs between them."""

    together: SimulatedCfg = field(default_factory=lambda: SimulatedCfg(judge_epochs=20, ppo=replace(PPO, epochs=160)))
    """Step 2 with made-up persons, from which the start begins; 0 blocks leave it at that."""
    method: Method = "maml"
    """'maml': PPO's gradient where each person's lesson has led; 'reptile': towards where it has led."""
    blocks: int = 10
    persons: int = 128
    lesson_epochs: int = 3
    """Epochs of the live learner in a block."""
    life_blocks: int = 8
    """Blocks until another person comes."""
    queries: int = 2
    """Outer roll-outs in a block."""
    query_steps: int = 16
    hold_slots: int = 6
    """A roll-out is so many actions, each of which lasts for `hold_slots` slots."""
    inner: PpoCfg = INNER_PPO
    spread: float = 0.08
    """Standard deviation of the noise on actions in lessons."""
    outer: PpoCfg = field(default_factory=lambda: replace(PPO, learning_rate=3e-4))
    critic_first_blocks: int = 2
    """Blocks in which the outer critic alone learns."""
    approach: float = 0.3
    """Reptile: share of the mean way that a block's lessons went."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_spread(self.spread)
        counts = (self.persons, self.lesson_epochs, self.life_blocks, self.queries, self.query_steps, self.hold_slots)
        if min(counts) < 1 or self.blocks < 0 or self.seed < 0 or not 0.0 < self.approach <= 1.0:
            raise ConfigError(
                "a start cannot be meta-learned so",
                given=f"{self.blocks} blocks, {counts}, approach {self.approach}, seed {self.seed}",
                allowed="0 blocks or more, 1 or more of all else, an approach above 0 and up to 1, a seed of 0 or more",
            )

    @property
    def block_slots(self) -> int:
        """Slots of a block."""
        lesson = self.lesson_epochs * (self.inner.horizon_length + SWAP_SLOTS)
        return lesson + self.queries * self.query_steps * self.hold_slots

    @property
    def loop(self) -> ClosedLoopCfg:
        """Persons who stay for a life, with persons of another seed than those of `together`."""
        cfg, block = self.together.loop, self.block_slots
        return replace(
            cfg,
            persons=self.persons,
            hold_slots=1,
            block_slots=block,
            episode_slots=block * self.life_blocks,
            seed=cfg.seed + self.seed + 50_000,
        )
