// @ts-check
/** Buttons, sliders and choices: they say what is wanted, and show what telemetry says is so. */

import { setText } from "./charts.js";
import { ForecastSwitch } from "./forecast.js";
import { Share } from "./share.js";
import { Tour } from "./tour.js";

const SETTLE_MS = 1200;
const SEND_GAP_MS = 80;
/** Speeds of reduced mode, and those without it; a host that was started reduced allows no more [m/s]. */
const REDUCED = { max_tool_speed_m_s: 0.25, max_body_speed_m_s: 0.25 };
const FULL = { max_tool_speed_m_s: 1.5, max_body_speed_m_s: 1.5 };

/** @typedef {(message: object) => void} Send */

/** The limits that the arm has told of, or what the operator's side asks for until then. @param {any} telemetry */
const limitsOf = (telemetry) => telemetry.in_force ?? telemetry.limits;

/** @param {string} selector @returns {HTMLElement[]} */
const all = (selector) => [...document.querySelectorAll(selector)].map((node) => /** @type {HTMLElement} */ (node));

/** Telemetry key that a slider follows. @type {Record<string, (telemetry: any) => number | undefined>} */
const FOLLOWS = {
  "link.delay_ms": (t) => t.link?.delay_ms,
  "link.jitter_ms": (t) => t.link?.jitter_ms,
  "link.loss": (t) => t.link?.loss,
  "limits.max_speed_rad_s": (t) => limitsOf(t)?.max_speed_rad_s,
  "limits.max_tool_speed_m_s": (t) => limitsOf(t)?.max_tool_speed_m_s,
  "limits.max_body_speed_m_s": (t) => limitsOf(t)?.max_body_speed_m_s,
  "limits.workspace_radius_m": (t) => limitsOf(t)?.workspace_radius_m,
  "limits.workspace_height_m": (t) => limitsOf(t)?.workspace_height_m,
  "view.bitrate_mbps": (t) => t.view?.bitrate_mbps,
  "horizons.control_ms": (t) => t.horizon_control_ms,
  "horizons.render_ms": (t) => t.horizon_render_ms,
  "squeeze.bandwidth_mbps": (t) => t.squeeze?.bandwidth_mbps,
  "squeeze.compute_share": (t) => t.squeeze?.compute_share,
};

/** What the server knows, by choice. @type {Record<string, string>} */
const OFFERS = { policy: "policies", forecaster: "forecasters", allocator: "allocators" };

export class Controls {
  /** @param {Send} send @param {{onCommand: (name: string) => void, onStop: () => void}} listeners Stop has its own way */
  constructor(send, { onCommand, onStop }) {
    this.send = send;
    this.onCommand = onCommand;
    this.onStop = onStop;
    this.recording = false;
    this.divided = false;
    this.policy = "";
    this.forecast = new ForecastSwitch(send, () => this.showPolicy(this.policy));
    this.share = new Share(send);
    this.tour = new Tour();
    this.sliders = all("input[data-setting]").map((node) => this.wireSlider(/** @type {HTMLInputElement} */ (node)));
    this.views = all("select[data-view]").map((node) => this.wireView(/** @type {HTMLSelectElement} */ (node)));
    this.choices = all("select[data-choice]").map((node) => this.wireChoice(/** @type {HTMLSelectElement} */ (node)));
    this.reduced = /** @type {HTMLInputElement} */ (document.getElementById("reduced"));
    this.reducedTouchedMs = -Infinity;
    this.reduced.addEventListener("change", () => {
      this.reducedTouchedMs = performance.now();
      this.send({ type: "settings", name: "limits", values: this.reduced.checked ? REDUCED : FULL });
      this.reduced.blur();
    });
    for (const button of all("button[data-command]")) {
      button.addEventListener("click", (event) => {
        this.command(button.dataset.command ?? "");
        // A pointer's click must not leave the focus here: Space would press the button again.
        if (/** @type {MouseEvent} */ (event).detail > 0) button.blur();
      });
    }
  }

  /** @param {string} name */
  command(name) {
    if (name === "forecast") return this.forecast.toggle();
    const values = name === "record" ? { on: !this.recording } : {};
    if (name === "stop") this.onStop();
    else this.send({ type: "command", name, values });
    this.onCommand(name);
  }

  /** @param {HTMLInputElement} input */
  wireSlider(input) {
    const [name, key] = (input.dataset.setting ?? "").split(".");
    const scale = Number(input.dataset.scale ?? 1);
    const output = /** @type {HTMLElement} */ (input.parentElement?.querySelector("output"));
    const stops = input.dataset.stops?.split(" ").map(Number) ?? null;
    const slider = { input, output, setting: `${name}.${key}`, scale, stops, touchedMs: -Infinity, timer: 0 };
    const say = () => {
      slider.timer = 0;
      this.send({ type: "settings", name, values: { [key]: sliderValue(slider) } });
    };
    input.addEventListener("input", () => {
      slider.touchedMs = performance.now();
      showSlider(slider);
      slider.timer ||= window.setTimeout(say, SEND_GAP_MS);
    });
    showSlider(slider);
    return slider;
  }

  /** @param {HTMLSelectElement} select */
  wireChoice(select) {
    const choice = { select, key: select.dataset.choice ?? "", touchedMs: -Infinity };
    const [name, key] = (select.dataset.sends ?? `policy.${choice.key}`).split(".");
    select.addEventListener("change", () => {
      choice.touchedMs = performance.now();
      if (choice.key === "policy" && select.value === "fixed") this.sayHorizons();
      this.send({ type: "settings", name, values: { [key]: select.value } });
      if (choice.key === "policy") this.showPolicy(select.value);
    });
    blurAfterPointer(select);
    return choice;
  }

  /** Fixed horizons begin where the sliders stand; the server would take those that were wanted last. */
  sayHorizons() {
    const sliders = this.sliders.filter(({ setting }) => setting.startsWith("horizons."));
    const values = Object.fromEntries(sliders.map((slider) => [slider.setting.split(".")[1], sliderValue(slider)]));
    this.send({ type: "settings", name: "horizons", values });
  }

  /** @param {HTMLSelectElement} select */
  wireView(select) {
    const view = { select, touchedMs: -Infinity };
    select.addEventListener("change", () => {
      view.touchedMs = performance.now();
      const [width, height] = select.value.split("x").map(Number);
      const values = { size: { width, height }, codec: { codec: select.value } }[select.dataset.view ?? ""];
      this.send({ type: "settings", name: "view", values: values ?? { rate_hz: Number(select.value) } });
    });
    blurAfterPointer(select);
    return view;
  }

  /** Show the size that the pictures have; while an allocator makes less of them, what was asked for stays. @param {number} width @param {number} height @param {number} nowMs */
  followSize(width, height, nowMs) {
    if (this.divided) return;
    for (const { select, touchedMs } of this.views) {
      if (select.dataset.view !== "size" || nowMs - touchedMs < SETTLE_MS) continue;
      choose(select, `${width}x${height}`, `${width} × ${height}`);
    }
  }

  /** Show the rate that is asked for. @param {unknown} rate pictures a second @param {number} nowMs */
  followRate(rate, nowMs) {
    if (typeof rate !== "number") return;
    for (const { select, touchedMs } of this.views) {
      if (select.dataset.view !== "rate_hz" || nowMs - touchedMs < SETTLE_MS) continue;
      choose(select, String(rate), `${rate} a second`);
    }
  }

  /** Show who draws: this page, or the distant machine. @param {unknown} codec @param {number} nowMs */
  followCodec(codec, nowMs) {
    for (const { select, touchedMs } of this.views) {
      if (select.dataset.view !== "codec" || nowMs - touchedMs < SETTLE_MS || typeof codec !== "string") continue;
      select.value = codec === "scene" ? "scene" : "h264";
    }
  }

  /** Offer what the server knows. @param {Record<string, any>} hello */
  offer(hello) {
    if (!hello.lesson) this.tour.welcome();
    this.forecast.button.hidden = Boolean(hello.lesson);
    for (const { select, key } of this.choices) {
      const names = hello[OFFERS[key]];
      if (!Array.isArray(names)) continue;
      const labels = new Map([...select.options].map((option) => [option.value, option.text]));
      select.replaceChildren(...names.map((name) => new Option(labels.get(name) ?? name, name)));
    }
  }

  /** @param {boolean} observer */
  restrict(observer) {
    for (const node of all("button[data-command], input[data-setting], #reduced, select, #forecast")) {
      /** @type {HTMLButtonElement} */ (node).disabled = observer && node.dataset.command !== "stop";
    }
    if (!observer) this.showPolicy(this.policy);
  }

  /** @param {Record<string, any>} telemetry @param {string} mode @param {number} nowMs */
  follow(telemetry, mode, nowMs) {
    this.divided = (telemetry.allocator ?? "off") !== "off";
    for (const slider of this.sliders) {
      const value = FOLLOWS[slider.setting]?.(telemetry);
      if (typeof value !== "number" || nowMs - slider.touchedMs < SETTLE_MS || slider.timer) continue;
      if (slider.exact === value) continue;
      makeRoom(slider, value);
      slider.input.value = sliderPlace(slider, value);
      showSlider(slider, value);
    }
    for (const { select, key, touchedMs } of this.choices) {
      const value = telemetry[key];
      if (typeof value !== "string" || nowMs - touchedMs < SETTLE_MS) continue;
      if (select.value !== value && [...select.options].some((option) => option.value === value)) select.value = value;
      if (key === "policy" && value !== this.policy) this.showPolicy(value);
    }
    this.forecast.follow(telemetry, nowMs);
    this.followRate(telemetry.view?.rate_hz, nowMs);
    this.followCodec(telemetry.view?.codec, nowMs);
    const limits = limitsOf(telemetry);
    if (limits && nowMs - this.reducedTouchedMs > SETTLE_MS) {
      const { max_tool_speed_m_s: tool, max_body_speed_m_s: body, reduced } = limits;
      this.reduced.checked = reduced ?? Math.max(tool, body) <= REDUCED.max_body_speed_m_s + 1e-9;
    }
    this.showInForce(telemetry);
    this.showRecording(Boolean(telemetry.recording));
    showRecorded(telemetry);
    for (const button of all("button[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
  }

  /** Whose limits the sliders show. An older host does not tell. @param {Record<string, any>} telemetry */
  showInForce({ in_force: inForce }) {
    const node = /** @type {HTMLElement} */ (document.getElementById("in-force"));
    node.hidden = inForce === undefined;
    if (inForce === undefined) return;
    const robot = inForce?.robot ? ` (${inForce.robot}${inForce.is_real ? "" : ", virtual"})` : "";
    const text = inForce
      ? [`In force at the arm${robot}`, ...(inForce.notes ?? [])].join(" · ")
      : "Asked for; the arm has not told its limits yet";
    node.dataset.state = !inForce ? "asked" : inForce.notes?.length ? "tighter" : "told";
    setText(node, text);
  }

  /** Horizons are the person's to set under the fixed policy only. @param {string} policy */
  showPolicy(policy) {
    this.policy = policy;
    for (const { input, setting } of this.sliders) {
      if (setting.startsWith("horizons.")) input.disabled = policy !== "fixed" || !this.forecast.isOn;
    }
  }

  /** @param {boolean} recording */
  showRecording(recording) {
    if (recording === this.recording) return;
    this.recording = recording;
    for (const button of all("button[data-command=record]")) {
      button.classList.toggle("recording", recording);
      button.setAttribute("aria-pressed", String(recording));
      const label = button.querySelector("span");
      if (label) label.textContent = recording ? "Stop recording" : "Record";
    }
  }
}

/** Where a recording goes, and the newest one to fetch. An older host does not tell. @param {Record<string, any>} telemetry */
function showRecorded({ recording_file: file, recorded }) {
  const name = recorded?.[0] ?? "";
  const link = /** @type {HTMLAnchorElement} */ (document.getElementById("recorded-file"));
  const line = /** @type {HTMLElement} */ (document.getElementById("recorded"));
  const text = file ? `Recording to ${file}, in the folder where the operator's side was started. Other hosts record their own.` : name ? `Recorded: ${name}` : "";
  setText(/** @type {HTMLElement} */ (document.getElementById("recorded-text")), text);
  line.hidden = !text;
  link.hidden = Boolean(file) || !name;
  if (!link.hidden && link.download !== name) Object.assign(link, { href: `recordings/${encodeURIComponent(name)}`, download: name });
}

/**
 * A choice by pointer gives the focus back, so that keys drive the arm; by keys it must stay, or the next arrow key
 * would tilt the tool.
 * @param {HTMLSelectElement} select
 */
function blurAfterPointer(select) {
  let isPointed = false;
  select.addEventListener("pointerdown", () => (isPointed = true));
  select.addEventListener("keydown", () => (isPointed = false));
  select.addEventListener("change", () => isPointed && select.blur());
}

/** Choose a value, which may be none of those that are offered yet. @param {HTMLSelectElement} select @param {string} value @param {string} label */
function choose(select, value, label) {
  if (![...select.options].some((option) => option.value === value)) select.add(new Option(label, value));
  if (select.value !== value) select.value = value;
}

/** @typedef {{input: HTMLInputElement, output: HTMLElement, scale: number, stops: number[] | null, exact?: number}} Slider */

/** What a slider asks for, in the setting's unit. @param {Slider} slider */
function sliderValue({ input, scale, stops }) {
  return stops ? stops[Number(input.value)] : Number(input.value) * scale;
}

/** Where a slider stands for a value: at the nearest stop, or the nearest step. @param {Slider} slider @param {number} value */
function sliderPlace({ input, scale, stops }, value) {
  if (!stops) return String(Math.round(value / scale / Number(input.step || 1)) * Number(input.step || 1));
  // Zero is no limit at all: far from every number.
  const distances = stops.map((stop) => (stop && value ? Math.abs(Math.log(stop / value)) : stop === value ? 0 : Infinity));
  return String(distances.indexOf(Math.min(...distances)));
}

/** The command line allows more than a slider offers: what is so must be shown. @param {Slider} slider @param {number} value */
function makeRoom({ input, scale, stops }, value) {
  const beyond = value / scale - Number(input.max);
  if (!stops && beyond >= Number(input.step || 1)) input.max = String(value / scale);
  if (!stops && value / scale < Number(input.min)) input.min = String(value / scale);
}

/** To so many digits behind the point, or to four in all. @param {number} value @param {string} [digits] */
const rounded = (value, digits) => Number(digits === undefined ? value.toPrecision(4) : value.toFixed(Number(digits)));

/**
 * What is told is shown as it is, also between two steps of the slider: a limit must not look wider than it is.
 * @param {Slider} slider @param {number} [exact] what is so, in the setting's unit
 */
function showSlider(slider, exact) {
  const { input, output, stops } = slider;
  slider.exact = exact;
  const place = stops ? sliderValue(slider) : input.value;
  const shown = exact === undefined || stops ? place : rounded(exact / slider.scale, input.dataset.digits);
  const zero = input.dataset.zero;
  output.textContent = shown === 0 && zero ? zero : `${shown} ${input.dataset.unit ?? ""}`;
  input.setAttribute("aria-valuetext", output.textContent);
  const share = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
  input.style.setProperty("--share", `${100 * share}%`);
}
