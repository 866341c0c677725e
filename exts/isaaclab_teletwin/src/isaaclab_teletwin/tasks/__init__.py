"""The tasks; Isaac Lab finds them through this project's entry point `isaaclab.tasks`."""

from __future__ import annotations

import isaaclab_teletwin.tasks.horizon  # noqa: F401
