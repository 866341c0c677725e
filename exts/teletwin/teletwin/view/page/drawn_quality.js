// @ts-check
/** How finely the view is drawn, by how long a frame takes here: resolution, level of detail, smoothed edges. */

/** Coarser where a frame takes longer, finer where it takes less [ms]; between the two nothing changes. */
const LONGEST_MS = 12;
const SHORTEST_MS = 5;
/** Frames that are judged together: the quicker ones tell what drawing costs, the slower ones what else the computer does. */
const JUDGED = 12;
const QUICK = 3;
/** Judgements before a finer try; after one that failed twice as many. */
const FINER_AFTER = 8;
const FINER_AFTER_MAX = 512;
/** Where a coarser step saves less than this share, it is not the drawing that takes the time. */
const SAVED = 0.1;
const PIXELS_MAX = 2560 * 1440;
/** Coarser than this no arm is to be recognized. */
const WIDTH_MIN = 400;

/** Share of the screen's own pixels, level of detail, and whether edges are smoothed. */
const STEPS = [
  { scale: 1, level: 0, smooth: true },
  { scale: 0.8, level: 0, smooth: true },
  { scale: 0.65, level: 0, smooth: true },
  { scale: 0.55, level: 1, smooth: true },
  { scale: 0.5, level: 2, smooth: false },
];

export class Quality {
  constructor() {
    this.number = 2;
    this.frameMs = (LONGEST_MS + SHORTEST_MS) / 2;
    /** @type {number[]} */
    this.times = [];
    this.good = 0;
    this.finerAfter = FINER_AFTER;
    /** What a frame took before the last coarser step; Infinity: that is settled. */
    this.beforeMs = Infinity;
    this.mayCoarsen = true;
    this.fixed = false;
  }

  /** Draw so finely whatever it takes. @param {number} number of the step */
  fix(number) {
    this.number = number;
    this.fixed = true;
  }

  get step() {
    return STEPS[this.number];
  }

  /** Size in pixels for a place on the screen. @param {number} width @param {number} height its own pixels @returns {[number, number]} */
  size(width, height) {
    const wanted = Math.min(this.step.scale, Math.sqrt(PIXELS_MAX / Math.max(width * height, 1)));
    const fit = Math.max(wanted, Math.min(1, WIDTH_MIN / Math.max(width, 1)));
    return [Math.max(2 * Math.round((width * fit) / 2), 64), Math.max(2 * Math.round((height * fit) / 2), 36)];
  }

  /** Take a frame's time into account. @param {number} ms */
  took(ms) {
    if (this.times.push(ms) < JUDGED) return;
    this.frameMs = this.times.sort((a, b) => a - b)[QUICK];
    this.times = [];
    if (!this.fixed) this.judge();
  }

  judge() {
    if (this.beforeMs < Infinity && this.frameMs > (1 - SAVED) * this.beforeMs) {
      this.mayCoarsen = false;
      this.number -= 1;
    }
    this.beforeMs = Infinity;
    if (this.frameMs > LONGEST_MS && this.number < STEPS.length - 1 && this.mayCoarsen) {
      this.finerAfter = this.tried ? Math.min(2 * this.finerAfter, FINER_AFTER_MAX) : this.finerAfter;
      this.beforeMs = this.frameMs;
      return this.go(1);
    }
    this.mayCoarsen ||= this.frameMs < LONGEST_MS;
    this.good = this.frameMs < SHORTEST_MS ? this.good + 1 : 0;
    if (this.good >= this.finerAfter && this.number > 0) this.go(-1);
  }

  /** @param {number} by */
  go(by) {
    this.number += by;
    this.tried = by < 0;
    this.good = 0;
  }
}
