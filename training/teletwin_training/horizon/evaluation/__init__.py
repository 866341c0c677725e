"""Policies beside their baselines on held-out hands: paired, with intervals, by network and by motion."""
