"""A strict stand-in for the Kit that the extension uses, at Isaac Sim 5.1 and 6.0.

Unknown attributes and wrong arguments raise; subscriptions end when their object is released; the timeline,
physics steps and frames drive callbacks; the stage is a real USD stage. What is still alive can be listed.
"""

from __future__ import annotations

from fake.application import EXT_ID, FakeKit, forget_extension, kit

__all__ = ["EXT_ID", "FakeKit", "forget_extension", "kit"]
