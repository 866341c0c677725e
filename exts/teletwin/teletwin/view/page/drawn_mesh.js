// @ts-check
/** Meshes that the server has packed: vertex arrays, and the ranges of their parts at each level of detail. */

import { ATTRIBUTES } from "./drawn_program.js";

const MAGIC = 0x314d5454;
const VERTEX_BYTES = 20;

/** Frame, first index and index count of a part. @typedef {[number, number, number]} Range */

export class Meshes {
  /** @param {WebGL2RenderingContext} gl @param {string} url */
  static async load(gl, url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`meshes ${url}: ${answer.status}`);
    return new Meshes(gl, await answer.arrayBuffer());
  }

  /** @param {WebGL2RenderingContext} gl @param {ArrayBuffer} file */
  constructor(gl, file) {
    this.gl = gl;
    const view = new DataView(file);
    if (view.getUint32(0, true) !== MAGIC) throw new Error("no file of meshes");
    const length = view.getUint32(4, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
    /** @type {Range[][]} */
    this.levels = head.levels;
    const bytes = head.vertices * VERTEX_BYTES;
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Uint8Array(file, 8 + length, bytes), gl.STATIC_DRAW);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, new Uint8Array(file, 8 + length + bytes, 2 * head.indices), gl.STATIC_DRAW);
    const { in_position: position, in_normal: normal, in_colour: colour } = ATTRIBUTES;
    gl.vertexAttribPointer(position, 3, gl.FLOAT, false, VERTEX_BYTES, 0);
    gl.vertexAttribPointer(normal, 3, gl.BYTE, true, VERTEX_BYTES, 12);
    gl.vertexAttribPointer(colour, 4, gl.UNSIGNED_BYTE, true, VERTEX_BYTES, 16);
    for (const location of [position, normal, colour]) gl.enableVertexAttribArray(location);
    gl.bindVertexArray(null);
  }

  /** @param {number} level */
  parts(level) {
    return this.levels[Math.min(level, this.levels.length - 1)];
  }

  /** Draw parts; neighbours go together. @param {Range[]} parts */
  draw(parts) {
    const { gl } = this;
    gl.bindVertexArray(this.array);
    let [first, end] = [-1, -1];
    for (const [, start, count] of parts) {
      if (start !== end) {
        if (end > first) gl.drawElements(gl.TRIANGLES, end - first, gl.UNSIGNED_SHORT, 2 * first);
        first = start;
      }
      end = start + count;
    }
    if (end > first) gl.drawElements(gl.TRIANGLES, end - first, gl.UNSIGNED_SHORT, 2 * first);
  }
}
