// @ts-check
/** Draws the twin from states, at the display's pace; it runs in a worker, or in the page where there is none. */

import { OrbitCamera } from "./drawn_camera.js";
import { FrameDrawer } from "./drawn_frame.js";
import { Passes } from "./drawn_passes.js";
import { Quality } from "./drawn_quality.js";
import { States, unpackState } from "./drawn_states.js";

/** Without news for so long nothing moves: drawing again would show the same. */
const STILL_MS = 400;
/** From the start of a frame to the screen, about [ms]. */
const TO_SCREEN_MS = 8;
/** Frames are so many times further apart than they take: what else the computer does wants time, too. */
const REST = 1.5;
/** A number this far behind the newest means that the renderer started again. */
const RESTART_GAP = 100;

/** @typedef {import("./drawn_states.js").State} State */
/**
 * What the page tells: a scene once, then what has changed. `state` is a message of the server, `offsetMs` leads from the
 * time of `absoluteMs` to the server's; `step` fixes how finely is drawn.
 * @typedef {{scene?: any, camera?: object, arms?: Record<string, boolean>, size?: [number, number], step?: number,
 *   state?: ArrayBuffer, offsetMs?: number | null, reset?: boolean}} Order
 */

/** A time that worker and page have in common [ms]. */
export const absoluteMs = () => performance.timeOrigin + performance.now();

export class DrawnEngine {
  /**
   * @param {HTMLCanvasElement | OffscreenCanvas} canvas
   * @param {(told: Record<string, any>) => void} tell `ack`, `drawn`, `frame`, `ready`, `failed`; times are of absoluteMs
   */
  constructor(canvas, tell) {
    this.canvas = canvas;
    this.tell = tell;
    this.states = new States();
    this.quality = new Quality();
    /** @type {Record<string, boolean>} */
    this.arms = {};
    this.counters = { received: 0, drawn: 0, skipped: 0, frames: 0, bytes: 0 };
    /** @type {State[]} */
    this.waiting = [];
    this.newsMs = this.drawnMs = -Infinity;
    this.drawnChange = -1;
    /** @type {number | null} */
    this.offsetMs = null;
    this.size = [0, 0];
    /** @type {OrbitCamera | null} */
    this.camera = null;
    /** @type {FrameDrawer | null} */
    this.frame = null;
    canvas.addEventListener("webglcontextlost", () => this.fail("the browser took the drawing surface away"));
  }

  /** @param {Order} order */
  hear({ scene, camera, arms, size, step, state, offsetMs, reset }) {
    if (reset) this.reset();
    if (scene) this.open(scene);
    if (camera && this.camera) Object.assign(this.camera, camera);
    if (arms) this.show(arms);
    if (size) this.size = size;
    if (step !== undefined) this.quality.fix(step);
    if (offsetMs !== undefined) this.offsetMs = offsetMs;
    if (state) this.receive(state);
  }

  /** Load what is drawn. @param {any} scene */
  async open(scene) {
    this.camera = new OrbitCamera(scene.camera);
    try {
      const options = { alpha: false, depth: false, antialias: false, preserveDrawingBuffer: true };
      const gl = /** @type {WebGL2RenderingContext | null} */ (this.canvas.getContext("webgl2", options));
      if (!gl) throw new Error("this browser has no WebGL 2");
      this.frame = new FrameDrawer(await Passes.load(gl, scene));
      this.tell({ kind: "ready" });
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} why */
  fail(why) {
    this.frame = null;
    this.reset();
    this.tell({ kind: "failed", why });
  }

  /** @param {Record<string, boolean>} arms */
  show(arms) {
    this.arms = arms;
    this.drawnChange = -1;
  }

  /** @param {ArrayBuffer} message */
  receive(message) {
    const state = unpackState(message);
    this.counters.received += 1;
    this.counters.bytes += state.bytes;
    const behind = (this.states.newest?.frame_id ?? -1) - state.frame_id;
    if (behind >= 0 && behind < RESTART_GAP) return this.skip(state);
    if (behind > 0) this.states.forget();
    this.states.push(state);
    this.waiting.push(state);
    this.newsMs = performance.now();
    if (!this.frame) this.settle(absoluteMs(), false);
  }

  /** @param {State} state */
  skip(state) {
    this.counters.skipped += 1;
    this.tell({ kind: "ack", ack: { frame_id: state.frame_id, drawn: false, need_key: false }, ms: absoluteMs() });
  }

  /** After a lost connection, or when pictures come again. */
  reset() {
    this.waiting = [];
    this.states.forget();
  }

  /** Called at every display frame. @param {number} nowMs of the display frame */
  tick(nowMs) {
    const { frame, camera, size } = this;
    if (!this.states.newest || !frame || !camera || !size[0]) return;
    const stands = nowMs - this.newsMs > STILL_MS && camera.change === this.drawnChange && nowMs - this.drawnMs < 1000;
    if (stands || nowMs - this.drawnMs < REST * this.quality.frameMs) return;
    const started = absoluteMs();
    this.draw(frame, camera, nowMs, this.offsetMs === null ? null : started + TO_SCREEN_MS + this.offsetMs);
    const ms = absoluteMs();
    this.drawnMs = nowMs;
    this.drawnChange = camera.change;
    this.counters.frames += 1;
    this.settle(ms, true);
    this.quality.took(ms - started);
    this.tell({ kind: "frame", counters: { ...this.counters }, frameMs: this.quality.frameMs, step: this.quality.number });
  }

  /** @param {FrameDrawer} frame @param {OrbitCamera} camera @param {number} nowMs @param {number | null} seenMs when it is seen, the server's time */
  draw(frame, camera, nowMs, seenMs) {
    const { canvas } = this;
    const [width, height] = this.quality.size(this.size[0], this.size[1]);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    frame.resize(width, height);
    frame.draw(/** @type {State} */ (this.states.at(seenMs)), camera, this.quality.step, this.arms, nowMs);
    // Reading a pixel back makes sure that the frame is drawn, not only asked for.
    const { gl } = frame.passes;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /** Give back what waits: the newest is drawn, those before it were overtaken. @param {number} ms @param {boolean} drawn */
  settle(ms, drawn) {
    const newest = drawn ? this.waiting.pop() : undefined;
    for (const state of this.waiting) this.skip(state);
    this.waiting = [];
    if (!newest) return;
    this.counters.drawn += 1;
    this.tell({ kind: "ack", ack: { frame_id: newest.frame_id, drawn: true, need_key: false }, ms });
    const { input_seq, bytes } = newest;
    this.tell({ kind: "drawn", shown: { input_seq, bytes, width: this.canvas.width, height: this.canvas.height }, ms });
  }
}
