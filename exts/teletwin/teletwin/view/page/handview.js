// @ts-check
/** The hand, small, over the stream: where it is in the plane of the view, its trail, and its depth. */

import { color } from "./palette.js";

const HALF_M = 0.25;
const TRAIL = 120;

export class HandView {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    this.size = canvas.clientWidth || 116;
    canvas.width = canvas.height = this.size * ratio;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.context.scale(ratio, ratio);
    /** @type {number[][]} */
    this.trail = [];
    this.centre = [0, 0, 0];
  }

  /** @param {number[]} position hand [m] in the view's frame @param {boolean} held */
  draw(position, held) {
    this.follow(position);
    const { context, size } = this;
    context.clearRect(0, 0, size, size);
    this.drawCross();
    this.drawTrail();
    const [x, y] = this.place(position);
    context.fillStyle = held ? color("with") : color("panel");
    context.strokeStyle = held ? color("with") : color("soft");
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, 4.5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    this.drawDepth(position[2]);
  }

  /** Keep the hand inside by moving the middle after it. @param {number[]} position */
  follow(position) {
    for (const axis of [0, 1, 2]) {
      const away = position[axis] - this.centre[axis];
      this.centre[axis] += Math.sign(away) * Math.max(0, Math.abs(away) - 0.9 * HALF_M);
    }
    this.trail.push(position);
    if (this.trail.length > TRAIL) this.trail.shift();
  }

  /** @param {number[]} position @returns {[number, number]} */
  place(position) {
    const scale = (this.size - 14) / 2 / HALF_M;
    const middle = (this.size - 14) / 2;
    return [middle + (position[0] - this.centre[0]) * scale, this.size / 2 - (position[1] - this.centre[1]) * scale];
  }

  drawCross() {
    const { context, size } = this;
    context.strokeStyle = "rgba(150, 165, 185, .22)";
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(6, Math.round(size / 2) + 0.5);
    context.lineTo(size - 22, Math.round(size / 2) + 0.5);
    context.moveTo(Math.round(size / 2 - 7) + 0.5, 8);
    context.lineTo(Math.round(size / 2 - 7) + 0.5, size - 8);
    context.stroke();
  }

  drawTrail() {
    const { context, trail } = this;
    context.strokeStyle = color("with");
    context.lineWidth = 1.5;
    for (let i = 1; i < trail.length; i += 1) {
      context.globalAlpha = 0.7 * (i / trail.length) ** 2;
      context.beginPath();
      context.moveTo(...this.place(trail[i - 1]));
      context.lineTo(...this.place(trail[i]));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** @param {number} depth */
  drawDepth(depth) {
    const { context, size } = this;
    const x = size - 12;
    const share = Math.max(-1, Math.min(1, (depth - this.centre[2]) / HALF_M));
    context.fillStyle = "rgba(150, 165, 185, .18)";
    context.fillRect(x, 10, 3, size - 20);
    context.fillStyle = color("with");
    context.fillRect(x - 2, size / 2 + (share * (size - 26)) / 2 - 2, 7, 4);
  }
}
