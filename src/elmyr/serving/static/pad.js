// A surface to draw on: mouse, finger, stylus (its pressure is the width), or the keyboard alone.

import { page } from "./parts.js";

const STEPS = 40; // of the pen by an arrow key, across the surface
const STEPS_WITH_SHIFT = 10;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// size: { width, height } of the surface in the units of its strokes; brush() gives { tool, width } of a new stroke;
// paint(context) draws what stands; changed() hears of every change of the strokes.
export function makePad(section, { size, brush, paint, changed }) {
  const canvas = section.querySelector("canvas.pad");
  const context = canvas.getContext("2d");
  const penSaid = section.querySelector(".pen");
  const held = new Set(); // arrow keys that are down: two of them go aslant
  let strokes = []; // { tool, points: [{ x, y, width }] }, or { tool: "clear" }
  let stroke = null; // the one that is being drawn
  let pointer = null;
  let pen = null; // where the keyboard's pen is, once it was moved
  let painting = false;

  function repaint() {
    if (painting) return;
    painting = true;
    requestAnimationFrame(() => {
      painting = false;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.setTransform(canvas.width / size.width, 0, 0, canvas.height / size.height, 0, 0);
      paint(context);
      if (pen && document.activeElement === canvas) paintPen();
    });
  }

  function paintPen() {
    const radius = brush().width / 2;
    for (const [color, width] of [
      ["#fff", 3],
      ["#b3261e", 1.5],
    ]) {
      context.strokeStyle = color;
      context.lineWidth = (width * size.width) / 280;
      context.beginPath();
      context.arc(pen.x, pen.y, radius, 0, 2 * Math.PI);
      context.moveTo(pen.x - 1.7 * radius, pen.y);
      context.lineTo(pen.x + 1.7 * radius, pen.y);
      context.moveTo(pen.x, pen.y - 1.7 * radius);
      context.lineTo(pen.x, pen.y + 1.7 * radius);
      context.stroke();
    }
  }

  function happened() {
    repaint();
    changed();
  }

  function begin(x, y, pressed = 1) {
    const { tool, width } = brush();
    stroke = { tool, width, points: [{ x, y, width: width * pressed }] };
    strokes.push(stroke);
    happened();
  }

  function goOn(x, y, pressed = 1) {
    stroke.points.push({ x, y, width: stroke.width * pressed });
  }

  function end() {
    stroke = null;
    pointer = null;
  }

  const pressed = (event) => (event.pointerType === "pen" && event.pressure > 0 ? 0.5 + event.pressure : 1);

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * size.width,
      ((event.clientY - box.top) / box.height) * size.height,
    ];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    event.preventDefault(); // no selection, no drag
    canvas.focus({ preventScroll: true });
    liftPen();
    pen = null;
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    begin(...at(event), pressed(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !stroke) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) goOn(...at(one), pressed(one));
    happened();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId === pointer) end();
    });
  }

  function liftPen() {
    if (!stroke || pointer !== null) return;
    end();
    penSaid.textContent = page.dataset.up;
  }

  function putDownOrLift() {
    if (stroke) return liftPen();
    pen ??= { x: size.width / 2, y: size.height / 2 };
    begin(pen.x, pen.y);
    penSaid.textContent = page.dataset.down;
  }

  function move(far) {
    pen ??= { x: size.width / 2, y: size.height / 2 };
    const step = Math.max(size.width, size.height) / (far ? STEPS_WITH_SHIFT : STEPS);
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    for (const key of held) {
      pen.x = within(pen.x + ARROWS[key][0] * step, size.width);
      pen.y = within(pen.y + ARROWS[key][1] * step, size.height);
    }
    if (!stroke) return repaint();
    goOn(pen.x, pen.y);
    happened();
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || pointer !== null) return;
    const undoes = event.key === "Backspace" || (event.ctrlKey && event.key.toLowerCase() === "z");
    if (event.ctrlKey && !undoes) return;
    if (undoes) undo();
    else if (event.key in ARROWS) {
      held.add(event.key);
      move(event.shiftKey);
    } else if (event.key === " ") event.repeat || putDownOrLift();
    else if (event.key === "Delete") clear();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("focus", repaint);
  canvas.addEventListener("blur", () => {
    held.clear();
    liftPen();
    repaint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

  function undo() {
    liftPen();
    if (strokes.pop()) happened();
  }

  function clear() {
    liftPen();
    if (standing().length === 0) return;
    strokes.push({ tool: "clear" });
    happened();
  }

  // The strokes that are to be seen: those since the last clearing.
  function standing() {
    return strokes.slice(strokes.findLastIndex((one) => one.tool === "clear") + 1);
  }

  section.querySelector("[data-do=undo]").addEventListener("click", undo);
  section.querySelector("[data-do=clear]").addEventListener("click", clear);

  return {
    standing,
    repaint,
    // Begins anew, on a surface of another size where that is named.
    begin(width = size.width, height = size.height) {
      Object.assign(size, { width, height });
      strokes = [];
      end();
      pen = null;
      happened();
    },
  };
}

// Draws a stroke in the context's colors: round ends, corners smoothed through the middles of its pieces.
export function trace(context, stroke) {
  const [first, ...rest] = stroke.points;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.arc(first.x, first.y, first.width / 2, 0, 2 * Math.PI);
  context.fill();
  let from = first;
  let before = first;
  for (const [place, point] of rest.entries()) {
    const last = place === rest.length - 1;
    const to = last ? point : { x: (before.x + point.x) / 2, y: (before.y + point.y) / 2 };
    context.lineWidth = point.width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.quadraticCurveTo(before.x, before.y, to.x, to.y);
    context.stroke();
    from = to;
    before = point;
  }
}
