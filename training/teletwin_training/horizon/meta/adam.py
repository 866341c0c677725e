"""Adam and a running mean of values, for many learners in one array; the formulas are torch's and rl_games'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

_DECAYS, _TINY = (0.9, 0.999), 1e-8
_LEAST_VARIANCE = 1e-5
_LARGEST = 5.0


class Adam:
    """Adam for N rows of parameters, each with a count of its own.

    Args:
        count: N.
        width: Parameters of a row.
        rate: Learning rate.
    """

    def __init__(self, count: int, width: int, rate: float) -> None:
        import torch

        self._first, self._second = torch.zeros((2, count, width))
        self._steps = torch.zeros((count, 1))
        self._rate = rate

    def forget(self, rows: NDArray) -> None:
        """Begin anew for rows (k,)."""
        self._first[rows], self._second[rows], self._steps[rows] = 0.0, 0.0, 0.0

    def move(self, parameters: Tensor, slope: Tensor, learns: Tensor) -> None:
        """One step of parameters (N, W) down their slope; of the rows (N, 1) alone that learn."""
        self._steps += learns
        self._first.lerp_(slope, 1.0 - _DECAYS[0])
        self._second.mul_(_DECAYS[1]).addcmul_(slope, slope, value=1.0 - _DECAYS[1])
        steps = self._steps.clamp_min(1.0)
        width = (self._second / (1.0 - _DECAYS[1] ** steps)).sqrt() + _TINY
        parameters -= learns * self._rate / (1.0 - _DECAYS[0] ** steps) * self._first / width


def clipped(slope: Tensor, most: float) -> Tensor:
    """Slopes (N, P), no row longer than `most`."""
    return slope * (most / (slope.norm(dim=1, keepdim=True) + 1e-6)).clamp_max(1.0)


class ValueScale:
    """Mean and variance of the values and returns that each of N critics has met."""

    def __init__(self, count: int) -> None:
        import torch

        self._facts = torch.zeros((3, count, 1), dtype=torch.float64)

    def begin(self, rows: NDArray, facts: tuple[float, float, float]) -> None:
        """Set mean, variance and count of rows (k,)."""
        for place, value in enumerate(facts):
            self._facts[place, rows] = value

    def facts(self, row: int) -> tuple[float, float, float]:
        """Mean, variance and count of one."""
        mean, variance, count = self._facts[:, row, 0].tolist()
        return mean, variance, count

    def true(self, values: Tensor) -> Tensor:
        """Values (N, T) as they are, from normalised ones."""
        mean, variance, _ = self._facts.float()
        return values.clamp(-_LARGEST, _LARGEST) * (variance + _LEAST_VARIANCE).sqrt() + mean

    def meet(self, values: Tensor) -> Tensor:
        """Take values (N, T) in; return them normalised."""
        mean, variance, count = self._facts
        more = values.shape[1]
        away = values.mean(dim=1, keepdim=True) - mean
        total = count + more
        squares = variance * count + values.var(dim=1, keepdim=True, unbiased=False) * more
        variance[:] = (squares + away**2 * count * more / total) / total
        mean += away * more / total
        count[:] = total
        return ((values - mean.float()) / (variance.float() + _LEAST_VARIANCE).sqrt()).clamp(-_LARGEST, _LARGEST)


def advantages_of(rewards: Tensor, said: Tensor, *, gamma: float, gae_lambda: float) -> Tensor:
    """Advantages (N, T) by GAE of rewards (N, T) and values (N, T + 1), without an end."""
    import torch

    ahead = rewards + gamma * said[:, 1:] - said[:, :-1]
    found, sum_ = torch.empty_like(ahead), torch.zeros(len(ahead))
    for step in reversed(range(ahead.shape[1])):
        sum_ = ahead[:, step] + gamma * gae_lambda * sum_
        found[:, step] = sum_
    return found
