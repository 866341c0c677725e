"""`teletwin train horizon --step meta`: a start from which step 2 adapts to a new person fastest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from teletwin.horizon.policy_file import PolicyFile
    from teletwin_training.horizon.meta.cfg import MetaCfg
    from teletwin_training.horizon.meta.step import MetaTaught

_DESCRIPTION = """Meta-learn a start for step 2 from made-up persons (first-order MAML, or Reptile).

First PPO for all persons together; then each of them takes lessons from a live learner of their own, and the start
follows what their networks come to. Begin step 2 from it: --step human --checkpoint FOLDER."""
_KIND = "horizon, step meta"
_SPARE_S = 6.0
"""A network lasts for so much longer than a person stays [s]."""


@dataclass(frozen=True, kw_only=True)
class MetaOptions:
    """Options of `teletwin train horizon --step meta`."""

    checkpoint: str = ""
    """What to begin with: a run's folder or a policy (.npz); empty: the shipped policy."""
    method: str = "maml"
    """'maml' (first order) or 'reptile'."""
    epochs: int = 160
    """Epochs of PPO for all persons together, each of 16 actions of 6 slots in 256 environments."""
    blocks: int = 10
    """Blocks of lessons, each of three epochs of the live learner and two outer roll-outs; 0: none."""
    persons: int = 128
    """Persons who take lessons side by side."""
    condition: str = "mixed"
    """Networks that are drawn: see docs/training.md."""
    sessions: int = 48
    """How many of them."""
    seed: int = 0
    """Of every draw; the same seed on the same machine gives the same start."""
    out: str = "runs/meta"
    """Folder of the run: policy.npz, checkpoint with the critic, configuration and metrics."""
    resume: str = ""
    """A run's folder to go on from: --blocks more, with other persons, from the start that was kept."""

    def __post_init__(self) -> None:
        if self.method not in ("maml", "reptile"):
            raise ConfigError("no such method", given=self.method, allowed="maml, reptile")
        if self.epochs < 1 or self.persons < 1 or not 1 <= self.sessions <= 4096 or min(self.blocks, self.seed) < 0:
            raise ConfigError(
                "the training cannot be done so",
                given=f"{self.epochs} epochs, {self.persons} persons, {self.sessions} sessions, {self.blocks} blocks",
                allowed="1 or more of each, sessions up to 4096, 0 blocks or more, a seed of 0 or more",
            )
        if self.resume and self.blocks < 1:
            raise ConfigError("there is nothing to go on with", given="--blocks 0", allowed="1 or more")


def main(arguments: list[str]) -> int:
    """Run the step with the options of a command line."""
    command = "train horizon --step meta"
    return run_meta(read_options(MetaOptions, arguments, command=command, description=_DESCRIPTION))


def run_meta(options: MetaOptions) -> int:
    """Train the start; 0 when it was written."""
    from rich.console import Console

    from teletwin_training.beforehand import check_no_training
    from teletwin_training.cli.train import watched
    from teletwin_training.horizon.meta.step import fitted, train_meta
    from teletwin_training.horizon.sessions import draw_sessions
    from teletwin_training.ppo import require_rl_games
    from teletwin_training.run_folder import open_run

    require_rl_games()
    policy, seed = _start(options)
    if not options.resume:
        check_no_training(options.out, mend=f"give another folder, or go on: --resume {options.out}")
    cfg = fitted(meta_cfg(replace(options, seed=seed)), policy)
    folder = open_run(options.resume or options.out, _KIND, options, seed, created_utc=utc_text())
    console = Console()
    with watched(console) as watcher:
        watcher.begin("networks", options.sessions)
        drawn = iter(range(1, options.sessions + 1))
        sessions = draw_sessions(
            [options.condition],
            each=options.sessions,
            duration_s=0.01 * cfg.loop.episode_slots + _SPARE_S,
            seed=seed,
            progress=lambda: watcher.advance(next(drawn)),
        )
        taught = train_meta(policy, sessions, cfg, folder, watcher, goes_on=bool(options.resume))
    folder.write_metrics(_metrics(taught))
    console.print(
        f"{len(taught.curve)} blocks of lessons, {sum(taught.took_s.values()):.0f} s; start: {folder.path},"
        f" for --step human --checkpoint {folder.path}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _start(options: MetaOptions) -> tuple[PolicyFile, int]:
    """The policy to begin with, and the seed: persons of a run that is gone on with are not met again.

    Raises:
        ConfigError: There is none, or --resume names a run of another kind.
    """
    from teletwin_training.horizon.live.start import find_start

    if not options.resume:
        return find_start(options.checkpoint, paper_mode=False, seed=options.seed).policy, options.seed
    policy = find_start(str(Path(options.resume)), paper_mode=False, seed=options.seed).policy
    if policy.note.get("step") != "meta":
        raise ConfigError("the run is of another kind", given=options.resume, allowed="one of --step meta")
    return policy, int(str(policy.note.get("seed", 0))) + 1 + options.seed


def meta_cfg(options: MetaOptions) -> MetaCfg:
    """The options as the step's settings."""
    from teletwin_training.horizon.meta.cfg import MetaCfg

    cfg = MetaCfg(blocks=options.blocks, persons=options.persons, seed=options.seed)
    together = replace(cfg.together, ppo=replace(cfg.together.ppo, epochs=options.epochs))
    return replace(cfg, together=together, method="maml" if options.method == "maml" else "reptile")


def _metrics(taught: MetaTaught) -> dict[str, object]:
    return {
        "step": "meta",
        "person": "simulated",
        "score_together": taught.score,
        "lessons": taught.curve,
        "took_s": taught.took_s,
    }
