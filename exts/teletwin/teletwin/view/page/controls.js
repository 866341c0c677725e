// @ts-check
/** Buttons, sliders and choices: they say what is wanted, and show what telemetry says is so. */

const SETTLE_MS = 1200;
const SEND_GAP_MS = 80;

/** @typedef {(message: object) => void} Send */

/** @param {string} selector @returns {HTMLElement[]} */
const all = (selector) => [...document.querySelectorAll(selector)].map((node) => /** @type {HTMLElement} */ (node));

/** Telemetry key that a slider follows. @type {Record<string, (telemetry: any) => number | undefined>} */
const FOLLOWS = {
  "link.delay_ms": (t) => t.link?.delay_ms,
  "link.jitter_ms": (t) => t.link?.jitter_ms,
  "link.loss": (t) => t.link?.loss,
  "limits.max_speed_rad_s": (t) => t.limits?.max_speed_rad_s,
  "limits.workspace_radius_m": (t) => t.limits?.workspace_radius_m,
  "horizons.control_ms": (t) => t.horizon_control_ms,
  "horizons.render_ms": (t) => t.horizon_render_ms,
};

export class Controls {
  /** @param {Send} send @param {(name: string) => void} onCommand */
  constructor(send, onCommand) {
    this.send = send;
    this.onCommand = onCommand;
    this.recording = false;
    this.policy = "";
    this.sliders = all("input[data-setting]").map((node) => this.wireSlider(/** @type {HTMLInputElement} */ (node)));
    this.views = all("select[data-view]").map((node) => this.wireView(/** @type {HTMLSelectElement} */ (node)));
    this.choices = all("select[data-choice]").map((node) => this.wireChoice(/** @type {HTMLSelectElement} */ (node)));
    for (const button of all("button[data-command]")) {
      button.addEventListener("click", (event) => {
        this.command(button.dataset.command ?? "");
        // A pointer's click must not leave the focus here: Space would press the button again.
        if (/** @type {MouseEvent} */ (event).detail > 0) button.blur();
      });
    }
  }

  /** @param {string} name */
  command(name) {
    const values = name === "record" ? { on: !this.recording } : {};
    this.send({ type: "command", name, values });
    this.onCommand(name);
  }

  /** @param {HTMLInputElement} input */
  wireSlider(input) {
    const [name, key] = (input.dataset.setting ?? "").split(".");
    const scale = Number(input.dataset.scale ?? 1);
    const output = /** @type {HTMLElement} */ (input.parentElement?.querySelector("output"));
    const slider = { input, output, setting: `${name}.${key}`, scale, touchedMs: -Infinity, timer: 0 };
    const say = () => {
      slider.timer = 0;
      this.send({ type: "settings", name, values: { [key]: Number(input.value) * scale } });
    };
    input.addEventListener("input", () => {
      slider.touchedMs = performance.now();
      showSlider(slider);
      slider.timer ||= window.setTimeout(say, SEND_GAP_MS);
    });
    showSlider(slider);
    return slider;
  }

  /** @param {HTMLSelectElement} select */
  wireChoice(select) {
    const choice = { select, key: select.dataset.choice ?? "", touchedMs: -Infinity };
    select.addEventListener("change", () => {
      choice.touchedMs = performance.now();
      this.send({ type: "settings", name: "policy", values: { [choice.key]: select.value } });
      if (choice.key === "policy") this.showPolicy(select.value);
      select.blur();
    });
    return choice;
  }

  /** @param {HTMLSelectElement} select */
  wireView(select) {
    const view = { select, touchedMs: -Infinity };
    select.addEventListener("change", () => {
      view.touchedMs = performance.now();
      const [width, height] = select.value.split("x").map(Number);
      const values = select.dataset.view === "size" ? { width, height } : { rate_hz: Number(select.value) };
      this.send({ type: "settings", name: "view", values });
      select.blur();
    });
    return view;
  }

  /** Show the size that the pictures have. @param {number} width @param {number} height @param {number} nowMs */
  followSize(width, height, nowMs) {
    for (const { select, touchedMs } of this.views) {
      if (select.dataset.view !== "size" || nowMs - touchedMs < SETTLE_MS) continue;
      const size = `${width}x${height}`;
      if (![...select.options].some((option) => option.value === size)) select.add(new Option(`${width} × ${height}`, size));
      if (select.value !== size) select.value = size;
    }
  }

  /** Offer what the server knows. @param {Record<string, any>} hello */
  offer(hello) {
    for (const { select, key } of this.choices) {
      const names = key === "policy" ? hello.policies : hello.forecasters;
      if (!Array.isArray(names)) continue;
      const labels = new Map([...select.options].map((option) => [option.value, option.text]));
      select.replaceChildren(...names.map((name) => new Option(labels.get(name) ?? name, name)));
    }
  }

  /** @param {boolean} observer */
  restrict(observer) {
    for (const node of all("button[data-command], input[data-setting], select")) {
      /** @type {HTMLButtonElement} */ (node).disabled = observer && node.dataset.command !== "stop";
    }
    if (!observer) this.showPolicy(this.policy);
  }

  /** @param {Record<string, any>} telemetry @param {string} mode @param {number} nowMs */
  follow(telemetry, mode, nowMs) {
    for (const slider of this.sliders) {
      const value = FOLLOWS[slider.setting]?.(telemetry);
      if (typeof value !== "number" || nowMs - slider.touchedMs < SETTLE_MS || slider.timer) continue;
      const text = String(Math.round(value / slider.scale / Number(slider.input.step || 1)) * Number(slider.input.step || 1));
      if (slider.input.value === text) continue;
      slider.input.value = text;
      showSlider(slider);
    }
    for (const { select, key, touchedMs } of this.choices) {
      const value = telemetry[key];
      if (typeof value !== "string" || nowMs - touchedMs < SETTLE_MS) continue;
      if (select.value !== value && [...select.options].some((option) => option.value === value)) select.value = value;
      if (key === "policy" && value !== this.policy) this.showPolicy(value);
    }
    this.showRecording(Boolean(telemetry.recording));
    for (const button of all("button[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
  }

  /** Horizons are the person's to set under the fixed policy only. @param {string} policy */
  showPolicy(policy) {
    this.policy = policy;
    for (const { input, setting } of this.sliders) {
      if (setting.startsWith("horizons.")) input.disabled = policy !== "fixed";
    }
  }

  /** @param {boolean} recording */
  showRecording(recording) {
    if (recording === this.recording) return;
    this.recording = recording;
    for (const button of all("button[data-command=record]")) {
      button.classList.toggle("recording", recording);
      button.setAttribute("aria-pressed", String(recording));
      const label = button.querySelector("span");
      if (label) label.textContent = recording ? "Stop recording" : "Record";
    }
  }
}

/** @param {{input: HTMLInputElement, output: HTMLElement}} slider */
function showSlider({ input, output }) {
  output.textContent = `${input.value} ${input.dataset.unit ?? ""}`;
  const share = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
  input.style.setProperty("--share", `${100 * share}%`);
}
