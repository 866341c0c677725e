"""Structs of the cells' kernels: rules that all share, and the state of each.

Importing this loads warp. N cells, D devices (users first, then sensors), B base stations, T steps of an episode; the
class of a device is 0 for users (requests), 1 for sensors (updates). A device makes at most one job in a step, so the
step in which it was made is the job's number.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import warp as wp  # noqa: TID253

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})


@wp.struct
class Rules:
    """What holds for all cells."""

    users: wp.int32
    sensors: wp.int32
    steps: wp.int32
    width: wp.float64
    height: wp.float64
    user_speed: wp.float64
    sensor_speed: wp.float64
    stations: wp.array(dtype=wp.vec2d)
    snr_at_km: wp.float64
    snr_slope: wp.float64
    least_snr: wp.float64
    mbit_per_hz: wp.float64  # of a step, for an efficiency of 1 bit/s/Hz
    bandwidth: wp.float64
    compute: wp.float64
    late_steps: wp.float64
    base: wp.float64
    discount: wp.float64
    penalty: wp.float64
    deadline_steps: wp.int32
    sync_steps: wp.int32
    is_deadline: wp.int32
    by_backlog: wp.int32
    admits: wp.int32
    is_replayed: wp.int32
    smoothing: wp.float64
    levels: wp.int32
    phase_steps: wp.int32
    is_random: wp.int32
    probability: wp.array(dtype=wp.float64)  # (levels,)
    bandwidth_factor: wp.array(dtype=wp.float64)
    compute_factor: wp.array(dtype=wp.float64)
    unit: wp.vec2d  # of data, of compute
    kept: wp.array2d(dtype=wp.float32)  # (4 levels, BINS): data and compute of requests, then of updates
    alias: wp.array2d(dtype=wp.int32)
    first: wp.array(dtype=wp.float32)
    bin_width: wp.array(dtype=wp.float32)
    arrives: wp.int32
    window: wp.vec2d
    stay: wp.float64
    crowd: wp.vec3d  # middle, spread (parts of an episode), stay; a stay of 0 for none


@wp.struct
class Replay:
    """Draws that were made before."""

    waypoints: wp.array4d(dtype=wp.float64)  # (N, class, K, 2) in [0, 1)
    jobs: wp.array4d(dtype=wp.float64)  # (N, T, D, 2); data 0 for none
    used: wp.array2d(dtype=wp.int32)  # (N, class) waypoints used


@wp.struct
class Cell:
    """State of N cells."""

    key: wp.array(dtype=wp.int32)  # of the draws
    step: wp.array(dtype=wp.int32)
    end: wp.array(dtype=wp.int32)
    done: wp.array(dtype=wp.int32)
    level: wp.array(dtype=wp.int32)
    position: wp.array2d(dtype=wp.vec2d)  # (N, D)
    waypoint: wp.array2d(dtype=wp.vec2d)
    has_waypoint: wp.array2d(dtype=wp.int32)
    arrives: wp.array2d(dtype=wp.int32)  # (N, users)
    leaves: wp.array2d(dtype=wp.int32)
    station: wp.array2d(dtype=wp.int32)  # -1 without a link
    efficiency: wp.array2d(dtype=wp.float64)
    links: wp.array3d(dtype=wp.int32)  # (N, B, class)
    data: wp.array3d(dtype=wp.float32)  # (N, D, T)
    work: wp.array3d(dtype=wp.float32)
    near: wp.array3d(dtype=wp.int32)  # (N, users, T)
    next: wp.array3d(dtype=wp.int32)  # (N, D, T) the job behind in its processing queue
    head: wp.array2d(dtype=wp.int32)  # (N, D) oldest job to send
    left: wp.array2d(dtype=wp.float64)  # of it; 0 before it is begun
    waiting: wp.array2d(dtype=wp.float64)  # all of the device's data
    newest: wp.array2d(dtype=wp.int32)  # job that stands in a processing queue and may be superseded, or -1
    where: wp.array2d(dtype=wp.int32)  # station of that queue
    queue: wp.array3d(dtype=wp.int32)  # (N, B, class) first of the processing queue: device * T + job
    tail: wp.array3d(dtype=wp.int32)
    length: wp.array3d(dtype=wp.int32)
    serving: wp.array3d(dtype=wp.int32)  # job of the first, once begun, or -1
    cycles: wp.array3d(dtype=wp.float64)  # of it
    pending: wp.array3d(dtype=wp.float64)  # all of the queue's work
    need: wp.array2d(dtype=wp.float64)  # (N, B) scratch
    latest: wp.array2d(dtype=wp.int32)  # (N, sensors) newest update processed, or -1
    load: wp.array2d(dtype=wp.float64)  # (N, 4) link and compute, each of requests and updates
    made: wp.array2d(dtype=wp.float64)  # (N, 4) the same of this step
    totals: wp.array2d(dtype=wp.float64)  # (N, 20) see counts.Count
    histogram: wp.array2d(dtype=wp.int32)  # (N, T + 1) requests by AoRI
    reward: wp.array(dtype=wp.float64)
    seen: wp.array2d(dtype=wp.float64)  # (N, 16)
    shares: wp.array2d(dtype=wp.float64)  # (N, 2)
