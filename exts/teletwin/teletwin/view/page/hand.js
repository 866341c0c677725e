// @ts-check
/**
 * The hand that the inputs move: an absolute pose that accumulates, in metres, in the frame of the view
 * (x right, y up, z towards the viewer; quaternion wxyz). The clutch is closed while any device holds it.
 */

/** @typedef {[number, number, number]} Vector */
/** @typedef {[number, number, number, number]} Quaternion */

/** Least time between two messages [ms], and the longest while the clutch is closed. */
const GAP_MIN_MS = 4;
const GAP_HELD_MS = 14;
const POLLED = ["gamepad", "xr"];

/** @param {Quaternion} a @param {Quaternion} b @returns {Quaternion} */
export function multiply([aw, ax, ay, az], [bw, bx, by, bz]) {
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

/** Quaternion of a rotation vector [rad]. @param {Vector} turn @returns {Quaternion} */
export function fromRotation([x, y, z]) {
  const angle = Math.hypot(x, y, z);
  const k = angle > 1e-9 ? Math.sin(angle / 2) / angle : 0.5;
  return [Math.cos(angle / 2), k * x, k * y, k * z];
}

export class Hand {
  /** @param {(message: object, pageMs: number) => boolean} send gives false when it could not be sent */
  constructor(send) {
    this.send = send;
    /** @type {Vector} */
    this.position = [0, 0, 0];
    /** @type {Quaternion} */
    this.orientation = [1, 0, 0, 0];
    /** @type {Set<string>} */
    this.holders = new Set();
    this.device = "mouse";
    this.seq = 0;
    this.sentMs = -Infinity;
    /** Whether this page drives. */
    this.enabled = false;
    /** Called when something was taken hold of or let go. */
    this.onHold = () => {};
    /** Devices that are asked whether they are held: after everything was let go, they must be let go as well. */
    this.mustLetGo = new Set();
    this.timer = 0;
    /** @type {Map<string, number>} */
    this.pulses = new Map();
  }

  get clutch() {
    return this.holders.size > 0;
  }

  /** Move in the view's frame [m]. @param {Vector} step @param {string} device */
  translate(step, device) {
    this.position = [this.position[0] + step[0], this.position[1] + step[1], this.position[2] + step[2]];
    this.changed(device);
  }

  /** Turn about the view's axes [rad]. @param {Vector} turn @param {string} device */
  rotate(turn, device) {
    const q = multiply(fromRotation(turn), this.orientation);
    const norm = Math.hypot(...q);
    this.orientation = [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm];
    this.changed(device);
  }

  /** Close or open the clutch for one holder. @param {string} holder @param {boolean} held @param {string} device */
  hold(holder, held, device) {
    if (!held) this.mustLetGo.delete(holder);
    if (held === this.holders.has(holder) || (held && (!this.enabled || this.mustLetGo.has(holder)))) return;
    if (held) this.holders.add(holder);
    else this.holders.delete(holder);
    this.device = device;
    this.onHold();
    this.emit();
  }

  /** Hold the clutch for a moment, as each notch of a wheel does. @param {string} holder @param {number} ms @param {string} device */
  pulse(holder, ms, device) {
    clearTimeout(this.pulses.get(holder));
    this.hold(holder, true, device);
    this.pulses.set(holder, window.setTimeout(() => this.hold(holder, false, device), ms));
  }

  /** Let everything go; a held button or stick counts again only when it was let go, too. */
  releaseAll() {
    this.releaseAllBut("");
  }

  /** @param {string} kept a holder that stays */
  releaseAllBut(kept) {
    const released = [...this.holders].filter((holder) => holder !== kept);
    if (!released.length) return;
    for (const holder of released) {
      this.holders.delete(holder);
      if (POLLED.includes(holder)) this.mustLetGo.add(holder);
    }
    this.onHold();
    this.emit();
  }

  /** @param {string} device */
  changed(device) {
    this.device = device;
    const waitMs = this.sentMs + GAP_MIN_MS - performance.now();
    if (waitMs <= 0) this.emit();
    else if (!this.timer) this.timer = window.setTimeout(() => this.emit(), waitMs);
  }

  /** Called once a display frame: a hand that is held still is said again. @param {number} nowMs */
  tick(nowMs) {
    if (this.clutch && nowMs - this.sentMs >= GAP_HELD_MS) this.emit();
  }

  emit() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.enabled) return;
    const pageMs = performance.now();
    const hand = [...this.position, ...this.orientation];
    const message = { type: "input", seq: this.seq + 1, t_ms: pageMs, hand, clutch: this.clutch, device: this.device };
    if (!this.send(message, pageMs)) return;
    this.seq += 1;
    this.sentMs = pageMs;
  }
}
