"""Tests that run inside Kit, found by omni.kit.test; those outside of it are in the repository's `tests/kit`."""

from __future__ import annotations

scan_for_test_modules = True
