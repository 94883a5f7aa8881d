// Generate: a grid of images, and the address that gives exactly this grid again.

import { linkTo, stand } from "./address.js";
import { generateAddress, generateGrid } from "./api.js";
import { live, newest } from "./asking.js";
import { steer } from "./steer.js";
import { busy, count, filled, followSliders, offerClasses, pictured, setValues, tell, valuesOf } from "./parts.js";

const WIDTH = 680; // of the grid, at most: each pixel is a whole number of screen pixels

export default function generate(section) {
  const form = section.querySelector("form");
  if (!form) return () => {};
  const part = (name) => section.querySelector(`.${name}`);
  const [told, grid, after] = ["told", "grid", "after"].map(part);
  const copy = section.querySelector("[data-do=copy]");
  const copyText = copy.textContent;
  const ask = newest();
  const showSliders = followSliders(section);
  let shown = ""; // the link to what is shown
  offerClasses(form.elements.model, form.elements.class);
  const steered = live(make, (error) => tell(section, error));
  const showSteering = steer(section, form.elements.model, steered.want);

  async function make() {
    const { model, ...values } = valuesOf(form);
    const link = linkTo("generate", { model, ...values });
    stand("generate", { model, ...values });
    shown = link;
    tell(section);
    busy(section, true);
    after.hidden = true;
    told.textContent = told.dataset.working;
    try {
      const png = await ask((signal) => generateGrid(model, values, signal));
      if (!png) return;
      const sentence = filled(values.class ? told.dataset.madeClass : told.dataset.made, {
        ...values,
        count: count(values.count),
      });
      grid.replaceChildren(
        await pictured(png, sentence, (width) => Math.max(1, Math.floor(WIDTH / width))),
      );
      told.textContent = sentence;
      offer(model, values, link);
    } catch (error) {
      grid.replaceChildren();
      told.textContent = "";
      tell(section, error);
    }
    busy(section, false);
  }

  function offer(model, values, link) {
    const name = `${model}-seed-${values.seed}`;
    for (const format of ["png", "npz"]) {
      part(format).href = generateAddress(model, values, format);
      part(format).download = `${name}.${format}`;
    }
    part("link").href = link;
    copy.textContent = copyText;
    after.hidden = false;
  }

  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(part("link").href);
      copy.textContent = copy.dataset.done;
    } catch (error) {
      tell(section, error);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    make();
  });
  section.querySelector("[data-do=next]").addEventListener("click", () => {
    form.elements.seed.value = Number(form.elements.seed.value) + 1;
    if (form.reportValidity()) make();
  });

  // A link with values makes its grid at once; without, the first look makes the usual one.
  return (values) => {
    if (Object.keys(values).length === 0 && shown) return;
    setValues(form, values);
    showSteering();
    showSliders();
    if (linkTo("generate", valuesOf(form)) !== shown && form.reportValidity()) make();
  };
}
