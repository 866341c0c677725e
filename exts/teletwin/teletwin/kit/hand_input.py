"""Which hand drives a session that Kit plays alone: the page's, or one that Isaac Sim knows. The page's by default."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from teletwin.clock import Clock
from teletwin.hand.browser import HandInput
from teletwin.kit.guard import Guard
from teletwin.sim import World
from teletwin.view.server_messages import PageEvent

HAND_INPUTS = ("page", "openxr", "ros2")
"""The page's own devices; a motion controller in OpenXR (6.0); a pose over ROS 2, which also gets the joints."""


@contextlib.contextmanager
def open_hand_input(
    name: str,
    *,
    tell: Callable[[PageEvent], None],
    on_update: Callable[[Callable[[], None]], Guard],
    world: World,
    clock: Clock,
) -> Iterator[None]:
    """Open a hand beside the page's, which stays; close it at the end.

    Args:
        name: One of `HAND_INPUTS`.
        tell: The operator's desk; takes an input as if the page had sent it, from any thread.
        on_update: Subscribes to Kit's updates.
        world: The shown arm, whose joints go out over ROS 2.
        clock: The operator's.

    Raises:
        MissingPartError: This Isaac Sim lacks it, or no headset answers.
    """
    was_closed = False

    def put(hand: HandInput) -> bool:
        nonlocal was_closed
        if not hand.clutch and not was_closed:
            return False  # an idle hand must not take the clutch from a person at the page
        was_closed = hand.clutch
        values = {"seq": hand.seq, "hand": hand.pose, "clutch": hand.clutch, "device": hand.device}
        event = PageEvent(kind="input", values=values, viewer=hand.viewer, t_ns=hand.t_ns, received_ns=hand.t_ns)
        tell(event)
        return True

    with contextlib.ExitStack() as stack:
        if name == "openxr":
            from teletwin.kit.openxr_hand import OpenXrHand

            controller = OpenXrHand(put, clock)
            controller.open()
            stack.callback(controller.close)
        elif name == "ros2":
            from teletwin.kit.ros2_bridge import Ros2Bridge

            bridge = Ros2Bridge(put, clock)
            bridge.open()
            stack.callback(bridge.close)
            guard = on_update(lambda: bridge.update(world.q, world.qd))
            stack.callback(guard.close)
        yield
