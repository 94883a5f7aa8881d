// What would change a prediction, on demand: an image that a GAN makes, or a change that no eye sees.

import * as api from "./api.js";
import { about, filled, make, number, offerClasses, pictured, share, tell } from "./parts.js";

// question() gives { image, prepare } of what stands, or nothing. Gives what takes the answer away again.
export function offerChanges(section, model, question) {
  const part = section.querySelector(".changes");
  const [told, answers] = [".told", ".answers"].map((one) => part.querySelector(one));
  const [gan, into] = ["gan", "into"].map((name) => part.querySelector(`[name=${name}]`));
  let asked = 0; // whatever changes, changes this

  function clear() {
    asked++;
    told.textContent = "";
    answers.replaceChildren();
  }

  async function show(sentence, ask) {
    clear();
    const mine = asked;
    told.textContent = told.dataset.working;
    try {
      const given = await question();
      if (!given) return clear();
      const answer = await ask(given);
      const values = {
        ...answer,
        probability: share(answer.probability),
        distance: number(answer.distance),
        most: Math.round(255 * (answer.largest_change ?? 0)),
      };
      const figures = await Promise.all(
        ["seen", "found", "difference"].map((kind) => figure(answer[kind], filled(answers.dataset[kind], values))),
      );
      if (mine !== asked) return;
      answers.replaceChildren(...figures);
      told.textContent = filled(told.dataset[sentence], values);
    } catch (error) {
      if (mine !== asked) return;
      clear();
      tell(section, error);
    }
  }

  async function figure(source, caption) {
    const picture = await pictured(source, caption, about(112));
    return make("figure", {}, picture, make("figcaption", { "aria-hidden": "true" }, caption));
  }

  part.querySelector("[data-do=fool]").addEventListener("click", () => {
    show("fool", ({ image, prepare }) => api.fool(model.value, image, { prepare }));
  });
  if (gan) {
    offerClasses(model, into);
    gan.parentElement.hidden = gan.options.length === 1;
    part.querySelector("[data-do=change]").addEventListener("click", () => {
      show("change", ({ image, prepare }) =>
        api.counterfactual(model.value, image, { prepare, gan: gan.value, class: into.value }),
      );
    });
  }
  return clear;
}
