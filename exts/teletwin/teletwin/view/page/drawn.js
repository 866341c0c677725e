// @ts-check
/** The twin drawn in the page: takes states, draws them at the display's pace, and gives each one's credit back. */

import { OrbitCamera } from "./drawn_camera.js";
import { FrameDrawer } from "./drawn_frame.js";
import { Passes } from "./drawn_passes.js";
import { Quality } from "./drawn_quality.js";
import { States, unpackState } from "./drawn_states.js";

/** Without news for so long nothing moves: drawing again would show the same. */
const STILL_MS = 400;
/** From the start of a frame to the screen, about [ms]. */
const TO_SCREEN_MS = 8;
/** Frames are so many times further apart than they take: the rest of the page wants time, too. */
const REST = 1.5;
/** A number this far behind the newest means that the renderer started again. */
const RESTART_GAP = 100;

/** @typedef {import("./drawn_states.js").State} State */

export class DrawnView {
  /**
   * @param {HTMLCanvasElement} canvas @param {(pageMs: number) => number | null} serverNs
   * @param {{ack: (ack: object, pageMs: number) => void, drawn: (state: State, pageMs: number) => void, failed: (why: string) => void}} listeners
   */
  constructor(canvas, serverNs, listeners) {
    Object.assign(this, { canvas, serverNs, listeners });
    this.canvas = canvas;
    this.serverNs = serverNs;
    this.listeners = listeners;
    this.states = new States();
    this.quality = new Quality();
    this.arms = { measured: true, without: true };
    this.counters = { received: 0, drawn: 0, skipped: 0, frames: 0, bytes: 0 };
    /** @type {State[]} */
    this.waiting = [];
    this.newsMs = this.drawnMs = -Infinity;
    this.drawnChange = -1;
    this.broken = "";
    /** @type {OrbitCamera | null} */
    this.camera = null;
    /** @type {FrameDrawer | null} */
    this.frame = null;
    canvas.addEventListener("webglcontextlost", () => this.fail("the browser took the drawing surface away"));
  }

  /** The server told what to draw. @param {any} scene */
  welcome(scene) {
    this.scene = scene;
    this.camera ??= new OrbitCamera(scene.camera);
  }

  /** Load what is drawn; called when the first state comes. */
  async open() {
    if (this.opening || !this.scene) return;
    this.opening = true;
    try {
      const gl = this.canvas.getContext("webgl2", { alpha: false, depth: false, antialias: false, preserveDrawingBuffer: true });
      if (!gl) throw new Error("this browser has no WebGL 2");
      this.frame = new FrameDrawer(await Passes.load(gl, this.scene));
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} why */
  fail(why) {
    if (this.broken) return;
    this.broken = why;
    this.frame = null;
    this.canvas.hidden = true;
    this.listeners.failed(why);
  }

  /** @param {ArrayBuffer} message */
  receive(message) {
    const state = unpackState(message);
    this.counters.received += 1;
    this.counters.bytes += state.bytes;
    const behind = (this.states.newest?.frame_id ?? -1) - state.frame_id;
    if (this.broken || (behind >= 0 && behind < RESTART_GAP)) return this.skip(state);
    if (behind > 0) this.states.forget();
    this.states.push(state);
    this.waiting.push(state);
    this.newsMs = performance.now();
    if (!this.frame) {
      this.open();
      this.settle(this.newsMs, false);
    }
  }

  /** @param {State} state */
  skip(state) {
    this.counters.skipped += 1;
    this.listeners.ack({ frame_id: state.frame_id, drawn: false, need_key: false }, performance.now());
  }

  /** Whether states come, not pictures. */
  get active() {
    return Boolean(this.states.newest) && !this.broken;
  }

  /** After a lost connection, or when pictures come again. */
  reset() {
    this.waiting = [];
    this.states.forget();
    this.canvas.hidden = true;
  }

  /** Called at every display frame. @param {number} nowMs of the display frame */
  tick(nowMs) {
    const { frame, camera, canvas } = this;
    if (!this.active || !frame || !camera) return;
    const stands = nowMs - this.newsMs > STILL_MS && camera.change === this.drawnChange && nowMs - this.drawnMs < 1000;
    if (stands || nowMs - this.drawnMs < REST * this.quality.frameMs) return;
    const started = performance.now();
    canvas.hidden = false;
    const pixels = devicePixelRatio;
    const [width, height] = this.quality.size(canvas.clientWidth * pixels, canvas.clientHeight * pixels);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    frame.resize(width, height);
    const seenNs = this.serverNs(started + TO_SCREEN_MS);
    const state = /** @type {State} */ (this.states.at(seenNs === null ? null : seenNs / 1e6));
    frame.draw(state, camera, this.quality.step, this.arms, nowMs);
    // Reading a pixel back makes sure that the frame is drawn, not only asked for.
    const { gl } = frame.passes;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    const pageMs = performance.now();
    this.drawnMs = nowMs;
    this.drawnChange = camera.change;
    this.counters.frames += 1;
    this.settle(pageMs, true);
    this.quality.took(pageMs - started);
  }

  /** Give back what waits: the newest is drawn, those before it were overtaken. @param {number} pageMs @param {boolean} drawn */
  settle(pageMs, drawn) {
    const newest = drawn ? this.waiting.pop() : undefined;
    for (const state of this.waiting) this.skip(state);
    this.waiting = [];
    if (!newest) return;
    this.counters.drawn += 1;
    this.listeners.ack({ frame_id: newest.frame_id, drawn: true, need_key: false }, pageMs);
    this.listeners.drawn(newest, pageMs);
  }
}
