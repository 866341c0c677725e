"""Inner loops over eight lanes (seven channels and one idle), in C++ for the CPU and CUDA alike.

Warp's own loops keep the seven channels in registers of two; here a slot is one register of eight. Only kernel
modules import this. Rows of `increments` and `scratch` (nook, row) are shared by the hands that a processor serves
one after another; on a GPU every hand has its own.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# Older warps take no annotation for a native function that returns nothing.
# ruff: noqa: ANN201
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

vec7 = wp.types.vector(length=7, dtype=wp.float64)
vec8 = wp.types.vector(length=8, dtype=wp.float64)
vec7f = wp.types.vector(length=7, dtype=wp.float32)

LANES = """
#if defined(__clang__) && !defined(__CUDA_ARCH__)
#pragma clang diagnostic ignored "-Wpsabi"
typedef double lanes __attribute__((vector_size(64), aligned(8)));
auto all = [](double x) -> lanes { return lanes{x, x, x, x, x, x, x, x}; };
#else
struct lanes {
    double v[8];
    CUDA_CALLABLE double& operator[](int i) { return v[i]; }
    CUDA_CALLABLE double operator[](int i) const { return v[i]; }
    CUDA_CALLABLE lanes operator+(lanes b) const { for (int i = 0; i < 8; ++i) b.v[i] = v[i] + b.v[i]; return b; }
    CUDA_CALLABLE lanes operator-(lanes b) const { for (int i = 0; i < 8; ++i) b.v[i] = v[i] - b.v[i]; return b; }
    CUDA_CALLABLE lanes operator*(lanes b) const { for (int i = 0; i < 8; ++i) b.v[i] = v[i] * b.v[i]; return b; }
};
auto all = [](double x) -> lanes { lanes r; for (int i = 0; i < 8; ++i) r.v[i] = x; return r; };
#endif
"""
"""One register's worth of channels: clang's vectors on the CPU, a plain struct for CUDA."""

_READ = (
    LANES
    + """
const double* from = (const double*)&wp::index(window, hand, 0);
lanes* to = (lanes*)&wp::index(increments, nook, 0);
const int count = window.shape[1];
lanes previous = all(0.0), present = all(0.0), finite = all(0.0);
for (int c = 0; c < 7; ++c) previous[c] = from[c];
finite = previous * all(0.0);
double distance = 0.0, turn = 0.0;
for (int t = 1; t < count; ++t) {
    for (int c = 0; c < 7; ++c) present[c] = from[7 * t + c];
    const lanes d = present - previous;
    to[t - 1] = d;
    finite = finite + d * all(0.0);
    previous = present;
    const lanes s = d * d;
    const double way = s[0] + s[1] + s[2], angle = (s[3] + s[4]) + (s[5] + s[6]);
    distance = way > distance ? way : distance;
    turn = angle > turn ? angle : turn;
}
bool sound = true;
for (int c = 0; c < 7; ++c) sound = sound && finite[c] == 0.0;
if (!sound) {
    for (int c = 0; c < 7; ++c) {
        if (finite[c] == 0.0) continue;
        previous[c] = 0.0;
        for (int t = 0; t < count; ++t) if (wp::isfinite(from[7 * t + c])) previous[c] = from[7 * t + c];
        for (int t = 0; t < count - 1; ++t) { lanes d = to[t]; d[c] = 0.0; to[t] = d; }
    }
    distance = turn = 0.0;
    for (int t = 0; t < count - 1; ++t) {
        const lanes s = to[t] * to[t];
        const double way = s[0] + s[1] + s[2], angle = (s[3] + s[4]) + (s[5] + s[6]);
        distance = way > distance ? way : distance;
        turn = angle > turn ? angle : turn;
    }
}
lanes* newest = (lanes*)&wp::index(increments, nook, increments.shape[1] - 2);
newest[0] = previous;
lanes fastest = all(0.0);
fastest[0] = wp::sqrt(distance);
fastest[1] = 2.0 * wp::sqrt(turn);
newest[1] = fastest;
"""
)


@wp.func_native(_READ)
def read_lanes(window: wp.array2d(dtype=vec7), increments: wp.array2d(dtype=vec8), hand: int, nook: int):
    """Store the increments of one hand; in the last two rows its newest values and fastest increment [m], [rad].

    A channel that holds anything non-finite is held, as by `read_window`.
    """
    ...


_CONTINUE = (
    LANES
    + """
lanes* d = (lanes*)&wp::index(increments, nook, 0);
double* a = (double*)&wp::index(coefficients, hand, 0);
const int order = lags.shape[0];
for (int c = 0; c < 7; ++c) {
    double sound = 0.0;
    for (int j = 0; j <= order; ++j) sound += a[7 * j + c] * 0.0;
    if (sound != 0.0) for (int j = 0; j <= order; ++j) a[7 * j + c] = 0.0;
}
lanes drift = all(0.0), moved = all(0.0);
for (int c = 0; c < 7; ++c) drift[c] = a[7 * order + c];
bool consecutive = order == 5 && lags.data[4] == 5;
if (consecutive) {
    lanes w[5], x[5];
    for (int j = 0; j < 5; ++j) {
        w[j] = all(0.0);
        for (int c = 0; c < 7; ++c) w[j][c] = a[7 * j + c];
        x[j] = d[known - 1 - j];
    }
    for (int step = 0; step < 50; ++step) {
        const lanes following = (((drift + w[4] * x[4]) + w[3] * x[3]) + (w[2] * x[2] + w[1] * x[1])) + w[0] * x[0];
        for (int j = 4; j > 0; --j) x[j] = x[j - 1];
        x[0] = following;
        moved = moved + following;
        if (step & 1) d[known + (step >> 1)] = moved;
    }
} else {
    for (int step = 0; step < 50; ++step) {
        lanes following = drift;
        for (int j = order - 1; j >= 0; --j) {
            lanes w = all(0.0);
            for (int c = 0; c < 7; ++c) w[c] = a[7 * j + c];
            following = following + w * d[known + step - lags.data[j]];
        }
        d[known + step] = following;
        moved = moved + following;
        if (step & 1) d[known + 50 + (step >> 1)] = moved;
    }
    for (int k = 0; k < 25; ++k) d[known + k] = d[known + 50 + k];
}
"""
)


@wp.func_native(_CONTINUE)
def continue_lanes(
    increments: wp.array2d(dtype=vec8),
    nook: int,
    known: int,
    lags: wp.array(dtype=wp.int32),
    coefficients: wp.array2d(dtype=vec7),
    hand: int,
):
    """Continue the increments by 50 steps; the displacement to each knot ahead goes to rows known ... known + 24.

    A channel whose fit overflowed is held: its constant and coefficients become zero.
    """
    ...


_FIR = (
    LANES
    + """
lanes* d = (lanes*)&wp::index(increments, nook, 0);
const lanes* w = (const lanes*)weights.data;
const int taps = lags.shape[0];
for (int k = 0; k < 25; ++k) {
    lanes moved = all(0.0), other = all(0.0);
    int j = 0;
    for (; j + 1 < taps; j += 2) {
        moved = moved + w[k * taps + j] * d[known - lags.data[j]];
        other = other + w[k * taps + j + 1] * d[known - lags.data[j + 1]];
    }
    if (j < taps) moved = moved + w[k * taps + j] * d[known - lags.data[j]];
    d[known + k] = moved + other;
}
"""
)


@wp.func_native(_FIR)
def fir_lanes(
    increments: wp.array2d(dtype=vec8),
    nook: int,
    known: int,
    lags: wp.array(dtype=wp.int32),
    weights: wp.array2d(dtype=vec8),
):
    """Displacement to each knot as a weighted sum of the last increments, to rows known ... known + 24."""
    ...


_STRAIGHT = (
    LANES
    + """
lanes* d = (lanes*)&wp::index(increments, nook, 0);
const lanes a = d[known - 3], b = d[known - 2], c = d[known - 1];
lanes slope = all(0.0);
for (int i = 0; i < 7; ++i) slope[i] = wp::max(wp::min(a[i], b[i]), wp::min(wp::max(a[i], b[i]), c[i]));
for (int k = 0; k < 25; ++k) d[known + k] = slope * all(2.0 * (k + 1));
"""
)


@wp.func_native(_STRAIGHT)
def straight_lanes(increments: wp.array2d(dtype=vec8), nook: int, known: int):
    """Displacement to each knot at the median of the last three increments, to rows known ... known + 24."""
    ...


_LIVELY = (
    LANES
    + """
const lanes* d = (const lanes*)&wp::index(increments, nook, 0);
lanes* way = (lanes*)&wp::index(ways, nook, 0);
way[0] = all(0.0);
for (int t = 0; t < last; ++t) way[t + 1] = way[t] + d[t];
for (int trial = 0; trial < 13; ++trial) {
    const int span = 4 * trial + 2;
    lanes square = all(0.0);
    int origins = 0;
    for (int t = last; t >= span; t -= 8) {
        const lanes moved = way[t] - way[t - span];
        square = square + moved * moved;
        origins += 1;
    }
    const double share = 1.0 / (origins > 0 ? origins : 1);
    lanes result = all(0.0);
    result[0] = (square[0] + square[1] + square[2]) * share;
    result[1] = ((square[3] + square[4]) + (square[5] + square[6])) * share;
    way[last + 1 + trial] = result;
}
"""
)


@wp.func_native(_LIVELY)
def lively_lanes(increments: wp.array2d(dtype=vec8), ways: wp.array2d(dtype=vec8), nook: int, last: int):
    """The way from the oldest pose to each; after it, a row a trial of 4 m + 2 slots.

    It begins with the mean squared displacements over as many slots in the window, of position and orientation, from
    every eighth origin.
    """
    ...
