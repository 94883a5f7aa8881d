// Between: the images on the way from one to another; a slider walks it, and an animation where motion is not unwanted.

import { stand } from "./address.js";
import * as api from "./api.js";
import { newest } from "./asking.js";
import { about, busy, filled, offerClasses, pictured, setValues, tell, valuesOf } from "./parts.js";

const PACE = 110; // milliseconds an image

export default function between(section) {
  const form = section.querySelector("form");
  if (!form) return () => {};
  const [told, stage, walk, strip] = ["told", "stage", "walk", "strip"].map((name) =>
    section.querySelector(`.${name}`),
  );
  const place = section.querySelector("[type=range]");
  const play = section.querySelector("[data-do=play]");
  const playText = play.textContent;
  const still = section.querySelector(".still");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const ask = newest();
  let images = [];
  let clock = null;
  let forth = 1;
  offerClasses(form.elements.model, form.elements.from_class);
  offerClasses(form.elements.model, form.elements.to_class);

  async function make() {
    const { model, ...values } = valuesOf(form);
    stand("between", { model, ...values });
    stop();
    tell(section);
    busy(section, true);
    told.textContent = told.dataset.working;
    try {
      const answer = await ask((signal) => api.between(model, values, signal));
      if (!answer) return;
      const total = answer.images.length;
      const alt = (number) => filled(stage.dataset.alt, { number: number + 1, total });
      images = await Promise.all(answer.images.map((one, number) => pictured(one.image, alt(number), about(280))));
      const small = await Promise.all(answer.images.map((one) => pictured(one.image, "", about(40))));
      strip.replaceChildren(...small);
      place.max = total - 1;
      place.value = 0;
      walk.hidden = false;
      show();
    } catch (error) {
      images = [];
      stage.replaceChildren();
      strip.replaceChildren();
      walk.hidden = true;
      tell(section, error);
    }
    told.textContent = "";
    busy(section, false);
  }

  function show() {
    const number = Number(place.value);
    if (!images[number]) return;
    stage.replaceChildren(images[number]);
    place.setAttribute("aria-valuetext", images[number].alt);
    [...strip.children].forEach((one, at) => one.classList.toggle("here", at === number));
  }

  function start() {
    play.textContent = play.dataset.stop;
    play.setAttribute("aria-pressed", "true");
    clock = setInterval(() => {
      const next = Number(place.value) + forth;
      if (next < 0 || next > Number(place.max)) forth = -forth;
      place.value = Number(place.value) + forth;
      show();
    }, PACE);
  }

  function stop() {
    clearInterval(clock);
    clock = null;
    play.textContent = playText;
    play.setAttribute("aria-pressed", "false");
  }

  function respect() {
    stop();
    play.hidden = calm.matches;
    still.hidden = !calm.matches;
  }

  place.addEventListener("input", () => {
    stop();
    show();
  });
  play.addEventListener("click", () => (clock === null ? start() : stop()));
  calm.addEventListener("change", respect);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    make();
  });
  section.querySelector("[data-do=next]").addEventListener("click", () => {
    for (const name of ["from_seed", "to_seed"]) form.elements[name].value = Number(form.elements[name].value) + 2;
    if (form.reportValidity()) make();
  });
  respect();
  const { from_class: from, to_class: to } = form.elements; // from the first class to the last, to begin with
  if (from.options.length > 2)
    [from.value, to.value] = [from.options[1].value, to.options[to.options.length - 1].value];

  const opened = (values) => {
    setValues(form, values);
    if ((Object.keys(values).length || images.length === 0) && form.reportValidity()) make();
  };
  return Object.assign(opened, { leave: stop });
}
