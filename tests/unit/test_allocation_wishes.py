"""What a person asks of the allocation while it runs, and what is refused of it."""

import math

import pytest

from teletwin.allocation.policy_file import identity_policy, save_allocation_policy
from teletwin.errors import ConfigError
from teletwin.messages import Note, ViewSettings
from teletwin.session.allocation.wishes import AllocationWishes, build_live, narrow
from teletwin.session.config import AllocationCfg


class _Loop:
    def __init__(self):
        self.allocation = None
        self.asked = ViewSettings(bitrate_bps=1_500_000)


class _Picture:
    compute_share = 1.0
    costs = None


class _Link:
    rate_mbps = 8.0

    def set_shared(self, rate_mbps):
        self.rate_mbps = rate_mbps


@pytest.fixture
def rig():
    said, loop, picture = [], _Loop(), _Picture()
    return AllocationWishes(loop, picture, AllocationCfg(compute_share=0.5), warn=said.append), loop, picture, said


def _squeeze(**values):
    return Note(kind="squeeze", values=values)


def test_an_allocator_is_switched_on_changed_and_switched_off_while_it_runs(rig):
    wishes, loop, _, said = rig
    assert wishes.obey(Note(kind="allocator", values={"name": "backlog"}))
    first = loop.allocation
    assert first.name == "backlog"
    assert first.plan.view == loop.asked
    wishes.obey(Note(kind="allocator", values={"name": "equal"}))
    assert loop.allocation is first, "what it has measured stays"
    assert first.name == "equal"
    wishes.obey(Note(kind="allocator", values={"name": "off"}))
    assert loop.allocation is None
    assert not said


def test_the_learned_allocators_file_is_read_before_the_loop_runs(tmp_path):
    path = save_allocation_policy(tmp_path / "policy.npz", identity_policy())
    loop, said = _Loop(), []
    wishes = AllocationWishes(loop, _Picture(), AllocationCfg(allocator_file=str(path)), warn=said.append)
    path.unlink()
    wishes.obey(Note(kind="allocator", values={"name": "ppo"}))
    assert loop.allocation.name == "ppo"
    assert not said


@pytest.mark.parametrize("name", ["fair", "", None, 3, "/etc/passwd", "policy.npz"])
def test_an_allocator_that_is_none_changes_nothing_and_is_told(rig, name):
    wishes, loop, _, said = rig
    wishes.obey(Note(kind="allocator", values={"name": "backlog"}))
    before = loop.allocation
    wishes.obey(Note(kind="allocator", values={"name": name}))
    assert loop.allocation is before
    assert before.name == "backlog"
    assert "backlog" in said[0], "what is allowed is told"


def test_a_slower_machine_is_imitated_from_the_start_and_at_a_word(rig):
    wishes, _, picture, said = rig
    assert picture.compute_share == 0.5
    wishes.obey(_squeeze(compute_share=0.25, bandwidth_mbps=2.0))
    assert picture.compute_share == 0.25
    wishes.obey(_squeeze(bandwidth_mbps=2.0))
    assert picture.compute_share == 0.25
    assert not said


@pytest.mark.parametrize("bad", [0.0, 1.5, -1.0, math.nan, math.inf, True, "half", [1]])
def test_a_machine_that_cannot_be_is_refused(rig, bad):
    wishes, _, picture, said = rig
    wishes.obey(_squeeze(compute_share=bad))
    assert picture.compute_share == 0.5
    assert "compute_share" in said[0]


def test_a_link_is_narrowed_and_freed_and_never_below_nothing():
    link = _Link()
    narrow(link, _squeeze(bandwidth_mbps=1.5))
    assert link.rate_mbps == 1.5
    narrow(link, _squeeze(bandwidth_mbps=0))
    assert link.rate_mbps == 0.0
    narrow(link, _squeeze(compute_share=0.5))
    assert link.rate_mbps == 0.0
    for bad in (-1.0, math.nan, "wide"):
        with pytest.raises(ConfigError, match="bandwidth_mbps"):
            narrow(link, _squeeze(bandwidth_mbps=bad))
    assert link.rate_mbps == 0.0


def test_other_notes_are_left_to_others(rig):
    assert not rig[0].obey(Note(kind="link"))


def test_no_allocator_is_no_allocation():
    assert build_live(AllocationCfg(), ViewSettings()) is None
    assert build_live(AllocationCfg(allocator="static", link_share=0.7), ViewSettings()).name == "static"
