"""Allocators side by side on held-out seeds."""
