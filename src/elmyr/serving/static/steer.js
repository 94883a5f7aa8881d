// Sliders for the directions of a GAN; what they stand at is a field of the form, as the API takes it.

import { filled, make, movesOf, said, titled } from "./parts.js";

const [LEAST, MOST, STEP] = [-2, 2, 0.1]; // what directions are measured by

// changed() hears of every move of a slider; gives what puts the sliders where the field is.
export function steer(section, model, changed) {
  const box = section.querySelector(".steering");
  const field = box.querySelector("[name=move]");
  const [known, others, none] = [".known", ".others", ".none"].map((one) => box.querySelector(one));
  const reset = box.querySelector("[data-do=reset]");
  let sliders = []; // { name, slider, output }

  // A slider for each direction of the chosen GAN: those of a figure at once, the others where they are asked for.
  function offer() {
    const moves = movesOf(model);
    const isKnown = (move) => move.way === "figure" || move.way === "value";
    sliders = [];
    known.replaceChildren(...moves.filter(isKnown).map(sliderOf));
    others.replaceChildren(...moves.filter((move) => !isKnown(move)).map(sliderOf));
    others.parentElement.hidden = others.children.length === 0;
    none.hidden = moves.length > 0;
    reset.hidden = moves.length === 0;
    show();
  }

  function sliderOf({ name, moves, way }) {
    const id = `${section.dataset.tab}-steer-${name}`;
    const label = way === "figure" ? titled(name) : filled(box.dataset.mostly, { name, moves: said(moves) });
    const slider = make("input", { id, type: "range", min: LEAST, max: MOST, step: STEP });
    const output = make("output", { for: id });
    sliders.push({ name, slider, output });
    slider.addEventListener("input", () => {
      output.value = slider.value;
      take();
      changed();
    });
    return make("div", { class: "field" }, make("label", { for: id }, label), slider, output);
  }

  // The sliders as the field's words say; amounts of directions that this GAN has not are given up.
  function show() {
    const amounts = Object.fromEntries(field.value.split(",").map((word) => word.split("=")));
    for (const { name, slider, output } of sliders) {
      slider.value = amounts[name] ?? 0;
      output.value = slider.value;
    }
    take();
  }

  function take() {
    const moved = sliders.filter(({ slider }) => Number(slider.value) !== 0);
    field.value = moved.map(({ name, slider }) => `${name}=${slider.value}`).join(",");
  }

  reset.addEventListener("click", () => {
    field.value = "";
    show();
    changed();
  });
  model.addEventListener("change", offer);
  offer();
  return show;
}
