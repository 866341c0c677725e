"""Fits of an autoregression to one window, eight lanes at a time; see `lane_kernels`."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# Older warps take no annotation for a native function that returns nothing.
# ruff: noqa: ANN201
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.lane_kernels import LANES, vec7, vec8

_FIT = (
    LANES
    + """
const double dependent = 1.0e-24;
const lanes* d = (const lanes*)&wp::index(increments, nook, 0);
const int order = lags.shape[0], start = lags.data[order - 1], rows = known - start;
const int square_at = rows + order, mean_at = square_at + 1;
auto column = [&](int k) -> lanes* { return (lanes*)&wp::index(scratch, nook, k, 0); };
auto ratio = [](const lanes& a, const lanes& b, const lanes& floor) -> lanes {
    lanes r = a;
    for (int c = 0; c < 8; ++c) r[c] = b[c] > floor[c] ? a[c] / b[c] : 0.0;
    return r;
};
const lanes zero = all(0.0);
lanes* first = column(0);
for (int k = 0; k <= order; ++k) {
    lanes* x = column(k);
    const lanes* source = d + start - (k < order ? lags.data[k] : 0);
    lanes total = zero, other = zero;
    int t = 0;
    for (; t + 1 < rows; t += 2) { total = total + source[t]; other = other + source[t + 1]; }
    if (t < rows) total = total + source[t];
    const lanes mean = (total + other) * all(1.0 / rows);
    lanes square = zero, dot = zero, square_b = zero, dot_b = zero;
    for (t = 0; t < rows; ++t) {
        const lanes v = source[t] - mean;
        x[t] = v;
        square = square + v * v;
        dot = dot + v * first[t];
    }
    const lanes floor = square * all(dependent);
    for (int j = 0; j < k; ++j) {  // meanwhile, project on the next column
        const lanes* taken = column(j);
        const lanes* next = column(j + 1);
        const lanes share = ratio(dot, taken[square_at], zero);
        x[rows + j] = share;
        dot = square = dot_b = square_b = zero;
        for (t = 0; t + 1 < rows; t += 2) {
            const lanes a = x[t] - share * taken[t], b = x[t + 1] - share * taken[t + 1];
            x[t] = a;
            x[t + 1] = b;
            square = square + a * a;
            square_b = square_b + b * b;
            dot = dot + a * next[t];
            dot_b = dot_b + b * next[t + 1];
        }
        if (t < rows) {
            const lanes a = x[t] - share * taken[t];
            x[t] = a;
            square = square + a * a;
            dot = dot + a * next[t];
        }
        square = square + square_b;
        dot = dot + dot_b;
    }
    for (int c = 0; c < 8; ++c) if (!(square[c] > floor[c])) square[c] = 0.0;
    x[square_at] = square;
    x[mean_at] = mean;
}
double* out = (double*)&wp::index(coefficients, hand, 0);
lanes constant = column(order)[mean_at];
for (int j = order - 1; j >= 0; --j) {
    lanes value = column(order)[rows + j];
    for (int k = j + 1; k < order; ++k) value = value - column(k)[rows + j] * column(order)[rows + k];
    column(order)[rows + j] = value;
    constant = constant - value * column(j)[mean_at];
    for (int c = 0; c < 7; ++c) out[7 * j + c] = value[c];
}
for (int c = 0; c < 7; ++c) out[7 * order + c] = constant[c];
"""
)


@wp.func_native(_FIT)
def least_squares_lanes(
    increments: wp.array2d(dtype=vec8),
    nook: int,
    known: int,
    lags: wp.array(dtype=wp.int32),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    hand: int,
):
    """Coefficients by modified Gram-Schmidt on the centred columns, the right-hand side being the last.

    scratch (nooks, p + 1, n + 2): a column each; after its values its shares (p), its square and its mean. A column
    that is a combination of those before it gets no weight.
    """
    ...


_BURG = (
    LANES
    + """
const lanes* d = (const lanes*)&wp::index(increments, nook, 0);
lanes* forward = (lanes*)&wp::index(scratch, nook, 0, 0);
lanes* backward = (lanes*)&wp::index(scratch, nook, 1, 0);
const int order = lags.shape[0];
const lanes zero = all(0.0), two = all(2.0);
lanes a[20], num = zero, den = zero;
for (int t = 1; t < known; ++t) {
    num = num + d[t] * d[t - 1];
    den = den + d[t] * d[t];
}
den = den + den + d[0] * d[0] - d[known - 1] * d[known - 1];
for (int stage = 0; stage < order; ++stage) {
    lanes k = num + num;
    for (int c = 0; c < 8; ++c) k[c] = den[c] > 0.0 ? k[c] / den[c] : 0.0;
    for (int j = 0; j < (stage + 1) / 2; ++j) {
        const lanes low = a[j], high = a[stage - 1 - j];
        a[j] = low - k * high;
        a[stage - 1 - j] = high - k * low;
    }
    a[stage] = k;
    if (stage + 1 == order) break;
    const lanes* from = stage == 0 ? d : forward;
    const lanes* late = stage == 0 ? d : backward;
    num = den = zero;
    lanes delayed = late[stage], before = zero;
    lanes end = zero;
    for (int t = stage + 1; t < known; ++t) {
        const lanes f = from[t], next = late[t];
        const lanes ahead = f - k * delayed, behind = delayed - k * f;
        forward[t] = ahead;
        backward[t] = behind;
        num = num + ahead * before;
        end = t == stage + 1 ? zero : ahead;
        den = den + (end * end + before * before);
        before = behind;
        delayed = next;
    }
}
double* out = (double*)&wp::index(coefficients, hand, 0);
for (int j = 0; j < order; ++j) for (int c = 0; c < 7; ++c) out[7 * j + c] = a[j][c];
for (int c = 0; c < 7; ++c) out[7 * order + c] = 0.0;
"""
)


@wp.func_native(_BURG)
def burg_lanes(
    increments: wp.array2d(dtype=vec8),
    nook: int,
    known: int,
    lags: wp.array(dtype=wp.int32),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    hand: int,
):
    """Autoregression of order len(lags), 20 at most, by Burg's method (1967), no mean.

    |reflection| <= 1 keeps it stable. scratch (nooks, 2, n): forward and backward prediction errors.
    """
    ...


_MOMENTS = (
    LANES
    + """
const lanes* d = (const lanes*)&wp::index(increments, nook, 0);
const int p = 5;
const lanes zero = all(0.0), share = all(1.0 / (known - p)), raised = all(1.0 + 1.0e-9);
lanes m[p + 1][p + 1], sum[p + 1], a[p], inverse[p + 1];
for (int j = 0; j <= p; ++j) m[0][j] = zero;
sum[0] = zero;
for (int t = p; t < known; ++t) {
    const lanes x = d[t];
    sum[0] = sum[0] + x;
    m[0][0] = m[0][0] + x * x;
    m[0][1] = m[0][1] + x * d[t - 1];
    m[0][2] = m[0][2] + x * d[t - 2];
    m[0][3] = m[0][3] + x * d[t - 3];
    m[0][4] = m[0][4] + x * d[t - 4];
    m[0][5] = m[0][5] + x * d[t - 5];
}
for (int i = 1; i <= p; ++i) {
    sum[i] = sum[i - 1] + d[p - i] - d[known - i];
    for (int j = i; j <= p; ++j) m[i][j] = m[i - 1][j - 1] + d[p - i] * d[p - j] - d[known - i] * d[known - j];
}
for (int i = 0; i <= p; ++i) for (int j = i; j <= p; ++j) m[i][j] = m[i][j] - sum[i] * sum[j] * share;
for (int i = 1; i <= p; ++i) m[i][i] = m[i][i] * raised;
for (int i = 1; i <= p; ++i) {  // eliminate; row i keeps D in its diagonal, U right of it
    for (int c = 0; c < 8; ++c) inverse[i][c] = m[i][i][c] > 0.0 ? 1.0 / m[i][i][c] : 0.0;
    for (int k = i + 1; k <= p; ++k) {
        const lanes part = m[i][k] * inverse[i];
        for (int j = k; j <= p; ++j) m[k][j] = m[k][j] - part * m[i][j];
        m[0][k] = m[0][k] - part * m[0][i];
    }
}
lanes constant = sum[0] * share;
for (int i = p; i > 0; --i) {
    lanes value = m[0][i];
    for (int j = i + 1; j <= p; ++j) value = value - m[i][j] * a[j - 1];
    a[i - 1] = value * inverse[i];
    constant = constant - a[i - 1] * sum[i] * share;
}
double* out = (double*)&wp::index(coefficients, nook, 0);
for (int j = 0; j < p; ++j) for (int c = 0; c < 7; ++c) out[7 * j + c] = a[j][c];
for (int c = 0; c < 7; ++c) out[7 * p + c] = constant[c];
"""
)


@wp.func_native(_MOMENTS)
def covariance_lanes(increments: wp.array2d(dtype=vec8), nook: int, known: int, coefficients: wp.array2d(dtype=vec7)):
    """Paper mode (lags 1 ... 5 and a constant) for a fraction of its cost, not to its last digits.

    The covariance method: each moment follows from its diagonal neighbour by one term at either end; a trace of
    ridge stands in for the exact solution's care.
    """
    ...
