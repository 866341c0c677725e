// @ts-check
/**
 * The enabling input: while a person holds the picture, a motion key, Space or a device's button, a heartbeat says so.
 * The arm moves only while it comes. Letting go is said at once.
 */

const BEAT_MS = 33;
/** Who holds by being held down. A wheel's notch holds nothing, and a clutch that was latched proves nobody there. */
const HELD_DOWN = ["mouse", "keys", "space", "gamepad", "xr"];
const WORDS = {
  virtual: "Virtual arm: no enabling input needed",
  open: "Hold the picture, a motion key or Space to let the arm move",
  held: "Enabling input held: let go to stop the arm",
};

export class Enabling {
  /**
   * @param {(message: object) => boolean} send gives false when it could not be sent
   * @param {import("./hand.js").Hand} hand
   */
  constructor(send, hand) {
    this.send = send;
    this.hand = hand;
    this.seq = 0;
    this.held = false;
    /** Whether the arm asks for it; nothing is known before the first telemetry. @type {boolean | undefined} */
    this.needed = undefined;
    this.node = /** @type {HTMLElement} */ (document.getElementById("enabling"));
    setInterval(() => this.beat(), BEAT_MS);
  }

  get isHeld() {
    if (!this.needed || !this.hand.enabled || document.hidden) return false;
    return HELD_DOWN.some((holder) => this.hand.holders.has(holder));
  }

  /** A row of numbers of the host. @param {Record<string, any>} telemetry */
  hear(telemetry) {
    const needed = typeof telemetry.needs_enabling === "boolean" ? telemetry.needs_enabling : undefined;
    if (needed === this.needed) return;
    this.needed = needed;
    // Space has latched the clutch until now, and must be held from now on, or the other way round.
    this.hand.hold("space", false, "keyboard");
    this.update();
  }

  /** Something was taken hold of or let go. */
  update() {
    if (this.isHeld !== this.held) this.say(this.isHeld);
  }

  /** Once a display frame, and by the clock where no frames are drawn. */
  beat() {
    if (this.isHeld) this.say(true);
    else this.update();
  }

  /** @param {boolean} held */
  say(held) {
    this.held = held;
    if (this.send({ type: "enable", seq: this.seq + 1, held })) this.seq += 1;
  }

  /** @param {boolean} drives whether this page drives */
  show(drives) {
    const state = !this.needed ? "virtual" : this.held ? "held" : "open";
    this.node.hidden = this.needed === undefined || !drives;
    this.node.dataset.state = state;
    if (this.node.textContent !== WORDS[state]) this.node.textContent = WORDS[state];
  }
}
