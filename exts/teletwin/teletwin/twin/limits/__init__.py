"""The last word before the arm: range, speed, acceleration, jerk, clearance and workspace of the whole arm."""

from __future__ import annotations

from teletwin.twin.limits.limiter import BatchLimiter, CommandLimiter, LimitedCommand, LimitFlag

__all__ = ["BatchLimiter", "CommandLimiter", "LimitFlag", "LimitedCommand"]
