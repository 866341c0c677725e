// @ts-check
/** Numbers that mean nothing now are not shown: each is left out for a reason, which the tip of its chart tells. */

import { setTip } from "./tips.js";

/** A hand that moved less within this time rests [ms], [m]. */
const REST_MS = 1000;
const REST_M = 0.002;
/** So long after a change of the network horizons are on their way to it [ms]. */
const SETTLE_MS = 2000;
/** What a picture may be early, or late, and still be a measurement [ms]. */
const EARLY_MS = 50;
const LATE_MS = 2000;
const EXPLAIN_MS = 500;

const OF_ARM = /^(control_error|orientation_error|shake|display_error|reversals|aol_ms|horizon_control)/;
/** States in which the arm is known not to follow; of one that is silent for a moment the last numbers stand. */
const RESTING = ["off", "ready", "hold"];
/** A latency that has been the same for so long is not measured any more [ms]. */
const STALE_MS = 1500;
const NOT_ENGAGED = "the arm does not follow the hand, so nothing of its following can be measured";
const RESTS = "the hand rests: no motion is on its way to the screen that could be timed";
const SETTLES = "the network has just changed and the look-ahead is on its way to it";
const STALE = "nothing new was measured for more than a second";
const ABSURD = "what was measured cannot be so; it is left out until it can";

export class Numbers {
  constructor() {
    /** @type {{ms: number, place: number[]}[]} */
    this.places = [];
    this.network = "";
    /** @type {Record<string, {value: unknown, ms: number}>} */
    this.newest = {};
    this.changedMs = -Infinity;
    this.explainedMs = -Infinity;
    /** Why a number is missing, by its key. @type {Record<string, string>} */
    this.reasons = {};
  }

  /** Whether the hand has stood still. @param {unknown} place @param {number} nowMs */
  rests(place, nowMs) {
    if (!Array.isArray(place)) return false;
    this.places.push({ ms: nowMs, place });
    while (this.places.length > 1 && nowMs - this.places[1].ms >= REST_MS) this.places.shift();
    if (nowMs - this.places[0].ms < 0.9 * REST_MS) return false;
    return [0, 1, 2].every((axis) => {
      const along = this.places.map((one) => one.place[axis]);
      return Math.max(...along) - Math.min(...along) < REST_M;
    });
  }

  /** Whether horizons may still be on their way. @param {unknown} link @param {number} nowMs */
  settles(link, nowMs) {
    const network = JSON.stringify(link ?? null);
    if (this.network && network !== this.network) this.changedMs = nowMs;
    this.network = network;
    return nowMs - this.changedMs < SETTLE_MS;
  }

  /** Whether a number has been the same for long. @param {string} key @param {unknown} value @param {number} nowMs */
  stale(key, value, nowMs) {
    if (this.newest[key]?.value !== value) this.newest[key] = { value, ms: nowMs };
    return typeof value === "number" && nowMs - this.newest[key].ms > STALE_MS;
  }

  /** The same numbers without those that mean nothing now. @param {Record<string, any>} told @param {number} nowMs */
  sensible(told, nowMs) {
    const numbers = { ...told };
    this.reasons = {};
    const resting = RESTING.includes(told.state ?? told.mode) || Boolean(told.fault);
    if (resting) for (const key in numbers) if (OF_ARM.test(key)) this.leaveOut(numbers, key, NOT_ENGAGED);
    const [rests, settles] = [this.rests(told.hand_xyz, nowMs), this.settles(told.link, nowMs)];
    for (const key of ["mtp_ms", "effective_mtp_ms"]) {
      if (this.stale(key, numbers[key], nowMs)) this.leaveOut(numbers, key, STALE);
      else if (rests) this.leaveOut(numbers, key, RESTS);
      else if (settles && key === "effective_mtp_ms") this.leaveOut(numbers, key, SETTLES);
      else if (!(numbers[key] >= -EARLY_MS && numbers[key] <= LATE_MS) && typeof numbers[key] === "number") this.leaveOut(numbers, key, ABSURD);
    }
    if (nowMs - this.explainedMs > EXPLAIN_MS) this.explain(nowMs);
    return numbers;
  }

  /** @param {Record<string, any>} numbers @param {string} key @param {string} why */
  leaveOut(numbers, key, why) {
    if (numbers[key] !== undefined) numbers[key] = null;
    this.reasons[key] = why;
  }

  /** Let the tip of each chart say what is missing. @param {number} nowMs */
  explain(nowMs) {
    this.explainedMs = nowMs;
    for (const node of document.querySelectorAll("h2[data-keys]")) {
      const title = /** @type {HTMLElement} */ (node);
      const why = (title.dataset.keys ?? "").split(" ").map((key) => this.reasons[key]).find(Boolean);
      setTip(title, `${title.dataset.about}${why ? ` Now \u2013: ${why}.` : ""}`);
    }
  }
}
