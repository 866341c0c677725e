// @ts-check
/** Which part of the picture changes from one frame to the next: only that is drawn anew. */

/** No link reaches further from its frame's origin towards the next than the next; and so far to the side [m]. */
const LINK_M = 0.11;
const OBJECT_M = 0.07;
const BORDER_PIXELS = 3;

/** Left, bottom, right, top [pixels]. @typedef {[number, number, number, number]} Rect */

/** @param {Rect} a @param {Rect} b @returns {Rect} */
const union = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

/** The picture's part that holds balls. @param {{x: number[], r: number}[]} balls @param {ArrayLike<number>} clip @param {number} tangent @param {number} width @param {number} height @returns {Rect} */
function around(balls, clip, tangent, width, height) {
  /** @type {Rect} */
  let rect = [width, height, 0, 0];
  for (const { x, r } of balls) {
    const [cx, cy, cw] = [0, 1, 3].map((k) => clip[k] * x[0] + clip[4 + k] * x[1] + clip[8 + k] * x[2] + clip[12 + k]);
    if (cw < 2 * r) return [0, 0, width, height]; // too near for a ball to be a circle
    const pixels = ((r / (cw - r) / tangent) * height) / 2 + BORDER_PIXELS;
    const [px, py] = [((cx / cw + 1) * width) / 2, ((cy / cw + 1) * height) / 2];
    rect = union(rect, [px - pixels, py - pixels, px + pixels, py + pixels]);
  }
  return rect;
}

export class Changes {
  constructor() {
    this.key = "";
    /** @type {Rect | null} */
    this.before = null;
    /** @type {number[]} */
    this.objects = [];
  }

  /**
   * What to draw anew: left, bottom, width, height [pixels].
   * @param {Float32Array[]} arms matrices of the links of every arm that is drawn @param {Float32Array[]} objects their poses
   * @param {{light: number[], clip: ArrayLike<number>, tangent: number, width: number, height: number, key: string}} view another key: all of it
   */
  take(arms, objects, { light, clip, tangent, width, height, key }) {
    /** @type {{x: number[], r: number}[]} */
    const balls = [];
    /** A thing and the shadow that it throws on the table. @param {number[]} x @param {number} r */
    const add = (x, r) => {
      const fall = [x[0] - (light[0] / light[2]) * x[2], x[1] - (light[1] / light[2]) * x[2], 0];
      balls.push({ x, r }, { x: fall, r: 1.4 * r });
    };
    for (const links of arms)
      for (let at = 12; at < links.length; at += 16) add([links[at], links[at + 1], links[at + 2]], LINK_M);
    const poses = objects.map((pose) => pose.reduce((sum, v, k) => sum + (k + 1.5) * v, 0));
    objects.forEach((pose, k) => {
      if (Math.abs(poses[k] - (this.objects[k] ?? Infinity)) > 1e-5) add([pose[0], pose[1], pose[2]], 2 * OBJECT_M);
    });
    this.objects = poses;
    const now = around(balls, clip, tangent, width, height);
    const whole = key !== this.key || !this.before;
    /** @type {Rect} */
    const rect = whole ? [0, 0, width, height] : union(now, /** @type {Rect} */ (this.before));
    this.key = key;
    this.before = now;
    const [left, bottom] = [Math.max(Math.floor(rect[0]), 0), Math.max(Math.floor(rect[1]), 0)];
    const [right, top] = [Math.min(Math.ceil(rect[2]), width), Math.min(Math.ceil(rect[3]), height)];
    return [left, bottom, Math.max(right - left, 0), Math.max(top - bottom, 0)];
  }
}
