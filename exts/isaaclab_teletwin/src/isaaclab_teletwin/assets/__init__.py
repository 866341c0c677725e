"""Robots as Isaac Lab describes them."""
