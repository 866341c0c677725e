// @ts-check
/** A tour of three steps on first sight, in a line of its own: it covers nothing, takes no focus, and comes once. */

import { setText } from "./charts.js";

const DONE = "teletwin.tour";
/** @type {{marks: string, text: string}[]} */
const STEPS = [
  { marks: "picture-frame", text: "The solid arm is the twin: it shows where the hand is about to be. The translucent yellow arm is the real one, as it was last measured, far away." },
  { marks: "forecast", text: "Switch the forecast off and watch the orange and grey lines: without it the arm trails the hand. Switch it on again, and the blue line drops." },
  { marks: "picture-frame", text: "Now you: drag in the picture, and you have the hand. Stop, or the Esc key, ends all motion at once." },
];

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** A browser may keep nothing for us. @param {"get" | "set"} act */
function memory(act) {
  try {
    if (act === "get") return localStorage.getItem(DONE);
    localStorage.setItem(DONE, "done");
  } catch {
    /* then it is shown again */
  }
  return null;
}

export class Tour {
  constructor() {
    this.step = -1;
    this.panel = byId("tour");
    for (const button of this.panel.querySelectorAll("button")) {
      button.addEventListener("click", () => this.act(button.dataset.tour ?? ""));
    }
    byId("tour-again").addEventListener("click", () => {
      /** @type {HTMLDialogElement} */ (byId("help")).close();
      this.show(0);
      /** @type {HTMLElement} */ (this.panel.querySelector("[data-tour=next]")).focus();
    });
  }

  /** Begin, where it was never ended. */
  welcome() {
    if (this.step < 0 && memory("get") !== "done") this.show(0);
  }

  /** @param {string} act */
  act(act) {
    if (act === "skip") this.end();
    else if (act === "back") this.show(Math.max(0, this.step - 1));
    else if (this.step + 1 < STEPS.length) this.show(this.step + 1);
    else this.end();
  }

  /** @param {number} step */
  show(step) {
    this.step = step;
    this.panel.hidden = false;
    setText(byId("tour-count"), `${step + 1} of ${STEPS.length}`);
    setText(byId("tour-text"), STEPS[step].text);
    const [back, next] = ["back", "next"].map((name) => this.panel.querySelector(`[data-tour=${name}]`));
    /** @type {HTMLButtonElement} */ (back).disabled = step === 0;
    setText(/** @type {HTMLElement} */ (next), step + 1 === STEPS.length ? "Done" : "Next");
    this.mark(STEPS[step].marks);
  }

  end() {
    this.step = -1;
    this.panel.hidden = true;
    this.mark("");
    memory("set");
  }

  /** @param {string} id */
  mark(id) {
    for (const node of document.querySelectorAll(".toured")) node.classList.remove("toured");
    if (id) byId(id).classList.add("toured");
  }
}
