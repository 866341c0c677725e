"""Forecasters side by side on real and made-up hands: what they err, beside holding the pose."""

from __future__ import annotations
