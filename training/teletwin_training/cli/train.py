"""`teletwin train horizon`: step 1 from recorded hands, a start meta-learned, step 2 with a person at the page."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

_DESCRIPTION = """Teach a policy that chooses how far ahead to look, from recorded hands.

The Age-of-Loop rule stands at the beginning, then it learns by gradient through the forecast curve, then by PPO.

`--step human` goes on from such a policy with a person who draws at the page, `--step meta` makes a start for that from
made-up persons; see their own --help."""
STEPS = ("recorded", "human", "meta")
_PAPER = "paper"


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of `teletwin train horizon --step recorded`."""

    step: str = "recorded"
    """'recorded', 'human' or 'meta'."""
    recordings: str = ""
    """Folder of recordings; every file that a reader knows is taken. Empty: made-up hands alone."""
    part: str = "all"
    """Of these files by name: 'all', every other one from the first ('train') or from the second ('test')."""
    made_up: str = "line,reach,write,trace,turning,pair,screws,handwriting"
    """Hands that need no file, with commas between; 'none' for none."""
    made_up_seeds: int = 2
    """Operators made up of each kind."""
    made_up_s: float = 40.0
    """How long each of them moves [s]."""
    forecaster: str = "arma"
    """Forecaster by name."""
    observation: str = "rich"
    """What the policy sees: 'rich', or 'paper' (newest pose and Age of Loop)."""
    action: str = "late"
    """What it does: 'late' (corrections under late binding), 'sender' (the same on the sender's average) or 'paper'
    (absolute horizons)."""
    stock: bool = False
    """Stock RMPflow without feed-forward, and the paper's smoothing."""
    paper_mode: bool = False
    """The paper's plain form: --observation paper --action paper --stock."""
    condition: str = "mixed"
    """Networks that are drawn: see docs/training.md."""
    sessions: int = 72
    """How many of them."""
    session_s: float = 40.0
    """How long each of them is [s]; an episode takes 8 s of it."""
    envs: int = 1024
    """Parallel environments."""
    direct_s: float = 240.0
    """Learn by gradient for at most this long [s]."""
    direct_updates: int = 1200
    """And with at most so many updates; 0 leaves it out: PPO then starts from the rule."""
    epochs: int = 100
    """Epochs of PPO, each of 32 actions of 4 slots in every environment."""
    sim: str = "rmpflow"
    """What PPO's arms are: 'rmpflow' (in joint space), 'lag' (in task space: six times faster, blind to what a turning
    wrist does to the tool), 'mujoco', or 'isaac' (inside Isaac Sim's Python). But for 'lag', scores and baselines are
    taken in joint space too."""
    device: str = "cpu"
    """'cpu' or 'cuda:0'."""
    seed: int = 0
    """Of every draw; the same seed on the same machine gives the same policy, unless --direct-s ends the gradient."""
    out: str = "runs/horizon"
    """Folder of the run: policy.npz, checkpoint, TensorBoard files, configuration and metrics."""
    resume: str = ""
    """A run's folder to go on from: its PPO continues for --epochs more, from the policy that was kept, with the hands,
    networks, seed and view of the run, which need not be given again."""

    def __post_init__(self) -> None:
        if self.step not in STEPS:
            raise ConfigError("no such step", given=self.step, allowed=", ".join(STEPS))
        if self.direct_updates < 0 or self.epochs < 1:
            raise ConfigError(
                "the training is empty",
                given=f"{self.direct_updates} updates, {self.epochs} epochs",
                allowed="0 updates or more, 1 epoch or more",
            )


def main(arguments: list[str]) -> int:
    """Train what the first argument names."""
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print("usage: teletwin train horizon [--step recorded|human|meta] [options]; --help tells them")
        print("       teletwin train allocation [options]; --help tells them")
        return 0 if arguments else 2
    if arguments[0] == "allocation":
        from teletwin_training.cli.train_allocation import main as allocation

        return allocation(arguments[1:])
    if arguments[0] != "horizon":
        raise ConfigError(
            "nothing that can be trained has this name", given=arguments[0], allowed="horizon, allocation"
        )
    rest = arguments[1:]
    if _step_of(rest) == "human":
        from teletwin_training.cli.train_human import main as human

        return human(_without_step(rest))
    if _step_of(rest) == "meta":
        from teletwin_training.cli.train_meta import main as meta

        return meta(_without_step(rest))
    return run_recorded(read_options(TrainOptions, rest, command="train horizon", description=_DESCRIPTION))


def _step_of(arguments: Sequence[str]) -> str:
    for index, argument in enumerate(arguments):
        if argument == "--step" and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith("--step="):
            return argument.partition("=")[2]
    return "recorded"


def _without_step(arguments: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        if skip or argument.startswith("--step="):
            skip = False
        elif argument == "--step":
            skip = True
        else:
            kept.append(argument)
    return kept


def run_recorded(options: TrainOptions, *, world: Any = None) -> int:
    """Step 1; world (count -> sim.BatchedWorld) gives the arms of `--sim isaac`. 0 when a policy was written."""
    from rich.console import Console

    from teletwin_training.beforehand import check_device, check_no_training
    from teletwin_training.cli.resuming import adopted, check_goes_on, resumed_run
    from teletwin_training.horizon.step_recorded import train_recorded
    from teletwin_training.ppo import require_rl_games
    from teletwin_training.run_folder import open_run

    run = resumed_run(options.resume) if options.resume else None
    options = adopted(options, run) if run else options
    if options.sim == "isaac" and world is None:
        raise ConfigError(
            "Isaac Sim's arms need Isaac Sim's Python",
            given="--sim isaac",
            mend="run ./python.sh scripts/isaac_train.py with the same options",
        )
    require_rl_games()
    check_device(options.device)
    cfg = recorded_cfg(options)
    if run:
        check_goes_on(cfg, run)
    else:
        check_no_training(options.out, mend=f"give another folder, or go on: --resume {options.out}")
    utc = utc_text()
    folder = open_run(run.path if run else options.out, "horizon, step 1", cfg, options.seed, created_utc=utc)
    console = Console()
    with watched(console) as watcher:
        taught = train_recorded(cfg, folder, watcher, resume=bool(run), before=run and run.policy, world=world)
    folder.write_metrics(
        {
            "step": "recorded",
            "person": "none",
            "scores": taught.scores,
            "took_s": taught.took_s,
            "direct": [{"update": u, "loss": loss, "rule_loss": rule} for u, loss, rule in taught.direct.losses],
            "ppo": taught.curve,
        }
    )
    best = taught.scores["best"][0]
    console.print(
        f"error {best:.3f} of the rule's, in {sum(taught.took_s.values()):.0f} s; policy: {folder.policy_path}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def recorded_cfg(options: TrainOptions) -> Any:
    """The options as step 1's settings."""
    from teletwin_training.horizon.direct import DirectCfg
    from teletwin_training.horizon.environment import EnvCfg
    from teletwin_training.horizon.fine_tuning import PPO
    from teletwin_training.horizon.hand_names import HandsCfg
    from teletwin_training.horizon.step_recorded import RecordedCfg

    paper = options.paper_mode
    return RecordedCfg(
        hands=HandsCfg(
            recordings=options.recordings,
            part=options.part,
            made_up=options.made_up,
            made_up_seeds=options.made_up_seeds,
            made_up_s=options.made_up_s,
            forecaster=options.forecaster,
        ),
        env=EnvCfg(
            envs=options.envs,
            observation=_PAPER if paper else options.observation,
            action=_PAPER if paper else options.action,
            stock=paper or options.stock,
            seed=options.seed,
        ),
        direct=DirectCfg(seconds=options.direct_s, updates=options.direct_updates),
        ppo=replace(PPO, epochs=options.epochs, minibatch_size=_minibatch(options.envs)),
        condition=options.condition,
        sessions=options.sessions,
        session_s=options.session_s,
        arm=options.sim,
        device=options.device,
        seed=options.seed,
    )


def _minibatch(envs: int) -> int:
    """A quarter of an epoch's steps."""
    return 8 * envs


@contextlib.contextmanager
def watched(console: Any) -> Iterator[Any]:
    """A progress bar with speed and time left; the first Ctrl-C ends the training and keeps what was taught."""
    from teletwin_training.cli.progress import RichWatcher

    watcher = RichWatcher(console)
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: Any) -> None:
        watcher.stop()
        signal.signal(signal.SIGINT, before)  # the second one ends at once

    signal.signal(signal.SIGINT, stop)
    try:
        with watcher:
            yield watcher
    finally:
        signal.signal(signal.SIGINT, before)
