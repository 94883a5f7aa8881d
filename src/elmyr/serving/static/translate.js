// Translate: an image that is drawn, uploaded or generated, beside what a translator makes of it, as it is drawn.

import * as api from "./api.js";
import { live } from "./asking.js";
import { makeDesk } from "./desk.js";
import { busy, directionsOf, filled, isStyled, make, pictured, tell } from "./parts.js";

const PEN = 9; // of 100 across the image
const LEAST = 1.5; // pixels that the pen is wide: thinner ones are faint
const [WIDE, NARROW] = [336, 160]; // of one answer, and of each of several, on the screen

export default function translate(section) {
  if (!section.querySelector("canvas.pad")) return () => {};
  const part = (name) => section.querySelector(`.${name}`);
  const [from, to, directions, styles] = ["source", "target", "directions", "styles"].map(part);
  const [answers, told, after, png] = ["answers", "told", "after", "png"].map(part);
  const [model, many, seed] = ["model", "answers", "seed"].map((name) => section.querySelector(`[name=${name}]`));
  const ways = [...directions.querySelectorAll("[type=radio]")];
  const back = section.querySelector("[data-do=back]");
  const way = () => ways.find((one) => one.checked).value;
  let first = null; // the first answer as it stands

  const desk = makeDesk(section, {
    brush: (size) => ({ tool: "pen", width: Math.max(LEAST, (PEN / 100) * Math.min(size.width, size.height)) }),
    changed: want,
  });

  const asked = live(show, (error) => {
    tell(section, error);
    busy(section, false);
  });

  function want() {
    if (many.reportValidity() && seed.reportValidity()) {
      busy(section, true);
      if (!first) told.textContent = told.dataset.working; // opening a model takes a while
      asked.want();
    }
  }

  async function show(signal) {
    const values = { direction: way(), ...(isStyled(model) ? { answers: many.value, seed: seed.value } : {}) };
    const name = `${model.value}-${values.direction}.png`;
    const sent = await new Promise((resolve) => desk.drawn().toBlob(resolve, "image/png"));
    const { images } = await api.translate(model.value, sent, values, signal);
    const made = images[0].answers;
    const one = made.length === 1;
    const figures = await Promise.all(made.map((image, place) => figure(image, one ? null : place + 1)));
    if (signal.aborted) return;
    answers.replaceChildren(...figures);
    first = answers.querySelector("img");
    Object.assign(png, { href: first.src, download: name });
    told.textContent = filled(told.dataset.done, { to: to.textContent });
    told.classList.add("unseen");
    after.hidden = false;
  }

  // As wide as the surface where it is the only one: both are looked at side by side.
  async function figure(image, number) {
    const alt = filled(answers.dataset.alt, { to: to.textContent });
    const caption = number === null ? "" : filled(answers.dataset.answer, { number });
    const wanted = caption ? NARROW : WIDE;
    const shown = await pictured(image, caption ? `${alt}, ${caption}` : alt, (width) => wanted / width);
    shown.classList.toggle("photo", shown.naturalWidth > wanted);
    return make("figure", {}, shown, caption && make("figcaption", { "aria-hidden": "true" }, caption));
  }

  // What the model that is chosen has learned: its directions by the names of the domains, its styles.
  function offer() {
    const known = directionsOf(model);
    for (const one of ways) {
      const names = known[one.value];
      one.parentElement.hidden = !names;
      if (names) one.nextElementSibling.textContent = filled(directions.dataset.way, { from: names[0], to: names[1] });
    }
    if (!known[way()]) ways[0].checked = true;
    directions.hidden = Object.keys(known).length < 2;
    styles.hidden = !isStyled(model);
    turn();
  }

  function turn() {
    const known = directionsOf(model);
    [from.textContent, to.textContent] = known[way()];
    back.hidden = Object.keys(known).length < 2;
  }

  model.addEventListener("change", () => {
    offer();
    desk.beginEmpty();
  });
  for (const one of ways) {
    one.addEventListener("change", () => {
      turn();
      want();
    });
  }
  for (const one of [many, seed]) one.addEventListener("input", want);
  back.addEventListener("click", () => {
    const other = ways.find((one) => !one.checked);
    other.checked = true;
    turn();
    desk.begin(first, first.naturalWidth, first.naturalHeight);
  });
  offer();
  desk.beginEmpty();
  return () => desk.surface.repaint();
}
