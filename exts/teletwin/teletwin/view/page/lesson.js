// @ts-check
/**
 * A lesson: the curve to draw and the dot that runs along it, over the picture, and what the policy learns meanwhile.
 * The dot is drawn where it is at this very display frame, by the server's clock; the picture's delay does not move it.
 */

import { setText } from "./charts.js";

const AHEAD_S = 0.6;
const NUMBERS = new Intl.NumberFormat("en");

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @typedef {{times_s: number[], places: [number, number][]}} Shape times of one round, places in picture heights from the middle
 * @typedef {{state: string, kept_s: number, go_ns: number, score_mm: number | null, trend_mm: number | null,
 *   left_s: number | null, learner: Record<string, any>}} Told
 */

/** Row of the first time after t_s. @param {number[]} times @param {number} t_s */
function after(times, t_s) {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] > t_s) high = middle;
    else low = middle;
  }
  return high;
}

/** The dot's place at a time of the task. @param {Shape} shape @param {number} t_s @returns {[number, number]} */
export function placeAt({ times_s, places }, t_s) {
  const round = times_s[times_s.length - 1];
  const t = ((t_s % round) + round) % round;
  const next = after(times_s, t);
  const share = (t - times_s[next - 1]) / (times_s[next] - times_s[next - 1]);
  const [a, b] = [places[next - 1], places[next]];
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

export class Lesson {
  /**
   * @param {HTMLCanvasElement} picture
   * @param {(message: object) => void} send
   * @param {(pageMs: number) => number | null} serverNs
   */
  constructor(picture, send, serverNs) {
    this.picture = picture;
    this.send = send;
    this.serverNs = serverNs;
    this.canvas = /** @type {HTMLCanvasElement} */ (byId("lesson-canvas"));
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.panel = byId("lesson");
    /** @type {Shape | null} */
    this.shape = null;
    /** @type {Told | null} */
    this.told = null;
    this.hasQuit = false;
    this.buttons = [.../** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-lesson]"))];
    for (const button of this.buttons) {
      button.addEventListener("click", () => {
        this.command(button.dataset.lesson ?? "");
        button.blur();
      });
    }
  }

  get active() {
    return this.shape !== null;
  }

  /** @param {string} name start, pause or quit */
  command(name) {
    this.send({ type: "command", name: `lesson_${name}`, values: {} });
    if (name === "quit") this.hasQuit = true;
  }

  /** @param {Record<string, any>} hello */
  offer(hello) {
    this.shape = hello.lesson ?? null;
    this.panel.hidden = this.canvas.hidden = !this.active;
    document.body.classList.toggle("teaching", this.active);
  }

  /** @param {boolean} observer */
  restrict(observer) {
    for (const button of this.buttons) button.disabled = observer;
  }

  /** @param {Told | undefined} told */
  hear(told) {
    if (!told) return;
    this.told = told;
    this.panel.dataset.state = told.state;
    const running = told.state === "running";
    for (const button of this.buttons) {
      if (button.dataset.lesson === "start") button.setAttribute("aria-pressed", String(running));
      if (button.dataset.lesson === "pause") button.setAttribute("aria-pressed", String(told.state === "paused"));
    }
    setText(byId("lesson-start"), told.state === "paused" ? "Go on" : "Start");
    setText(byId("lesson-score"), told.score_mm === null ? "–" : told.score_mm.toFixed(1));
    this.showTrend(told.trend_mm);
    setText(byId("lesson-learner"), learnerWords(told.learner));
    setText(byId("lesson-left"), typeof told.left_s === "number" ? `${clockWords(told.left_s)} left` : "");
  }

  /** @param {number | null} trend */
  showTrend(trend) {
    const node = byId("lesson-trend");
    const known = trend !== null && Math.abs(trend) >= 0.05;
    setText(node, known ? `${Math.abs(trend).toFixed(1)} mm ${trend < 0 ? "closer" : "further"}` : "");
    node.classList.toggle("worse", known && trend > 0);
  }

  /** The task's time [s] and the seconds until the dot goes, at a moment of the page. @param {number} nowMs */
  time(nowMs) {
    const { told } = this;
    if (!told) return { t_s: 0, untilGo_s: 0 };
    const serverNs = told.state === "running" ? this.serverNs(nowMs) : null;
    if (serverNs === null) return { t_s: told.kept_s, untilGo_s: 0 };
    const sinceGo_s = (serverNs - told.go_ns) / 1e9;
    return { t_s: told.kept_s + Math.max(sinceGo_s, 0), untilGo_s: Math.max(-sinceGo_s, 0) };
  }

  /** Where a place is on the overlay [px]; the picture stands in its middle, as large as fits. @param {[number, number]} place */
  onCanvas([x, y]) {
    const { canvas, picture } = this;
    const height = Math.min(canvas.height, (canvas.width * picture.height) / picture.width);
    return /** @type {[number, number]} */ ([canvas.width / 2 + x * height, canvas.height / 2 + y * height]);
  }

  /** Draw curve, dot and countdown as they are now. @param {number} nowMs */
  draw(nowMs) {
    const { canvas, context, shape } = this;
    if (!shape) return;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.clearRect(0, 0, width, height);
    const { t_s, untilGo_s } = this.time(nowMs);
    this.line(shape.places, "rgba(255, 255, 255, .38)", 1.6 * ratio);
    this.line(this.ahead(shape, t_s), "#ffe27a", 3 * ratio);
    this.drawDot(this.onCanvas(placeAt(shape, t_s)), ratio);
    if (untilGo_s > 0) this.drawCount(Math.ceil(untilGo_s), ratio);
  }

  /** The way that the dot takes next. @param {Shape} shape @param {number} t_s */
  ahead(shape, t_s) {
    return Array.from({ length: 13 }, (_, step) => placeAt(shape, t_s + (AHEAD_S * step) / 12));
  }

  /** @param {[number, number][]} places @param {string} color @param {number} width */
  line(places, color, width) {
    const { context } = this;
    context.strokeStyle = color;
    context.lineWidth = width;
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    for (const place of places) context.lineTo(...this.onCanvas(place));
    context.stroke();
  }

  /** @param {[number, number]} at @param {number} ratio */
  drawDot([x, y], ratio) {
    const { context } = this;
    context.fillStyle = "#ffd23f";
    context.strokeStyle = "rgba(10, 12, 16, .85)";
    context.lineWidth = 2 * ratio;
    context.beginPath();
    context.arc(x, y, 7 * ratio, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }

  /** @param {number} count @param {number} ratio */
  drawCount(count, ratio) {
    const { context, canvas } = this;
    context.font = `650 ${64 * ratio}px Inter, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 6 * ratio;
    context.strokeStyle = "rgba(10, 12, 16, .8)";
    context.fillStyle = "#ffd23f";
    const [x, y] = [canvas.width / 2, 0.16 * canvas.height];
    context.strokeText(String(count), x, y);
    context.fillText(String(count), x, y);
  }
}

/** @param {Record<string, any>} learner */
function learnerWords({ phase, policy, epochs, steps }) {
  if (phase !== "learning") return "The learner is starting";
  if (!epochs) return "Listening to your first strokes";
  return `Policy ${policy} · ${epochs} ${epochs === 1 ? "epoch" : "epochs"} · ${NUMBERS.format(steps ?? 0)} steps`;
}

/** @param {number} seconds */
function clockWords(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
