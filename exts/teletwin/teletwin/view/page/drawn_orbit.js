// @ts-check
/** Moves the camera of the drawn view: right button or two fingers turn it, the middle button moves it, Alt + wheel zooms. */

const ZOOM_PER_PIXEL = 0.0015;

/**
 * Listens in front of the hand's own listeners, and keeps from them what is the camera's.
 * @param {HTMLElement} surface @param {() => import("./drawn_camera.js").OrbitCamera | null} camera null while pictures come
 * @param {() => void} letGo of the hand: a second finger makes a camera's gesture of it
 */
export function listenToOrbit(surface, camera, letGo) {
  /** Pointers that are down: places and whether they turn or move. @type {Map<number, {x: number, y: number, kind: string}>} */
  const down = new Map();
  /** @param {Event} event */
  const take = (event) => {
    event.stopPropagation();
    event.preventDefault();
  };

  /** @param {PointerEvent} event */
  const press = (event) => {
    if (!camera()) return;
    const place = { x: event.clientX, y: event.clientY, kind: "hand" };
    if (event.pointerType === "touch") {
      const first = [...down.values()].find((one) => one.kind === "hand");
      if (first) {
        place.kind = first.kind = "finger";
        letGo();
      }
    } else if (event.button === 1) place.kind = "pan";
    else if (event.button === 2 && !event.shiftKey) place.kind = "orbit";
    if (event.pointerType === "touch" || place.kind !== "hand") down.set(event.pointerId, place);
    if (place.kind === "hand") return;
    take(event);
    if (event.pointerType !== "touch") /** @type {HTMLElement} */ (event.target).setPointerCapture(event.pointerId);
  };

  /** @param {Event} raw */
  const move = (raw) => {
    const event = /** @type {PointerEvent} */ (raw);
    const place = down.get(event.pointerId);
    const eye = camera();
    if (!place || place.kind === "hand" || !eye) return;
    take(event);
    if (event.type === "pointerrawupdate") return;
    const { clientHeight } = surface;
    const [right, below] = [(event.clientX - place.x) / clientHeight, (event.clientY - place.y) / clientHeight];
    const other = [...down.entries()].find(([id, one]) => id !== event.pointerId && one.kind === "finger")?.[1];
    if (place.kind === "finger" && other) {
      const before = Math.hypot(place.x - other.x, place.y - other.y);
      const now = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      if (before > 10 && now > 10) eye.zoom(before / now);
    }
    if (place.kind === "pan") eye.pan(right, below);
    else eye.orbit(place.kind === "finger" ? right / 2 : right, place.kind === "finger" ? below / 2 : below);
    Object.assign(place, { x: event.clientX, y: event.clientY });
  };

  /** @param {PointerEvent} event */
  const end = (event) => down.delete(event.pointerId); // the hand's listener hears of it as well, and ends what it had begun

  surface.addEventListener("pointerdown", press, { capture: true });
  for (const name of ["pointerrawupdate", "pointermove"]) surface.addEventListener(name, move, { capture: true });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    surface.addEventListener(name, (event) => end(/** @type {PointerEvent} */ (event)), { capture: true });
  surface.addEventListener(
    "wheel",
    (event) => {
      const eye = camera();
      if (!eye || !event.altKey) return;
      take(event);
      eye.zoom(Math.exp(ZOOM_PER_PIXEL * event.deltaY * (event.deltaMode === 1 ? 16 : 1)));
    },
    { capture: true, passive: false },
  );
}
