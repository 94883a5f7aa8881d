// Watch: a training as it goes on, told by server-sent events.

import { stand } from "./address.js";
import * as api from "./api.js";
import { drawCurves } from "./chart.js";
import { about, count, filled, make, number, pictured, tell } from "./parts.js";

const MOST_POINTS = 600; // of a curve; then each second one is dropped
const WIDTH = 560; // of a preview on the screen
const REDRAW = 250; // milliseconds between drawings at least
const AGAIN = 3000; // milliseconds until it is looked again whether something is being trained

export default function watch(section) {
  const part = (name) => section.querySelector(`.${name}`);
  const [empty, live, state, rate, preview, curves] = ["empty", "live", "state", "rate", "preview", "curves"].map(part);
  const bar = section.querySelector("progress");
  const choice = section.querySelector("[name=run]");
  let source = null;
  let watched = null; // the run, with the lines that have come
  let drawing = null;
  let looking = null;
  let known = ""; // the runs and their states, as they were listed

  async function list(wanted) {
    clearTimeout(looking);
    try {
      const found = await api.runs();
      if (section.hidden) return;
      tell(section);
      const training = found.filter((run) => run.state === "training");
      if (training.length === 0) lookAgain();
      const told = JSON.stringify(found.map((run) => [run.id, run.state]));
      if (told === known && watched?.id === wanted) return;
      const begun = known && training.find((run) => !known.includes(JSON.stringify([run.id, run.state])));
      known = told;
      empty.hidden = found.length > 0;
      choice.parentElement.hidden = found.length === 0;
      live.hidden = found.length === 0;
      found.sort((one, other) => (other.state === "training") - (one.state === "training"));
      choice.replaceChildren(...found.map((run) => make("option", { value: run.id }, run.id)));
      if (begun) choice.value = begun.id;
      else if (found.some((run) => run.id === wanted)) choice.value = wanted;
      if (found.length) await follow(choice.value);
    } catch (error) {
      tell(section, error);
      if (!section.hidden) lookAgain();
    }
  }

  function lookAgain() {
    clearTimeout(looking);
    looking = setTimeout(() => list(choice.value), AGAIN);
  }

  async function follow(id) {
    close();
    stand("watch", { run: id });
    const run = await api.run(id);
    if (section.hidden || choice.value !== id) return;
    close(); // the line of another follow that was asked meanwhile
    watched = run;
    preview.replaceChildren();
    draw();
    if (run.previews.length) showPreview(run.previews.at(-1));
    tellState(run.state);
    if (run.state !== "training") return;
    source = api.events(id, run.offset);
    source.addEventListener("figures", (event) => hear(JSON.parse(event.data)));
    source.addEventListener("preview", (event) => showPreview(JSON.parse(event.data).position));
    source.addEventListener("state", (event) => tellState(JSON.parse(event.data).state));
    source.addEventListener("restart", () => (watched.curves = {}));
    source.addEventListener("end", (event) => {
      close();
      tellState(JSON.parse(event.data).state);
      lookAgain();
    });
    source.addEventListener("open", () => tellState(watched.state));
    source.addEventListener("error", ({ target }) => {
      state.textContent = state.dataset.lost;
      if (target.readyState !== EventSource.CLOSED) return; // the browser tries it again
      known = "";
      lookAgain();
    });
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(drawing);
    drawing = null;
  }

  function leave() {
    clearTimeout(looking);
    close();
  }

  function hear(line) {
    const { images, seconds, ...figures } = line;
    watched.images = images;
    for (const [name, value] of Object.entries(figures)) {
      const points = (watched.curves[name] ??= []);
      points.push([images, value]);
      if (points.length > MOST_POINTS) watched.curves[name] = points.filter((_, place) => place % 2 === 1);
    }
    drawing ??= setTimeout(draw, REDRAW);
  }

  function draw() {
    drawing = null;
    drawCurves(curves, [watched]);
    tellRate();
  }

  function tellState(name) {
    watched.state = name;
    state.textContent =
      { training: state.dataset.live, finished: state.dataset.finished, collapsed: state.dataset.collapsed }[name] ??
      state.dataset.stopped;
    tellRate();
  }

  function tellRate() {
    const { images: seen, budget } = watched;
    const speed = watched.curves.images_per_second?.at(-1)?.[1];
    bar.hidden = !budget;
    if (budget) bar.value = Math.min(1, seen / budget);
    if (watched.state !== "training" || !budget || !speed) {
      rate.textContent = filled(rate.dataset.end, { seen: count(seen) });
      return;
    }
    const seconds = (budget - seen) / speed;
    const left =
      seconds < 90
        ? filled(rate.dataset.seconds, { count: count(Math.ceil(seconds)) })
        : filled(rate.dataset.minutes, { count: count(Math.ceil(seconds / 60)) });
    rate.textContent = filled(rate.dataset.rate, {
      seen: count(seen),
      budget: count(budget),
      rate: number(speed),
      left,
    });
  }

  async function showPreview(position) {
    const { id } = watched;
    const values = { name: id, count: count(position) };
    try {
      const image = await pictured(await api.preview(id, position), filled(preview.dataset.alt, values), about(WIDTH));
      if (watched.id !== id) return;
      preview.replaceChildren(
        make("figure", {}, image, make("figcaption", {}, filled(preview.dataset.caption, values))),
      );
    } catch (error) {
      tell(section, error);
    }
  }

  choice.addEventListener("change", () => follow(choice.value).catch((error) => tell(section, error)));
  addEventListener("pagehide", leave);
  const opened = (values) => {
    known = "";
    return list(values.run);
  };
  return Object.assign(opened, { leave });
}
