"""What an environment must be to be learned from."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


class VectorEnv(Protocol):
    """Many environments of one kind that step together; N is `count`.

    Arrays are numpy or torch (an environment keeps to one of them): float32 observations, actions in [-1, 1] of the
    same library. An environment draws from a generator of its own; rl_games' seed does not reach it.
    """

    count: int
    """Environments, N."""
    observation_count: int
    """Values of an observation, n."""
    action_count: int
    """Values of an action, m."""

    def reset(self) -> Any:
        """Start every environment anew; return the observations (N, n)."""
        ...

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Act (N, m) for one step; return (observations (N, n), reward (N,), done (N,), truncated (N,), info).

        `done` rows are over and started anew already: their observation is the first of the next episode. Those of them
        that are `truncated` ended by time alone, so what would have followed still counts: rl_games adds the value of
        the state before (it does not see the last one). `info` holds named figures of this step, scalars or (N,);
        their means over an epoch stand in EpochFacts.means and in TensorBoard. Larger arrays are left alone.
        """
        ...


@runtime_checkable
class RecordedEnv(Protocol):
    """A VectorEnv, too, that does not act: it hands over what a running session observed, did and got for it.

    Training learns from the action that was really taken: a mean action with noise of the spread that
    EpochFacts.weights tells. Its likelihood is taken under the weights of now, so what was done before these were put
    to use should be dropped, or be no older than an epoch.
    """

    def recorded_action(self) -> Any:
        """The action (N, m) that was taken at the observation which `reset` or `step` returned last."""
        ...


class EnvironmentEndedError(Exception):
    """Raised by an environment's `reset` or `step`: nothing more will come, for example as the person left.

    Training ends with what whole epochs have taught; the one that has begun is dropped.
    """
