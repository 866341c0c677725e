// @ts-check
/** Where the parts of the drawn scene are: matrices of the arm's links by the server's table, and of poses. */

/**
 * The moving part of the arm as the server tells it: joint i turns about axes[i] in its own frame, which
 * translations[i] and rotations[i] (row by row) place in the frame of joint parents[i]; -1 is the root.
 * @typedef {{parents: number[], order: number[], translations: number[][], rotations: number[][], axes: number[][],
 *   turn: number[]}} Chain
 */

/** Product of two matrices, column by column as WebGL has them. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function multiply4(a, b) {
  const out = new Float32Array(16);
  for (let column = 0; column < 4; column += 1)
    for (let row = 0; row < 4; row += 1)
      for (let k = 0; k < 4; k += 1) out[4 * column + row] += a[4 * k + row] * b[4 * column + k];
  return out;
}

/** Rows as columns. @param {ArrayLike<number>} m (16) */
export const transposed4 = (m) => Float32Array.from({ length: 16 }, (_, k) => m[4 * (k % 4) + (k >> 2)]);

/** Product of two 3 x 3 matrices, row by row. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function multiply3(a, b) {
  const out = new Array(9).fill(0);
  for (let row = 0; row < 3; row += 1)
    for (let column = 0; column < 3; column += 1)
      for (let k = 0; k < 3; k += 1) out[3 * row + column] += a[3 * row + k] * b[3 * k + column];
  return out;
}

/** Rotation about a unit axis (Rodrigues), row by row. @param {number[]} axis @param {number} angle [rad] */
function axisRotation([x, y, z], angle) {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const d = 1 - c;
  return [
    c + d * x * x, d * x * y - s * z, d * x * z + s * y,
    d * x * y + s * z, c + d * y * y, d * y * z - s * x,
    d * x * z - s * y, d * y * z + s * x, c + d * z * z,
  ];
}

/** @param {Float32Array} out @param {number} slot @param {ArrayLike<number>} r @param {ArrayLike<number>} p */
function write(out, slot, r, p) {
  const at = 16 * slot;
  for (let column = 0; column < 3; column += 1) {
    for (let row = 0; row < 3; row += 1) out[at + 4 * column + row] = r[3 * row + column];
    out[at + 4 * column + 3] = 0;
  }
  out.set([p[0], p[1], p[2], 1], at + 12);
}

/**
 * Write the matrices of the links, base first, from slot `first` on.
 * @param {Chain} chain @param {ArrayLike<number>} q joints [rad] @param {Float32Array} out @param {number} first
 */
export function writeLinks(chain, q, out, first) {
  const { parents, order, translations, rotations, axes, turn } = chain;
  write(out, first, [1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0]);
  /** @type {{r: number[], p: number[]}[]} */
  const joints = [];
  for (const i of order) {
    let p = translations[i];
    let r = rotations[i];
    if (parents[i] >= 0) {
      const { r: pr, p: pp } = joints[parents[i]];
      const [x, y, z] = p;
      p = [0, 1, 2].map((k) => pp[k] + pr[3 * k] * x + pr[3 * k + 1] * y + pr[3 * k + 2] * z);
      r = multiply3(pr, r);
    }
    r = multiply3(r, axisRotation(axes[i], q[i]));
    joints[i] = { r, p };
    write(out, first + 1 + i, r.map((v, k) => turn[Math.floor(k / 3)] * v), p.map((v, k) => turn[k] * v));
  }
}

/** Write the matrix of a pose (position, quaternion wxyz). @param {ArrayLike<number>} pose @param {Float32Array} out @param {number} slot */
export function writePose(pose, out, slot) {
  const [x, y, z, w, i, j, k] = Array.from(pose);
  const r = [
    1 - 2 * (j * j + k * k), 2 * (i * j - w * k), 2 * (i * k + w * j),
    2 * (i * j + w * k), 1 - 2 * (i * i + k * k), 2 * (j * k - w * i),
    2 * (i * k - w * j), 2 * (j * k + w * i), 1 - 2 * (i * i + j * j),
  ];
  write(out, slot, r, [x, y, z]);
}
