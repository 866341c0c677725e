"""What is encoded comes out again, at the rate that was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teletwin.errors import ConfigError, StreamError
from teletwin.messages import ViewSettings
from teletwin.view import rate_in_place
from teletwin.view.barcode import MODULUS, read_barcode, write_barcode
from teletwin.view.decoder import Decoder
from teletwin.view.encoder import Encoder
from teletwin.view.rate_in_place import rates_can_change_in_place

SETTINGS = ViewSettings(width=640, height=360, rate_hz=30.0, bitrate_bps=2_000_000)


def moving_pictures(count: int, width: int = 640, height: int = 360) -> list[np.ndarray]:
    """A bright disc that circles over a textured ground; some detail, much motion."""
    y, x = np.mgrid[:height, :width]
    ground = 60.0 + 30.0 * np.sin(x / 9.0) * np.sin(y / 7.0) + 0.05 * x
    pictures = []
    for k in range(count):
        cx, cy = width * (0.5 + 0.3 * np.cos(k / 6)), height * (0.5 + 0.3 * np.sin(k / 6))
        disc = np.clip(60.0 - np.hypot(x - cx, y - cy), 0.0, 1.0)
        layers = [ground + (level - ground) * disc for level in (230.0, 180.0, 90.0)]
        pictures.append(np.stack(layers, axis=2).astype(np.uint8))
    return pictures


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10.0 * np.log10(255.0**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize(("codec", "bitrate_bps"), [("h264", 3_000_000), ("jpeg", 8_000_000)])
def test_pictures_survive_the_way(codec, bitrate_bps):
    decoder = Decoder()
    with Encoder(replace(SETTINGS, codec=codec, bitrate_bps=bitrate_bps)) as encoder:
        for k, picture in enumerate(moving_pictures(15)):
            encoded = encoder.encode(picture, frame_id=k)
            decoded = decoder.decode(encoded.data, codec=encoded.codec, is_key=encoded.is_key)
    assert psnr_db(picture, decoded) > 30.0
    assert np.abs(decoded.astype(int).mean(axis=(0, 1)) - picture.mean(axis=(0, 1))).max() < 3.0  # same colours


def test_a_picture_never_waits_and_only_the_first_is_a_key_frame():
    with Encoder(SETTINGS) as encoder:
        kinds = [encoder.encode(p, frame_id=k, force_key=k == 7).is_key for k, p in enumerate(moving_pictures(12))]
    assert [k for k, is_key in enumerate(kinds) if is_key] == [0, 7]


IN_PLACE = pytest.mark.skipif(not rates_can_change_in_place(), reason="this PyAV's structures are unknown")


@pytest.mark.parametrize("in_place", [False, pytest.param(True, marks=IN_PLACE)])
@pytest.mark.parametrize(("bitrate_bps", "rate_hz"), [(500_000, 30.0), (2_500_000, 30.0), (600_000, 15.0)])
def test_rates_follow_what_was_asked(bitrate_bps, rate_hz, in_place):
    with Encoder(replace(SETTINGS, bitrate_bps=1_500_000), in_place=in_place) as encoder:
        pictures = moving_pictures(40)
        for k in range(10):
            encoder.encode(pictures[k], frame_id=k)
        assert encoder.configure(replace(SETTINGS, bitrate_bps=bitrate_bps, rate_hz=rate_hz)) is not in_place
        encoded = [encoder.encode(pictures[k], frame_id=k) for k in range(10, 40)]
    sizes = [len(each.data) for each in encoded]
    assert [each.is_key for each in encoded] == [not in_place] + [False] * 29
    assert 0.6 * bitrate_bps < np.mean(sizes[6:]) * 8 * rate_hz < 1.15 * bitrate_bps
    assert sizes[0] < 2.5 * np.mean(sizes), "a first picture keeps to the one-frame buffer"


def test_where_nothing_is_known_of_the_codecs_memory_the_encoder_is_opened_anew(monkeypatch):
    monkeypatch.setattr(rate_in_place, "_places", lambda: None)
    with Encoder(SETTINGS, in_place=True) as encoder:
        encoder.encode(moving_pictures(1)[0], frame_id=0)
        assert encoder.configure(replace(SETTINGS, bitrate_bps=700_000))
        assert encoder.encode(moving_pictures(1)[0], frame_id=1).is_key


def test_small_changes_keep_the_encoder_and_a_new_size_goes_in_band():
    decoder = Decoder()
    with Encoder(SETTINGS) as encoder:
        first = encoder.encode(moving_pictures(1)[0], frame_id=0)
        assert not encoder.configure(replace(SETTINGS, bitrate_bps=2_050_000))
        assert encoder.configure(replace(SETTINGS, width=320, height=192))
        second = encoder.encode(moving_pictures(1, 320, 192)[0], frame_id=1)
    assert second.is_key
    assert decoder.decode(first.data, codec="h264", is_key=True).shape == (360, 640, 3)
    assert decoder.decode(second.data, codec="h264", is_key=True).shape == (192, 320, 3)


def test_an_odd_width_of_rows_is_encoded_too():
    picture = moving_pictures(1, 322, 182)[0]
    with Encoder(replace(SETTINGS, width=322, height=182)) as encoder:
        encoded = encoder.encode(picture, frame_id=0)
    assert psnr_db(picture, Decoder().decode(encoded.data, codec="h264", is_key=True)) > 24.0


def test_the_same_pictures_give_the_same_bytes():
    def run() -> list[bytes]:
        with Encoder(SETTINGS) as encoder:
            return [encoder.encode(p, frame_id=k).data for k, p in enumerate(moving_pictures(6))]

    assert run() == run()


def test_the_decoder_waits_for_a_key_frame_and_survives_rubbish():
    pictures = moving_pictures(4)
    with Encoder(SETTINGS) as encoder:
        frames = [encoder.encode(p, frame_id=k, force_key=k == 3) for k, p in enumerate(pictures)]
    decoder = Decoder()
    assert decoder.decode(frames[1].data, codec="h264", is_key=False) is None
    assert decoder.need_key
    assert decoder.decode(b"\x00\x00\x01\x65 no video", codec="h264", is_key=True) is None
    assert decoder.decode(frames[3].data, codec="h264", is_key=True) is not None
    assert not decoder.need_key
    assert decoder.decode(b"no picture", codec="jpeg", is_key=True) is None


@pytest.mark.parametrize(("codec", "bitrate_bps"), [("h264", 500_000), ("jpeg", 3_000_000)])
def test_the_barcode_is_read_after_every_codec_at_a_low_rate(codec, bitrate_bps):
    decoder = Decoder()
    with Encoder(replace(SETTINGS, codec=codec, bitrate_bps=bitrate_bps)) as encoder:
        for k, picture in enumerate(moving_pictures(25)):
            numbers = (MODULUS - 1 - 7919 * k, 104_729 * k)
            write_barcode(picture, frame_id=numbers[0], input_seq=numbers[1])
            encoded = encoder.encode(picture, frame_id=k)
            decoded = decoder.decode(encoded.data, codec=codec, is_key=encoded.is_key)
            assert read_barcode(decoded) == (numbers[0] % MODULUS, numbers[1] % MODULUS)


def test_what_cannot_be_encoded_is_refused():
    for wrong in ({"codec": "gif"}, {"width": 641}, {"rate_hz": 0.0}, {"rate_hz": float("nan")}, {"bitrate_bps": 1}):
        with pytest.raises(ConfigError, match="allowed"):
            Encoder(replace(SETTINGS, **wrong))
    with Encoder(SETTINGS) as encoder, pytest.raises(StreamError, match="wrong size"):
        encoder.encode(np.zeros((10, 10, 3), np.uint8), frame_id=0)
    with pytest.raises(StreamError, match="no room"):
        write_barcode(np.zeros((16, 64, 3), np.uint8), frame_id=0, input_seq=0)
