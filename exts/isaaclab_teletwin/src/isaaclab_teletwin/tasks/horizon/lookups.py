"""What the task looks up and works out on the device: observations, horizons of actions, rewards; torch throughout.

The formulas are those of `teletwin_training.horizon` (`seen`, `actions`, `environment`), which work in numpy; tests
hold both against each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from isaaclab_teletwin.tasks.horizon.normalization import Normalization
from teletwin.horizon.action import ActionLimits
from teletwin.horizon.observation import BOUND as DELAY_BOUND
from teletwin.horizon.observation import DELAY_NAMES, later
from teletwin.messages import HORIZON_MAX_S
from teletwin_training.horizon.environment import ERROR_TERMS, LARGEST_RATIO, PAPER_WEIGHTS
from teletwin_training.horizon.ground import Ground
from teletwin_training.horizon.score import BOUND

Tensor = torch.Tensor


class Lookups:
    """Tables of hands and networks on one device.

    Args:
        ground: Hands, networks and what rewards are measured by.
        normalization: Of the observations.
        weights: Of the four normalised squares.
        device: Where the tables lie.
        limits: How far an action of +-1 goes.
    """

    def __init__(
        self,
        ground: Ground,
        normalization: Normalization,
        *,
        weights: tuple[float, ...],
        device: str,
        limits: ActionLimits | None = None,
    ) -> None:
        def table(values: Any) -> Tensor:
            return torch.as_tensor(np.array(values), dtype=torch.float32, device=device)

        hands, self._limits = ground.hands, limits or ActionLimits()
        self._motion, self._delays = table(hands.motion), table(ground.sessions.delays)
        self._old_s = table(hands.usual_age_s(hands.first_row))
        by_s = np.full((1, 1), 0.01)
        self._longer = table(later(np.zeros((1, len(DELAY_NAMES))), by_s)[0] / by_s[0])
        self._norm = table(ground.norm)
        self._mean, self._scale = table(normalization.mean), table(normalization.scale)
        self._weights, self._paper_weights = table(weights), table(PAPER_WEIGHTS)
        self._squares, self._counts = (torch.tensor(column, device=device) for column in zip(*ERROR_TERMS, strict=True))

    def observations(self, hand: Tensor, row: Tensor, session: Tensor, slot: Tensor) -> Tensor:
        """Observations (N, n), normalised and clipped as a policy file of teletwin has it; arguments (N,)."""
        delays, longer = self._delays[session, slot], self._longer
        aged = torch.clamp(delays + longer * self._old_s[hand][:, None], max=DELAY_BOUND)
        seen = torch.cat([self._motion[row], torch.where(longer > 0.0, aged, delays)], dim=1)
        return torch.clamp((seen - self._mean) / self._scale, -BOUND, BOUND)

    def horizons(self, actions: Tensor) -> Tensor:
        """Horizons (N, 6) of actions (N, 5): corrections on the late bound rule."""
        limits = self._limits
        a = torch.nan_to_num(actions).clamp(-1.0, 1.0)
        gain = torch.where(a[:, 2] > 0.0, limits.gain_most - 1.0, 1.0 - limits.gain_least) * a[:, 2]
        ahead = torch.cat([limits.correction_s * a[:, :2], limits.orientation_correction_s * a[:, 3:]], dim=1)
        ones = torch.ones_like(gain)
        return torch.cat([ahead.clamp(-HORIZON_MAX_S, HORIZON_MAX_S), (ones + gain)[:, None], ones[:, None]], dim=1)

    def reward(self, errors: Tensor, hand: Tensor, session: Tensor) -> Tensor:
        """What a slot is worth (N,) by its errors (N, 6): minus the normalised squares."""
        ratios = errors[:, self._squares].float() / self._norm[hand, session]
        return -(self._weights * ratios.clamp(max=LARGEST_RATIO)).sum(dim=1)

    def paper_reward(self, errors: Tensor) -> Tensor:
        """Eq. 16 over the slot (N,): minus the weighted root mean square errors."""
        squares = errors[:, self._squares] / errors[:, self._counts].clamp(min=1.0)
        return -(self._paper_weights * squares.float().sqrt()).sum(dim=1)
