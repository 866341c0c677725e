// @ts-check
/** The camera of the drawn view: it goes round a point, and begins where the server's camera stands. */

import { multiply4 } from "./drawn_math.js";

/** @typedef {{eye: number[], look_at: number[], vertical_fov_deg: number, near_m: number, far_m: number}} CameraCfg */

const ELEVATION_MAX = 1.5;
const DISTANCE_M = [0.25, 4];
/** Named views: azimuth from the first one, and elevation (null: the first one's) [rad]. @type {Record<string, [number, number | null]>} */
const VIEWS = { front: [0, null], left: [-Math.PI / 2, 0.3], right: [Math.PI / 2, 0.3], top: [0, 1.45] };

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @param {number[]} a @param {number[]} b */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
/** @param {number[]} a */
const unit = (a) => a.map((v) => v / Math.hypot(...a));

export class OrbitCamera {
  /** @param {CameraCfg} cfg */
  constructor(cfg) {
    this.cfg = cfg;
    const away = cfg.eye.map((v, k) => v - cfg.look_at[k]);
    const distance = Math.hypot(...away);
    const first = { azimuth: Math.atan2(away[1], away[0]), elevation: Math.asin(away[2] / distance), distance };
    this.first = { ...first, centre: [...cfg.look_at] };
    this.firstAxes = [];
    Object.assign(this, { azimuth: 0, elevation: 0, distance: 1, centre: [0, 0, 0] });
    /** Grows with every change. */
    this.change = 0;
    this.show("front");
    this.firstAxes = this.axes;
  }

  /** @param {string} name */
  show(name) {
    const [azimuth, elevation] = VIEWS[name];
    const { first } = this;
    this.azimuth = first.azimuth + azimuth;
    this.elevation = elevation ?? first.elevation;
    this.distance = first.distance;
    this.centre = [...first.centre];
    this.change += 1;
  }

  /** Go round, by parts of a turn of the picture's height. @param {number} right @param {number} down */
  orbit(right, down) {
    this.azimuth -= right * Math.PI;
    this.elevation = Math.min(Math.max(this.elevation + down * Math.PI, -0.2), ELEVATION_MAX);
    this.change += 1;
  }

  /** Move the point, by parts of the picture's height. @param {number} right @param {number} down */
  pan(right, down) {
    const [x, y] = this.axes;
    const height = this.heightAt(this.centre);
    this.centre = this.centre.map((v, k) => Math.min(Math.max(v + height * (down * y[k] - right * x[k]), -1.5), 1.5));
    this.change += 1;
  }

  /** @param {number} factor of the distance */
  zoom(factor) {
    this.distance = Math.min(Math.max(this.distance * factor, DISTANCE_M[0]), DISTANCE_M[1]);
    this.change += 1;
  }

  /** What another camera takes over to stand where this one does. */
  get standing() {
    const { azimuth, elevation, distance, centre, change } = this;
    return { azimuth, elevation, distance, centre, change };
  }

  get eye() {
    const { azimuth, elevation, distance, centre } = this;
    const flat = distance * Math.cos(elevation);
    return [
      centre[0] + flat * Math.cos(azimuth),
      centre[1] + flat * Math.sin(azimuth),
      centre[2] + distance * Math.sin(elevation),
    ];
  }

  /** Right, up and towards the viewer, in the UR base frame. */
  get axes() {
    const { eye, centre } = this;
    const back = unit(eye.map((v, k) => v - centre[k]));
    const right = unit(cross([0, 0, 1], back));
    return [right, cross(back, right), back];
  }

  /** View axes into the UR base frame, column by column (9). */
  get viewToBase() {
    return Float32Array.from(this.axes.flat());
  }

  /** What moves in this view, as the first view has it: the server knows that one. @param {[number, number, number]} step @returns {[number, number, number]} */
  toFirst(step) {
    const { axes, firstAxes } = this;
    const base = [0, 1, 2].map((k) => step[0] * axes[0][k] + step[1] * axes[1][k] + step[2] * axes[2][k]);
    return [dot(firstAxes[0], base), dot(firstAxes[1], base), dot(firstAxes[2], base)];
  }

  get tangent() {
    return Math.tan((this.cfg.vertical_fov_deg * Math.PI) / 360);
  }

  /** How much of the scene the picture's height spans at a point [m]. @param {number[]} point */
  heightAt(point) {
    const { eye, axes } = this;
    const depth = -dot(axes[2], point.map((v, k) => v - eye[k]));
    return 2 * Math.max(depth, 0.1) * this.tangent;
  }

  /** Clip matrix, column by column; y points up. @param {number} aspect */
  clipFromBase(aspect) {
    const { near_m: near, far_m: far } = this.cfg;
    const f = 1 / this.tangent;
    const across = near - far;
    const projection = [f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (far + near) / across, -1, 0, 0, (2 * far * near) / across, 0];
    const { eye, axes } = this;
    const view = [0, 1, 2].flatMap((k) => [axes[0][k], axes[1][k], axes[2][k], 0]);
    return multiply4(projection, [...view, ...axes.map((axis) => -dot(axis, eye)), 1]);
  }
}
