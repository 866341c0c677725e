// @ts-check
/** Explanations that appear beside whatever carries data-tip, by pointer or by keyboard focus. */

const MARGIN = 8;

/** @param {HTMLElement} tip */
export function showTips(tip) {
  /** @param {Event} event */
  const show = (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    if (!(target instanceof HTMLElement) || !target.dataset.tip) {
      tip.hidden = true;
      return;
    }
    tip.textContent = target.dataset.tip;
    tip.hidden = false;
    const box = target.getBoundingClientRect();
    const left = Math.min(box.left, innerWidth - tip.offsetWidth - MARGIN);
    const below = box.bottom + MARGIN;
    const fits = below + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(MARGIN, left)}px`;
    tip.style.top = `${fits ? below : box.top - tip.offsetHeight - MARGIN}px`;
  };
  addEventListener("pointerover", show);
  addEventListener("focusin", show);
  addEventListener("scroll", () => (tip.hidden = true), true);
  addEventListener("keydown", (event) => event.key === "Escape" && (tip.hidden = true));
}
