// @ts-check
/** Strip charts: the last seconds of a few numbers on a small canvas. */

import { color, pixel } from "./palette.js";

const CAPACITY = 1024;
export const SPAN_MS = 20_000;
const U = pixel();
const FONT = getComputedStyle(document.body).fontFamily;
/** Room for the scale at the left and the times below [px]. */
const GUTTER = 27 * U;
const FOOTER = 14 * U;
/** @type {[number, CanvasTextBaseline][]} */
const GRID = [[0, "top"], [0.5, "middle"], [1, "bottom"]];
/** @type {[number, CanvasTextAlign][]} */
const TIMES = [[0, "left"], [0.5, "center"], [1, "right"]];

/** The newest numbers by key, each with its time; the oldest are overwritten. */
export class History {
  /** @param {string[]} keys */
  constructor(keys) {
    this.times = new Float64Array(CAPACITY).fill(-Infinity);
    /** @type {Record<string, Float32Array>} */
    this.values = Object.fromEntries(keys.map((key) => [key, new Float32Array(CAPACITY).fill(NaN)]));
    this.count = 0;
  }

  /** @param {number} pageMs @param {Record<string, unknown>} numbers */
  push(pageMs, numbers) {
    const slot = this.count % CAPACITY;
    this.times[slot] = pageMs;
    for (const key in this.values) {
      const value = numbers[key];
      this.values[key][slot] = typeof value === "number" ? value : NaN;
    }
    this.count += 1;
  }

  /** Slots from the oldest to the newest that are younger than a moment. @param {number} sinceMs */
  *slotsSince(sinceMs) {
    for (let i = Math.max(0, this.count - CAPACITY); i < this.count; i += 1) {
      if (this.times[i % CAPACITY] >= sinceMs) yield i % CAPACITY;
    }
  }

  /** Mean over a span before now, or null. @param {string} key @param {number} nowMs @param {number} spanMs */
  mean(key, nowMs, spanMs) {
    let sum = 0;
    let count = 0;
    for (const slot of this.slotsSince(nowMs - spanMs)) {
      const value = this.values[key][slot];
      if (Number.isNaN(value)) continue;
      sum += value;
      count += 1;
    }
    return count ? sum / count : null;
  }
}

const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The next round number at or above a value. @param {number} value */
export function niceTop(value) {
  const decade = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return STEPS.map((step) => step * decade).find((top) => top >= value * 0.999) ?? 10 * decade;
}

/** @param {number} value */
const label = (value) => String(Math.round(value * 100) / 100);

/** @typedef {{key: string, color: string, label: string, fill?: boolean, dash?: number[], off?: string}} Line */

export class StripChart {
  /** @param {HTMLCanvasElement} canvas @param {History} history @param {{lines: Line[], leastTop: number, mostTop?: number, wide?: boolean}} card */
  constructor(canvas, history, { lines, leastTop, mostTop, wide }) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.history = history;
    this.lines = lines;
    this.leastTop = leastTop;
    this.mostTop = mostTop ?? Infinity;
    this.top = leastTop;
    this.named = Boolean(wide);
    this.width = 0;
    this.height = 0;
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  resize() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw(performance.now()); // another size has emptied the canvas
  }

  /** @param {number} nowMs */
  draw(nowMs) {
    if (!this.width) return;
    const slots = [...this.history.slotsSince(nowMs - SPAN_MS - 500)];
    this.rescale(slots);
    this.context.clearRect(0, 0, this.width, this.height);
    this.drawGrid();
    this.context.save();
    this.context.beginPath();
    this.context.rect(GUTTER, 0, this.width - GUTTER, this.floor + 1);
    this.context.clip();
    for (const line of this.lines) this.drawLine(line, slots, nowMs);
    this.context.restore();
  }

  /** Where a value of zero stands [px]. */
  get floor() {
    return this.height - 1 - (this.named ? FOOTER : 0);
  }

  /** Grow at once, shrink only when much is empty: a scale that jumps cannot be read. One wild value must not flatten
   * the rest, so some scales have an end. @param {number[]} slots */
  rescale(slots) {
    let most = 0;
    for (const { key } of this.lines) for (const slot of slots) most = Math.max(most, this.history.values[key][slot] || 0);
    const top = Math.min(Math.max(niceTop(most * 1.08), this.leastTop), this.mostTop);
    if (top > this.top || most * 1.08 < this.top * 0.45) this.top = top;
  }

  drawGrid() {
    const { context, width, floor } = this;
    context.font = `${10 * U}px ${FONT}`;
    context.fillStyle = color("faint");
    context.strokeStyle = color("grid");
    context.setLineDash([]);
    context.lineWidth = 1;
    context.beginPath();
    context.textAlign = "right";
    for (const [share, baseline] of GRID) {
      const y = Math.round(floor * share) + 0.5;
      context.moveTo(GUTTER, y);
      context.lineTo(width, y);
      context.textBaseline = baseline;
      context.fillText(label(this.top * (1 - share)), GUTTER - 5, y);
    }
    context.stroke();
    if (this.named) this.drawTimes();
  }

  drawTimes() {
    const { context, width, height } = this;
    context.textBaseline = "bottom";
    for (const [share, align] of TIMES) {
      context.textAlign = align;
      const seconds = (SPAN_MS / 1000) * (1 - share);
      context.fillText(seconds ? `\u2212${seconds} s` : "now", GUTTER + (width - GUTTER) * share, height);
    }
  }

  /** @param {Line} line @param {number[]} slots @param {number} nowMs */
  drawLine(line, slots, nowMs) {
    const { context, floor } = this;
    context.strokeStyle = context.fillStyle = line.color;
    context.lineWidth = 1.6 * U;
    context.lineJoin = "round";
    context.setLineDash((line.dash ?? []).map((part) => part * U));
    for (const piece of this.pieces(line.key, slots, nowMs)) {
      context.beginPath();
      for (const [x, y] of piece) context.lineTo(x, y);
      context.stroke();
      if (!line.fill) continue;
      context.lineTo(piece[piece.length - 1][0], floor);
      context.lineTo(piece[0][0], floor);
      context.globalAlpha = 0.1;
      context.fill();
      context.globalAlpha = 1;
    }
  }

  /** Points of a line, cut where nothing is known. @param {string} key @param {number[]} slots @param {number} nowMs */
  pieces(key, slots, nowMs) {
    const { width, floor, history } = this;
    const values = history.values[key];
    /** @type {[number, number][][]} */
    const pieces = [];
    let drawing = false;
    for (const slot of slots) {
      const value = values[slot];
      if (!drawing && !Number.isNaN(value)) pieces.push([]);
      drawing = !Number.isNaN(value);
      if (!drawing) continue;
      const x = width - (width - GUTTER) * ((nowMs - history.times[slot]) / SPAN_MS);
      const y = (floor - 1) * (1 - Math.min(value / this.top, 1)) + 1;
      const piece = pieces[pieces.length - 1];
      const before = piece[piece.length - 1];
      // Within a pixel the highest point stands for all: a small chart draws no more than can be seen, and no peak is lost.
      if (before && x - before[0] < 1) before[1] = Math.min(before[1], y);
      else piece.push([x, y]);
    }
    return pieces;
  }
}
