// @ts-check
/** Buttons over the drawn view: named views, nearer and farther, and which arms are shown. */

const NEARER = 1 / 1.25;

export class DrawnPanel {
  /** @param {HTMLElement} bar @param {import("./drawn.js").DrawnView} view */
  constructor(bar, view) {
    this.bar = bar;
    this.view = view;
    bar.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button"));
      if (!button) return;
      this.press(button);
      // A pointer's click must not leave the focus here: Space would press the button again.
      if (event.detail > 0) button.blur();
    });
  }

  /** @param {HTMLElement} button */
  press(button) {
    const { camera, arms } = this.view;
    const { camera: named, zoom, arm } = button.dataset;
    if (named) camera?.show(named);
    if (zoom) camera?.zoom(zoom === "in" ? NEARER : 1 / NEARER);
    if (arm) {
      arms[arm] = !arms[arm];
      button.setAttribute("aria-pressed", String(arms[arm]));
    }
  }

  /** @param {boolean} shown */
  show(shown) {
    if (this.bar.hidden === !shown) return;
    this.bar.hidden = !shown;
    for (const key of document.querySelectorAll("[data-drawn]")) /** @type {HTMLElement} */ (key).hidden = !shown;
  }
}
