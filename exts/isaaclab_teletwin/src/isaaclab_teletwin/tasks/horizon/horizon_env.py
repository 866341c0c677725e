"""teletwin's horizon task as Isaac Lab's direct workflow has it: the same kernels, the arm in Isaac Lab's physics.

A physics step is a tick of 2 ms. Between two steps the loop goes on from where the arm has come to: hands, networks,
packets, RMPflow, smoothing, limits and the servo law are those of `teletwin train horizon`, in warp on the device;
torch looks at the same memory. Numbers come from the CPU only when an episode begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import warp as wp
from isaaclab.envs import DirectRLEnv

from isaaclab_teletwin.tasks.horizon.arm_drives import ArmDrives
from isaaclab_teletwin.tasks.horizon.lookups import Lookups
from isaaclab_teletwin.tasks.horizon.normalization import keep_normalization, shipped_normalization
from isaaclab_teletwin.tasks.horizon.settings import check_one_by_one, check_times, draws_cfg
from teletwin_training.horizon.actions import LATE_RULE
from teletwin_training.horizon.episodes import EpisodeDraws, places_of
from teletwin_training.horizon.ground import Ground, make_ground
from teletwin_training.horizon.lag_loops import LagLoops
from teletwin_training.horizon.loops import params_of, plain_settings
from teletwin_training.horizon.rmpflow_loops import RmpFlowLoops
from teletwin_training.horizon.tables import recorded_tables
from teletwin_training.horizon.timing import TICKS_PER_SLOT

if TYPE_CHECKING:
    from isaaclab_teletwin.tasks.horizon.horizon_env_cfg import HorizonEnvCfg


class HorizonEnv(DirectRLEnv):
    """N loops with N arms; action 0 is the late bound rule.

    Beside each runs the rule itself, its arm a lag: what that gets does not depend on the action, but has nearly all of
    a reward's spread in it. With `cfg.beside_rule` it is taken off, and a reward above zero is better than the rule.
    """

    cfg: HorizonEnvCfg

    def __init__(self, cfg: HorizonEnvCfg, render_mode: str | None = None, **kwargs: Any) -> None:
        check_times(cfg)
        self._own_cfg = own = draws_cfg(cfg)
        ground = make_ground(
            cfg.hands,
            condition=cfg.condition,
            sessions=cfg.sessions,
            forecaster=cfg.forecaster,
            episode_slots=own.episode_slots,
            seed=cfg.ground_seed,
        )
        super().__init__(cfg, render_mode, **kwargs)
        check_one_by_one(self)
        normalization = shipped_normalization()
        keep_normalization(cfg.log_dir, normalization)
        self._draws = EpisodeDraws(ground.hands, ground.sessions, own)
        self._look = Lookups(ground, normalization, weights=own.weights, device=str(self.device))
        self._build_loops(ground)

    def _build_loops(self, ground: Ground) -> None:
        count, device = self.num_envs, str(self.device)
        tables = ground.tables if device == "cpu" else recorded_tables(ground.hands, ground.sessions, device=device)
        leads = type(self.cfg.sim.physics).__module__.startswith("isaaclab_newton")

        def drives(arrays: Any) -> ArmDrives:
            self._drives = ArmDrives(self.scene["robot"], arrays, leads=leads)
            return self._drives

        settings = plain_settings(count)
        self._loops = RmpFlowLoops(tables, settings, drives=drives)
        self._rule = LagLoops(tables, params_of(settings), causal=True)
        self._horizons, self._errors, self._rule_errors = (
            wp.to_torch(a.device) for a in (self._loops.horizons, self._loops.errors, self._rule.errors)
        )
        wp.to_torch(self._rule.horizons.device)[:] = torch.tensor(LATE_RULE, device=device)
        self._hand, self._row, self._session, self._slot, self._age = (
            torch.zeros(count, dtype=torch.long, device=device) for _ in range(5)
        )
        self._length = torch.full_like(self._age, self._own_cfg.episode_slots)
        self._own, self._rules, self._paper = (torch.zeros(count, device=device) for _ in range(3))
        self._tick = 0

    @property
    def errors(self) -> torch.Tensor:
        """Errors (N, 6) of the newest slot; see `teletwin_training.horizon.loops.ERROR_COLUMNS`."""
        return self._errors

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin episodes, of different lengths, so that they do not end together; a seed starts all draws anew."""
        if seed is not None:
            self._draws.seed(seed)
        answer = super().reset(seed=seed, options=options)
        if self.num_envs > 1:
            self._length[:] = torch.tensor(self._draws.lengths(self.num_envs), device=self._length.device)
        return answer

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        self._horizons.copy_(self._look.horizons(actions))
        for each in (self._own, self._rules, self._paper):
            each.zero_()
        self._tick = 0

    def _apply_action(self) -> None:
        """Before every physics step: end the tick before, begin the next one, ask its reference of the drives."""
        if self._tick:
            self._end_tick()
        if self._tick % TICKS_PER_SLOT == 0:
            self._loops.begin_slot()
        self._loops.begin_tick()
        self._drives.command()
        self._tick += 1

    def _end_tick(self) -> None:
        tick = (self._tick - 1) % TICKS_PER_SLOT
        self._drives.read()
        self._loops.end_tick(tick)
        if tick == TICKS_PER_SLOT - 1:
            self._loops.end_slot()
            self._end_slot()

    def _end_slot(self) -> None:
        """Judge what the slot has brought, beside the rule; it is over."""
        self._rule.step()
        counts, look = self._age >= self._own_cfg.settle_slots, self._look
        self._own += look.reward(self._errors, self._hand, self._session) * counts
        self._rules += look.reward(self._rule_errors, self._hand, self._session) * counts
        self._paper += look.paper_reward(self._errors) * counts
        for each in (self._age, self._row, self._slot):
            each += 1

    def _get_dones(self) -> tuple[torch.Tensor, torch.Tensor]:
        self._end_tick()
        return torch.zeros_like(self.reset_time_outs), self._age >= self._length

    def _get_rewards(self) -> torch.Tensor:
        slots = self._tick // TICKS_PER_SLOT
        sums = {"reward": self._own, "rule_reward": self._rules, "paper_reward": self._paper}
        self.extras["log"] = {name: each.mean() / slots for name, each in sums.items()}
        return (self._own - self._rules if self.cfg.beside_rule else self._own) / slots

    def _get_observations(self) -> dict[str, torch.Tensor]:
        return {"policy": self._look.observations(self._hand, self._row, self._session, self._slot)}

    def _reset_idx(self, env_ids: Sequence[int] | torch.Tensor) -> None:
        super()._reset_idx(env_ids)  # pyright: ignore[reportArgumentType]
        index = torch.as_tensor(env_ids, device=self._age.device).long()
        rows = index.cpu().numpy().astype(np.intp)
        drawn = self._draws.draw(len(rows))
        held = (self._hand, self._row, self._session, self._slot)
        for tensor, values in zip(held, (drawn.hand, drawn.row, drawn.session, drawn.slot), strict=True):
            tensor[index] = torch.tensor(values, dtype=torch.long, device=index.device)
        self._age[index], self._length[index] = 0, self._own_cfg.episode_slots
        places = places_of(drawn, rows, horizons=np.tile(LATE_RULE, (len(rows), 1)))
        for loops in (self._loops, self._rule):
            loops.place(places, drawn.settings)
