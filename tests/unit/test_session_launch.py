"""Roles that end before they were told what to do."""

from __future__ import annotations

import subprocess
import threading

import pytest

from teletwin.errors import TeletwinError
from teletwin.session import launch
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles
from teletwin.session.role_cfg import RoleCfg


@pytest.fixture
def stillborn(monkeypatch):
    real = subprocess.Popen

    def popen(command, **options):
        process = real(["false"], **options)
        process.wait(10.0)
        return process

    monkeypatch.setattr(launch.subprocess, "Popen", popen)


def test_a_role_that_ends_before_it_is_told_anything_is_no_crash_of_the_launcher(stillborn):
    with Roles() as roles:
        roles.start(RoleCfg(role="controller", session=SessionCfg()))
        with pytest.raises(TeletwinError, match="the controller ended unexpectedly"):
            roles.wait_ready()


def test_a_ctrl_c_that_ended_a_role_first_counts_as_a_stop(stillborn):
    stop = threading.Event()
    stop.set()
    with Roles() as roles:
        roles.start(RoleCfg(role="controller", session=SessionCfg()))
        assert not roles.wait_ready(stop)
