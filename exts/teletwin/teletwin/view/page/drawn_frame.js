// @ts-check
/** One frame of the drawn view: what is still is traced when the camera moves, the rest drawn over it. */

import { writeLinks } from "./drawn_math.js";
import { Changes } from "./drawn_rect.js";
import { Target } from "./drawn_targets.js";

/** A camera that stood so long is worth smooth edges of the table. */
const STANDS_MS = 160;

export class FrameDrawer {
  /** @param {import("./drawn_passes.js").Passes} passes */
  constructor(passes) {
    this.passes = passes;
    /** @type {Target | null} */
    this.still = null;
    /** @type {Target | null} */
    this.main = null;
    this.traced = { change: -1, grid: 0 };
    this.moved = { change: -1, ms: -Infinity };
    this.changes = new Changes();
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    if (this.main?.width === width && this.main.height === height) return;
    this.still?.release();
    this.main?.release();
    const { gl } = this.passes;
    this.changes = new Changes();
    this.still = new Target(gl, width, height);
    this.main = new Target(gl, width, height);
    this.traced = { change: -1, grid: 0 };
  }

  /** @param {import("./drawn_camera.js").OrbitCamera} camera @param {number} nowMs */
  trace(camera, nowMs) {
    if (this.moved.change !== camera.change) this.moved = { change: camera.change, ms: this.moved.change < 0 ? -Infinity : nowMs };
    const grid = nowMs - this.moved.ms > STANDS_MS ? this.passes.scene.stage.rays : 1;
    if (this.traced.change === camera.change && this.traced.grid >= grid) return;
    this.passes.drawStage(/** @type {Target} */ (this.still), camera, grid);
    this.traced = { change: camera.change, grid };
  }

  /**
   * @param {import("./drawn_states.js").State} state @param {import("./drawn_camera.js").OrbitCamera} camera
   * @param {{level: number, smooth: boolean}} step @param {Record<string, boolean>} arms which are shown @param {number} nowMs
   */
  draw(state, camera, step, arms, nowMs) {
    const { passes } = this;
    const { gl } = passes;
    const [main, still] = [/** @type {Target} */ (this.main), /** @type {Target} */ (this.still)];
    const view = { eye: camera.eye, clip: camera.clipFromBase(main.width / main.height) };
    gl.disable(gl.BLEND);
    gl.disable(gl.CULL_FACE);
    this.trace(camera, nowMs);
    passes.place(state, arms);
    passes.drawLamp();
    const ghosts = [arms.measured ? state.measured : null, arms.without ? state.without : null];
    const [left, bottom, width, height] = this.changed([state.q, ...ghosts], state.objects, camera, view.clip, step, arms);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(left, bottom, width, height);
    main.copy(still);
    main.use();
    passes.drawTableShadow(view);
    passes.drawSolids(view, step.level, true, state.held);
    const tints = [passes.scene.ghosts.measured, passes.scene.ghosts.without];
    ghosts.forEach((q, k) => q && passes.drawGhost(view, q, tints[k], Math.max(step.level, 1)));
    if (step.smooth) passes.drawSmoothed(main);
    else main.show();
    gl.disable(gl.SCISSOR_TEST);
  }

  /** @param {(Float32Array | null)[]} arms @param {Float32Array[]} objects @param {import("./drawn_camera.js").OrbitCamera} camera @param {Float32Array} clip @param {object} step @param {object} shown */
  changed(arms, objects, camera, clip, step, shown) {
    const { width, height } = /** @type {Target} */ (this.main);
    const { scene, light } = this.passes;
    const links = arms.flatMap((q) => {
      const matrices = new Float32Array(16 * 7);
      if (q) writeLinks(scene.chain, q, matrices, 0);
      return q ? [matrices] : [];
    });
    const key = JSON.stringify([this.traced, width, height, step, shown]);
    return this.changes.take(links, objects, { light: light.light, clip, tangent: camera.tangent, width, height, key });
  }
}
