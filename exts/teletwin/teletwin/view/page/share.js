// @ts-check
/** A link to watch: who drives, or the administrator, makes it and ends it. The server keeps its token. */

import { setText } from "./charts.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class Share {
  /** @param {(message: object) => void} send */
  constructor(send) {
    this.send = send;
    this.link = "";
    this.dialog = /** @type {HTMLDialogElement} */ (byId("share"));
    byId("share-open").addEventListener("click", () => {
      this.send({ type: "share", act: "show" });
      this.dialog.showModal();
    });
    byId("share-make").addEventListener("click", () => this.send({ type: "share", act: "make" }));
    byId("share-end").addEventListener("click", () => this.send({ type: "share", act: "end" }));
    byId("share-copy").addEventListener("click", () => this.copy());
  }

  /** Who may not share is not offered to. @param {{may_share?: boolean}} standing */
  offer({ may_share: may }) {
    byId("share-open").hidden = !may;
    if (!may && this.dialog.open) this.dialog.close();
  }

  /** @param {{path: string, watching: number}} told path and token of the link, empty when nothing is shared */
  hear({ path, watching }) {
    const before = this.link;
    this.link = path ? new URL(path, location.href).href : "";
    byId("share-link").value = this.link;
    setText(byId("share-make"), this.link ? "Make a new link, end the old one" : "Make a link");
    byId("share-copy").hidden = byId("share-end").hidden = !this.link;
    const count = watching === 1 ? "1 page watches by it" : `${watching} pages watch by it`;
    const ended = before ? "Sharing has ended: the link opens nothing, and who watched by it is out." : "Nothing is shared now.";
    setText(byId("share-note"), this.link ? `${count}. It works until you end it, or the session ends.` : ended);
  }

  async copy() {
    const field = byId("share-link");
    field.select();
    try {
      await navigator.clipboard.writeText(this.link);
      setText(byId("share-note"), "Copied.");
    } catch {
      setText(byId("share-note"), "The browser does not let this page copy: the link is selected, press Ctrl + C.");
    }
  }
}
