"""`teletwin train horizon --step human`: a person draws in the page, and PPO learns from it meanwhile."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from teletwin.cli.options import read_options
from teletwin.clock import SystemClock
from teletwin.errors import ConfigError, TeletwinError
from teletwin.hand.drawing_task import DrawingTaskCfg
from teletwin.horizon.policy_file import save_policy
from teletwin.report.document import read_report
from teletwin.session.carried_rate import paced
from teletwin.session.config import HorizonCfg, SessionCfg
from teletwin.session.launch import INTERRUPTED, Roles, start_local
from teletwin.session.lesson_cfg import LessonCfg, OfferedLesson
from teletwin.session.lesson_drawing import lesson_task
from teletwin.session.page_cfg import PageCfg, page_tokens
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.warm import warm_up
from teletwin_training.cli.learner_alone import learn_alone
from teletwin_training.horizon.live.cfg import LIVE_PPO, LearnerCfg, check_spread
from teletwin_training.horizon.live.person import PersonAtPage
from teletwin_training.horizon.live.process import LearnerProcess
from teletwin_training.horizon.live.start import Start, find_start
from teletwin_training.ppo import PpoCfg, require_rl_games
from teletwin_training.ppo.checkpoint import CHECKPOINT_NAME
from teletwin_training.run_folder import RunFolder, open_run

COMMAND = "train horizon --step human"
_SESSION_REPORT = "session.json"
_REPORT_S = 10.0
"""The operator writes its report within this, while the others still run [s]."""


@dataclass(frozen=True, kw_only=True)
class HumanOptions:
    """Options of `teletwin train horizon --step human`."""

    session: SessionCfg = field(default_factory=SessionCfg)
    page: PageCfg = field(default_factory=PageCfg)
    checkpoint: str = ""
    """What to begin with: a run's folder or a policy (.npz); else --policy FILE, the shipped policy, or the rule."""
    drawn_by: Literal["person", "simulated"] = "person"
    """Who draws: a person in the page, or one that is made up (for checks, and without a page)."""
    headless: bool = False
    """No browser: only a made-up person can draw then."""
    learner_only: bool = False
    """Only learn; another program on this machine runs session and page, as Isaac Sim's button *Lesson* does."""
    duration: float = 0.0
    """End so long after the arm was first heard [s]; 0 runs until somebody quits."""
    out: str = ""
    """Folder of the run; one named after the time when not given."""
    epochs: int = 0
    """End after so many epochs; 0 learns until the session ends."""
    epoch_slots: int = 256
    """Slots that are drawn between one policy and the next."""
    critic_epochs: int | None = None
    """Epochs at first in which only the critic learns and the policy stays; 4, or none from a meta-learned start."""
    learning_rate: float = LIVE_PPO.learning_rate
    """Of PPO; constant."""
    spread: float = 0.08
    """Standard deviation of the noise on actions, whose range is -1 to 1."""
    dot_speed_m_s: float = 0.08
    """Mean speed of the dot that is followed [m/s]."""
    curve_size_m: float = 0.07
    """Largest distance of the curve from its middle [m]."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done, before anything starts."""
        if self.duration < 0.0 or self.epochs < 0:
            raise ConfigError("an end cannot be negative", given=f"duration {self.duration} s, {self.epochs} epochs")
        if self.drawn_by == "simulated" and not (self.duration or self.epochs):
            raise ConfigError("a made-up person never tires", mend="give --duration SECONDS or --epochs")
        if self.headless and self.drawn_by == "person":
            raise ConfigError("nobody can draw without a page", mend="give --drawn-by simulated, or drop --headless")
        if self.learner_only and (self.drawn_by == "simulated" or self.headless or self.duration):
            raise ConfigError(
                "a learner alone has no session",
                given="--drawn-by simulated, --headless or --duration",
                mend="leave them to the program that runs the session, or drop --learner-only",
            )
        if self.epoch_slots < 64 or self.epoch_slots % 64:
            raise ConfigError("epoch_slots cannot be used", given=self.epoch_slots, allowed="64, 128, 192 ...")
        check_spread(self.spread)
        _ = self.task, self.learning  # they check themselves

    @property
    def task(self) -> DrawingTaskCfg:
        """The curve; the session's seed makes it."""
        return DrawingTaskCfg(seed=self.session.seed, speed_m_s=self.dot_speed_m_s, size_m=self.curve_size_m)

    @property
    def learning(self) -> PpoCfg:
        """How the learner learns."""
        return replace(
            LIVE_PPO,
            seed=self.session.seed,
            epochs=self.epochs or LIVE_PPO.epochs,
            horizon_length=self.epoch_slots,
            critic_first_epochs=LIVE_PPO.critic_first_epochs if self.critic_epochs is None else self.critic_epochs,
            learning_rate=self.learning_rate,
        )


def main(arguments: list[str]) -> int:
    """Run the step with the options of a command line."""
    return run_human(read_options(HumanOptions, arguments, command=COMMAND, description=__doc__ or ""))


def run_human(options: HumanOptions) -> int:
    """Start learner and session, wait for the person's end, and write down what was learned."""
    require_rl_games()
    session = options.session
    source = options.checkpoint or session.horizon.policy_file
    start = find_start(source, paper_mode=session.paper_mode, seed=session.seed)
    ppo = start.ppo(options.learning, own_critic_epochs=options.critic_epochs is None)
    run = _open(options, start)
    with tempfile.TemporaryDirectory(prefix="teletwin-") as place:
        offer = _offer(options, start, run, channel=Path(place) / "learner")
        learner_cfg = LearnerCfg(
            channel=offer.lesson.channel,
            policy_file=offer.policy_file,
            checkpoint=str(start.checkpoint or ""),
            folder=str(run.ppo_path),
            policy_out=str(run.policy_path),
            spread=options.spread,
            ppo=ppo,
            note=_note(options, start, run),
        )
        with LearnerProcess(learner_cfg) as learner:
            learned = learn_alone(learner, offer) if options.learner_only else _give(learner, options, run, offer)
    if learned is None:
        return INTERRUPTED
    run.write_metrics(_metrics(options, start, learned, run.path / _SESSION_REPORT))
    return _tell(options, run, learned)


def _offer(options: HumanOptions, start: Start, run: RunFolder, *, channel: Path) -> OfferedLesson:
    """The lesson as the session is told it."""
    policy_file = save_policy(run.path / "policy_start.npz", start.policy)
    lesson = LessonCfg(channel=str(channel), task=options.task, spread=options.spread, seed=options.session.seed)
    return OfferedLesson(lesson=lesson, policy_file=str(policy_file.absolute()))


def _give(
    learner: LearnerProcess, options: HumanOptions, run: RunFolder, offer: OfferedLesson
) -> dict[str, Any] | None:
    """The lesson in a session of its own, on this machine."""
    with _Lesson(options, run, offer) as lesson:
        return lesson.give(learner)


class _Lesson:
    """The session's processes around one lesson; a context manager."""

    def __init__(self, options: HumanOptions, run: RunFolder, offer: OfferedLesson) -> None:
        self._options, self._offer = options, offer
        self._stop = threading.Event()
        self._stack = contextlib.ExitStack()
        self._report = run.path / _SESSION_REPORT

    def __enter__(self) -> _Lesson:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def give(self, learner: LearnerProcess) -> dict[str, Any] | None:
        """Run the session to its end; what the learner did, or None when Ctrl-C came before it began."""
        options, stop = self._options, self._stop
        warm_up(_say, forecaster=options.session.forecaster, policy="learned")
        # Until here Ctrl-C ends the process as usual; from here on it ends session and learner in order.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        roles = self._stack.enter_context(Roles())
        _say("starting the learner, then the arm, the twin, the renderer and the operator's page")
        # One after the other: loading what learns takes a core for seconds.
        role = self._role()
        if not learner.wait_ready(stop) or not start_local(roles, role, stop):
            return None
        url = roles.running["operator"].text
        _say(f"the page is at {url}")
        for line in role.page_tokens.links(url):
            _say(line)
        if options.drawn_by == "simulated":
            person = PersonAtPage(url, lesson_task(options.task), seed=options.session.seed)
            self._stack.enter_context(person)
        else:
            _say("press Start there and follow the dot; Quit or Ctrl-C ends the lesson and keeps what was learned")
        _watch(roles, learner, stop)
        _end_operator(roles)
        return learner.finish()

    def _role(self) -> RoleCfg:
        """What every role is told."""
        options, robot = self._options, self._options.session.robot_host
        horizon = HorizonCfg(policy=self._offer.policy_file)
        return RoleCfg(
            role="operator",
            session=replace(paced(options.session, SystemClock(), _say), horizon=horizon),
            page=options.page,
            page_tokens=page_tokens(options.page),
            duration_s=options.duration,
            report=str(self._report),
            controller_host=robot or options.controller_host,
            lesson=self._offer.lesson,
        )


def _watch(roles: Roles, learner: LearnerProcess, stop: threading.Event) -> None:
    """Wait until the operator has ended, the learner has learned enough, or a person's Ctrl-C.

    Raises:
        TeletwinError: A process has ended that should not have.
    """
    told = False
    while not stop.wait(0.1):
        ended = roles.ended()
        if "operator" in ended:
            if roles.running["operator"].process.returncode:
                raise roles.why_ended("operator")
            return
        for name in ended:
            if name != "renderer":
                raise roles.why_ended(name)
        if "renderer" in ended and not told:
            told = True
            print(f"teletwin {COMMAND}: {roles.why_ended('renderer')}; nothing can be drawn", file=sys.stderr)
        if learner.has_ended:
            if not learner.is_done:
                raise learner.why_ended()
            return


def _end_operator(roles: Roles) -> None:
    """Let the operator write its report while the others still run; the learner sees its session end."""
    operator = roles.running["operator"].process
    operator.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        operator.wait(_REPORT_S)


def _open(options: HumanOptions, start: Start) -> RunFolder:
    """The run's folder; one that holds a training is gone on with only where that is asked for."""
    out = Path(options.out or f"runs/human-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    held = out / "ppo" / CHECKPOINT_NAME
    if held.exists() and (start.checkpoint is None or start.checkpoint.resolve() != held.resolve()):
        raise ConfigError(
            "--out holds a training already", given=out, mend=f"give another folder, or go on: --checkpoint {out}"
        )
    return open_run(out, "horizon-human", options, options.session.seed)


def _note(options: HumanOptions, start: Start, run: RunFolder) -> dict[str, Any]:
    """What the policies say of themselves."""
    return {
        "command": COMMAND,
        "step": "human",
        "person": options.drawn_by,
        "started_from": start.source,
        "forecaster": options.session.forecaster,
        "paper_mode": options.session.paper_mode,
        **{name: run.facts[name] for name in ("seed", "created_utc", "versions", "git")},
    }


def _metrics(options: HumanOptions, start: Start, learned: Mapping[str, Any], report: Path) -> dict[str, object]:
    """What the run came to: the learner's side, and the session's."""
    session = read_report(report)["results"] if report.is_file() else {}
    names = ("duration_s", "lesson", "control_rmse", "display_rmse", "control_loop", "arm_loop", "aol_ms", "mtp_ms")
    return {
        "command": COMMAND,
        "step": "human",
        "person": options.drawn_by,
        "started_from": start.source,
        "learner": dict(learned),
        "session": {name: session.get(name) for name in names},
    }


def _tell(options: HumanOptions, run: RunFolder, learned: Mapping[str, Any]) -> int:
    """Say what was learned; a made-up person from whom nothing was learned is a failure."""
    if learned["epochs"]:
        first, last = learned["curve"][0], learned["curve"][-1]
        _say(
            f"{learned['epochs']} epochs of {options.epoch_slots} slots; the arm's distance from the dot went from"
            f" {first['drawing_error_mm']:.1f} to {last['drawing_error_mm']:.1f} mm, over all that took part in it"
        )
    elif options.drawn_by == "simulated":
        raise TeletwinError("nothing was learned", given=f"{learned['rows']} slots", mend="give a longer --duration")
    else:
        _say(f"nothing was learned: {learned['rows']} slots were drawn, an epoch has {options.epoch_slots}")
    _say(f"policy: {run.policy_path}; go on from it with --checkpoint {run.path}")
    return 0


def _say(text: str) -> None:
    """One line for the person at the terminal."""
    print(f"teletwin: {text}", flush=True)
