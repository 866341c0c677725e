// @ts-check
/** Who drives: one person, by a deliberate act. Shows it, says why it changed, and asks the server for changes. */

import { capital, setText } from "./charts.js";

const ANSWER_S = 10;

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/**
 * @typedef {{driver: number, before: number, you: boolean, free: boolean, asked_by: number, asking: boolean,
 *   why: string, others: number[], may_take_back: boolean, may_drive: boolean, may_share: boolean, is_admin: boolean}} Standing
 */

/** @type {Standing} */
const UNKNOWN = {
  driver: 0, before: 0, you: false, free: false, asked_by: 0, asking: false, why: "", others: [],
  may_take_back: false, may_drive: true, may_share: false, is_admin: false,
};

export class ControlPanel {
  /** @param {(message: object) => boolean} send */
  constructor(send) {
    this.send = send;
    this.viewer = 0;
    this.standing = UNKNOWN;
    this.known = false;
    this.askedMs = 0;
    this.panel = byId("control");
    this.give = /** @type {HTMLSelectElement} */ (byId("control-give"));
    this.dialog = /** @type {HTMLDialogElement} */ (byId("take-back"));
    for (const button of document.querySelectorAll("button[data-control]")) {
      button.addEventListener("click", (event) => {
        this.act(/** @type {HTMLElement} */ (button).dataset.control ?? "");
        // The focus must not stay here: Space would press the button again.
        if (/** @type {MouseEvent} */ (event).detail > 0) /** @type {HTMLElement} */ (button).blur();
      });
    }
    byId("control-back").addEventListener("click", () => this.dialog.showModal());
    this.give.addEventListener("change", () => {
      const { value } = this.give;
      if (value === "release") this.act("release");
      else if (value) this.act("give", Number(value));
      this.give.value = "";
      this.give.blur();
    });
  }

  /** @param {string} act @param {number} [to] viewer */
  act(act, to) {
    this.send({ type: "control", act, ...(to ? { to } : {}) });
  }

  get isMine() {
    return this.known && this.standing.you;
  }

  /** @param {Standing} standing @param {number} nowMs @returns {string} what changed, in words; empty when nothing did */
  hear(standing, nowMs) {
    const before = this.known ? this.standing : null;
    if (standing.asked_by && standing.asked_by !== this.standing.asked_by) this.askedMs = nowMs;
    this.standing = { ...UNKNOWN, ...standing };
    this.known = true;
    this.offer();
    return before && before.driver !== standing.driver ? this.changeWords() : "";
  }

  /** The server is away. */
  forget() {
    this.known = false;
    this.standing = UNKNOWN;
  }

  /** To whom control can be handed. */
  offer() {
    const first = this.give.options[0];
    const others = this.standing.others.map((number) => new Option(`Give it to viewer ${number}`, String(number)));
    this.give.replaceChildren(first, new Option("Release it", "release"), ...others);
    this.give.value = "";
  }

  /** @param {number} number */
  name(number) {
    return number === this.viewer ? "you" : `viewer ${number}`;
  }

  changeWords() {
    const { driver, before, why } = this.standing;
    const [to, from] = [this.name(driver), this.name(before)];
    if (driver) {
      if (why === "given") return capital(`${from} gave control to ${to}`);
      if (why === "taken back") return capital(`${to} took control back from ${from}`);
      if (why === "timed out") return capital(`${from} did not answer: control passed to ${to}`);
      return capital(`${to} took control`);
    }
    const own = before === this.viewer;
    if (why === "released") return capital(`${from} released control`);
    if (why === "timed out") return capital(`${own ? "your" : `${from}'s`} page was silent: control is free`);
    return capital(`${own ? "your" : `${from}'s`} page went away: control is free`);
  }

  /** Why nobody drives stays said; who drives needs no reason for long. */
  standingWords() {
    const { standing } = this;
    if (standing.you) return standing.others.length ? count(standing.others.length) : "";
    if (standing.free && standing.may_drive) return standing.before ? this.changeWords() : "";
    if (!this.known) return "";
    if (!standing.may_drive) return "This link is for watching; you may press Stop";
    return standing.asking ? "You asked for control" : "You are watching";
  }

  /** @param {number} nowMs @param {boolean} engaged whether the arm follows now */
  show(nowMs, engaged) {
    const { standing, known } = this;
    const { you, free } = standing;
    const asked = you && standing.asked_by > 0;
    this.panel.dataset.state = !known ? "unknown" : asked ? "asked" : you ? "mine" : free ? "free" : "theirs";
    const left = Math.max(0, Math.ceil(ANSWER_S - (nowMs - this.askedMs) / 1000));
    const question = `Viewer ${standing.asked_by} asks for control`;
    const driver = you ? "You drive" : free ? "Nobody drives" : known ? `Viewer ${standing.driver} drives` : "No connection";
    setText(byId("driver"), asked ? question : driver);
    setText(byId("control-why"), asked ? `${left} s${engaged ? "" : ", then it passes on"}` : this.standingWords());
    byId("control-take").hidden = !free || !standing.may_drive;
    byId("control-ask").hidden = !known || you || free || !standing.may_drive;
    byId("control-ask").disabled = standing.asking;
    for (const id of ["control-yes", "control-keep"]) byId(id).hidden = !asked;
    this.give.hidden = !you || asked;
    byId("control-back").hidden = you || free || !standing.may_take_back;
    byId("control-back").disabled = engaged && !standing.is_admin;
    setText(byId("take-back-who"), `Viewer ${standing.driver}`);
  }
}

/** @param {number} watchers */
const count = (watchers) => (watchers === 1 ? "1 other page watches" : `${watchers} other pages watch`);
