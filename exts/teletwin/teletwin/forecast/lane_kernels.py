"""Inner loops over eight lanes (seven channels and one idle), in C++ for the CPU and CUDA alike.

Warp's own loops keep the seven channels in registers of two; here a slot is one register of eight. Only kernel
modules import this. Rows of `increments` and `scratch` (nook, row) are shared by the hands that a processor serves
one after another; on a GPU every hand has its own.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

vec7 = wp.types.vector(length=7, dtype=wp.float64)
vec8 = wp.types.vector(length=8, dtype=wp.float64)
vec7f = wp.types.vector(length=7, dtype=wp.float32)

_LANES = """
#if defined(__clang__) && !defined(__CUDA_ARCH__)
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
    _LANES
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
def read_lanes(window: wp.array2d(dtype=vec7), increments: wp.array2d(dtype=vec8), hand: int, nook: int) -> None:
    """Store the increments of one hand; in the last two rows its newest values and fastest increment [m], [rad].

    A channel that holds anything non-finite is held, as by `read_window`.
    """
    ...


_FIT = (
    _LANES
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
) -> None:
    """Coefficients by modified Gram-Schmidt on the centred columns, the right-hand side being the last.

    scratch (nooks, p + 1, n + 2): a column each; after its values its shares (p), its square and its mean. A column
    that is a combination of those before it gets no weight.
    """
    ...


_CONTINUE = (
    _LANES
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
) -> None:
    """Continue the increments by 50 steps; the displacement to each knot ahead goes to rows known ... known + 24.

    A channel whose fit overflowed is held: its constant and coefficients become zero.
    """
    ...


_BURG = (
    _LANES
    + """
const lanes* d = (const lanes*)&wp::index(increments, nook, 0);
lanes* forward = (lanes*)&wp::index(scratch, nook, 0, 0);
lanes* backward = (lanes*)&wp::index(scratch, nook, 1, 0);
const int order = 5;
const lanes zero = all(0.0), two = all(2.0);
lanes a[order], num = zero, den = zero;
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
double* out = (double*)&wp::index(coefficients, nook, 0);
for (int j = 0; j < order; ++j) for (int c = 0; c < 7; ++c) out[7 * j + c] = a[j][c];
for (int c = 0; c < 7; ++c) out[7 * order + c] = 0.0;
"""
)


@wp.func_native(_BURG)
def burg_lanes(
    increments: wp.array2d(dtype=vec8),
    nook: int,
    known: int,
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
) -> None:
    """Autoregression of order 5 by Burg's method (1967), no mean; scratch: forward and backward errors."""
    ...


_MOMENTS = (
    _LANES
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
def covariance_lanes(
    increments: wp.array2d(dtype=vec8), nook: int, known: int, coefficients: wp.array2d(dtype=vec7)
) -> None:
    """Paper mode (lags 1 ... 5 and a constant) for a fraction of its cost, not to its last digits.

    The covariance method: each moment follows from its diagonal neighbour by one term at either end; a trace of
    ridge stands in for the exact solution's care.
    """
    ...


_PREFETCH = """
#if defined(__clang__) && !defined(__CUDA_ARCH__)
for (int trial = 0; trial < 13; ++trial) {
    const int span = 4 * trial + 2;
    const char* row = (const char*)&wp::index(history, hand, 2 * trial * trial + slot % span, 0);
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
    __builtin_prefetch(row + 128);
}
#endif
"""


@wp.func_native(_PREFETCH)
def fetch_early(history: wp.array3d(dtype=vec7f), hand: int, slot: int) -> None:
    """Ask memory for the rows of a hand's history that this slot will read; they lie far apart."""
    ...


_FIR = (
    _LANES
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
) -> None:
    """Displacement to each knot as a weighted sum of the last increments, to rows known ... known + 24."""
    ...


_STRAIGHT = (
    _LANES
    + """
lanes* d = (lanes*)&wp::index(increments, nook, 0);
const lanes a = d[known - 3], b = d[known - 2], c = d[known - 1];
lanes slope = all(0.0);
for (int i = 0; i < 7; ++i) slope[i] = wp::max(wp::min(a[i], b[i]), wp::min(wp::max(a[i], b[i]), c[i]));
for (int k = 0; k < 25; ++k) d[known + k] = slope * all(2.0 * (k + 1));
"""
)


@wp.func_native(_STRAIGHT)
def straight_lanes(increments: wp.array2d(dtype=vec8), nook: int, known: int) -> None:
    """Displacement to each knot at the median of the last three increments, to rows known ... known + 24."""
    ...


_LIVELY = (
    _LANES
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
    lanes result = last >= span ? way[last] - way[last - span] : all(0.0);
    way[last + 1 + 2 * trial] = result;
    result[0] = (square[0] + square[1] + square[2]) * share;
    result[1] = ((square[3] + square[4]) + (square[5] + square[6])) * share;
    way[last + 2 + 2 * trial] = result;
}
"""
)


@wp.func_native(_LIVELY)
def lively_lanes(increments: wp.array2d(dtype=vec8), ways: wp.array2d(dtype=vec8), nook: int, last: int) -> None:
    """The way from the oldest pose to each; after it, two rows a trial of 4 m + 2 slots.

    The first is the displacement over these last slots, the second begins with the mean squared displacements over
    as many slots in the window, of position and orientation, from every eighth origin.
    """
    ...
