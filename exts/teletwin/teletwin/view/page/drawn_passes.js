// @ts-check
/** The steps that make one drawn frame, in the order of the server's renderer, with its shaders. */

import { transposed4, writeLinks, writePose } from "./drawn_math.js";
import { Meshes } from "./drawn_mesh.js";
import { FRAMES_BINDING, Program } from "./drawn_program.js";
import { LampTarget } from "./drawn_targets.js";

const LINKS = 7;
const [DEPTH_UNIT, COVER_UNIT, PICTURE_UNIT] = [0, 1, 2];
/** Shadows may fall so far beside what throws them [m]. */
const SHADOW_MARGIN_M = 0.13;
const LEVEL_OF_SHADOWS = 2;

/** @typedef {import("./drawn_states.js").State} State @typedef {import("./drawn_targets.js").Target} Target */
/** @typedef {{eye: number[], clip: Float32Array}} View */

export class Passes {
  /** @param {WebGL2RenderingContext} gl @param {any} scene what the server told */
  static async load(gl, scene) {
    const names = [["stage.vert", "stage.frag"], ["caster.vert", "caster.frag"], ["table_shadow.vert", "table_shadow.frag"],
      ["solid.vert", "solid.frag"], ["solid.vert", "ghost.frag"], ["screen.vert", "smooth.frag"]];
    const programs = names.map(([vertex, fragment]) => Program.load(gl, vertex, fragment, scene.max_frames));
    const meshes = scene.meshes.map((/** @type {string} */ url) => Meshes.load(gl, url));
    return new Passes(gl, scene, await Promise.all(programs), await Promise.all(meshes));
  }

  /** @param {WebGL2RenderingContext} gl @param {any} scene @param {Program[]} programs @param {Meshes[]} meshes */
  constructor(gl, scene, programs, [arm, objects]) {
    Object.assign(this, { gl, scene, arm, objects });
    this.gl = gl;
    this.scene = scene;
    this.arm = arm;
    this.objects = objects;
    [this.stage, this.caster, this.tableShadow, this.solid, this.ghost, this.smooth] = programs;
    this.empty = gl.createVertexArray();
    this.lamp = new LampTarget(gl, scene.shadow.pixels);
    this.frames = new Float32Array(16 * scene.max_frames);
    const block = gl.createBuffer();
    gl.bindBufferBase(gl.UNIFORM_BUFFER, FRAMES_BINDING, block);
    gl.bufferData(gl.UNIFORM_BUFFER, this.frames.byteLength, gl.DYNAMIC_DRAW);
    const { direction, clip } = scene.light;
    this.light = { light: direction, light_from_base: transposed4(clip) };
    gl.depthFunc(gl.LEQUAL);
  }

  /** Write the matrices of everything solid; what is not shown has no size. @param {State} state @param {Record<string, boolean>} arms */
  place(state, arms) {
    const { frames, scene } = this;
    const slots = scene.frames;
    writeLinks(scene.chain, state.q, frames, slots.arm);
    if (!arms.twin) frames.fill(0, 16 * slots.arm, 16 * (slots.arm + LINKS));
    frames.fill(0, 16 * slots.target, 16 * (slots.target + 1));
    if (state.target && arms.target) writePose(state.target, frames, slots.target);
    state.objects.forEach((pose, k) => slots.objects + k < scene.max_frames && writePose(pose, frames, slots.objects + k));
    this.shownObjects = this.objects.parts(0).filter(([frame]) => frame < slots.objects + state.objects.length);
    this.upload();
  }

  upload() {
    this.gl.bufferSubData(this.gl.UNIFORM_BUFFER, 0, this.frames);
  }

  /** Table, floor and backdrop. @param {Target} target @param {import("./drawn_camera.js").OrbitCamera} camera @param {number} grid grid x grid rays a pixel */
  drawStage(target, camera, grid) {
    const { gl, scene } = this;
    const aspect = target.width / target.height;
    target.use();
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.ALWAYS);
    // The server's rows go down: there the second tangent's sign is the other one.
    const view = { eye: camera.eye, view_to_base: camera.viewToBase, tangent: [camera.tangent * aspect, -camera.tangent] };
    const { centre, half, floor_z } = scene.stage;
    const table = { table_centre: centre, table_half: half, floor_z, light: this.light.light };
    this.stage.use({ ...view, ...table, size: [target.width, target.height], clip_from_base: camera.clipFromBase(aspect), grid });
    this.screen();
    gl.depthFunc(gl.LEQUAL);
  }

  screen() {
    this.gl.bindVertexArray(this.empty);
    this.gl.drawArrays(this.gl.TRIANGLES, 0, 3);
  }

  /** What the lamp sees: both sides of every triangle, so that cracks let no light through. */
  drawLamp() {
    const { gl, lamp } = this;
    for (const unit of [DEPTH_UNIT, COVER_UNIT]) this.bind(unit, null); // nothing may be read and written at once
    lamp.use();
    gl.enable(gl.DEPTH_TEST);
    this.caster.use(this.light);
    this.arm.draw(this.arm.parts(LEVEL_OF_SHADOWS).slice(0, LINKS));
    this.objects.draw(this.shownObjects ?? []);
    this.bind(DEPTH_UNIT, lamp.depth);
    this.bind(COVER_UNIT, lamp.cover);
  }

  /** @param {number} unit @param {WebGLTexture | null} texture */
  bind(unit, texture) {
    this.gl.activeTexture(this.gl.TEXTURE0 + unit);
    this.gl.bindTexture(this.gl.TEXTURE_2D, texture);
  }

  /** Darken the table where shadows fall. @param {View} view */
  drawTableShadow(view) {
    const { gl, frames, scene } = this;
    const [lx, ly, lz] = this.light.light;
    const { centre, half } = scene.stage;
    const slots = [...Array(LINKS).keys(), ...(this.shownObjects ?? []).map(([frame]) => frame)];
    const area = [0, 1].map((axis) => {
      const fallen = slots.map((slot) => frames[16 * slot + 12 + axis] - (frames[16 * slot + 14] * [lx, ly][axis]) / lz);
      const [low, high] = [centre[axis] - half[axis], centre[axis] + half[axis]];
      const inside = (/** @type {number} */ v) => Math.min(Math.max(v, low), high);
      return [inside(Math.min(...fallen) - SHADOW_MARGIN_M), inside(Math.max(...fallen) + SHADOW_MARGIN_M)];
    });
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.DST_COLOR, gl.ZERO);
    gl.depthMask(false);
    const where = { clip_from_base: view.clip, area: [area[0][0], area[1][0], area[0][1], area[1][1]] };
    this.tableShadow.use({ ...where, ...this.light, cover: COVER_UNIT, spread: scene.shadow.spread });
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.depthMask(true);
    gl.disable(gl.BLEND);
  }

  /** @param {View} view @param {number} level @param {boolean} shadowed @param {number} held links in amber, by bits */
  drawSolids(view, level, shadowed, held) {
    const { gl } = this;
    gl.enable(gl.CULL_FACE);
    const seen = { eye: view.eye, clip_from_base: view.clip, first_frame: 0, push_m: 0, marked: held };
    this.solid.use({ ...seen, ...this.light, shadow_map: DEPTH_UNIT, shadowed });
    this.arm.draw(this.arm.parts(level));
    this.objects.draw(this.shownObjects ?? []);
  }

  /** A translucent arm; its nearest link first, so that each pixel shows one layer. @param {View} view @param {ArrayLike<number>} q @param {number[]} tint @param {number} level */
  drawGhost(view, q, tint, level) {
    const { gl, frames, scene } = this;
    const slot = scene.frames.ghost;
    writeLinks(scene.chain, q, frames, slot);
    this.upload();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    const seen = { eye: view.eye, clip_from_base: view.clip, first_frame: slot, push_m: scene.ghosts.push_m, marked: 0 };
    this.ghost.use({ ...seen, ...this.light, tint });
    const away = (/** @type {number} */ k) => Math.hypot(...view.eye.map((v, axis) => v - frames[16 * (slot + k) + 12 + axis]));
    const links = this.arm.parts(level).slice(1, LINKS);
    for (const part of links.sort((a, b) => away(a[0]) - away(b[0]))) this.arm.draw([part]);
    gl.disable(gl.BLEND);
  }

  /** Put a picture on the canvas with its edges smoothed. @param {Target} picture */
  drawSmoothed(picture) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.disable(gl.CULL_FACE);
    gl.disable(gl.DEPTH_TEST);
    this.bind(PICTURE_UNIT, picture.colour);
    this.smooth.use({ picture: PICTURE_UNIT, texel: [1 / picture.width, 1 / picture.height] });
    this.screen();
    this.bind(PICTURE_UNIT, null);
  }
}
