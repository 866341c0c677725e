// @ts-check
/**
 * How far the tool goes for a pointer. On the screen the tool stays under the pointer; only while the pointer creeps
 * the tool goes a third of the way, so that a small, slow drag is precise. What the tool is behind then is bounded, it
 * is made up for while the pointer moves on at speed, never while it rests, and it ends with the drag. Going slowly
 * there and back again leads back.
 */

/** Share of the pointer's way below the slower of these speeds; above the faster the tool keeps up [px/s]. */
const GAIN_SLOW = 1 / 3;
const SLOW_PX_S = 8;
const FAST_PX_S = 30;
/** The pointer's speed is that of the last so many milliseconds: in less a creeping pointer leaps by whole pixels. */
const SPEED_MS = 100;
const SPEED_LEAST_MS = 40;
/** The tool is never further behind than this [px]; a pointer at speed makes up for it within about this way [px]. */
const BEHIND_MAX_PX = 30;
const CATCH_UP_PX = 60;

/** @param {number} v @param {number} low @param {number} high */
function rise(v, low, high) {
  const s = Math.min(Math.max((v - low) / (high - low), 0), 1);
  return s * s * (3 - 2 * s);
}

export class PointerGain {
  /** @param {number} x place of the pointer when it was pressed [px] @param {number} y @param {number} ms */
  constructor(x, y, ms) {
    /** Places of the last while, and one from before. @type {{x: number, y: number, ms: number}[]} */
    this.places = [{ x, y, ms }];
    /** How far the tool is behind the pointer [px]. */
    this.behind = [0, 0];
    /** Share of the pointer's newest step that the tool went. */
    this.gain = GAIN_SLOW;
  }

  /** The tool's step for a place of the pointer [px]. @param {number} x @param {number} y @param {number} ms */
  step(x, y, ms) {
    const last = this.places[this.places.length - 1];
    const [dx, dy] = [x - last.x, y - last.y];
    this.places.push({ x, y, ms });
    while (this.places.length > 2 && ms - this.places[1].ms >= SPEED_MS) this.places.shift();
    const first = this.places[0];
    const speed = (1e3 * Math.hypot(x - first.x, y - first.y)) / Math.max(ms - first.ms, SPEED_LEAST_MS);
    const [bx, by] = this.behind;
    const share = GAIN_SLOW + (1 - GAIN_SLOW) * rise(speed, SLOW_PX_S, FAST_PX_S);
    // Near the end of its leash the tool keeps up, unless the pointer comes back to it.
    const goesOn = dx * bx + dy * by > 0;
    const full = goesOn ? rise(Math.hypot(bx, by), BEHIND_MAX_PX / 2, BEHIND_MAX_PX) : 0;
    this.gain = share + (1 - share) * full;
    const made = rise(speed, FAST_PX_S, 2 * FAST_PX_S) * -Math.expm1(-Math.hypot(dx, dy) / CATCH_UP_PX);
    const step = [this.gain * dx + made * bx, this.gain * dy + made * by];
    this.behind = [bx + dx - step[0], by + dy - step[1]];
    const away = Math.hypot(...this.behind);
    if (away > BEHIND_MAX_PX) {
      for (const axis of [0, 1]) {
        const kept = (this.behind[axis] * BEHIND_MAX_PX) / away;
        step[axis] += this.behind[axis] - kept;
        this.behind[axis] = kept;
      }
    }
    return step;
  }
}
