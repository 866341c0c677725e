"""Inner loops of `habit_kernels`, eight lanes at a time; see `lane_kernels`, and there what the rows hold."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# Older warps take no annotation for a native function that returns nothing.
# ruff: noqa: ANN201
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.lane_kernels import LANES, vec7, vec8

vec8f = wp.types.vector(length=8, dtype=wp.float32)

_FEATURES = (
    LANES
    + """
const int lag[9] = {0, 1, 2, 4, 7, 12, 22, 42, 99};
const lanes* way = (const lanes*)&wp::index(ways, nook, 0);
const lanes* d = (const lanes*)&wp::index(increments, nook, 0);
lanes* f = (lanes*)&wp::index(features, nook, 0);
for (int j = 0; j < 8; ++j) {
    const int from = last > lag[j + 1] ? last - lag[j + 1] : 0, to = last > lag[j] ? last - lag[j] : 0;
    f[j] = (way[to] - way[from]) * all(1.0 / (lag[j + 1] - lag[j]));
}
lanes square = all(0.0), recent = all(0.0), pace = all(0.0);
for (int t = 0; t < last; ++t) square = square + d[t] * d[t];
for (int t = last > 6 ? last - 6 : 0; t < last; ++t) recent = recent + d[t] * d[t];
for (int group = 0; group < 2; ++group) {
    double all_along = 0.0, now = 0.0;
    for (int c = 3 * group; c < 3 + 4 * group; ++c) { all_along += square[c] / last; now += recent[c] / 6.0; }
    const double total = all_along + now;
    pace[group] = total > 1e-24 ? now / total - 0.5 : 0.0;
}
f[8] = pace;
"""
)


@wp.func_native(_FEATURES)
def find_features(
    increments: wp.array2d(dtype=vec8),
    ways: wp.array2d(dtype=vec8),
    features: wp.array2d(dtype=vec8),
    nook: int,
    last: int,
):
    """Mean increments over eight stretches of the past, the newest first; in the ninth row the pace of each group.

    Pace is -0.5 at rest after motion, 0 when the last 60 ms are as fast as the window, up to 0.5 in a burst.
    """
    ...


_REMEMBER = """
const double* f = (const double*)&wp::index(features, nook, 0);
float* p = (float*)&wp::index(past, hand, row, 0);
for (int j = 0; j < 9; ++j)
    for (int c = 0; c < 8; ++c) p[8 * j + c] = (float)(c >= 3 && j < 8 ? sign * f[8 * j + c] : f[8 * j + c]);
"""


@wp.func_native(_REMEMBER)
def remember_features(
    features: wp.array2d(dtype=vec8), nook: int, past: wp.array3d(dtype=vec8f), hand: int, row: int, sign: wp.float64
):
    """Put this slot's features into its row of the past, orientations in the first window's hemisphere."""
    ...


_LEARN = (
    LANES
    + """
const float* p = (const float*)&wp::index(past, hand, row, 0);
const int group = pair & 1, first = 3 * group, end = 3 + 4 * group;
lanes* S = (lanes*)&wp::index(sums, hand, pair, 0);
for (int i = 0; i < 34; ++i) S[i] = S[i] * all(kept);
for (int c = first; c < end; ++c) {
    lanes f[2] = {all(0.0), all(0.0)};
    for (int j = 0; j < 8; ++j) f[0][j] = p[8 * j + c];
    f[1] = f[0] * all(p[64 + group]);
    const double base = p[8 * (9 + (pair >> 1)) + c];
    f[1][7] = base;
    const double missed = came[c] - base;
    for (int i = 0; i < 8; ++i) {
        const lanes x = all(f[0][i]);
        S[2 * i] = S[2 * i] + x * f[0];
        S[2 * i + 1] = S[2 * i + 1] + x * f[1];
    }
    for (int i = 8; i < 16; ++i) S[2 * i + 1] = S[2 * i + 1] + all(f[1][i - 8]) * f[1];
    S[32] = S[32] + all(missed) * f[0];
    S[33] = S[33] + all(missed) * f[1];
}
const lanes* w = (const lanes*)&wp::index(start, hand, pair, 0);
double L[16][16], pivot[16], x[16];
bool sound = true;
double typical = 0.0;
for (int i = 0; i < 8; ++i) typical += S[2 * i][i] / 8.0;
for (int i = 0; i < 16; ++i) {  // what hardly moved as yet must not get a large weight
    const double diagonal = S[2 * i + (i >> 3)][i & 7];
    const double towards = ridge * (diagonal > 0.3 * typical ? diagonal : 0.3 * typical);
    const double ridged = diagonal + towards + 1e-24;
    for (int j = 0; j <= i; ++j) {
        double a = j < i ? S[2 * j + (i >> 3)][i & 7] : ridged;
        for (int k = 0; k < j; ++k) a -= L[i][k] * L[j][k] * pivot[k];
        if (j < i) L[i][j] = a / pivot[j];
        else pivot[i] = a > 1e-12 * ridged ? a : 1e-12 * ridged;
    }
    double b = S[32 + (i >> 3)][i & 7] + towards * w[i >> 3][i & 7];
    for (int k = 0; k < i; ++k) b -= L[i][k] * x[k];
    x[i] = b;
}
for (int i = 15; i >= 0; --i) {
    double b = x[i] / pivot[i];
    for (int k = i + 1; k < 16; ++k) b -= L[k][i] * x[k];
    x[i] = b;
    sound = sound && wp::isfinite(b);
}
for (int i = 0; i < 16; ++i) S[34 + (i >> 3)][i & 7] = sound ? x[i] : 0.0;
if (!sound) for (int i = 0; i < 34; ++i) S[i] = all(0.0);
"""
)


@wp.func_native(_LEARN)
def learn_habit(
    past: wp.array3d(dtype=vec8f),
    sums: wp.array3d(dtype=vec8),
    start: wp.array3d(dtype=vec8),
    hand: int,
    row: int,
    pair: int,
    came: vec7,
    kept: wp.float64,
    ridge: wp.float64,
):
    """Take what came after one slot into the sums of a trial and group, and solve for its weights anew (L D L^T)."""
    ...


_CORRECT = (
    LANES
    + """
lanes* f = (lanes*)&wp::index(features, nook, 0);
lanes result = all(0.0);
for (int group = 0; group < 2; ++group) {
    const double* w = (const double*)&wp::index(sums, hand, 2 * trial + group, 34);
    const double pace = f[8][group];
    const int first = 3 * group, end = 3 + 4 * group;
    lanes moved = all(0.0);
    double fastest = 0.0, square = 0.0;
    for (int j = 0; j < 7; ++j) moved = moved + f[j] * all(w[j] + pace * w[8 + j]);
    moved = moved + f[7] * all(w[7]);
    for (int j = 0; j < 8; ++j) {
        double speed = 0.0;
        for (int c = first; c < end; ++c) speed += f[j][c] * f[j][c];
        fastest = speed > fastest ? speed : fastest;
    }
    for (int c = first; c < end; ++c) {
        const double sum = moved[c] + w[15] * base[c];
        result[c] = wp::isfinite(sum) ? sum : 0.0;
        square += result[c] * result[c];
    }
    const double reach = fastest * (4 * trial + 2) * (4 * trial + 2);
    if (square > reach) for (int c = first; c < end; ++c) result[c] = result[c] * wp::sqrt(reach / square);
}
f[9] = result;
"""
)


@wp.func_native(_CORRECT)
def find_correction(
    features: wp.array2d(dtype=vec8), nook: int, sums: wp.array3d(dtype=vec8), hand: int, trial: int, base: vec7
):
    """Put what the weights add to the displacement that the mixture forecasts to a trial into row 9 of the features.

    No more than the way to there at the fastest of the stretches.
    """
    ...
