// @ts-check
/**
 * Explanations that appear beside whatever carries data-tip, by pointer or by keyboard focus, and are told to assistive
 * technology as its description. A tip stands where it covers no control: the nearest such place.
 */

const MARGIN = 8;
const STEP = 8;
const CONTROLS = "button, input, select, a[href], output, dialog[open] *";

/** @type {WeakMap<Element, HTMLElement>} */
const texts = new WeakMap();
let made = 0;

/** What a tip is about: a label's tip is its control's. @param {HTMLElement} node @returns {Element} */
const subject = (node) => (node instanceof HTMLLabelElement && node.control) || node;

/** Describe a node by its tip, for who does not see it appear. @param {HTMLElement} node */
function describe(node) {
  const about = subject(node);
  let text = texts.get(about);
  if (!text) {
    text = document.createElement("span");
    text.id = `tip-${(made += 1)}`;
    document.getElementById("tip-texts")?.append(text);
    texts.set(about, text);
    about.setAttribute("aria-describedby", text.id);
  }
  if (text.textContent !== node.dataset.tip) text.textContent = node.dataset.tip ?? "";
}

/** Say something else of a node. @param {HTMLElement} node @param {string} text */
export function setTip(node, text) {
  if (node.dataset.tip === text) return;
  node.dataset.tip = text;
  describe(node);
}

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

/** How much of a box is covered by others [px²]. @param {Box} box @param {Box[]} others */
function covered(box, others) {
  let area = 0;
  for (const other of others) {
    const width = Math.min(box.right, other.right) - Math.max(box.left, other.left);
    const height = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
    if (width > 0 && height > 0) area += width * height;
  }
  return area;
}

/** Where a tip of this size stands. @param {Box} target @param {number} width @param {number} height @param {Box[]} taken */
function place(target, width, height, taken) {
  let best = { left: MARGIN, top: MARGIN, cost: Infinity };
  const lefts = [target.left, target.right - width, target.right + MARGIN, target.left - width - MARGIN, (innerWidth - width) / 2];
  for (let left = MARGIN; left + width < innerWidth; left += 5 * STEP) lefts.push(left);
  for (const wanted of lefts) {
    const left = Math.max(MARGIN, Math.min(wanted, innerWidth - width - MARGIN));
    for (let top = MARGIN; top + height <= innerHeight - MARGIN; top += STEP) {
      const away = Math.max(target.top - top - height, top - target.bottom, 0);
      const aside = Math.max(target.left - left - width, left - target.right, 0);
      const box = { left, top, right: left + width, bottom: top + height };
      const area = covered(box, taken);
      const cost = (area ? 1e6 + 1e3 * area : 0) + away + aside;
      if (cost < best.cost) best = { left, top, cost };
    }
  }
  return best;
}

/** @param {HTMLElement} tip */
export function showTips(tip) {
  for (const node of document.querySelectorAll("[data-tip]")) describe(/** @type {HTMLElement} */ (node));

  /** @param {Event} event */
  const show = (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    if (!(target instanceof HTMLElement) || !target.dataset.tip) {
      tip.hidden = true;
      return;
    }
    describe(target);
    if (!tip.hidden && tip.textContent === target.dataset.tip) return;
    tip.textContent = target.dataset.tip;
    tip.hidden = false;
    Object.assign(tip.style, { left: "0px", top: "0px" }); // beside the right edge it would be measured narrower
    const nodes = [...document.querySelectorAll(CONTROLS), target];
    const taken = nodes.map((node) => node.getBoundingClientRect()).filter((box) => box.width > 0 && box.bottom > 0 && box.top < innerHeight);
    const { left, top } = place(target.getBoundingClientRect(), tip.offsetWidth + 1, tip.offsetHeight + 1, taken);
    tip.style.left = `${left}px`;
    tip.style.top = `${top}px`;
  };
  addEventListener("pointerover", show);
  addEventListener("focusin", show);
  addEventListener("scroll", () => (tip.hidden = true), true);
  addEventListener("keydown", (event) => event.key === "Escape" && (tip.hidden = true));
}
