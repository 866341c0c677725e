// @ts-check
/** Mouse, pen and touch: a drag moves in the plane of the view, Shift or the right button turns, the wheel is depth. */

const TURN_PER_PIXEL = 0.006;
const WHEEL_HOLD_MS = 250;
const WHEEL_GAIN = 0.35;

/**
 * @param {HTMLElement} surface
 * @param {import("./hand.js").Hand} hand
 * @param {() => number} viewHeightM height of the view at the tool [m]
 */
export function listenToMouse(surface, hand, viewHeightM) {
  /** @type {{id: number, x: number, y: number, turns: boolean} | null} */
  let drag = null;
  const metresPerPixel = () => viewHeightM() / surface.clientHeight;
  // Raw updates come as they happen; plain moves wait for the next display frame.
  const moveEvent = "onpointerrawupdate" in surface ? "pointerrawupdate" : "pointermove";

  surface.addEventListener("pointerdown", (event) => {
    if (drag || event.button > 2) return;
    drag = { id: event.pointerId, x: event.clientX, y: event.clientY, turns: event.button === 2 };
    surface.setPointerCapture(event.pointerId);
    hand.hold("mouse", true, "mouse");
  });

  surface.addEventListener(moveEvent, (raw) => {
    const event = /** @type {PointerEvent} */ (raw);
    if (!drag || event.pointerId !== drag.id) return;
    const dx = event.clientX - drag.x;
    const dy = event.clientY - drag.y;
    if (!dx && !dy) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    if (event.altKey) hand.rotate([0, 0, -dx * TURN_PER_PIXEL], "mouse");
    else if (event.shiftKey || drag.turns) hand.rotate([dy * TURN_PER_PIXEL, dx * TURN_PER_PIXEL, 0], "mouse");
    else hand.translate([dx * metresPerPixel(), -dy * metresPerPixel(), 0], "mouse");
  });

  /** @param {PointerEvent} event */
  const end = (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    drag = null;
    hand.hold("mouse", false, "mouse");
  };
  surface.addEventListener("pointerup", end);
  surface.addEventListener("pointercancel", end);
  surface.addEventListener("lostpointercapture", end);
  surface.addEventListener("contextmenu", (event) => event.preventDefault());

  surface.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      hand.pulse("wheel", WHEEL_HOLD_MS, "mouse");
      hand.translate([0, 0, pixels * WHEEL_GAIN * metresPerPixel()], "mouse");
    },
    { passive: false },
  );
}
