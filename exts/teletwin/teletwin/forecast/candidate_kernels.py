"""The forecasts that `combine_kernels` weighs, all from one reading of the window."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast import candidates as table
from teletwin.forecast.constant_velocity import constant_velocity_spec
from teletwin.forecast.fit_kernels import burg_lanes, covariance_lanes
from teletwin.forecast.kernels import bounded_pose, channels, quat4, start_of
from teletwin.forecast.lane_kernels import continue_lanes, fir_lanes, straight_lanes, vec7, vec8
from teletwin.forecast.velocity_kernels import slope_lanes
from teletwin.forecast.weighing_kernels import Shares, Weights

CANDIDATES = wp.constant(len(table.CANDIDATES))
KNOTS_AHEAD = wp.constant(25)
STEPS_PER_KNOT = wp.constant(2)
VELOCITY_SPAN = wp.constant(constant_velocity_spec().lags[0])


@wp.struct
class Candidates:
    """What is mixed: models fitted beforehand, room to work in (nook first), the weights to start from.

    lags are 1 ... 5; taps and weights (knots ahead, taps) the pooled model's; prior (trials, 2).
    moved (nook, candidates x knots): displacements that the candidates forecast, knot by knot.
    leads (nook, 2 x trials): how the shares did of late, position and orientation in turn.
    """

    lags: wp.array(dtype=wp.int32)
    taps: wp.array(dtype=wp.int32)
    weights: wp.array2d(dtype=vec8)
    increments: wp.array2d(dtype=vec8)
    scratch: wp.array3d(dtype=vec8)
    coefficients: wp.array2d(dtype=vec7)
    ways: wp.array2d(dtype=vec8)
    moved: wp.array2d(dtype=vec7)
    leads: wp.array2d(dtype=Shares)
    prior: wp.array2d(dtype=Weights)


@wp.struct
class Bounds:
    """Where a forecast starts and how far it may go."""

    newest: vec7
    start: quat4
    begin: vec7
    speed: wp.float64
    turn_rate: wp.float64
    knot_s: wp.float64


@wp.func
def bounds_of(increments: wp.array2d(dtype=vec8), nook: int, limits: wp.vec4d) -> Bounds:
    """The bounds of `write_lanes`."""
    last = increments.shape[1] - 1
    fastest = increments[nook, last]
    bounds = Bounds()
    bounds.speed = wp.min(limits[0], limits[3] * fastest[0] / limits[2])
    bounds.turn_rate = wp.min(limits[1], limits[3] * fastest[1] / limits[2])
    bounds.knot_s = wp.float64(STEPS_PER_KNOT) * limits[2]
    bounds.newest = channels(increments[nook, last - 1])
    bounds.start = start_of(bounds.newest)
    bounds.begin = bounded_pose(bounds.newest, bounds.start, vec7(), wp.float64(0.0), bounds.speed, bounds.turn_rate)
    return bounds


@wp.func
def keep_bounded(candidates: Candidates, nook: int, known: int, which: int, bounds: Bounds) -> None:
    """Keep the displacements that a candidate left in rows known ... of the increments, bounded as a curve's."""
    for k in range(KNOTS_AHEAD):
        moved = channels(candidates.increments[nook, known + k])
        if not wp.isfinite(wp.dot(moved, moved)):
            for lane in range(7):
                if not wp.isfinite(moved[lane]):
                    moved[lane] = wp.float64(0.0)
        horizon = wp.float64(k + 1) * bounds.knot_s
        pose = bounded_pose(bounds.newest, bounds.start, moved, horizon, bounds.speed, bounds.turn_rate)
        candidates.moved[nook, CANDIDATES * (k + 1) + which] = pose - bounds.begin


@wp.func
def forecast_candidates(candidates: Candidates, nook: int, known: int, bounds: Bounds) -> None:
    """Displacements of every candidate, in the order of `candidates.CANDIDATES`."""
    burg_lanes(candidates.increments, nook, known, candidates.lags, candidates.scratch, candidates.coefficients, nook)
    continue_lanes(candidates.increments, nook, known, candidates.lags, candidates.coefficients, nook)
    keep_bounded(candidates, nook, known, 0, bounds)
    covariance_lanes(candidates.increments, nook, known, candidates.coefficients)
    continue_lanes(candidates.increments, nook, known, candidates.lags, candidates.coefficients, nook)
    keep_bounded(candidates, nook, known, 1, bounds)
    fir_lanes(candidates.increments, nook, known, candidates.taps, candidates.weights)
    keep_bounded(candidates, nook, known, 2, bounds)
    slope_lanes(candidates.increments, nook, known, VELOCITY_SPAN)
    keep_bounded(candidates, nook, known, 3, bounds)
    straight_lanes(candidates.increments, nook, known)
    keep_bounded(candidates, nook, known, 4, bounds)


@wp.func
def moved_by(candidates: Candidates, nook: int, knot: int, which: int) -> vec7:
    """Displacement that a candidate forecasts to a knot."""
    return candidates.moved[nook, CANDIDATES * knot + which]
