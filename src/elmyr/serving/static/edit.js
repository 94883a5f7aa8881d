// Edit: an image that is drawn, uploaded or generated, and what the GAN makes of it as sliders are moved.

import * as api from "./api.js";
import { live } from "./asking.js";
import { makeDesk } from "./desk.js";
import { about, busy, filled, make, number, offerClasses, pictured, tell, valuesOf } from "./parts.js";
import { steer } from "./steer.js";

const PEN = 9; // of 100 across the image

export default function edit(section) {
  if (!section.querySelector("canvas.pad")) return () => {};
  const model = section.querySelector("[name=model]");
  const [form, told, answers, every, hand] = ["form", ".told", ".answers", ".every", ".hand"].map((one) =>
    section.querySelector(one),
  );
  const asked = live(ask, (error) => {
    tell(section, error);
    busy(section, false);
  });

  const desk = makeDesk(section, {
    brush: (size) => ({ tool: "pen", width: Math.max(1.5, (PEN / 100) * Math.min(size.width, size.height)) }),
    changed,
  });

  const isEmpty = () => !desk.given() && desk.surface.standing().length === 0;

  function changed() {
    busy(section, true);
    if (isEmpty()) {
      asked.drop();
      showNothing();
    } else told.textContent ||= told.dataset.working;
    asked.want();
  }

  function showNothing() {
    told.textContent = told.dataset.none;
    answers.replaceChildren();
    every.hidden = true;
  }

  async function ask(signal) {
    if (isEmpty()) return showNothing();
    const { into_class, ...values } = valuesOf(form);
    // What is drawn is centered as MNIST's digits are; an image stays where it is.
    const prepare = desk.given() ? "model" : "digit";
    const png = await new Promise((resolve) => desk.drawn().toBlob(resolve, "image/png"));
    const answer = await api.edit(model.value, png, { ...values, class: into_class, prepare, every: true }, signal);
    const { given, nearest, edited } = answers.dataset;
    const shown = [
      [answer.seen, given],
      [answer.nearest, nearest],
      [answer.edited, edited],
    ];
    const figures = await Promise.all(shown.map((one) => figure(one, 112)));
    const others = (answer.every ?? []).map(({ label, image }) => [image, filled(hand.dataset.as, { class: label })]);
    const hands = await Promise.all(others.map((one) => figure(one, 56)));
    if (signal.aborted) return;
    answers.replaceChildren(...figures);
    hand.replaceChildren(...hands);
    every.hidden = hands.length === 0;
    told.textContent = filled(answer.class === null ? told.dataset.found : told.dataset.read, {
      class: answer.class,
      error: number(answer.error),
    });
  }

  async function figure([source, caption], wide) {
    const picture = await pictured(source, caption, about(wide));
    return make("figure", {}, picture, make("figcaption", { "aria-hidden": "true" }, caption));
  }

  steer(section, model, changed);
  for (const name of ["from_class", "into_class"]) {
    offerClasses(model, form.elements[name]);
    form.elements[name].addEventListener("change", changed);
  }
  model.addEventListener("change", () => desk.beginEmpty());
  form.addEventListener("submit", (event) => event.preventDefault());
  desk.beginEmpty();
  return () => desk.surface.repaint();
}
