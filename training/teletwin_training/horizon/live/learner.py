"""The learner's process: rows of a running session in, rl_games' PPO, new policies out.

Told by one line of JSON on standard input; says `ready` and at the end `done {...}`, a line each. It ends
with the session, at the end of standard input or at SIGTERM, and leaves a whole checkpoint and the newest policy.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np

from teletwin.errors import TeletwinError
from teletwin.horizon.policy_file import PolicyFile, load_policy, save_policy
from teletwin.jsonable import to_jsonable
from teletwin.left_alone import end_when_left_alone
from teletwin_training.horizon.live.actor import policy_of, purpose_of, weights_of
from teletwin_training.horizon.live.cfg import LearnerCfg, from_json
from teletwin_training.horizon.live.environment import RecordedSession
from teletwin_training.horizon.live.stream import RowStream
from teletwin_training.ppo import EpochFacts, PpoResult, train_ppo

READY, DONE = "ready", "done"
_NICE = 5
"""Control goes first."""
_KEPT = 2
"""Policies that lie beside the channel: the session may still be loading the last but one."""


class Learner:
    """Learns from one session until it ends."""

    def __init__(self, cfg: LearnerCfg, stream: RowStream) -> None:
        self._cfg, self._stream = cfg, stream
        self._policy = load_policy(cfg.policy_file)
        self._env = RecordedSession(
            stream,
            observation_count=len(self._policy.mean),
            action_count=len(self._policy.layers[-1][1]),
            on_wait=self._wait,
        )
        self.curve: list[dict[str, float]] = []

    def run(self) -> dict[str, object]:
        """Learn; return what came of it."""
        cfg, policy = self._cfg, self._policy
        result = train_ppo(
            self._env,
            replace(cfg.ppo, hidden=tuple(len(biases) for _, biases in policy.layers[:-1])),
            folder=cfg.folder,
            purpose=purpose_of(policy),
            mean=policy.mean,
            scale=policy.scale,
            start=weights_of(policy, spread=cfg.spread),
            checkpoint=cfg.checkpoint or None,
            on_epoch=self._on_epoch,
        )
        save_policy(cfg.policy_out, policy_of(result.weights, policy, cfg.note))
        return self._results(result)

    def _wait(self) -> None:
        """Everything is loaded: say so here and on the page."""
        _say(READY)
        self._tell(None)

    def _on_epoch(self, facts: EpochFacts) -> None:
        """Tell the session, and send it the policy once the actor learns."""
        means = facts.means
        self.curve.append(
            {
                "epoch": facts.epoch,
                "frames": facts.frames,
                "reward": facts.reward,
                "metric_m": means.get("paper_reward", np.nan),
                "drawing_error_mm": 1e3 * means.get("drawing_m", np.nan),
                "kl": facts.kl,
            }
        )
        if len(self.curve) > self._cfg.ppo.critic_first_epochs:
            self._send(policy_of(facts.weights, self._policy, self._cfg.note), spread=np.exp(facts.weights.log_sigma))
        self._tell(facts)

    def _send(self, policy: PolicyFile, *, spread: np.ndarray) -> None:
        """Give the session a policy, as a file beside the channel, and keep it in the run's folder."""
        number, place = self._env.newest_policy + 1, Path(self._cfg.channel).parent
        path = save_policy(place / f"policy-{number}.npz", policy)
        self._stream.say({"kind": "policy", "number": number, "path": str(path), "spread": spread.tolist()})
        self._env.newest_policy = number
        (place / f"policy-{number - _KEPT}.npz").unlink(missing_ok=True)
        save_policy(self._cfg.policy_out, policy)

    def _tell(self, facts: EpochFacts | None) -> None:
        """What the page shows of the learner."""
        said: dict[str, object] = {"kind": "state", "phase": "learning", "epochs": len(self.curve)}
        if facts is not None:
            said |= {"steps": len(self.curve) * self._cfg.ppo.horizon_length, "reward": facts.reward}
        self._stream.say(said)

    def _results(self, result: PpoResult) -> dict[str, object]:
        env, stream = self._env, self._stream
        return {
            "epochs": len(self.curve),
            "epochs_all": result.epochs,
            "frames": result.frames,
            "policies": env.newest_policy,
            "rows": stream.received_count,
            "rows_stale": env.stale_count,
            "rows_dropped": stream.dropped_count,
            "rows_bad": stream.bad_count,
            "gaps": env.gap_count,
            "curve": self.curve,
        }


def main() -> int:
    """Run the learner that one line of JSON on standard input describes; without its launcher it ends in time."""
    end_when_left_alone()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the session ends first
    cfg = from_json(sys.stdin.readline())
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    try:
        with RowStream(cfg.channel) as stream:
            signal.signal(signal.SIGTERM, lambda *_: stream.end())
            threading.Thread(target=_watch_launcher, args=(stream,), daemon=True).start()
            results = Learner(cfg, stream).run()
    except TeletwinError as error:
        print(f"teletwin learner: {error}", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    _say(f"{DONE} {json.dumps(to_jsonable(results))}")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _watch_launcher(stream: RowStream) -> None:
    """End when standard input does: the launcher is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stream.end()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # native threads of torch must not delay the end
