// @ts-check
/** The cards beside the stream: what each chart shows, in words that need no paper. */

import { color } from "./palette.js";
import { History, StripChart } from "./plots.js";

const WITH = color("with");
const WITHOUT = color("without");
const FED = color("fed");
const REAL = color("real");
const OTHER = color("other");
/** Lines are told apart without their color, too [px on and off]. */
const DASHED = [7, 4];
const DOTTED = [2, 3];
const MEAN_MS = 2000;

/**
 * @typedef {{title: string, tip: string, unit: string, digits: number, leastTop: number, mostTop?: number, wide?: boolean,
 *   compare?: boolean, turn?: string[], lines: import("./plots.js").Line[]}} Card
 */

/** @type {Card[]} */
export const CARDS = [
  {
    title: "Arm error", unit: "mm", digits: 1, leastTop: 10, wide: true, compare: true,
    turn: ["orientation_error_deg", "orientation_error_feed_forward_only_deg", "orientation_error_shadow_deg"],
    tip: "How far the real arm's tool is from where your hand asks it to be, at this very instant. The other lines are the same hand over the same network: the same loop without looking ahead (feed-forward only), and the plain one without either.",
    lines: [
      { key: "control_error_shadow_mm", color: WITHOUT, dash: DOTTED, label: "no prediction" },
      { key: "control_error_feed_forward_only_mm", color: FED, dash: DASHED, label: "feed-forward only" },
      { key: "control_error_mm", color: WITH, label: "with forecast", off: "forecast off", fill: true },
    ],
  },
  {
    title: "Picture error", unit: "mm", digits: 1, leastTop: 10, wide: true, compare: true,
    tip: "How far the tool in the picture is from your hand at the instant the picture is on the screen.",
    lines: [
      { key: "display_error_shadow_mm", color: WITHOUT, dash: DOTTED, label: "no prediction" },
      { key: "display_error_feed_forward_only_mm", color: FED, dash: DASHED, label: "feed-forward only" },
      { key: "display_error_mm", color: WITH, label: "with forecast", off: "forecast off", fill: true },
    ],
  },
  {
    title: "Hand to screen", unit: "ms", digits: 0, leastTop: 50, wide: true,
    tip: "Measured: from a hand movement to the first picture that contains it (motion-to-photon). Felt: the same less the time that the picture looks ahead.",
    lines: [
      { key: "mtp_ms", color: OTHER, dash: DASHED, label: "measured" },
      { key: "effective_mtp_ms", color: WITH, label: "felt", fill: true },
    ],
  },
  {
    title: "Shaking", unit: "mm", digits: 2, leastTop: 0.5,
    tip: "How much the arm's tool shakes: its distance from your hand above 8 Hz, over the last two seconds. Forecasts that change their mind cause it; the other lines are the arm without them.",
    lines: [
      { key: "shake_shadow_mm", color: WITHOUT, dash: DOTTED, label: "no prediction" },
      { key: "shake_feed_forward_only_mm", color: FED, dash: DASHED, label: "feed-forward only" },
      { key: "shake_mm", color: WITH, label: "with forecast", off: "forecast off", fill: true },
    ],
  },
  {
    title: "Reversals", unit: "/s", digits: 1, leastTop: 5,
    tip: "How often a joint's acceleration turns from hard one way to hard the other way, in the joint where that happens most.",
    lines: [{ key: "reversals_per_s", color: OTHER, label: "worst joint", fill: true }],
  },
  {
    title: "Age of loop", unit: "ms", digits: 0, leastTop: 100,
    tip: "How old the newest hand pose is that now controls the arm, there and back included.",
    lines: [{ key: "aol_ms", color: OTHER, label: "now", fill: true }],
  },
  {
    title: "Looking ahead", unit: "ms", digits: 0, leastTop: 100,
    tip: "How far into the future the hand is forecast: for the arm and for the picture (the two horizons).",
    lines: [
      { key: "horizon_control_ms", color: REAL, dash: DASHED, label: "arm" },
      { key: "horizon_render_ms", color: WITH, label: "picture" },
    ],
  },
  {
    title: "Frame rate", unit: "/s", digits: 0, leastTop: 20,
    tip: "Pictures drawn a second.",
    lines: [{ key: "frame_rate_hz", color: OTHER, label: "now", fill: true }],
  },
  {
    title: "Bitrate", unit: "Mb/s", digits: 2, leastTop: 1,
    tip: "What the pictures take of the network.",
    lines: [{ key: "bitrate_mbps", color: OTHER, label: "now", fill: true }],
  },
];

/** @param {number | null | undefined} value @param {number} digits */
export function words(value, digits) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : "–";
}

/** @param {string} tag @param {string} className @param {string} [text] */
function element(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export class Charts {
  /** @param {{parent: HTMLElement, cards: Card[]}[]} places */
  constructor(places) {
    const cards = places.flatMap((place) => place.cards);
    this.history = new History(cards.flatMap((card) => [...card.lines.map((line) => line.key), ...(card.turn ?? [])]));
    this.cards = places.flatMap(({ parent, cards }) => cards.map((card) => this.build(parent, card)));
    this.next = 0;
  }

  /** @param {HTMLElement} parent @param {Card} card */
  build(parent, card) {
    const node = element("article", `card${card.wide ? " wide" : ""}${card.compare ? " compare" : ""}`);
    const title = element("h2", "", card.title);
    Object.assign(title.dataset, { tip: card.tip, about: card.tip, keys: card.lines.map((line) => line.key).join(" ") });
    title.tabIndex = 0;
    const head = element("header", "");
    head.append(title, element("small", "", card.unit));
    /** @type {HTMLElement | null} */
    const gain = card.compare ? element("span", "gain") : null;
    if (gain) gain.dataset.tip = "What forecasting is worth: with forecast against feed-forward only, over the last two seconds.";
    if (gain) head.append(gain);
    const turn = card.turn ? element("span", "turn") : null;
    if (turn) turn.dataset.tip = "How far the tool is turned away from your hand: with forecast, with feed-forward only, with no prediction.";
    if (turn) head.append(turn);
    const values = element("div", "values");
    const outputs = [...card.lines].reverse().map((line) => {
      const output = element("b", "", "–");
      output.style.color = line.color;
      const label = element("span", "", line.label === "now" ? "" : ` ${line.label}`);
      const pair = element("span", "value");
      Object.assign(label.dataset, line.off ? { on: label.textContent, off: ` ${line.off}` } : {});
      if (card.lines.length > 1) pair.dataset.line = line.dash === DOTTED ? "dotted" : line.dash ? "dashed" : "solid";
      pair.style.setProperty("--tone", line.color);
      pair.append(output, label);
      values.append(pair);
      return { key: line.key, output };
    });
    head.append(values);
    const canvas = document.createElement("canvas");
    const names = card.lines.map((line) => line.label).join(" and ");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${card.title} over the last 20 seconds: ${names}`);
    const plot = element("div", "plot");
    plot.append(canvas);
    node.append(head, plot);
    parent.append(node);
    return { card, outputs, gain, turn, chart: new StripChart(canvas, this.history, card) };
  }

  /** @param {number} pageMs @param {Record<string, unknown>} telemetry */
  push(pageMs, telemetry) {
    this.history.push(pageMs, telemetry);
  }

  /** The chart whose turn it is; folded ones take none. */
  nextShown() {
    for (let tries = 0; tries < this.cards.length; tries += 1) {
      const card = this.cards[this.next];
      this.next = (this.next + 1) % this.cards.length;
      if (card.chart.width) return card;
    }
    return null;
  }

  /** Draw one chart: called once a display frame, so that no frame carries the work of all. @param {number} nowMs */
  drawNext(nowMs) {
    const shown = this.nextShown();
    if (!shown) return;
    const { card, outputs, gain, turn, chart } = shown;
    chart.draw(nowMs);
    const means = outputs.map(({ key }) => this.history.mean(key, nowMs, MEAN_MS));
    outputs.forEach(({ output }, i) => setText(output, words(means[i], card.digits)));
    if (gain) showGain(gain, means[0], means[1]);
    if (turn && card.turn) {
      const [now, ...others] = card.turn.map((key) => words(this.history.mean(key, nowMs, MEAN_MS), 1));
      setText(turn, `turned ${now}° (${others.map((each) => `${each}°`).join(", ")})`);
    }
  }
}

/** A sentence's beginning. @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {HTMLElement} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {HTMLElement} node @param {number | null} withMm @param {number | null} withoutMm */
function showGain(node, withMm, withoutMm) {
  const known = withMm !== null && withoutMm !== null && withoutMm > 0.5;
  const ratio = known ? withoutMm / Math.max(withMm, 1e-3) : NaN;
  setText(node, known ? (ratio >= 1 ? `${words(ratio, 1)}× closer` : `${words(1 / ratio, 1)}× further off`) : "");
  node.classList.toggle("worse", ratio < 1);
}
