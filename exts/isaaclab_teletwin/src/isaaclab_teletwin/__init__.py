"""teletwin's tasks, robot and teleoperation device for Isaac Lab; importing it registers the tasks with gymnasium."""

from __future__ import annotations

import isaaclab_teletwin.tasks  # noqa: F401
