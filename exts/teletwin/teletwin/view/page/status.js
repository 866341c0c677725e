// @ts-check
/**
 * What is going on, in words: the state badge, whose hand it is, and the notices over the stream. What is shown is what
 * was heard of late: a state that nobody confirms any more is none.
 */

import { capital, setText } from "./charts.js";

const MODES = ["off", "hold", "engaged"];
const STATES = {
  off: ["Off", "The arm rests; press Engage to let it follow the hand"],
  ready: ["Ready", "The arm stands where it is; press Engage to let it follow the hand"],
  hold: ["Hold", "The arm was brought to rest and stays"],
  engaged: ["Engaged", "The arm follows the hand"],
  fault: ["Fault", "The arm does not move"],
  unknown: ["Waiting", ""],
};
const UNHELD = "Nobody holds the enabling input: the arm rests";
const OVER = "The lesson is over. What was learned is kept; you may close this page.";
/** What stands over the picture, by how it is. */
const PICTURES = {
  none: "Waiting for the first picture…",
  frozen: "No new picture for 2 s; the arm may still be moving.",
  live: "",
};
/** By the page's own clock; telemetry comes twenty times a second. */
const FRESH_MS = 400;
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
    /** Of Stop, the newest. */
    this.stop = { text: "", bad: false };
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

  /** The state that was told last; it may be old. */
  get state() {
    return stateName(this.telemetry.state) ?? this.mode;
  }

  /** Whether what was told last is so new that it may be shown. @param {number} nowMs */
  isFresh(nowMs) {
    return this.connected && nowMs - this.heardMs < FRESH_MS;
  }

  /** Whether the arm follows, as far as is known now. @param {number} nowMs */
  isEngaged(nowMs) {
    return this.isFresh(nowMs) && this.state === "engaged" && !this.telemetry.fault;
  }

  /** How long the arm has been silent. @param {number} nowMs */
  silenceWords(nowMs) {
    const { arm_heard_ms: armMs } = this.telemetry;
    const isKnown = this.heardMs > -Infinity && armMs !== null;
    const seconds = (nowMs - this.heardMs + (armMs ?? 0)) / 1000;
    return isKnown ? `Nothing heard from the arm for ${seconds.toFixed(1)} s` : "Nothing heard from the arm yet";
  }

  /** A real robot is named; what stands in for one is not. */
  showRobot() {
    const { in_force: inForce } = this.telemetry;
    const node = byId("robot");
    node.hidden = !inForce?.is_real;
    if (inForce?.is_real) setText(node, `Real ${inForce.robot || "robot"}${inForce.reduced ? ", reduced" : ""}`);
  }

  /** @param {number} nowMs @param {"none" | "frozen" | "live"} picture */
  show(nowMs, picture) {
    const quiet = !this.isFresh(nowMs);
    const fault = String(this.telemetry.fault || "").replace(/\bclear\b/, "press Reset scene");
    const state = quiet ? "unknown" : fault ? "fault" : this.state;
    const [word, said] = STATES[state];
    const text = state === "unknown" ? this.silenceWords(nowMs) : said;
    this.badge.dataset.state = state;
    setText(this.stateWord, word);
    setText(this.stateText, state === "fault" ? fault : state === "engaged" ? this.motionWords(nowMs, text) : text);
    setText(this.who, this.handWords(quiet));
    this.showRobot();
    this.showNotice(nowMs, quiet ? "" : fault);
    this.showVeil(picture);
  }

  /** What an arm that follows is doing. @param {number} nowMs @param {string} text when nothing is in its way */
  motionWords(nowMs, text) {
    if (this.telemetry.needs_enabling && this.telemetry.enabling === false) return UNHELD;
    if (this.telemetry.is_approaching) return "The arm is on its way to the hand, slowly";
    return nowMs - this.heldBack.ms < HELD_MS ? `Held back: ${this.heldBack.by}` : text;
  }

  /** @param {boolean} quiet */
  handWords(quiet) {
    if (this.observer || quiet) return "";
    if (this.isMine) return "You have the hand";
    if (this.lesson) return "Drag in the picture to take the tool";
    return `${this.device || "A recorded hand"} moves it: drag in the picture to take over`;
  }

  /** @param {number} nowMs @param {string} fault */
  showNotice(nowMs, fault) {
    // What a silent server said last is no news any more; why Engage must be pressed anew stays so until somebody does.
    const warnings = /** @type {string[]} */ ((this.isFresh(nowMs) && this.telemetry.warnings) || []);
    const outage = capital(String(this.telemetry.outage || ""));
    const hint = nowMs < this.hint.untilMs ? this.hint.text : "";
    const standing = this.stop.text || fault || outage;
    const text = standing || hint || warnings[0] || this.trouble;
    // Without a connection the veil speaks, but not of Stop.
    this.notice.hidden = !text || (!this.connected && !this.stop.text);
    this.notice.dataset.kind = this.stop.bad || fault ? "fault" : this.stop.text || (hint && !outage) ? "hint" : "warning";
    setText(byId("notice-text"), text);
    setText(byId("notice-hint"), standing && hint && hint !== standing ? hint : "");
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
