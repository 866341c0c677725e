"""Pictures of the running twin: every kind on the ladder is tried before the first, and what it cost is known."""

from __future__ import annotations

from teletwin.messages import ViewSettings
from teletwin.session.allocation.ladder import ladder
from teletwin.session.picture import LivePicture

ASKED = ViewSettings(width=320, height=180)


def test_what_each_kind_of_picture_costs_here_is_known_before_the_first_and_the_view_is_as_it_was():
    rungs = ladder(ASKED)
    with LivePicture(ASKED, objects=()) as picture:
        picture.prepare(rungs)
        costs = picture.costs
        assert set(costs) == {(rung.width, rung.height, rung.shadow) for rung in rungs}
        assert min(costs.values()) > 0.0
        assert ladder(ASKED, costs)[-1].relative == min(costs.values()) / costs[320, 180, True]
        assert picture.view == ASKED
