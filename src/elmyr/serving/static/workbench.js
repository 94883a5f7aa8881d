// The tabs of the page, by the address; each tab's module is woken when it is first shown.

import { standing } from "./address.js";
import between from "./between.js";
import draw from "./draw.js";
import edit from "./edit.js";
import generate from "./generate.js";
import { page } from "./parts.js";
import repair from "./repair.js";
import runs from "./runs.js";
import translate from "./translate.js";
import watch from "./watch.js";

const tabs = { draw, generate, repair, translate, between, edit, runs, watch };
const shows = {}; // what each tab that was woken does when it is shown with values of the address
const links = [...document.querySelectorAll("nav a")];
const language = document.getElementById("language");
const otherPage = language.getAttribute("href");
const title = document.title;

function turn() {
  const { tab, values } = standing();
  const name = Object.hasOwn(tabs, tab) ? tab : page.dataset.first;
  for (const section of page.querySelectorAll("section")) section.hidden = section.dataset.tab !== name;
  for (const link of links) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const section = page.querySelector(`[data-tab=${name}]`);
  document.title = `${section.querySelector("h1").textContent} · ${title}`;
  for (const [other, show] of Object.entries(shows)) if (other !== name) show.leave?.();
  shows[name] ??= tabs[name](section);
  shows[name](values);
}

addEventListener("hashchange", turn);
language.addEventListener("click", () => {
  language.href = otherPage + location.hash;
});
turn();
