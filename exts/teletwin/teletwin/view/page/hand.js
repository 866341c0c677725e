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
/** Places of the hand closer together than this tell nothing more [ms]; and how many one message takes. */
const PLACE_MIN_MS = 3;
const PLACES_MAX = 32;
/** A time of an event so long ago is none of this page's clock, as old browsers give it [ms]. */
const EVENT_AGE_MAX_MS = 2000;
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

/** When an event happened [ms], by the clock of `performance.now()`. @param {Event} event */
export function eventTime(event) {
  const nowMs = performance.now();
  const ageMs = nowMs - event.timeStamp;
  return ageMs >= 0 && ageMs < EVENT_AGE_MAX_MS ? event.timeStamp : nowMs;
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
    /** Times of the newest place and of the newest that was sent, and the step in which its position is known [m]. */
    this.placeMs = -Infinity;
    this.sentPlaceMs = -Infinity;
    this.grainM = 0;
    /** Places not yet sent, oldest first: their time and the hand. @type {{ms: number, hand: number[]}[]} */
    this.unsent = [];
    /** Whether this page drives. */
    this.enabled = false;
    /** Called when something was taken hold of or let go. */
    this.onHold = () => {};
    /** What is moved in the view that is shown, as the server's own camera has it. @type {(step: Vector) => Vector} */
    this.steer = (step) => step;
    /** Devices that are asked whether they are held: after everything was let go, they must be let go as well. */
    this.mustLetGo = new Set();
    this.timer = 0;
    /** @type {Map<string, number>} */
    this.pulses = new Map();
  }

  get clutch() {
    return this.holders.size > 0;
  }

  /**
   * Move in the shown view's frame [m]; what a headset tells is none of the view's.
   * @param {Vector} step @param {string} device @param {number} ms when it was there @param {number} [grainM]
   */
  translate(step, device, ms, grainM = 0) {
    step = device === "xr" ? step : this.steer(step);
    this.position = [this.position[0] + step[0], this.position[1] + step[1], this.position[2] + step[2]];
    this.grainM = grainM;
    this.changed(device, ms);
  }

  /** Turn about the view's axes [rad]. @param {Vector} turn @param {string} device @param {number} ms */
  rotate(turn, device, ms) {
    const q = multiply(fromRotation(device === "xr" ? turn : this.steer(turn)), this.orientation);
    const norm = Math.hypot(...q);
    this.orientation = [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm];
    this.changed(device, ms);
  }

  /**
   * Close or open the clutch for one holder.
   * @param {string} holder @param {boolean} held @param {string} device @param {number} [ms] when
   */
  hold(holder, held, device, ms) {
    if (!held) this.mustLetGo.delete(holder);
    if (held === this.holders.has(holder) || (held && (!this.enabled || this.mustLetGo.has(holder)))) return;
    // Where it was until now belongs to the clutch as it was.
    if (this.unsent.length) this.emit();
    if (held) this.holders.add(holder);
    else this.holders.delete(holder);
    this.device = device;
    this.onHold();
    this.emit(ms);
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

  /** @param {string} device @param {number} ms */
  changed(device, ms) {
    this.device = device;
    this.note(Math.max(ms, this.placeMs));
    const waitMs = this.sentMs + GAP_MIN_MS - performance.now();
    // After this turn, with all places that came in it.
    if (waitMs <= 0) queueMicrotask(() => this.unsent.length && this.emit());
    else if (!this.timer) this.timer = window.setTimeout(() => this.emit(), waitMs);
  }

  /** Keep where the hand was, until it is sent. @param {number} ms */
  note(ms) {
    const last = this.unsent.at(-1);
    const beforeMs = this.unsent.at(-2)?.ms ?? this.sentPlaceMs;
    const tellsNothing = last && (last.ms === ms || last.ms - beforeMs < PLACE_MIN_MS);
    if (tellsNothing || this.unsent.length === PLACES_MAX) this.unsent.pop();
    this.unsent.push({ ms, hand: [...this.position, ...this.orientation] });
    this.placeMs = ms;
  }

  /**
   * Called once a display frame: a hand that is held still is said again.
   * @param {number} frameMs time of the frame: motions of before then have been heard of
   */
  tick(frameMs) {
    if (this.clutch && performance.now() - this.sentMs >= GAP_HELD_MS) this.emit(frameMs);
  }

  /** Say where the hand is. @param {number} [ms] when it was there, if nothing has moved it since the last message */
  emit(ms) {
    clearTimeout(this.timer);
    this.timer = 0;
    const places = this.unsent;
    this.unsent = [];
    if (!this.enabled) return;
    const nowMs = performance.now();
    const place = places.pop();
    const pageMs = Math.min(Math.max(place?.ms ?? ms ?? nowMs, this.placeMs), nowMs);
    const hand = place?.hand ?? [...this.position, ...this.orientation];
    /** @type {Record<string, unknown>} */
    const message = { type: "input", seq: this.seq + 1, t_ms: pageMs, hand, clutch: this.clutch, device: this.device };
    if (places.length) message.before = places.map((one) => [one.ms, ...one.hand]);
    if (this.grainM) message.grain_m = this.grainM;
    if (!this.send(message, pageMs)) return;
    this.seq += 1;
    this.sentMs = nowMs;
    this.sentPlaceMs = pageMs;
  }
}
