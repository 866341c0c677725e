"""One training, from an environment to weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.errors import ConfigError
from teletwin_training.ppo.checkpoint import CHECKPOINT_NAME, Purpose, check_checkpoint, find_checkpoint
from teletwin_training.ppo.configuration import PpoCfg
from teletwin_training.ppo.environment import EnvironmentEndedError, RecordedEnv, VectorEnv
from teletwin_training.ppo.facts import EpochFacts, PpoResult
from teletwin_training.ppo.quiet import deprecations_ignored, kept_process_state, prints_into
from teletwin_training.ppo.requirement import require_rl_games
from teletwin_training.ppo.weights import Weights, read_weights, write_weights

if TYPE_CHECKING:
    from teletwin_training.ppo.agent import PpoAgent

LOG_NAME = "rl_games.log"
_ALGO = "teletwin_ppo"


def train_ppo(
    env: VectorEnv,
    cfg: PpoCfg,
    *,
    folder: str | Path,
    purpose: Purpose,
    mean: Any = None,
    scale: Any = None,
    start: Weights | None = None,
    checkpoint: str | Path | None = None,
    on_epoch: Callable[[EpochFacts], bool | None] | None = None,
) -> PpoResult:
    """Train; silent, and the process is left as it was found.

    Args:
        env: What to learn from; a RecordedEnv's recorded actions are learned from instead of own ones.
        cfg: How to learn.
        folder: The run's folder: `checkpoint.pth` with `checkpoint.json`, `summaries/`, `rl_games.log`.
        purpose: What the network is for; the checkpoint tells it.
        mean: What observations are centred on, (n,); with `scale`, or None where they come normalised. Either way they
            are clipped to +-5.
        scale: What they are divided by then, (n,).
        start: An actor to begin with instead of a random one, or of the checkpoint's (whose critic then stays).
        checkpoint: A run's folder or its checkpoint's file to go on from, counting on.
        on_epoch: Called after each epoch; returning False ends the training there.

    Raises:
        ConfigError: The checkpoint, the start or the settings do not fit, or the training became not finite.
        MissingPartError: A package of the extra `[train]` is not installed.
    """
    require_rl_games()
    cfg.check_batch(env.count)
    counts = [env.observation_count, env.action_count]
    before = check_checkpoint(checkpoint, purpose=purpose, cfg=cfg, counts=counts)["epoch"] if checkpoint else 0
    place = _prepared_folder(Path(folder), goes_on_from=checkpoint)
    with kept_process_state():
        with deprecations_ignored():
            import rl_games.torch_runner  # noqa: F401, so that prints_into() knows all of its modules

            from teletwin_training.ppo.agent import Attached
            from teletwin_training.ppo.face import VectorFace

        face = VectorFace(env, device=cfg.device, mean=mean, scale=scale)
        target = place / CHECKPOINT_NAME
        attached = Attached(cfg=cfg, purpose=purpose, checkpoint=target, counts=counts, on_epoch=on_epoch)
        params = cfg.to_rl_games(count=env.count, folder=place, epochs_before=before)
        with prints_into(place / LOG_NAME):
            agent = _agent(params, face, attached, recorded=isinstance(env, RecordedEnv))
            _run(agent, start=start, checkpoint=checkpoint)
    return PpoResult(
        weights=read_weights(agent),
        checkpoint=target,
        summaries=place / "summaries",
        epochs=int(agent.epoch_num),
        frames=int(agent.frame),
        stopped=agent.stopped,
        last=agent.newest,
    )


def _prepared_folder(folder: Path, *, goes_on_from: str | Path | None) -> Path:
    target = (folder / CHECKPOINT_NAME).resolve()
    if target.exists() and (goes_on_from is None or find_checkpoint(goes_on_from).resolve() != target):
        raise ConfigError("the folder holds a training already", given=folder, mend="give another, or go on from it")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _agent(params: dict[str, Any], face: Any, attached: Any, *, recorded: bool) -> PpoAgent:
    """The algorithm, made by rl_games' Runner; the environment is handed in, so that nothing is registered globally."""
    from rl_games.common.algo_observer import AlgoObserver
    from rl_games.torch_runner import Runner

    from teletwin_training.ppo.agent import PpoAgent, RecordedAgent

    kind = RecordedAgent if recorded else PpoAgent
    params["params"]["algo"]["name"] = _ALGO
    runner = Runner(AlgoObserver())
    runner.algo_factory.register_builder(_ALGO, lambda **given: kind(attached=attached, **given))
    with deprecations_ignored():
        runner.load(params)
        runner.params["config"].update(env_info=face.get_env_info(), vec_env=face)  # load() copies what it is given
        return runner.algo_factory.create(runner.algo_name, base_name="run", params=runner.params)


def _run(agent: PpoAgent, *, start: Weights | None, checkpoint: str | Path | None) -> None:
    try:
        if checkpoint is not None:
            agent.restore(str(find_checkpoint(checkpoint)))
        if start is not None:
            write_weights(agent, start)
        agent.train()
    except EnvironmentEndedError:
        agent.drop_epoch()
    finally:
        agent.writer.close()
        with contextlib.suppress(OSError):
            Path(agent.nn_dir).rmdir()  # rl_games makes it; the checkpoint lies elsewhere
