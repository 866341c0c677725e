"""Learning by gradient through the forecast curve: what a recorded hand makes possible before any trial and error.

A recording tells what every horizon of every packet would have brought: the curve, read at that horizon, against
where the hand was when the motion became real. That is differentiable, so the network learns in seconds. What it
leaves to PPO is all that the loop adds: the motion policy's filter, limits, jumps from packet to packet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_S, Clock, SystemClock
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.action import ACTION_COUNTS
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, HORIZON_MAX_S
from teletwin_training.horizon.environment import EnvCfg
from teletwin_training.horizon.episodes import hand_weights
from teletwin_training.horizon.hands import PAST_SLOTS, HandBank
from teletwin_training.horizon.moments import moments_of
from teletwin_training.horizon.rules import sender_rule
from teletwin_training.horizon.seen import Rows, observations
from teletwin_training.horizon.sessions import START_SLOT, SessionBank
from teletwin_training.ppo import Weights

_TIME_COUNTS_FROM = 0.25
"""Share of the time limit from which on being behind it in updates means that time ends the learning."""


@dataclass(frozen=True, kw_only=True)
class DirectCfg:
    """How the network learns by gradient."""

    seconds: float = 240.0
    """At most this long [s]."""
    updates: int = 1200
    batch: int = 4096
    learning_rate: float = 2e-3
    hidden: tuple[int, ...] = (64, 64)
    weight_decay: float = 1e-4
    restraint: float = 0.01
    """Price of the mean square action: what does not pay stays with the rule, on hands unlike the training's too."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.seconds <= 3600.0 or self.updates < 0 or self.batch < 16 or not 0.0 <= self.restraint <= 10.0:
            raise ConfigError(
                "learning by gradient cannot be done so",
                given=f"{self.seconds} s, {self.updates} updates of {self.batch}, restraint {self.restraint}",
                allowed="above 0 s, 0 updates or more of 16 or more, restraint 0 ... 10",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectBatch:
    """Packets drawn from hands and sessions, as arrays of float32."""

    observation: NDArray[np.float32]
    """(B, n), not normalised."""
    curve: NDArray[np.float32]
    """(B, CURVE_KNOTS, 6) displacement [m] and turn [rad] from the newest pose."""
    base: NDArray[np.float32]
    """(B, 4) horizons [s] of an action of zeros; columns as in loops.HORIZON_COLUMNS."""
    truth: NDArray[np.float32]
    """(B, 12) displacement and turn of the hand when the arm's motion is real, then when the picture is seen."""
    weight: NDArray[np.float32]
    """(B, 4) of arm's position, its orientation, the picture's position, its orientation."""


class DirectData:
    """Draws batches; same seed, same batches."""

    def __init__(self, hands: HandBank, sessions: SessionBank, cfg: EnvCfg, norm: Array, *, seed: int) -> None:
        self._hands, self._sessions, self._cfg, self._norm = hands, sessions, cfg, norm
        self._rng = np.random.default_rng([13, seed])
        self._moments = moments_of(sessions, stock=cfg.stock, absolute=cfg.action != "late")
        self._base = sender_rule(sessions, cfg.rule) if cfg.action == "sender" else None
        self._weights = hand_weights(hands, 1)
        self._last = sessions.slot_count - 2 * CURVE_KNOTS

    def draw(self, count: int) -> DirectBatch:
        """A batch of packets."""
        rng, hands = self._rng, self._hands
        hand = rng.choice(len(hands.names), size=count, p=self._weights)
        row = hands.first_row[hand] + PAST_SLOTS + (rng.random(count) * hands.rooms(1)[hand]).astype(np.int64)
        session, slot = rng.integers(0, len(self._sessions), count), rng.integers(START_SLOT, self._last, count)
        m = self._moments
        weight = np.stack([m.control_weight[session, slot]] * 2 + [m.render_weight[session, slot]] * 2, axis=1) * (
            np.array(self._cfg.weights) / self._norm[hand, session]
        )
        truth = [
            _moved(hands, row, time_s[session, slot] + extra_s)[:, part]
            for time_s in (m.control_truth_s, m.render_truth_s)
            for extra_s, part in ((0.0, slice(0, 3)), (m.turn_truth_s, slice(3, 6)))
        ]
        return DirectBatch(
            observation=observations(hands, self._sessions, self._cfg.observation, row, session, slot).astype(
                np.float32
            ),
            curve=_displacements(hands.curves[row], hands.seen[row]),
            base=self._horizons(row, session, slot),
            truth=np.concatenate(truth, axis=1).astype(np.float32),
            weight=weight.astype(np.float32),
        )

    def _horizons(self, row: Rows, session: Rows, slot: Rows) -> NDArray[np.float32]:
        m = self._moments
        if self._base is not None:
            return (self._base[session, slot] + self._hands.usual_age_s(row)[:, None]).astype(np.float32)
        control, render = (late[session, slot] + self._hands.age_s[row] for late in (m.control_late_s, m.render_late_s))
        columns = [control, render, control + m.turn_late_s, render + m.turn_late_s]
        return np.stack(columns, axis=1).astype(np.float32)


def _displacements(curves: Array, poses: Array) -> NDArray[np.float32]:
    """Displacements (B, K, 6) of curves (B, K, 7) from poses (B, 7); turns as twice the vector part."""
    moved = curves[..., :3] - poses[:, None, :3]
    turned = _turns(poses[:, None, 3:], curves[..., 3:])
    return np.concatenate([moved, turned], axis=-1).astype(np.float32)


def _turns(a: Array, b: Array) -> Array:
    """Small turns (..., 3) [rad] from a to b, quaternions (..., 4) in one hemisphere; in base axes."""
    w = b[..., :1] * -a[..., 1:] + a[..., :1] * b[..., 1:]
    return 2.0 * (w - np.cross(b[..., 1:], a[..., 1:]))


def _moved(hands: HandBank, row: NDArray[np.int64], ahead_s: Array) -> Array:
    """Displacement and turn (B, 6) of the hand from the newest sample of its row to ahead_s [s] after the row."""
    place = np.clip(ahead_s, 0.0, 0.75) * 100.0
    left = row + place.astype(np.int64)
    share = (place % 1.0)[:, None]
    later = (1.0 - share) * hands.poses[left] + share * hands.poses[left + 1]
    now = hands.seen[row]
    return np.concatenate([later[:, :3] - now[:, :3], _turns(now[:, 3:], later[:, 3:])], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectResult:
    """What was learned by gradient."""

    weights: Weights
    mean: Array
    scale: Array
    """Of the observations."""
    losses: list[tuple[int, float, float]] = field(default_factory=list)
    """(update, loss, loss of the rule on the same packets)."""


def observation_spread(data: DirectData) -> tuple[Array, Array]:
    """Mean and spread (n,) of observations, for good and all."""
    seen = data.draw(20_000).observation.astype(np.float64)
    return seen.mean(axis=0), np.maximum(seen.std(axis=0), 0.05)


def train_direct(
    data: DirectData,
    env: EnvCfg,
    cfg: DirectCfg,
    *,
    on_update: Callable[[int, float, float], None] = lambda *_: None,
    clock: Clock | None = None,
) -> DirectResult:
    """Learn from zero action on, which is the rule (in the paper's form: from the middle of the range)."""
    with _one_torch_thread():
        return _train_direct(data, env, cfg, on_update, clock or SystemClock())


@contextlib.contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Small networks get ten times slower with a thread for every core as soon as the cores are shared."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train_direct(
    data: DirectData, env: EnvCfg, cfg: DirectCfg, on_update: Callable[[int, float, float], None], clock: Clock
) -> DirectResult:
    import torch

    torch.manual_seed(cfg.seed)
    mean, scale = observation_spread(data)
    network = _network(len(mean), ACTION_COUNTS[env.action], cfg.hidden)
    optimizer = torch.optim.AdamW(network.parameters(), lr=cfg.learning_rate, weight_decay=cfg.weight_decay)
    centre, spread = (torch.as_tensor(values, dtype=torch.float32) for values in (mean, scale))
    started_ns, losses = clock.now_ns(), []
    for update in range(cfg.updates):
        elapsed = (clock.now_ns() - started_ns) / (NS_PER_S * cfg.seconds)
        if elapsed >= 1.0:
            break
        done = _progress(update / cfg.updates, elapsed)
        for group in optimizer.param_groups:
            group["lr"] = cfg.learning_rate * min(1.0, 20.0 * done + 0.05) * (1.0 - done) ** 0.5
        batch = data.draw(cfg.batch)
        seen = ((torch.from_numpy(batch.observation) - centre) / spread).clamp(-5.0, 5.0)
        action = network(seen)
        loss = _loss(action, batch, env)
        price = cfg.restraint * (action**2).mean() + (action.abs() - 1.0).clamp(min=0.0).square().mean()
        optimizer.zero_grad()
        (loss + price).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if update % 50 == 0 or update == cfg.updates - 1:
            with torch.no_grad():
                rule = float(_loss(torch.zeros_like(action), batch, env))
            losses.append((update, float(loss.detach()), rule))
            on_update(*losses[-1])
    layers = tuple(
        (each.weight.detach().double().numpy().T.copy(), each.bias.detach().double().numpy().copy())
        for each in network
        if isinstance(each, torch.nn.Linear)
    )
    return DirectResult(
        weights=Weights(layers=layers, log_sigma=np.full(layers[-1][1].size, -2.0)),
        mean=mean,
        scale=scale,
        losses=losses,
    )


def _progress(updates: float, elapsed: float) -> float:
    """Share of the training that is over, from the shares of its updates and of its time.

    Updates alone count where they end it, so that the same seed gives the same bits; time does where it has shown,
    after a while, that it will.
    """
    return max(updates, elapsed) if elapsed >= _TIME_COUNTS_FROM else updates


def _network(inputs: int, outputs: int, hidden: tuple[int, ...]) -> Any:
    import torch

    parts: list[Any] = []
    for width in hidden:
        parts += [torch.nn.Linear(inputs, width), torch.nn.ELU()]
        inputs = width
    last = torch.nn.Linear(inputs, outputs)
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    return torch.nn.Sequential(*parts, last)


def _loss(action: Any, batch: DirectBatch, env: EnvCfg) -> Any:
    """Weighted mean of the normalised squares."""
    import torch

    curve, truth, weight = (torch.from_numpy(v) for v in (batch.curve, batch.truth, batch.weight))
    horizon, gain = _horizons(action.clamp(-1.0, 1.0), torch.from_numpy(batch.base), env)
    total = action.new_zeros(())
    for column, (part, term) in enumerate(((0, 0), (0, 2), (3, 1), (3, 3))):  # control, render, then both turns
        wanted = truth[:, (0, 6, 3, 9)[column] :][:, :3]
        error = gain * _at(curve[:, :, part : part + 3], horizon[:, column]) - wanted
        total = total + (weight[:, term] * (error**2).sum(dim=1)).clamp(max=50.0).mean()
    return total


def _horizons(action: Any, base: Any, env: EnvCfg) -> tuple[Any, Any]:
    """Horizons (B, 4) and gain (B, 1), as `actions.horizon_rows`."""
    import torch

    if env.action == "paper":
        horizon = 0.5 * HORIZON_MAX_S * (1.0 + action)
        return torch.cat([horizon, horizon], dim=1), action.new_ones(len(action), 1)
    limits = env.limits
    moved = torch.cat([limits.correction_s * action[:, :2], limits.orientation_correction_s * action[:, 3:]], dim=1)
    reach = torch.where(action[:, 2:3] > 0.0, limits.gain_most - 1.0, 1.0 - limits.gain_least)
    return base + moved, 1.0 + reach * action[:, 2:3]


def _at(curve: Any, horizon: Any) -> Any:
    """Displacement (B, 3) of curves (B, K, 3) at horizons (B,) [s]."""
    place = (horizon / CURVE_STEP_S).clamp(0.0, CURVE_KNOTS - 1.001)
    knot = place.detach().long()
    share = (place - knot)[:, None]
    index = knot[:, None, None].expand(-1, 1, 3)
    left, right = curve.gather(1, index)[:, 0], curve.gather(1, index + 1)[:, 0]
    return (1.0 - share) * left + share * right
