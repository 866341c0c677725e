"""Which mixture to trust: each candidate alone, holding, the prior mixture, the learned one. Functions of kernels.

Each of these shares has the weight exp(trust) (squared error of late)^-n, where n grows with the independent evidence,
a forecast being independent of one that was made half a horizon later. No scale of the motion enters, and a share that
failed in the last seconds is out of the mixture at once. Knots learn from their neighbors: a candidate that suits a
hand at 100 ms is likely to at 200 ms, and 100 ms are known five times sooner than 500.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast import candidates as table
from teletwin.forecast.weighing_kernels import Shares, Weights

wp.set_module_options({"enable_backward": False, "fast_math": False})

CANDIDATES = wp.constant(len(table.CANDIDATES))
SHARES = wp.constant(len(table.CANDIDATES) + 3)
HELD = wp.constant(len(table.CANDIDATES))
PRIOR = wp.constant(len(table.CANDIDATES) + 1)
LEARNED = wp.constant(len(table.CANDIDATES) + 2)
FAULT_FLOOR = wp.constant(wp.float64(1.0e-18))
"""[m^2], and the same of a quaternion: nothing is told from errors below a nanometre."""
SLOTS_ALIKE = wp.constant(wp.float64(10.0))
"""Forecasts this near to each other tell the same thing, whatever their horizon."""
LEAD_MIN = wp.constant(wp.float64(-12.0))
"""A share that lost at one horizon by any factor may still be the best at the next."""
EXPONENT_MAX = wp.constant(wp.float64(40.0))


@wp.struct
class Trust:
    """How fast trust is won and lost.

    memory, choice_memory [slots]: time constants of forgetting. patience, surprise (position, orientation): of
    `weigh`. evidence: exponent that one independent forecast is worth. start: logarithms of the shares' weights to
    begin with. between (trials, trials): what a trial learns from each trial.
    """

    memory: wp.float64
    choice_memory: wp.float64
    patience: wp.float64
    surprise: wp.vec2d
    evidence: wp.float64
    start: Shares
    between: wp.array2d(dtype=wp.float64)


@wp.func
def leads_of(faults: Shares, evidence: wp.float64, span: wp.float64, worth: wp.float64) -> Shares:
    """Logarithms of the shares' weights after what came at one trial, `span` slots ahead; 0 for the best."""
    least = faults[0]
    for i in range(1, SHARES):
        least = wp.min(least, faults[i])
    independent = evidence / (wp.float64(0.5) * span + SLOTS_ALIKE)
    exponent = wp.min(worth * independent, EXPONENT_MAX)
    leads = Shares()
    for i in range(SHARES):
        lead = exponent * wp.log((least + FAULT_FLOOR) / (faults[i] + FAULT_FLOOR))
        leads[i] = wp.max(lead, LEAD_MIN)
    return leads


@wp.func
def shared_leads(leads: wp.array2d(dtype=Shares), nook: int, trial: int, group: int, trust: Trust) -> Shares:
    """The logarithms of one trial with what its neighbors add, and those to begin with."""
    result = trust.start
    for other in range(trust.between.shape[1]):
        result += trust.between[trial, other] * leads[nook, 2 * other + group]
    return result


@wp.func
def chosen(leads: Shares, prior: Weights, learned: Weights) -> Weights:
    """Weights of the candidates, all shares together; what they lack to 1 is held."""
    most = leads[0]
    for i in range(1, SHARES):
        most = wp.max(most, leads[i])
    shares = Shares()
    total = wp.float64(0.0)
    for i in range(SHARES):
        shares[i] = wp.exp(leads[i] - most)
        total += shares[i]
    weights = shares[PRIOR] * prior + shares[LEARNED] * learned
    for i in range(CANDIDATES):
        weights[i] = weights[i] + shares[i]
    return weights / total
