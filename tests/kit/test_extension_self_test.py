"""Kernels that compute something else keep the arm from moving in Kit too: Start refuses, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake import kit
from kit_session import SETTINGS, KitSession, session_cfg, started, turns_until, write_recording

from teletwin.twin import self_test

pytest.importorskip("pxr", reason="usd-core is not installed")
ANSWERS = self_test.known_answers()
LIMITS = next(k for k, answer in enumerate(ANSWERS) if "limits" in answer.name)


@pytest.fixture(autouse=True)
def _test_anew() -> Iterator[None]:
    self_test.require_sound_kernels.cache_clear()
    yield
    self_test.require_sound_kernels.cache_clear()


def plant(monkeypatch: pytest.MonkeyPatch, which: int, wrong: str) -> None:
    """Let one known answer come out wrong, as another compiler might have it."""

    def compute() -> np.ndarray:
        if wrong == "crash":
            raise TypeError("all values given when constructing a vector must have the same type")
        expected = np.asarray(ANSWERS[which].expected)
        return np.full_like(expected, np.nan) if wrong == "nan" else -expected

    self_test.require_sound_kernels.cache_clear()  # the test's own operator and arm have passed it
    planted = list(ANSWERS)
    planted[which] = dataclasses.replace(ANSWERS[which], compute=compute)
    monkeypatch.setattr(self_test, "known_answers", lambda: tuple(planted))


def surroundings() -> Any:
    """No way to an arm: a start that gets as far as opening its links has gone too far."""
    from teletwin.kit.build import InlineExecutor
    from teletwin.kit.twin_app import Surroundings

    return Surroundings(open_links=lambda *_: pytest.fail("links were opened"), executor=InlineExecutor)


@pytest.mark.parametrize(
    ("version", "policy", "which", "wrong"),
    [
        ("5.1", "rmpflow", LIMITS, "sign"),
        ("6.0", "rmpflow", LIMITS, "sign"),
        ("6.0", "lula", LIMITS, "sign"),
        ("6.0", "rmpflow", LIMITS, "nan"),
        ("6.0", "rmpflow", LIMITS, "crash"),
        *(("6.0", "rmpflow", k, "sign") for k in range(len(ANSWERS)) if k != LIMITS),
    ],
)
def test_a_planted_wrong_answer_refuses_to_engage_and_nothing_moves(
    version: str, policy: str, which: int, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, which, wrong)
    with kit(version, settings=SETTINGS | {"motion_policy": policy}) as fake:
        extension = started(fake, surroundings)
        alive = fake.leftovers()
        fake.ui.find("Button", "Start").press()
        turns_until(fake, lambda app=extension._app: app.state != "starting")
        fake.ui.find("Button", "Engage").press()
        for _ in range(5):
            fake.turn()
        app = extension._app
        assert app.state == "stopped"
        refusal = next(text for text in app.warnings if "warp-lang" in text)
        assert "\n" not in refusal
        for word in (ANSWERS[which].name, "nothing moves", "pip install warp-lang=="):
            assert word in refusal
        assert any(line == f"error: [teletwin] {refusal}" for line in fake.log)
        assert app.warnings[-1] == "nothing runs yet: press Start"
        assert fake.timeline.is_stopped()
        assert fake.physics.step_count == 0
        assert fake.leftovers() == alive
        extension.on_shutdown()
        del extension, app
        assert fake.leftovers() == []


def test_after_a_refusal_start_works_once_the_kernels_are_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = write_recording(tmp_path / "eight.tum", duration_s=2.0)
    with kit("6.0", settings=SETTINGS) as fake:
        session = KitSession(fake, session_cfg(hand))
        extension = started(fake, session.surroundings)
        for is_sound in (False, True):
            with monkeypatch.context() as within:
                if not is_sound:
                    plant(within, LIMITS, "sign")
                fake.ui.find("Button", "Start").press()
                turns_until(fake, lambda app=extension._app: app.state != "starting")
            assert (extension._app.state == "running") == is_sound
        fake.turn(steps=0)
        session.run(0.2)
        assert session.log.commands
        extension.on_shutdown()
        del extension
        assert fake.leftovers() == []
