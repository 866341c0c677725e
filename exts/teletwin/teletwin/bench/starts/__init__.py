"""Starts of the demo beside busy processes."""
