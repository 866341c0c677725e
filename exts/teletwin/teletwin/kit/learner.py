"""The learner beside a lesson in Kit: `teletwin train horizon --step human --learner-only`, in a Python of its own.

Kit's Python needs neither torch nor rl_games: what learns runs in an environment that can train.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from teletwin.errors import ConfigError, MissingPartError, TeletwinError
from teletwin.session.lesson_cfg import OfferedLesson, offered

_TRAINED_BY = Path(__file__).resolve().parent.parent.parent.parent.parent / ".venv" / "bin" / "teletwin"
"""What scripts/train.py makes, where this extension lies in a checkout."""
_KITS_OWN = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""Variables with which Kit's Python finds its parts, and another Python the wrong ones."""
_KEPT_LINES = 3
_LOOK_S = 0.05
_READY_S = 180.0


class Learner:
    """The process. `close` lets it finish and write what was learned, which takes some seconds; it waits for nothing.

    Args:
        trainer: The command `teletwin` of an environment that can train; empty takes the checkout's, else the path's.
        options: Further options of `teletwin train horizon --step human`, as on a command line.
        on_finished: Told the last words of a learner that had begun, on another thread.

    Raises:
        MissingPartError: There is no such command.
        ConfigError: The options are no command line.
    """

    def __init__(self, trainer: str, options: str, *, on_finished: Callable[[str], None]) -> None:
        self._on_finished = on_finished
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._offer: OfferedLesson | None = None
        self._fault: TeletwinError | None = None
        self._process = subprocess.Popen(
            [_command(trainer), "train", "horizon", "--step", "human", "--learner-only", *_words(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={name: value for name, value in os.environ.items() if name not in _KITS_OWN},
            start_new_session=True,  # Ctrl-C at Kit's terminal: the session ends first
        )
        self._thread = threading.Thread(target=self._hear, name="teletwin-learner", daemon=True)
        self._thread.start()

    def wait_ready(self) -> OfferedLesson:
        """Wait until it can learn, which takes some seconds.

        Raises:
            TeletwinError: It has ended instead, or says nothing.
        """
        left_s = _READY_S
        while self._offer is None:
            self._thread.join(_LOOK_S)
            left_s -= _LOOK_S
            if self._fault is not None:
                raise self._fault
            if not self._thread.is_alive() and self._offer is None:
                raise TeletwinError("the learner could not start", given=self._words_said())
            if left_s <= 0.0:
                raise TeletwinError("the learner did not come up", given=f"{_READY_S:g} s; {self._words_said()}")
        return self._offer

    def close(self) -> None:
        """Let it finish: without this hand at its input it ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                offer = offered(line)
            except TeletwinError as error:
                self._fault = error
                self.close()
                continue
            if offer is not None:
                self._offer = offer
                self._lines.clear()
            elif line.strip():
                self._lines.append(line.strip().removeprefix("teletwin: "))
        self._process.wait()
        if self._offer is not None:
            self._on_finished(f"the learner has ended: {self._words_said()}")

    def _words_said(self) -> str:
        return "; ".join(self._lines) or "it said nothing"


def _command(trainer: str) -> str:
    found = shutil.which(trainer) if trainer else (str(_TRAINED_BY) if _TRAINED_BY.is_file() else None)
    found = found or (shutil.which("teletwin") if not trainer else None)
    if found is None:
        raise MissingPartError(
            "nothing here can train",
            given=trainer or "no .venv beside the extension, no teletwin on the path",
            allowed="the command teletwin of an environment that can train",
            mend="run python3 scripts/train.py once; /exts/teletwin/lesson_trainer is then <repo>/.venv/bin/teletwin",
        )
    return found


def _words(options: str) -> list[str]:
    try:
        return shlex.split(options)
    except ValueError as error:
        raise ConfigError("/exts/teletwin/lesson_options is no command line", given=f"{options} ({error})") from None
