// @ts-check
/** The twin drawn by this browser: where it is drawn, under which camera, and what comes back for each state. */

import { OrbitCamera } from "./drawn_camera.js";
import { absoluteMs, DrawnEngine } from "./drawn_engine.js";

/** @typedef {{input_seq: number, bytes: number, width: number, height: number}} Shown */

/** Whether a worker can draw here. */
function canDrawInWorker() {
  if (!("OffscreenCanvas" in window && "transferControlToOffscreen" in HTMLCanvasElement.prototype)) return false;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null;
}

export class DrawnView {
  /**
   * @param {HTMLCanvasElement} canvas @param {(pageMs: number) => number | null} serverNs
   * @param {{ack: (ack: object, pageMs: number) => void, drawn: (shown: Shown, pageMs: number) => void, failed: (why: string) => void}} listeners
   */
  constructor(canvas, serverNs, listeners) {
    this.canvas = canvas;
    this.serverNs = serverNs;
    this.listeners = listeners;
    this.counters = { received: 0, drawn: 0, skipped: 0, frames: 0, bytes: 0 };
    this.frameMs = 0;
    this.step = -1;
    this.broken = "";
    /** Whether states come, not pictures. */
    this.active = false;
    this.isReady = false;
    this.sentChange = -1;
    /** @type {Record<string, boolean>} */
    this.arms = { twin: true, measured: true, without: true, target: true };
    /** @type {OrbitCamera | null} */
    this.camera = null;
    /** @type {DrawnEngine | null} */
    this.engine = null;
    /** @type {Worker | null} */
    this.worker = null;
    this.observer = new ResizeObserver(() => this.measure());
  }

  /** The server told what to draw. @param {any} scene */
  welcome(scene) {
    this.scene = scene;
    this.camera ??= new OrbitCamera(scene.camera);
  }

  /** Begin to draw; called when the first state comes. */
  open() {
    if (canDrawInWorker()) {
      const canvas = this.canvas.transferControlToOffscreen();
      this.worker = new Worker(new URL("drawn_worker.js", import.meta.url), { type: "module" });
      this.worker.onmessage = (event) => this.hear(event.data);
      this.worker.onerror = (event) => this.fail(event.message || "its worker did not start");
      this.worker.postMessage({ canvas }, [canvas]);
    } else this.engine = new DrawnEngine(this.canvas, (told) => this.hear(told));
    this.observer.observe(this.canvas);
    this.order({ scene: this.scene, arms: this.arms });
  }

  /** @param {import("./drawn_engine.js").Order} order @param {Transferable[]} moved */
  order(order, moved = []) {
    if (this.worker) this.worker.postMessage(order, moved);
    else this.engine?.hear(order);
  }

  /** What the engine tells. @param {Record<string, any>} told */
  hear(told) {
    const pageMs = told.ms - performance.timeOrigin;
    if (told.kind === "ack") this.listeners.ack(told.ack, pageMs);
    if (told.kind === "drawn") this.listeners.drawn(told.shown, pageMs);
    if (told.kind === "frame") Object.assign(this, { counters: told.counters, frameMs: told.frameMs, step: told.step });
    if (told.kind === "ready") this.isReady = true;
    if (told.kind === "failed") this.fail(told.why);
    this.canvas.hidden = !(this.active && this.isReady);
  }

  /** @param {string} why */
  fail(why) {
    if (this.broken) return;
    this.broken = why;
    this.active = false;
    this.canvas.hidden = true;
    this.worker?.terminate();
    this.listeners.failed(why);
  }

  /** @param {ArrayBuffer} message */
  receive(message) {
    if (this.broken || !this.scene) return;
    if (!this.worker && !this.engine) this.open();
    this.active = true;
    const pageMs = performance.now();
    const serverNs = this.serverNs(pageMs);
    const offsetMs = serverNs === null ? null : serverNs / 1e6 - (performance.timeOrigin + pageMs);
    this.order({ state: message, offsetMs }, [message]);
  }

  /** After a lost connection, or when pictures come again. */
  reset() {
    this.active = false;
    this.canvas.hidden = true;
    this.order({ reset: true });
  }

  /** Called at every display frame. @param {number} nowMs */
  tick(nowMs) {
    const { camera } = this;
    if (camera && this.active && camera.change !== this.sentChange) {
      this.sentChange = camera.change;
      this.order({ camera: camera.standing });
    }
    this.engine?.tick(nowMs);
  }

  /** Size on the screen, in the screen's own pixels. */
  measure() {
    const { clientWidth, clientHeight } = this.canvas;
    this.order({ size: [clientWidth * devicePixelRatio, clientHeight * devicePixelRatio] });
  }

  /** Show an arm, or hide it. @param {string} name */
  toggle(name) {
    this.arms = { ...this.arms, [name]: !this.arms[name] };
    this.order({ arms: this.arms });
    return this.arms[name];
  }
}
