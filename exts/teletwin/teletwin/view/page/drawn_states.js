// @ts-check
/** States of the scene as they come, and how it stands at the very time at which a frame will be seen. */

/** "TTS1": no picture's header is so long. */
const MAGIC = 0x31535454;
const START = 20;
const VERSION = 2;
/** A quaternion's numbers are whole, of so many. */
const UNIT = 32767;
const JOINTS = 6;
const POSE = 7;
/** So far a motion is carried on when the next state is late; then it stands. */
const CARRIED_MS = 60;
/** States further apart belong to no common motion. */
const APART_MS = 250;

/**
 * @typedef {{frame_id: number, input_seq: number, readyMs: number, seenMs: number, horizonMs: number, ageMs: number,
 *   held: number, q: Float32Array, measured: Float32Array | null, without: Float32Array | null,
 *   target: Float32Array | null, objects: Float32Array[], bytes: number}} State
 */

/** @param {ArrayBuffer} message */
export function isState(message) {
  return message.byteLength > START && new DataView(message).getUint32(0, true) === MAGIC;
}

/** One state; times are the server's [ms]. @param {ArrayBuffer} message @returns {State} */
export function unpackState(message) {
  const view = new DataView(message);
  if (view.getUint8(START) !== VERSION) throw new Error(`a state of version ${view.getUint8(START)}`);
  const [flags, held, count] = [1, 2, 3].map((k) => view.getUint8(START + k));
  const [horizonS, aheadS, ageS] = [4, 8, 12].map((k) => view.getFloat32(START + k, true));
  let at = START + 16;
  /** @param {number} length */
  const take = (length) => {
    const numbers = new Float32Array(message, at, length);
    at += 4 * length;
    return numbers;
  };
  const takeObject = () => {
    const pose = new Float32Array(POSE);
    for (let k = 0; k < POSE; k += 1)
      pose[k] = k < 3 ? view.getFloat32(at + 4 * k, true) : view.getInt16(at + 12 + 2 * (k - 3), true) / UNIT;
    at += 20;
    return pose;
  };
  const readyMs = view.getFloat64(12, true);
  return {
    frame_id: view.getUint32(4, true),
    input_seq: view.getUint32(8, true),
    readyMs,
    seenMs: readyMs + 1000 * aheadS,
    horizonMs: 1000 * horizonS,
    ageMs: 1000 * ageS,
    held,
    q: take(JOINTS),
    measured: flags & 1 ? take(JOINTS) : null,
    without: flags & 2 ? take(JOINTS) : null,
    target: flags & 4 ? take(POSE) : null,
    objects: Array.from({ length: count }, takeObject),
    bytes: message.byteLength,
  };
}

/** From a to b, and beyond, by a share. @param {Float32Array | null} a @param {Float32Array | null} b @param {number} share */
function between(a, b, share) {
  if (!a || !b || a.length !== b.length) return b;
  return b.map((v, k) => a[k] + share * (v - a[k]));
}

/** The same for a pose, whose quaternion stays of unit length. @param {Float32Array | null} a @param {Float32Array | null} b @param {number} share */
function betweenPoses(a, b, share) {
  if (!a || !b) return b;
  const sign = a[3] * b[3] + a[4] * b[4] + a[5] * b[5] + a[6] * b[6] < 0 ? -1 : 1;
  const mixed = b.map((v, k) => (k < 3 ? a[k] + share * (v - a[k]) : sign * a[k] + share * (v - sign * a[k])));
  const norm = Math.hypot(mixed[3], mixed[4], mixed[5], mixed[6]);
  return mixed.map((v, k) => (k < 3 ? v : v / norm));
}

export class States {
  constructor() {
    /** @type {State | null} */
    this.newest = null;
    /** @type {State | null} */
    this.before = null;
  }

  /** @param {State} state */
  push(state) {
    const apartMs = this.newest ? state.seenMs - this.newest.seenMs : Infinity;
    if (apartMs > 0) this.before = apartMs < APART_MS ? this.newest : null;
    this.newest = state;
  }

  forget() {
    this.newest = this.before = null;
  }

  /** How the scene stands at a time of the server [ms]; null: as the newest state says. @param {number | null} serverMs */
  at(serverMs) {
    const { newest, before } = this;
    if (!newest || !before || serverMs === null) return newest;
    const stepMs = newest.seenMs - before.seenMs;
    const lateMs = Math.min(Math.max(serverMs - newest.seenMs, -stepMs), CARRIED_MS);
    const share = 1 + lateMs / stepMs;
    // What was measured is not carried on: nobody knows yet.
    const known = Math.min(share, 1);
    return {
      ...newest,
      q: /** @type {Float32Array} */ (between(before.q, newest.q, share)),
      measured: between(before.measured, newest.measured, known),
      without: between(before.without, newest.without, known),
      target: betweenPoses(before.target, newest.target, known),
      objects: newest.objects.map((pose, k) => /** @type {Float32Array} */ (betweenPoses(before.objects[k], pose, known))),
    };
  }
}
