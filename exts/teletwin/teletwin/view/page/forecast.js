// @ts-check
/** The large switch: forecast on, or feed-forward only. Says what is so, in words wherever the page speaks of it. */

import { setText } from "./charts.js";

/** How long what was just asked for stands before what is told replaces it [ms]. */
const SETTLE_MS = 1200;
const OFF_TIP = "Switched off: both horizons are zero, feed-forward only. What is chosen here counts when it is on again.";

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class ForecastSwitch {
  /** @param {(message: object) => void} send @param {() => void} onChange told when it is switched */
  constructor(send, onChange) {
    this.send = send;
    this.onChange = onChange;
    this.button = /** @type {HTMLButtonElement} */ (byId("forecast"));
    this.isOn = true;
    this.touchedMs = -Infinity;
    /** @type {number | null} */
    this.aheadMs = null;
    this.button.addEventListener("click", (event) => {
      this.toggle();
      if (event.detail > 0) this.button.blur();
    });
  }

  toggle() {
    if (this.button.disabled) return;
    this.touchedMs = performance.now();
    this.show(!this.isOn);
    this.send({ type: "settings", name: "forecast", values: { on: this.isOn } });
  }

  /** @param {Record<string, any>} told what the operator's side tells; an older one tells nothing of it @param {number} nowMs */
  follow({ forecast: on, horizon_control_ms: aheadMs }, nowMs) {
    this.aheadMs = typeof aheadMs === "number" ? aheadMs : null;
    this.showHow();
    if (typeof on === "boolean" && nowMs - this.touchedMs > SETTLE_MS) this.show(on);
  }

  /** Under the word: how far it looks, or what is left without it. */
  showHow() {
    const ahead = this.aheadMs === null ? "nothing to look ahead of yet" : `looks ${Math.round(this.aheadMs / 10) * 10} ms ahead`;
    setText(byId("forecast-how"), this.isOn ? ahead : "feed-forward only");
  }

  /** @param {boolean} on */
  show(on) {
    if (on === this.isOn) return;
    this.isOn = on;
    this.button.setAttribute("aria-checked", String(on));
    setText(byId("forecast-word"), on ? "on" : "off");
    this.showHow();
    setText(byId("key-twin"), on ? "twin, looking ahead" : "twin, feed-forward only");
    document.body.classList.toggle("unforecast", !on);
    const card = byId("forecast-off");
    for (const label of document.querySelectorAll("[data-off]")) {
      const { on: word = "", off = "" } = /** @type {HTMLElement} */ (label).dataset;
      setText(/** @type {HTMLElement} */ (label), on ? word : off);
    }
    card.hidden = on;
    setText(card, on ? "" : OFF_TIP);
    this.onChange();
  }
}
