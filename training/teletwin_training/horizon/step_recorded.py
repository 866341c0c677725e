"""Step 1: learn from recorded hands. The rule first, then by gradient through the forecast curve, then by PPO."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from teletwin.clock import NS_PER_S, Clock, SystemClock
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile, save_policy
from teletwin_training.horizon.actions import LATE_RULE
from teletwin_training.horizon.baselines import Baselines, Bench, ProbeCfg, find_baselines, sender_rule_cfg
from teletwin_training.horizon.conditions import EVALUATED
from teletwin_training.horizon.direct import DirectCfg, DirectData, DirectResult, train_direct
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.fine_tuning import PPO, Kept, Watcher, fine_tune
from teletwin_training.horizon.hand_names import HandsCfg, training_hands
from teletwin_training.horizon.hands import HandBank, is_paced, load_hands
from teletwin_training.horizon.joint_start import calibrated
from teletwin_training.horizon.left_out import LeftOut
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.probe import Chooser, constant
from teletwin_training.horizon.rules import sender_rule
from teletwin_training.horizon.score import Rows, Score
from teletwin_training.horizon.sessions import SessionBank, draw_sessions
from teletwin_training.horizon.world_loops import WorldFactory
from teletwin_training.ppo import PpoCfg, Weights
from teletwin_training.run_folder import RunFolder

_LOG = logging.getLogger(__name__)
Scores = dict[str, tuple[float, list[float]]]
"""Stage to its score, and its ratios to the rule."""
_CORRECTING = ("late", "sender")
"""Actions that correct a rule."""
BASELINE_SEED = 500_000
"""Networks that baselines are found on have seeds from here on."""
_SCORE_SESSIONS, _SCORE_SLOTS = 16, 1200
_JOINT_SCORE_SESSIONS, _JOINT_SCORE_SLOTS, _JOINT_NORM_SLOTS = 8, 800, 500
"""The same in joint space, where a slot costs six to eight times as much; and of the stretch that sets the rewards."""


@dataclass(frozen=True, kw_only=True)
class RecordedCfg:
    """What is learned from, and how."""

    hands: HandsCfg = field(default_factory=HandsCfg)
    env: EnvCfg = field(default_factory=EnvCfg)
    direct: DirectCfg = field(default_factory=DirectCfg)
    ppo: PpoCfg = PPO
    condition: str = "mixed"
    """Networks that are drawn; see `conditions.CONDITIONS`."""
    sessions: int = 72
    """How many of them."""
    session_s: float = 40.0
    """Length of each [s]."""
    arm: str = "rmpflow"
    """What the arm is in PPO: see `loops.LoopsCfg`. But for 'lag', scores and baselines are in joint space too."""
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.sessions <= 4096 or not 15.0 <= self.session_s <= 600.0 or self.seed < 0:
            raise ConfigError(
                "the networks cannot be drawn so",
                given=f"{self.sessions} sessions of {self.session_s} s, seed {self.seed}",
                allowed="1 ... 4096 sessions of 15 ... 600 s, a seed of 0 or more",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Taught:
    """What step 1 made."""

    weights: Weights
    direct: DirectResult
    scores: Scores
    """Stage to (score, ratios to the rule): 'direct' (or 'resumed': what the run had kept), 'joint' (calibrated in
    joint space), 'ppo', and 'best', which was kept; beside them 'no_prediction' and 'feed_forward', which look nowhere
    ahead."""
    curve: list[dict[str, float]]
    """PPO by epoch: frames, reward, paper_reward, score (where it was taken)."""
    took_s: dict[str, float]


def train_recorded(
    cfg: RecordedCfg,
    folder: RunFolder,
    watcher: Watcher,
    *,
    resume: bool = False,
    before: PolicyFile | None = None,
    world: WorldFactory | None = None,
    baselines: bool = True,
    clock: Clock | None = None,
) -> Taught:
    """Teach a policy and write it to the run's folder.

    Args:
        cfg: What is learned from, and how.
        folder: Where the policy goes.
        watcher: Told how far it is.
        resume: Go on with the PPO of the folder's run, whose settings cfg holds.
        before: What that run had kept, to begin with behind its normalisation. None, as where it was broken off: the
            gradient gives it once more, with the same normalisation from the same seed.
        world: Makes the arms where cfg.arm is 'isaac'.
        baselines: Also find what the policy is to be held against, and keep it in its file.
        clock: Tells how long stages took.

    Raises:
        ConfigError: The run that is gone on with has learned from other hands.
        RecordingError: A hand cannot be read or is too short.
    """
    laps = _Laps(clock or SystemClock())
    ground = _prepared(cfg, watcher, before)
    laps.end("prepare")
    score, env = ground.score, ground.env
    begins = "resumed" if before else "direct"
    direct = _resumed(before) if before else _direct(ground, cfg, watcher)
    scores = score.unforecast() | {begins: score.judge(direct.weights, direct.mean, direct.scale)}
    direct = _calibrated(direct, cfg, score, scores)
    for stage, told in scores.items():
        watcher.stage_over(stage.replace("_", " "), *told)
    laps.end(begins)
    kept = Kept(score, direct, scores.get("joint", scores[begins])[0])
    curve = fine_tune(
        _environment(ground, cfg, world),
        cfg.ppo,
        direct,
        kept,
        watcher,
        folder=folder.ppo_path,
        seed=cfg.seed,
        device=cfg.device,
        resume=folder.ppo_path if resume else None,
    )
    for stage, weights in (("ppo", kept.averaged), ("best", kept.weights)):
        scores[stage] = score.judge(weights, direct.mean, direct.scale)
        watcher.stage_over(stage, *scores[stage])
    laps.end("ppo")
    found = _baselines(ground.hands, cfg, watcher) if baselines else {}
    laps.end("baselines")
    taught = Taught(weights=kept.weights, direct=direct, scores=scores, curve=curve, took_s=laps.took_s)
    save_policy(folder.policy_path, policy_of(taught, env, cfg, folder, ground.hands.names, found))
    return taught


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ground:
    """What every stage learns from, and the score that they share."""

    hands: HandBank
    sessions: SessionBank
    env: EnvCfg
    bench: Bench
    norm: Array
    score: Score


def _prepared(cfg: RecordedCfg, watcher: Watcher, before: PolicyFile | None) -> _Ground:
    watcher.begin("hands and networks", cfg.sessions + 1)
    hands = load_hands(
        training_hands(cfg.hands),
        forecaster=cfg.hands.forecaster,
        paces=cfg.hands.paces,
        on_left_out=_warn if cfg.hands.skip_bad else None,
    )
    _check_same_hands(hands.names, before)
    watcher.advance(1)
    sessions, env, loops = _sessions(cfg, watcher), with_rule(cfg.env), loops_of(cfg)
    bench = Bench(hands, sessions, ProbeCfg(slots=_JOINT_NORM_SLOTS if loops else _SCORE_SLOTS), loops=loops)
    if bench.short:
        _LOG.warning("too short to be judged, only learned from: %s", ", ".join(hands.names[h] for h in bench.short))
    norm = bench.rule_norm(stock=env.stock)
    own_pace = [number for number, name in enumerate(hands.names) if not is_paced(name)]
    probe = ProbeCfg(slots=_JOINT_SCORE_SLOTS if loops else _SCORE_SLOTS)
    score = _score(Bench(hands, sessions, probe, numbers=own_pace, loops=loops), env, cfg, norm)
    return _Ground(hands=hands, sessions=sessions, env=env, bench=bench, norm=norm, score=score)


def _warn(left: LeftOut) -> None:
    _LOG.warning("left out: %s: %s", left.name, left.why)


def _check_same_hands(names: Sequence[str], policy: PolicyFile | None) -> None:
    """Refuse to go on with other hands than a run's; a folder of recordings may have changed since."""
    before = policy.note.get("hands") if policy else None
    if isinstance(before, Sequence) and set(before) != set(names):
        raise ConfigError(
            "the run has learned from other hands",
            given=", ".join(sorted(set(names) - set(before))) or "none more",
            allowed=f"also {', '.join(sorted(set(before) - set(names))) or 'none'}",
            mend="give the recordings of the run, or train anew with another --out",
        )


def _environment(ground: _Ground, cfg: RecordedCfg, world: WorldFactory | None) -> HorizonEnv:
    env = HorizonEnv(
        ground.hands,
        ground.sessions,
        ground.env,
        loops=LoopsCfg(arm=cfg.arm, causal=cfg.arm != "lag", device=cfg.device, world=world),
        tables=ground.bench.tables if cfg.device == "cpu" else None,
    )
    env.norm[:] = ground.norm
    return env


def loops_of(cfg: RecordedCfg) -> LoopsCfg | None:
    """How loops are run that judge: in joint space, unless the arm is a lag."""
    return None if cfg.arm == "lag" else LoopsCfg(arm="rmpflow", causal=True)


def with_rule(env: EnvCfg) -> EnvCfg:
    """The environment with the lags of its motion policy in the sender's rule."""
    return replace(env, rule=sender_rule_cfg(env.rule.averaging_s, stock=env.stock))


def _sessions(cfg: RecordedCfg, watcher: Watcher) -> SessionBank:
    done = 1

    def progress() -> None:
        nonlocal done
        done += 1
        watcher.advance(done)

    return draw_sessions([cfg.condition], each=cfg.sessions, duration_s=cfg.session_s, seed=cfg.seed, progress=progress)


def _score(bench: Bench, env: EnvCfg, cfg: RecordedCfg, norm: Array) -> Score:
    """Beside the rule that the action corrects; absolute horizons stand beside the sender's rule."""
    most = _JOINT_SCORE_SESSIONS if loops_of(cfg) else _SCORE_SESSIONS
    chosen = bench.sessions.of(cfg.condition)[: min(most, cfg.sessions)]
    if env.action == "late":
        return Score(bench, env, chosen, norm, lambda session: constant(np.array(LATE_RULE)))
    base = sender_rule(bench.sessions, env.rule)

    def reference(session: Rows) -> Chooser:
        def choose(number: Rows, row: Rows, slot: Rows) -> Array:
            said = base[session[number], slot] + bench.hands.usual_age_s(row)[:, None]
            return np.concatenate([said, np.tile([1.0, 0.0], (len(said), 1))], axis=1)

        return choose

    return Score(bench, env, chosen, norm, reference)


def _resumed(policy: PolicyFile) -> DirectResult:
    """What a run had kept, with the normalisation that its checkpoint was trained behind."""
    weights = Weights(layers=policy.layers, log_sigma=np.full(policy.layers[-1][1].size, -2.0))
    return DirectResult(weights=weights, mean=policy.mean, scale=policy.scale)


def _direct(ground: _Ground, cfg: RecordedCfg, watcher: Watcher) -> DirectResult:
    watcher.begin("by gradient", cfg.direct.updates)
    return train_direct(
        DirectData(ground.hands, ground.sessions, ground.env, ground.norm, seed=cfg.seed),
        ground.env,
        replace(cfg.direct, seed=cfg.direct.seed + cfg.seed, hidden=cfg.ppo.hidden),
        on_update=lambda update, loss, rule: watcher.advance(update, f"loss {loss:.3f}, rule {rule:.3f}"),
    )


def _calibrated(direct: DirectResult, cfg: RecordedCfg, score: Score, scores: Scores) -> DirectResult:
    """In joint space, with its score; as it is on resuming, with a lag, or where an action corrects no rule."""
    if "resumed" in scores or loops_of(cfg) is None or cfg.env.action not in _CORRECTING:
        return direct
    direct = calibrated(direct, score)
    scores["joint"] = score.judge(direct.weights, direct.mean, direct.scale)
    return direct


class _Laps:
    """How long each stage took [s]."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._since_ns = clock, clock.now_ns()
        self.took_s: dict[str, float] = {}

    def end(self, stage: str) -> None:
        """A stage is over, the next begins."""
        now_ns = self._clock.now_ns()
        self.took_s[stage], self._since_ns = (now_ns - self._since_ns) / NS_PER_S, now_ns


def _baselines(hands: HandBank, cfg: RecordedCfg, watcher: Watcher) -> dict[str, Baselines]:
    """Of the policy's own loop, and of the paper's plain loop, as a lag, where that is another."""
    done = 0

    def progress(condition: str) -> None:
        nonlocal done
        watcher.advance(done, condition)
        done += 1

    loops = {"baselines": cfg.env.stock} | ({} if cfg.env.stock else {"plain_baselines": True})
    watcher.begin("baselines", len(loops) * (len(EVALUATED) + 1))
    seed = cfg.seed + BASELINE_SEED
    return {
        name: find_baselines(
            hands,
            stock=stock,
            seed=seed,
            progress=progress,
            loops=loops_of(cfg) if stock == cfg.env.stock else None,
        )
        for name, stock in loops.items()
    }


def policy_of(
    taught: Taught,
    env: EnvCfg,
    cfg: RecordedCfg,
    folder: RunFolder,
    names: Sequence[str],
    found: Mapping[str, Baselines],
) -> PolicyFile:
    """The policy as the runtime loads it."""
    return PolicyFile(
        observation=env.observation,
        action=env.action,
        limits=env.limits,
        rule=env.rule,
        mean=taught.direct.mean,
        scale=taught.direct.scale,
        layers=taught.weights.layers,
        note={
            "step": "recorded",
            "person": "none",
            "forecaster": cfg.hands.forecaster,
            "paper_mode": env.stock,
            "seed": cfg.seed,
            "hands": list(names),
            "condition": cfg.condition,
            "env": asdict(env),
            "scores": taught.scores,
            **{name: asdict(baselines) for name, baselines in found.items()},
            "created_utc": folder.facts["created_utc"],
            "versions": folder.facts["versions"],
            "git": folder.facts["git"],
        },
    )
