// @ts-check
/** Gamepad in the standard layout: left stick plane, triggers depth, right stick turns; any of them holds the clutch. */

const SPEED_M_S = 0.25;
const TURN_RAD_S = 1.2;
const DEAD_ZONE = 0.12;
const BUTTON = { stop: 1, leftTrigger: 6, rightTrigger: 7, engage: 9, rollLeft: 4, rollRight: 5 };
const HELD = [BUTTON.leftTrigger, BUTTON.rightTrigger, BUTTON.rollLeft, BUTTON.rollRight];

/** @param {number | undefined} value */
function live(value) {
  const v = value ?? 0;
  return Math.abs(v) < DEAD_ZONE ? 0 : (v - Math.sign(v) * DEAD_ZONE) / (1 - DEAD_ZONE);
}

/** The gamepad to listen to; a browser may have none to offer, or refuse to tell. */
function standardPad() {
  try {
    return navigator.getGamepads?.().find((one) => one?.mapping === "standard");
  } catch {
    return undefined;
  }
}

/**
 * @param {import("./hand.js").Hand} hand
 * @param {{engage: () => void, stop: () => void}} actions
 * @returns {(dtS: number, frameMs: number) => void} to be called once a display frame
 */
export function listenToGamepad(hand, actions) {
  /** @type {Set<number>} */
  const pressed = new Set();

  /** @param {Gamepad} pad @param {number} button @param {() => void} action */
  const onPress = (pad, button, action) => {
    const down = pad.buttons[button]?.pressed ?? false;
    if (down && !pressed.has(button)) action();
    if (down) pressed.add(button);
    else pressed.delete(button);
  };

  addEventListener("gamepaddisconnected", () => hand.hold("gamepad", false, "gamepad"));

  return (dtS, frameMs) => {
    const pad = standardPad();
    if (!pad) return hand.hold("gamepad", false, "gamepad");
    onPress(pad, BUTTON.engage, actions.engage);
    onPress(pad, BUTTON.stop, actions.stop);
    /** @param {number} button */
    const value = (button) => pad.buttons[button]?.value ?? 0;
    const depth = live(value(BUTTON.leftTrigger)) - live(value(BUTTON.rightTrigger));
    const roll = value(BUTTON.rollLeft) - value(BUTTON.rollRight);
    const move = [live(pad.axes[0]), -live(pad.axes[1]), depth].map((v) => v * SPEED_M_S * dtS);
    const turn = [live(pad.axes[3]), live(pad.axes[2]), roll].map((v) => v * TURN_RAD_S * dtS);
    const moves = move.some(Boolean);
    const turns = turn.some(Boolean);
    // Two bumpers or two triggers move nothing, and yet somebody holds them.
    const held = [...pad.axes.slice(0, 4).map(live), ...HELD.map((button) => live(value(button)))].some(Boolean);
    hand.hold("gamepad", held, "gamepad", frameMs);
    if (moves) hand.translate([move[0], move[1], move[2]], "gamepad", frameMs);
    if (turns) hand.rotate([turn[0], turn[1], turn[2]], "gamepad", frameMs);
  };
}
