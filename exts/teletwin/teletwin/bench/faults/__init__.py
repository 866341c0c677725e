"""Faults on purpose: seeded runs on a bad network, processes that are killed, input that nobody meant."""

from __future__ import annotations
