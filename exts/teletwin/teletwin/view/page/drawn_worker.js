// @ts-check
/** The worker that draws: shaders that compile and frames that take long hold up nothing of the page. */

import { DrawnEngine } from "./drawn_engine.js";

/** @type {DrawnEngine | null} */
let engine = null;

/** @param {number} nowMs */
function everyFrame(nowMs) {
  requestAnimationFrame(everyFrame);
  engine?.tick(nowMs);
}

/** @param {MessageEvent<import("./drawn_engine.js").Order & {canvas?: OffscreenCanvas}>} event */
self.onmessage = ({ data: { canvas, ...order } }) => {
  if (canvas) {
    engine = new DrawnEngine(canvas, (told) => self.postMessage(told));
    requestAnimationFrame(everyFrame);
  }
  engine?.hear(order);
};
