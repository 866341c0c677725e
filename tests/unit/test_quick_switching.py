"""The interpreter's switch interval is the host's own again when nobody of ours needs it short."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from teletwin.session.realtime import favour_this_thread, punctual, quick_switching


@pytest.fixture(autouse=True)
def hosts_interval() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield
    assert sys.getswitchinterval() == pytest.approx(0.005)
    sys.setswitchinterval(before_s)


def test_blocks_may_overlap_and_end_in_any_order() -> None:
    first, second = quick_switching(), quick_switching()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() < 0.001
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_threads_that_end_after_the_others_put_it_back() -> None:
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        with quick_switching():
            entered.set()
            leave.wait(5.0)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(5.0)
    with quick_switching():
        assert sys.getswitchinterval() < 0.001
    assert sys.getswitchinterval() < 0.001
    leave.set()
    thread.join(5.0)


def test_an_error_inside_puts_it_back() -> None:
    with pytest.raises(ValueError, match="x"), quick_switching():
        raise ValueError("x")


def test_a_loop_on_time_has_it_short_and_a_threads_priority_leaves_it() -> None:
    with punctual(priority=1):
        assert sys.getswitchinterval() < 0.001
    thread = threading.Thread(target=favour_this_thread, kwargs={"nice": 0})
    thread.start()
    thread.join(5.0)
