"""The allocator in a running session: what it measures, what it decides, and how that reaches pictures and updates."""
