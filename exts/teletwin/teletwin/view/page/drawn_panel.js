// @ts-check
/** Buttons over the drawn view: named views, nearer and farther, full screen, and what is shown. */

const NEARER = 1 / 1.25;
const KEPT = "teletwin.shown";

/** What was shown when the page was open last. @returns {Record<string, boolean>} */
function remembered() {
  try {
    const known = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return Object.fromEntries(Object.entries(known).filter(([, shown]) => typeof shown === "boolean"));
  } catch {
    return {};
  }
}

export class DrawnPanel {
  /**
   * @param {HTMLElement} bar views, zoom and full screen @param {HTMLElement} legend which is the switches as well
   * @param {import("./drawn.js").DrawnView} view
   * @param {() => void} onEscape full screen was left by Esc: the browser keeps the key to itself
   */
  constructor(bar, legend, view, onEscape) {
    this.bar = bar;
    this.view = view;
    this.left = false;
    /** @type {HTMLButtonElement[]} */
    this.switches = [...legend.querySelectorAll("button")];
    for (const [name, shown] of Object.entries(remembered())) if (view.arms[name] === !shown) view.toggle(name);
    this.mark(false);
    for (const part of [bar, legend]) part.addEventListener("click", (event) => this.click(event));
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement && !this.left) onEscape();
      this.left = false;
    });
  }

  /** @param {MouseEvent} event */
  click(event) {
    const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button"));
    if (!button) return;
    this.press(button);
    // A pointer's click must not leave the focus here: Space would press the button again.
    if (event.detail > 0) button.blur();
  }

  /** @param {HTMLElement} button */
  press(button) {
    const { camera } = this.view;
    const { camera: named, zoom, arm, screen } = button.dataset;
    if (named) camera?.show(named);
    if (zoom) camera?.zoom(zoom === "in" ? NEARER : 1 / NEARER);
    if (screen !== undefined) this.fillScreen();
    if (!arm) return;
    this.view.toggle(arm);
    this.mark(true);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.view.arms));
    } catch {
      // A page that may keep nothing begins anew each time.
    }
  }

  /** Pictures show what they show: their legend is no switch. @param {boolean} drawn */
  mark(drawn) {
    for (const button of this.switches) {
      button.disabled = !drawn;
      button.setAttribute("aria-pressed", String(!drawn || this.view.arms[button.dataset.arm ?? ""]));
    }
  }

  fillScreen() {
    this.left = Boolean(document.fullscreenElement);
    if (this.left) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  /** @param {boolean} shown */
  show(shown) {
    if (this.bar.hidden === !shown) return;
    this.bar.hidden = !shown;
    this.mark(shown);
    for (const key of document.querySelectorAll("[data-drawn]")) /** @type {HTMLElement} */ (key).hidden = !shown;
  }
}
