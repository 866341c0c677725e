"""Messages of several pieces come through a lossy path."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.bench.freeze import measure_freeze
from teletwin.errors import MessageError
from teletwin.link.fragments import Reassembly, split
from teletwin.link.protection import Protection
from teletwin.link.reed_solomon import parity, rebuild
from teletwin.link.repair import ASKED_MAX, LossMeter, Wish, parity_count

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("count", [1, 2, 9, 128])
@pytest.mark.parametrize("parities", [1, 3, 20])
def test_any_pieces_as_many_as_there_were_give_back_all(count, parities):
    pieces = RNG.integers(0, 256, (count, 40), dtype=np.uint8)
    spare = parity(pieces, parities)
    assert (spare[0] == np.bitwise_xor.reduce(pieces)).all()
    for _ in range(20):
        lost = set(RNG.permutation(count + parities)[:parities].tolist())
        known = {k: pieces[k] for k in range(count) if k not in lost}
        left = {k: spare[k] for k in range(parities) if count + k not in lost}
        for number, piece in rebuild(known, left, count).items():
            assert (piece == pieces[number]).all()


def test_a_message_survives_the_loss_that_it_was_protected_against():
    payload = RNG.integers(0, 256, 9000, dtype=np.uint8).tobytes()
    pieces = split(payload, loss=0.05)
    for seq in range(200):
        reassembly, key = Reassembly(), ("renderer", "operator", 5, seq)
        lost = set(RNG.permutation(len(pieces))[: len(pieces) - 8].tolist())
        came = [reassembly.add(key, piece, 0) for k, piece in enumerate(pieces) if k not in lost]
        assert [each for each in came if each is not None] == [payload]


def test_parity_follows_the_loss_and_is_bounded():
    counts = [parity_count(8, loss) for loss in (0.0, 0.01, 0.05, 0.3, 1.0)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] == 4


def test_a_sender_believes_more_loss_at_once_and_less_slowly():
    sender = Protection()
    sender.take(Wish(0, 0, 0.1), 0)
    sender.take(Wish(0, 0, 0.0), 1_000_000_000)
    assert 0.08 < sender.loss(1_000_000_000) < 0.1
    assert sender.loss(60_000_000_000) < 0.001


def test_each_piece_is_sent_again_once_whatever_is_asked():
    sender = Protection()
    pieces = split(bytes(9000))
    sender.keep(5, 7, pieces)
    wish = Wish(5, 7, 0.0, (1, 2, 900))
    assert sender.take(wish, 0) == pieces[1:3]
    assert sender.take(wish, 0) == []
    assert sender.repeated_count == 2


def test_a_wish_comes_as_it_went_and_a_bad_one_is_refused():
    wish = Wish(5, 2**32 - 1, 0.25, (0, 3, 17))
    again = Wish.unpack(wish.pack())
    assert (again.kind, again.seq, again.pieces) == (wish.kind, wish.seq, wish.pieces)
    assert again.loss == pytest.approx(0.25, abs=1e-4)
    for bad in (b"", wish.pack()[:-1], wish.pack() + b"x", Wish(5, 1, 0.0, tuple(range(ASKED_MAX + 1))).pack()):
        with pytest.raises(MessageError):
            Wish.unpack(bad)


def test_pieces_of_another_message_neither_count_nor_raise_the_loss_below_nothing():
    reassembly, key = Reassembly(), ("renderer", "operator", 5, 1)
    for piece in split(bytes(9000)):
        reassembly.add(key, piece, 0)
    with pytest.raises(MessageError):
        reassembly.add(key, split(bytes(9000), loss=0.3)[-1], 0)
    for seq in range(2, 8):
        for piece in split(bytes(9000)):
            reassembly.add(("renderer", "operator", 5, seq), piece, 0)
    assert reassembly.meters["renderer", "operator"].share == 0.0


def test_a_piece_that_comes_late_was_not_lost():
    reassembly = Reassembly()
    for seq in range(8):
        first, *rest = split(bytes(9000))
        for piece in (*rest, first):  # rebuilt before it comes
            reassembly.add(("renderer", "operator", 5, seq), piece, 0)
    assert reassembly.meters["renderer", "operator"].share == 0.0


def test_pieces_that_a_thin_link_lets_through_one_by_one_are_not_asked_for():
    reassembly, pieces = Reassembly(), split(bytes(9000))
    apart_ns = 7_000_000  # 1200 bytes at 1.4 Mb/s
    for seq in range(8):
        for number, piece in enumerate(pieces):
            t_ns = 100_000_000 * seq + number * apart_ns
            assert reassembly.lacking(t_ns, lambda _: True) == []
            reassembly.add(("renderer", "operator", 5, seq), piece, t_ns)
    assert reassembly.meters["renderer", "operator"].share == 0.0


def test_what_is_lacking_is_asked_for_once_and_only_where_it_comes_in_time():
    reassembly, pieces = Reassembly(), split(bytes(9000))
    for number in (0, 1, 2, 5):
        reassembly.add(("renderer", "operator", 5, 1), pieces[number], number * 1_000_000)
    assert reassembly.lacking(60_000_000, lambda _: False) == []
    ((key, asked),) = reassembly.lacking(60_000_000, lambda _: True)
    assert set(asked) <= {3, 4, 6, 7}
    assert len(asked) == 4
    assert reassembly.lacking(70_000_000, lambda _: True) == []
    whole = [reassembly.add(key, pieces[number], 80_000_000) for number in asked]
    assert bytes(9000) in whole


def test_the_loss_is_measured():
    meter = LossMeter()
    for _ in range(300):
        meter.count(10, int(RNG.binomial(10, 0.95)))
    assert meter.share == pytest.approx(0.05, abs=0.02)


def test_a_lossy_path_freezes_no_picture_for_long():
    streamed = measure_freeze("streamed", loss=0.05, round_trip_ms=240.0, seconds=8.0)
    drawn = measure_freeze("drawn", loss=0.05, round_trip_ms=240.0, seconds=8.0)
    assert streamed.longest_s < 0.6
    assert streamed.rate_hz > 26.0
    assert drawn.longest_s < 0.2
    assert drawn.kbps < 140.0
