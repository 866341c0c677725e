// @ts-check
/** How link and compute are divided between pictures and the arm's updates: plots, what is in force, a line of summary. */

import { setText, words } from "./charts.js";
import { color } from "./palette.js";

/** Who has told nothing for so long divides nothing any more. */
const FORGOTTEN_MS = 10_000;
const PICTURES = color("with");
const UPDATES = color("real");
const LINK = color("other");
/** [px on and off] */
const DASHED = [7, 4];
const DOTTED = [2, 3];

/** @type {import("./charts.js").Card[]} */
export const CARDS = [
  {
    title: "Waiting", unit: "ms", digits: 0, leastTop: 50, mostTop: 1000,
    tip: "How long the oldest hand pose has been waiting to be on the screen, how old the newest state of the arm on your side is, and how long what was sent still needs to get through the link.",
    lines: [
      { key: "allocation.link_backlog_ms", color: LINK, dash: DOTTED, label: "link" },
      { key: "allocation.queue_update_ms", color: UPDATES, dash: DASHED, label: "arm" },
      { key: "allocation.queue_request_ms", color: PICTURES, label: "picture" },
    ],
  },
  {
    title: "Age", unit: "ms", digits: 0, leastTop: 100, mostTop: 1000,
    tip: "Picture: from a hand pose's arrival at the distant machine to the picture that answers it on the screen (age of request information, AoRI). Arm: how far apart in time that picture's pose and the newest state of the arm are (age of sensor information, AoSI).",
    lines: [
      { key: "allocation.aosi_ms", color: UPDATES, dash: DASHED, label: "arm" },
      { key: "allocation.aori_ms", color: PICTURES, label: "picture" },
    ],
  },
  {
    title: "Pictures' share", unit: "%", digits: 0, leastTop: 100, mostTop: 100,
    tip: "How much of link and compute the pictures get; the arm's updates get the rest.",
    lines: [
      { key: "allocation.compute_percent", color: PICTURES, label: "compute" },
      { key: "allocation.link_percent", color: LINK, dash: DOTTED, label: "link" },
    ],
  },
  {
    title: "Link", unit: "Mb/s", digits: 2, leastTop: 2, mostTop: 20,
    tip: "What the way to you carries, as measured from the pictures' own spacing, and the bitrate chosen for them.",
    lines: [
      { key: "allocation.capacity_mbps", color: LINK, dash: DOTTED, label: "carries" },
      { key: "allocation.bitrate_mbps", color: PICTURES, label: "chosen", fill: true },
    ],
  },
];

/** @typedef {Record<string, any>} Row numbers of the allocation, as the operator's side tells them */

/** Label and words of each number in force. @type {[string, (row: Row) => string][]} */
const CHOSEN = [
  ["Bitrate", (row) => unit(row.bitrate_mbps, 2, "Mb/s")],
  ["Size", (row) => `${words(row.width, 0)} × ${words(row.height, 0)}`],
  ["Pictures", (row) => unit(row.rate_hz, 0, "/s")],
  ["Arm updates", (row) => unit(row.update_rate_hz, 0, "/s")],
  ["Physics steps", (row) => unit(row.physics_rate_hz, 0, "/s")],
];

/** What an allocator decided that could not be carried out as it stood. @type {[string, string][]} */
const TROUBLES = [
  ["clamped", "clamped"],
  ["refused", "refused"],
  ["fallbacks", "replaced"],
];

/** @param {unknown} value @param {number} digits @param {string} name */
function unit(value, digits, name) {
  return `${words(/** @type {any} */ (value), digits)} ${name}`;
}

/** @param {unknown} share */
const percent = (share) => (typeof share === "number" ? 100 * share : null);

export class Allocation {
  constructor() {
    this.panel = byId("allocation");
    this.fold = byId("allocation-fold");
    this.body = byId("allocation-body");
    this.summary = byId("allocation-summary");
    /** What the charts take from here. @type {Record<string, unknown>} */
    this.numbers = {};
    this.wasTouched = false;
    this.name = "off";
    this.heardMs = -Infinity;
    this.chosen = CHOSEN.map(([name, say]) => ({ say, node: this.entry(name) }));
    this.trouble = document.createElement("dd");
    this.trouble.className = "faint";
    byId("allocation-chosen").append(this.trouble);
    this.fold.addEventListener("click", (event) => {
      this.wasTouched = true;
      this.unfold(this.body.hidden);
      if (event.detail > 0) this.fold.blur();
    });
  }

  /** @param {string} name */
  entry(name) {
    const term = document.createElement("dt");
    const value = document.createElement("dd");
    term.textContent = name;
    byId("allocation-chosen").append(term, value);
    return value;
  }

  /** @param {boolean} open */
  unfold(open) {
    this.body.hidden = !open;
    this.fold.setAttribute("aria-expanded", String(open));
  }

  /** Only who can divide is offered to divide; a lesson goes on as it began. @param {Record<string, any>} hello */
  offer(hello) {
    this.panel.hidden = !Array.isArray(hello.allocators) || Boolean(hello.lesson);
  }

  /** Show a row of numbers; tells who divides. @param {Record<string, any>} telemetry @param {number} nowMs */
  hear(telemetry, nowMs) {
    if (telemetry.allocation) this.heardMs = nowMs;
    if (telemetry.allocation) this.name = telemetry.allocation.allocator ?? "off";
    else if (nowMs - this.heardMs > FORGOTTEN_MS) this.name = "off";
    this.show(this.name === "off" ? {} : (telemetry.allocation ?? {}), telemetry.squeeze);
    return this.name;
  }

  /** @param {Row} row empty when there are no numbers @param {Record<string, any> | undefined} squeeze */
  show(row, squeeze) {
    const known = "allocator" in row;
    const shares = { link_percent: percent(row.link_share), compute_percent: percent(row.compute_share) };
    this.numbers = Object.fromEntries(Object.entries({ ...row, ...shares }).map(([key, value]) => [`allocation.${key}`, value]));
    if (known && !this.wasTouched && this.body.hidden) this.unfold(true);
    const made = `pictures: ${CHOSEN.slice(0, 3).map(([, say]) => say(row)).join(" · ")}`;
    setText(this.summary, summary(this.name === "off" ? "not divided" : known ? made : "no data yet", squeeze));
    if (this.body.hidden) return;
    for (const { say, node } of this.chosen) setText(node, known ? say(row) : "–");
    const troubles = TROUBLES.filter(([key]) => row[key] > 0).map(([key, text]) => `${row[key]} ${text}`);
    setText(this.trouble, troubles.length ? `Shares: ${troubles.join(", ")}` : "");
  }
}

/** One line: what is imitated, and what is made of it. @param {string} made @param {Record<string, any> | undefined} squeeze */
function summary(made, squeeze) {
  const imitated = [];
  if (squeeze?.bandwidth_mbps > 0) imitated.push(`link ${words(squeeze?.bandwidth_mbps, 1)} Mb/s`);
  if (squeeze?.compute_share < 1) imitated.push(`compute ${words(100 * squeeze?.compute_share, 0)} %`);
  return [imitated.join(", "), made].filter(Boolean).join(" → ");
}

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
