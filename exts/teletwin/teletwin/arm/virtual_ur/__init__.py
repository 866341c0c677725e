"""A virtual UR3e controller that speaks RTDE on real ports, for the unmodified ur_rtde client."""
