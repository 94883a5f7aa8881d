// A surface with an image on it that is empty at first, uploaded or generated, and drawn on with a pen in white.

import * as api from "./api.js";
import { makePad, trace } from "./pad.js";
import { count, filled, make, offerClasses, pictured, shapeOf, tell } from "./parts.js";

const SHARP = 560; // pixels across the surface on the screen
const LAST_SEED = 2 ** 31 - 1;
const USUAL = [28, 28];

// A canvas that is not seen, to compose on.
export function newSheet() {
  const made = make("canvas");
  return { made, context: made.getContext("2d", { willReadFrequently: true }) };
}

// brush(size) gives { tool, width } of a new stroke; paintOver(context) draws on top of the image; changed() hears of
// every stroke; began(given) of another image, null for an empty one.
export function makeDesk(section, { brush, paintOver = () => {}, changed = () => {}, began = () => {} }) {
  const canvas = section.querySelector("canvas.pad");
  const field = (name) => section.querySelector(`[name=${name}]`);
  const [model, gan] = ["model", "gan"].map(field);
  const file = section.querySelector("[type=file]");
  const sheet = newSheet();
  const size = { width: 1, height: 1 };
  let given = null; // the image under what is drawn; without it, black

  const surface = makePad(section, {
    size,
    brush: () => brush(size),
    paint(context) {
      context.imageSmoothingEnabled = false;
      context.drawImage(drawn(), 0, 0);
      paintOver(context);
    },
    changed,
  });

  function blank({ made, context }) {
    Object.assign(made, size); // which clears it, too
    context.fillRect(0, 0, size.width, size.height);
  }

  // The image with what the pen drew on it.
  function drawn() {
    const { made, context } = sheet;
    blank(sheet);
    if (given) context.drawImage(given, 0, 0, size.width, size.height);
    context.fillStyle = context.strokeStyle = "#fff";
    for (const stroke of surface.standing()) if (stroke.tool === "pen") trace(context, stroke);
    return made;
  }

  function begin(image, wide, high) {
    given = image;
    const scale = Math.max(1, Math.round(SHARP / Math.max(wide, high)));
    Object.assign(canvas, { width: wide * scale, height: high * scale });
    canvas.classList.toggle("photo", Math.max(wide, high) > SHARP);
    tell(section);
    surface.begin(wide, high);
    began(given);
  }

  function beginEmpty() {
    const [high, wide] = shapeOf(model)[0] ? shapeOf(model) : USUAL;
    begin(null, wide, high);
  }

  async function beginWithFile() {
    const [one] = file.files;
    if (!one) return;
    const image = await createImageBitmap(one).catch(() => null);
    if (!image) return tell(section, new Error(filled(file.dataset.noImage, { name: one.name })));
    const pixels = image.width * image.height;
    const most = Number(file.dataset.most);
    if (pixels > most && file.dataset.tooLarge) {
      const values = { name: one.name, pixels: count(pixels), most: count(most) };
      return tell(section, new Error(filled(file.dataset.tooLarge, values)));
    }
    const scale = Math.min(1, Math.sqrt(most / pixels));
    begin(image, ...[image.width, image.height].map((side) => Math.max(1, Math.floor(side * scale))));
  }

  async function beginWithGenerated() {
    const values = { count: 1, class: field("class").value, seed: Math.floor(Math.random() * LAST_SEED) };
    try {
      const { images } = await api.generate(gan.value, values);
      const image = await pictured(images[0].image, "", 1);
      begin(image, image.naturalWidth, image.naturalHeight);
    } catch (error) {
      tell(section, error);
    }
  }

  section.querySelector("[data-do=empty]").addEventListener("click", beginEmpty);
  section.querySelector("[data-do=take]")?.addEventListener("click", beginWithGenerated);
  file.addEventListener("change", () => beginWithFile().finally(() => (file.value = ""))); // the same one again, too
  if (gan) {
    offerClasses(gan, field("class"));
    gan.parentElement.hidden = gan.options.length === 1;
  }
  return { size, surface, drawn, blank, begin, beginEmpty, given: () => given };
}
