"""Pictures: taken by the camera, encoded by a GPU."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fake import FakeKit, kit

pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import UsdGeom  # noqa: TID253


def test_the_camera_gives_pictures_of_the_size_asked_for_once_the_renderer_is_warm(fake: FakeKit) -> None:
    from teletwin.kit.camera import CameraSource

    UsdGeom.Camera.Define(fake.context.get_stage(), "/camera")
    with CameraSource("/camera", 64, 36) as source:
        assert source.read() is None
        for _ in range(5):
            fake.turn(steps=0)
        rendered = source.read()
        assert rendered is not None
        assert rendered.pixels.shape == (36, 64, 3)
        assert rendered.pixels.flags.c_contiguous
        source.resize(128, 72)
        assert source.read() is None
        for _ in range(5):
            fake.turn(steps=0)
        assert source.read().pixels.shape == (72, 128, 3)  # type: ignore[union-attr]
        assert len(fake.leftovers()) == 3
    assert fake.leftovers() == []


def test_the_encoder_of_a_gpu_gives_one_packet_a_picture_and_key_frames_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With x264 in NVENC's place: the same calls, where no GPU is."""
    from teletwin.messages import ViewSettings
    from teletwin.view.decoder import Decoder

    with kit("6.0"):
        from teletwin.kit import nvenc

        monkeypatch.setattr(nvenc, "CODEC", "libx264")
        monkeypatch.setattr(nvenc, "OPTIONS", {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"})
        settings = ViewSettings(width=160, height=90)
        encoder, name = nvenc.open_encoder(settings, "nvenc")
        assert name == "nvenc"
        picture = np.full((90, 160, 3), 90, dtype=np.uint8)
        encoded = [encoder.encode(picture, frame_id=k, force_key=k in (0, 3)) for k in range(5)]
        assert [each.is_key for each in encoded] == [True, False, False, True, False]
        shown = Decoder().decode(encoded[0].data, codec="h264", is_key=True)
        assert shown is not None
        assert abs(float(shown.mean()) - 90.0) < 4.0
        assert encoder.configure(dataclasses.replace(settings, width=320, height=180))
        assert encoder.encode(np.zeros((180, 320, 3), dtype=np.uint8), frame_id=9, force_key=True).is_key
        encoder.close()
