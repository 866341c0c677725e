// @ts-check
/** What is going on, in words: the state badge, who has the hand, and the notices over the stream. */

import { setText } from "./charts.js";

const MODES = ["off", "hold", "engaged"];
const STATES = {
  off: ["Off", "The arm rests; press Engage to let it follow the hand"],
  ready: ["Ready", "The arm stands where it is; press Engage to let it follow the hand"],
  hold: ["Hold", "The arm was brought to rest and stays"],
  engaged: ["Engaged", "The arm follows the hand"],
  fault: ["Fault", "The arm does not move"],
  unknown: ["Waiting", "Nothing heard from the arm yet"],
};
const OVER = "The lesson is over. What was learned is kept; you may close this page.";
/** What stands over the picture, by how it is. */
const PICTURES = {
  none: "Waiting for the first picture…",
  frozen: "No new picture for 2 s; the arm may still be moving.",
  live: "",
};
const QUIET_MS = 1500;
/** What holds the arm back stays readable for so long. */
const HELD_MS = 800;
const HINT_MS = 3500;

/** @param {unknown} mode @returns {"off" | "hold" | "engaged" | "unknown"} */
export function modeName(mode) {
  const name = typeof mode === "number" ? MODES[mode] : String(mode ?? "").toLowerCase();
  return /** @type {any} */ (MODES.includes(name ?? "") ? name : "unknown");
}

/** The safety state that the operator's side tells; an older one tells the mode alone. @param {unknown} state */
export function stateName(state) {
  return typeof state === "string" && state in STATES ? state : undefined;
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class Status {
  constructor() {
    this.badge = byId("state");
    this.stateWord = byId("state-word");
    this.stateText = byId("state-text");
    this.who = byId("who");
    this.notice = byId("notice");
    this.veil = byId("veil");
    /** @type {Record<string, any>} */
    this.telemetry = {};
    this.heardMs = -Infinity;
    this.connected = false;
    this.wasConnected = false;
    this.observer = false;
    /** Whether this page's own hand drives. */
    this.isMine = false;
    this.lesson = false;
    /** What moves the hand on the operator's host: "SpaceMouse"; empty for a recording. */
    this.device = "";
    this.isOver = false;
    /** Why the server does not let this page in, in its words. */
    this.refusal = "";
    this.hint = { text: "", untilMs: 0 };
    this.trouble = "";
    this.heldBack = { by: "", ms: -Infinity };
  }

  /** @param {Record<string, any>} telemetry @param {number} nowMs */
  hear(telemetry, nowMs) {
    this.telemetry = telemetry;
    this.heardMs = nowMs;
    if (telemetry.held_back_by) this.heldBack = { by: String(telemetry.held_back_by), ms: nowMs };
  }

  /** Say something for a moment. @param {string} text */
  suggest(text) {
    this.hint = { text, untilMs: performance.now() + HINT_MS };
  }

  get mode() {
    return modeName(this.telemetry.mode);
  }

  /** @param {number} nowMs @param {"none" | "frozen" | "live"} picture */
  show(nowMs, picture) {
    const quiet = nowMs - this.heardMs > QUIET_MS || !this.connected;
    const fault = String(this.telemetry.fault || "");
    const state = quiet ? "unknown" : fault ? "fault" : stateName(this.telemetry.state) ?? this.mode;
    const [word, text] = STATES[state];
    this.badge.dataset.state = state;
    setText(this.stateWord, word);
    setText(this.stateText, state === "fault" ? fault : state === "engaged" ? this.motionWords(nowMs, text) : text);
    setText(this.who, this.handWords(quiet));
    this.showNotice(nowMs, quiet ? "" : fault);
    this.showVeil(picture);
  }

  /** What an arm that follows is doing. @param {number} nowMs @param {string} text when nothing is in its way */
  motionWords(nowMs, text) {
    if (this.telemetry.is_approaching) return "The arm is on its way to the hand, slowly";
    return nowMs - this.heldBack.ms < HELD_MS ? `Held back: ${this.heldBack.by}` : text;
  }

  /** @param {boolean} quiet */
  handWords(quiet) {
    if (this.observer) return "You are watching; another page drives";
    if (quiet) return "";
    if (this.isMine) return "You have the hand";
    if (this.lesson) return "Drag in the picture to take the tool";
    return `${this.device || "A recorded hand"} drives: drag in the picture to take over`;
  }

  /** @param {number} nowMs @param {string} fault */
  showNotice(nowMs, fault) {
    // What a silent server said last is no news any more.
    const warnings = /** @type {string[]} */ ((nowMs - this.heardMs <= QUIET_MS && this.telemetry.warnings) || []);
    const hint = nowMs < this.hint.untilMs ? this.hint.text : "";
    const text = fault || hint || warnings[0] || this.trouble;
    this.notice.hidden = !text || !this.connected;
    this.notice.dataset.kind = fault ? "fault" : hint ? "hint" : "warning";
    setText(this.notice, text);
  }

  /** @param {"none" | "frozen" | "live"} picture */
  showVeil(picture) {
    if (this.connected) this.wasConnected = true;
    const text = this.connected ? PICTURES[picture] : this.lostWords();
    this.veil.hidden = !text;
    this.veil.toggleAttribute("data-over", text === OVER);
    setText(byId("veil-text"), text);
  }

  lostWords() {
    if (this.isOver) return OVER;
    return this.refusal || (this.wasConnected ? "Connection lost. Trying again…" : "Connecting…");
  }
}
