// @ts-check
/**
 * Motion-to-photon latency in the page's own clock, of EVERY input: input i counts at the first drawn
 * picture that contains an input number of i or more. Counting only the newest input of each picture would
 * leave out those that were overtaken, and so report too little.
 */

const KEPT_MS = 5000;
const REPORT_MS = 250;

export class MotionToPhoton {
  /** @param {(samples: [number, number][]) => void} report */
  constructor(report) {
    this.report = report;
    /** @type {{seq: number, pageMs: number}[]} */
    this.waiting = [];
    /** @type {[number, number][]} */
    this.fresh = [];
    /** @type {{pageMs: number, mtpMs: number}[]} */
    this.recent = [];
    this.reportedMs = 0;
    this.counters = { inputs: 0, samples: 0, lost: 0 };
  }

  /** @param {number} seq @param {number} pageMs */
  input(seq, pageMs) {
    this.waiting.push({ seq, pageMs });
    this.counters.inputs += 1;
    while (this.waiting.length && pageMs - this.waiting[0].pageMs > KEPT_MS) {
      this.waiting.shift();
      this.counters.lost += 1;
    }
  }

  /** @param {number} shownSeq newest input in the picture @param {number} pageMs when it was drawn */
  drawn(shownSeq, pageMs) {
    while (this.waiting.length && this.waiting[0].seq <= shownSeq) {
      const { seq, pageMs: inputMs } = /** @type {{seq: number, pageMs: number}} */ (this.waiting.shift());
      const mtpMs = pageMs - inputMs;
      this.fresh.push([seq, Math.round(mtpMs * 1000) / 1000]);
      this.recent.push({ pageMs, mtpMs });
      this.counters.samples += 1;
    }
    if (this.fresh.length && pageMs - this.reportedMs > REPORT_MS) this.flush(pageMs);
  }

  /** @param {number} pageMs */
  flush(pageMs) {
    this.report(this.fresh.slice(-1024));
    this.fresh = [];
    this.reportedMs = pageMs;
  }

  /** Median of the last second [ms], or null. @param {number} pageMs */
  median(pageMs) {
    while (this.recent.length && pageMs - this.recent[0].pageMs > 1000) this.recent.shift();
    if (!this.recent.length) return null;
    const sorted = this.recent.map((sample) => sample.mtpMs).sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }

  forget() {
    this.counters.lost += this.waiting.length;
    this.waiting = [];
  }
}
