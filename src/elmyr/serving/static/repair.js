// Repair: an image that is drawn, uploaded or generated; a part is rubbed out, and the restorer's answers are shown.

import * as api from "./api.js";
import { newest } from "./asking.js";
import { makeDesk, newSheet } from "./desk.js";
import { trace } from "./pad.js";
import { about, busy, filled, followSliders, make, pictured, tell, valuesOf } from "./parts.js";

const WIDTHS = { pen: 9, rub: 20 }; // of 100 across the image, to begin with
const LEAST = 1.5; // pixels that a pen is wide, to begin with: thinner ones are faint
const [HIDDEN] = new Uint32Array(Uint8Array.of(227, 120, 40, 255).buffer); // how a pixel that was rubbed out is shown

export default function repair(section) {
  if (!section.querySelector("canvas.pad")) return () => {};
  const [model, width] = ["model", "width"].map((name) => section.querySelector(`[name=${name}]`));
  const [form, told, answers] = ["form", ".told", ".answers"].map((one) => section.querySelector(one));
  const tools = [...section.querySelectorAll("[type=radio]")];
  const ask = newest();
  const widths = { ...WIDTHS };
  const mask = newSheet();
  const showSliders = followSliders(section);
  const tool = () => tools.find((one) => one.checked).value;

  const desk = makeDesk(section, {
    brush: (size) => ({ tool: tool(), width: (widths[tool()] / 100) * Math.min(size.width, size.height) }),
    paintOver: (context) => context.drawImage(hidden(), 0, 0),
    began(given) {
      widths.pen = Math.max(WIDTHS.pen, Math.ceil((100 * LEAST) / Math.min(desk.size.width, desk.size.height)));
      answers.replaceChildren();
      told.textContent = "";
      choose(given ? "rub" : "pen");
    },
  });

  // The pixels that were rubbed out or came transparent in one color, whole pixels only; all others transparent.
  function hidden() {
    const { made, context } = mask;
    const { width: wide, height: high } = desk.size;
    desk.blank(mask);
    context.globalCompositeOperation = "destination-out";
    if (desk.given()) context.drawImage(desk.given(), 0, 0);
    else context.fillRect(0, 0, wide, high);
    context.globalCompositeOperation = "source-over";
    for (const stroke of desk.surface.standing()) if (stroke.tool === "rub") trace(context, stroke);
    const pixels = context.getImageData(0, 0, wide, high);
    const whole = new Uint32Array(pixels.data.buffer); // a pixel each
    for (let place = 0; place < whole.length; place++) whole[place] = pixels.data[4 * place + 3] >= 128 ? HIDDEN : 0;
    context.putImageData(pixels, 0, 0);
    return made;
  }

  // What is sent: rubbed out pixels are transparent.
  function asPng() {
    const made = desk.drawn();
    const context = made.getContext("2d");
    context.globalCompositeOperation = "destination-out";
    context.drawImage(hidden(), 0, 0);
    return new Promise((resolve) => made.toBlob(resolve, "image/png"));
  }

  function choose(name) {
    for (const one of tools) one.checked = one.value === name;
    width.value = widths[name];
    showSliders();
  }

  async function mend() {
    const values = valuesOf(form);
    tell(section);
    busy(section, true);
    told.textContent = told.dataset.working;
    try {
      const png = await asPng();
      const answer = await ask((signal) => api.repair(model.value, png, values, signal));
      if (!answer) return;
      const captions = answer.answers.map((_, place) => filled(answers.dataset.answer, { number: place + 1 }));
      const shown = [
        [Number(values.noise) ? answer.seen : png, answers.dataset.given, "given"],
        ...answer.answers.map((one, place) => [one, captions[place], "answer"]),
        ...(answer.spread ? [[answer.spread, answers.dataset.spread, "spread"]] : []),
      ];
      answers.replaceChildren(...(await Promise.all(shown.map(figure))));
      const many = answer.answers.length;
      told.textContent = many === 1 ? told.dataset.one : filled(told.dataset.done, { count: many });
    } catch (error) {
      told.textContent = "";
      tell(section, error);
    }
    busy(section, false);
  }

  async function figure([source, caption, kind]) {
    return make(
      "figure",
      { class: kind },
      await pictured(source, caption, about(112)),
      make("figcaption", { "aria-hidden": "true" }, caption),
    );
  }

  for (const one of tools) one.addEventListener("change", () => choose(one.value));
  width.addEventListener("input", () => {
    widths[tool()] = Number(width.value);
    desk.surface.repaint();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    mend();
  });
  desk.beginEmpty();
  return () => desk.surface.repaint();
}
