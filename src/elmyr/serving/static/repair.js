// Repair: an image that is drawn, uploaded or generated; a part is rubbed out, and the restorer's answers are shown.

import * as api from "./api.js";
import { newest } from "./asking.js";
import { makePad, trace } from "./pad.js";
import {
  about,
  busy,
  count,
  filled,
  followSliders,
  make,
  offerClasses,
  pictured,
  shapeOf,
  tell,
  valuesOf,
} from "./parts.js";

const SHARP = 560; // pixels across the surface on the screen
const WIDTHS = { pen: 9, rub: 20 }; // of 100 across the image, to begin with
const LEAST = 1.5; // pixels that a pen is wide, to begin with: thinner ones are faint
const LAST_SEED = 2 ** 31 - 1;
const USUAL = [28, 28];
const [HIDDEN] = new Uint32Array(Uint8Array.of(227, 120, 40, 255).buffer); // how a pixel that was rubbed out is shown

export default function repair(section) {
  const canvas = section.querySelector("canvas.pad");
  if (!canvas) return () => {};
  const field = (name) => section.querySelector(`[name=${name}]`);
  const [model, gan, width] = ["model", "gan", "width"].map(field);
  const [form, told, answers] = ["form", ".told", ".answers"].map((one) => section.querySelector(one));
  const file = section.querySelector("[type=file]");
  const tools = [...section.querySelectorAll("[type=radio]")];
  const ask = newest();
  const widths = { ...WIDTHS };
  const showSliders = followSliders(section);
  let given = null; // the image under what is drawn; without it, black
  const tool = () => tools.find((one) => one.checked).value;

  const size = { width: 1, height: 1 };
  const surface = makePad(section, {
    size,
    brush: () => ({ tool: tool(), width: (widths[tool()] / 100) * Math.min(size.width, size.height) }),
    paint(context) {
      context.imageSmoothingEnabled = false;
      context.drawImage(drawn(), 0, 0);
      context.drawImage(hidden(), 0, 0);
    },
    changed() {},
  });

  function sheet() {
    const made = make("canvas");
    return { made, context: made.getContext("2d", { willReadFrequently: true }) };
  }
  const sheets = { image: sheet(), mask: sheet() };

  function blank({ made, context }) {
    Object.assign(made, { width: size.width, height: size.height }); // which clears it, too
    context.fillRect(0, 0, size.width, size.height);
  }

  // The image with what was drawn on it, nothing rubbed out.
  function drawn() {
    const { made, context } = sheets.image;
    blank(sheets.image);
    if (given) context.drawImage(given, 0, 0);
    context.fillStyle = context.strokeStyle = "#fff";
    for (const stroke of surface.standing()) if (stroke.tool === "pen") trace(context, stroke);
    return made;
  }

  // The pixels that were rubbed out or came transparent in one color, whole pixels only; all others transparent.
  function hidden() {
    const { made, context } = sheets.mask;
    blank(sheets.mask);
    context.globalCompositeOperation = "destination-out";
    if (given) context.drawImage(given, 0, 0);
    else context.fillRect(0, 0, size.width, size.height);
    context.globalCompositeOperation = "source-over";
    for (const stroke of surface.standing()) if (stroke.tool === "rub") trace(context, stroke);
    const pixels = context.getImageData(0, 0, size.width, size.height);
    const whole = new Uint32Array(pixels.data.buffer); // a pixel each
    for (let place = 0; place < whole.length; place++) whole[place] = pixels.data[4 * place + 3] >= 128 ? HIDDEN : 0;
    context.putImageData(pixels, 0, 0);
    return made;
  }

  // What is sent: rubbed out pixels are transparent.
  function asPng() {
    const made = drawn();
    const context = made.getContext("2d");
    context.globalCompositeOperation = "destination-out";
    context.drawImage(hidden(), 0, 0);
    return new Promise((resolve) => made.toBlob(resolve, "image/png"));
  }

  function begin(image, wide, high) {
    given = image;
    const scale = Math.max(1, Math.round(SHARP / Math.max(wide, high)));
    Object.assign(canvas, { width: wide * scale, height: high * scale });
    widths.pen = Math.max(WIDTHS.pen, Math.ceil((100 * LEAST) / Math.min(wide, high)));
    surface.begin(wide, high);
    answers.replaceChildren();
    told.textContent = "";
    tell(section);
  }

  function choose(name) {
    for (const one of tools) one.checked = one.value === name;
    width.value = widths[name];
    showSliders();
  }

  function beginEmpty() {
    const [high, wide] = shapeOf(model).length ? shapeOf(model) : USUAL;
    begin(null, wide, high);
    choose("pen");
  }

  async function beginWithFile() {
    const [one] = file.files;
    if (!one) return;
    const image = await createImageBitmap(one).catch(() => null);
    if (!image) return tell(section, new Error(filled(file.dataset.noImage, { name: one.name })));
    const pixels = image.width * image.height;
    const most = Number(file.dataset.most);
    if (pixels > most) {
      const values = { name: one.name, pixels: count(pixels), most: count(most) };
      return tell(section, new Error(filled(file.dataset.tooLarge, values)));
    }
    begin(image, image.width, image.height);
    choose("rub");
  }

  async function beginWithGenerated() {
    const values = { count: 1, class: field("class").value, seed: Math.floor(Math.random() * LAST_SEED) };
    try {
      const { images } = await api.generate(gan.value, values);
      const image = await pictured(images[0].image, "", 1);
      begin(image, image.naturalWidth, image.naturalHeight);
      choose("rub");
    } catch (error) {
      tell(section, error);
    }
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
    surface.repaint();
  });
  section.querySelector("[data-do=empty]").addEventListener("click", beginEmpty);
  section.querySelector("[data-do=take]")?.addEventListener("click", beginWithGenerated);
  file.addEventListener("change", () => beginWithFile().finally(() => (file.value = ""))); // the same one again, too
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    mend();
  });
  if (gan) {
    offerClasses(gan, field("class"));
    gan.parentElement.hidden = gan.options.length === 1;
  }
  beginEmpty();
  return () => surface.repaint();
}
