// @ts-check
/** Mouse, pen and touch: a drag moves in the plane of the view, Shift or the right button turns, the wheel is depth. */

import { eventTime } from "./hand.js";
import { PointerGain } from "./pointer_gain.js";

const TURN_PER_PIXEL = 0.006;
const WHEEL_HOLD_MS = 250;
const WHEEL_GAIN = 0.35;

/**
 * @param {HTMLElement} surface
 * @param {import("./hand.js").Hand} hand
 * @param {() => number} viewHeightM height of the view at the tool [m]
 */
export function listenToMouse(surface, hand, viewHeightM) {
  /** @type {{id: number, x: number, y: number, turns: boolean, gain: PointerGain, pixel: number} | null} */
  let drag = null;
  const metresPerPixel = () => viewHeightM() / surface.clientHeight;
  // Raw updates come as they happen; plain moves wait for the next display frame. Both hold all that came together.
  const moveEvent = "onpointerrawupdate" in surface ? "pointerrawupdate" : "pointermove";

  /** One place of the pointer that drags. @param {PointerEvent} event */
  const follow = (event) => {
    if (!drag) return;
    const { clientX, clientY } = event;
    if (clientX === drag.x && clientY === drag.y) return;
    // A browser that tells fractions of a pixel tells them to the screen's own pixels.
    if (!Number.isInteger(clientX + clientY)) drag.pixel = 1 / Math.max(devicePixelRatio, 1);
    Object.assign(drag, { x: clientX, y: clientY });
    const ms = eventTime(event);
    const [dx, dy] = drag.gain.step(clientX, clientY, ms);
    const scale = metresPerPixel();
    if (event.altKey) hand.rotate([0, 0, -dx * TURN_PER_PIXEL], "mouse", ms);
    else if (event.shiftKey || drag.turns) hand.rotate([dy * TURN_PER_PIXEL, dx * TURN_PER_PIXEL, 0], "mouse", ms);
    else hand.translate([dx * scale, -dy * scale, 0], "mouse", ms, drag.gain.gain * drag.pixel * scale);
  };

  surface.addEventListener("pointerdown", (event) => {
    if (drag || event.button > 2) return;
    const { pointerId, clientX: x, clientY: y } = event;
    const ms = eventTime(event);
    drag = { id: pointerId, x, y, turns: event.button === 2, gain: new PointerGain(x, y, ms), pixel: 1 };
    surface.setPointerCapture(pointerId);
    hand.hold("mouse", true, "mouse", ms);
  });

  surface.addEventListener(moveEvent, (raw) => {
    const event = /** @type {PointerEvent} */ (raw);
    if (!drag || event.pointerId !== drag.id) return;
    const together = event.getCoalescedEvents?.() ?? [];
    for (const one of together.length ? together : [event]) follow(one);
  });

  /** @param {PointerEvent} event */
  const end = (event) => {
    if (!drag || event.pointerId !== drag.id) return;
    if (event.type === "pointerup") follow(event);
    drag = null;
    hand.hold("mouse", false, "mouse", eventTime(event));
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
      hand.translate([0, 0, pixels * WHEEL_GAIN * metresPerPixel()], "mouse", eventTime(event));
    },
    { passive: false },
  );
}
