// @ts-check
/** WebXR: the stream on a screen in front of the viewer; a controller's grip or trigger holds the clutch. */

import { multiply } from "./hand.js";
import { XrScreen } from "./xr_screen.js";

/** Whether this browser and device can show an immersive session. */
export async function canEnterXr() {
  const xr = /** @type {any} */ (navigator).xr;
  try {
    return Boolean(xr && (await xr.isSessionSupported("immersive-vr")));
  } catch {
    return false;
  }
}

/** Step between two rotations as a rotation vector [rad]. @param {number[]} from @param {number[]} to @returns {[number, number, number]} */
function turnBetween(from, to) {
  const [w, x, y, z] = multiply(
    /** @type {any} */ (to),
    /** @type {any} */ ([from[0], -from[1], -from[2], -from[3]]),
  );
  const sine = Math.hypot(x, y, z);
  const angle = 2 * Math.atan2(sine, Math.abs(w));
  const k = sine > 1e-9 ? (Math.sign(w) || 1) * (angle / sine) : 0;
  return [k * x, k * y, k * z];
}

/**
 * Enter an immersive session; resolves when it has begun.
 * @param {HTMLCanvasElement} picture what the screen shows
 * @param {import("./hand.js").Hand} hand
 * @param {(active: boolean) => void} onChange
 */
export async function enterXr(picture, hand, onChange) {
  const session = await /** @type {any} */ (navigator).xr.requestSession("immersive-vr", {
    optionalFeatures: ["local-floor"],
  });
  const space = await session.requestReferenceSpace("local");
  const screen = await XrScreen.open(session, picture);
  /** @type {{position: number[], orientation: number[]} | null} */
  let last = null;

  /** @param {any} frame @param {number} ms */
  const follow = (frame, ms) => {
    const source = [...session.inputSources].find((one) => one.gripSpace && one.handedness !== "left");
    const pose = source && frame.getPose(source.gripSpace, space);
    if (!pose) {
      last = null;
      return hand.hold("xr", false, "xr");
    }
    const { position: p, orientation: q } = pose.transform;
    const now = { position: [p.x, p.y, p.z], orientation: [q.w, q.x, q.y, q.z] };
    hand.hold("xr", (source.gamepad?.buttons ?? []).slice(0, 2).some((/** @type {any} */ b) => b.pressed), "xr");
    if (last) {
      const from = last.position;
      hand.translate([p.x - from[0], p.y - from[1], p.z - from[2]], "xr", ms);
      hand.rotate(turnBetween(last.orientation, now.orientation), "xr", ms);
    }
    last = now;
  };

  /** @param {number} time of the frame; poses may be of a moment that is still to come @param {any} frame */
  const onFrame = (time, frame) => {
    session.requestAnimationFrame(onFrame);
    const ms = Math.min(frame.predictedDisplayTime ?? time, performance.now());
    follow(frame, ms);
    hand.tick(ms);
    screen.draw(frame, space);
  };
  session.addEventListener("end", () => {
    hand.hold("xr", false, "xr");
    onChange(false);
  });
  session.requestAnimationFrame(onFrame);
  onChange(true);
  return session;
}
