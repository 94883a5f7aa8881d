// Runs: a table of what was trained; one opened, or two side by side: curves, images over time, figures.

import { linkTo, stand, standing } from "./address.js";
import * as api from "./api.js";
import { newest } from "./asking.js";
import { drawCurves } from "./chart.js";
import { about, count, filled, make, number, pictured, said, tell, titled } from "./parts.js";

const IN_TABLE = ["frechet_distance", "label_accuracy", "accuracy", "balanced_accuracy"]; // the figures of a row
const EVALUATED_BY = {
  gan: "elmyr evaluate",
  recognizer: "elmyr recognizer evaluate",
  restorer: "elmyr restorer evaluate",
  translator: "elmyr translator evaluate",
};
const WIDTH = 620; // of the previews on the screen

export default function runs(section) {
  const part = (name) => section.querySelector(`.${name}`);
  const [empty, table, one] = ["empty", "table", "one"].map(part);
  const body = table.querySelector("tbody");
  const heading = one.querySelector("h2");
  const other = one.querySelector("[name=with]");
  const none = other.options[0];
  const previews = one.querySelector(".previews");
  const slider = previews.querySelector("input");
  const ask = newest();
  let opened = []; // the one or two that are shown

  async function list() {
    tell(section);
    try {
      const found = await api.runs();
      empty.hidden = found.length > 0;
      table.hidden = found.length === 0;
      body.replaceChildren(...found.map(row));
      other.replaceChildren(none, ...found.map((run) => make("option", { value: run.id }, run.id)));
    } catch (error) {
      tell(section, error);
    }
  }

  function row(run) {
    const link = make(
      "a",
      { href: linkTo("runs", { run: run.id }), "aria-label": filled(table.dataset.open, run) },
      run.id,
    );
    const seen =
      run.budget && run.budget !== run.images
        ? filled(table.dataset.of, { seen: count(run.images), budget: count(run.budget) })
        : count(run.images ?? 0);
    const main = (run.figures ?? []).filter((figure) => IN_TABLE.includes(figure.name));
    const figures = main.length ? main : (run.figures ?? []).slice(0, 2);
    const { looked: seen_by, counted } = table.dataset;
    const looked =
      figures.length && run.judged
        ? [make("small", {}, filled(run.judged.extractor ? seen_by : counted, spelled(run.judged)))]
        : [];
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, link),
      make("td", {}, titled(run.kind)),
      make("td", {}, make("span", { class: `state ${run.state}` }, table.dataset[run.state] ?? run.state)),
      make("td", { class: "number" }, seen),
      make(
        "td",
        {},
        ...figures.map((figure) => make("div", {}, `${titled(figure.title || figure.name)} ${withInterval(figure)}`)),
        ...looked,
      ),
    );
  }

  const withInterval = (figure) => `${number(figure.value)}${interval(figure)}`;
  function interval({ low, high }) {
    if (!Number.isFinite(low) || !Number.isFinite(high)) return "";
    return ` (${filled(table.dataset.interval, { low: number(low), high: number(high) })})`;
  }

  async function open(id, beside) {
    tell(section);
    try {
      const found = await ask((signal) =>
        Promise.all([id, beside].filter(Boolean).map((each) => api.run(each, signal))),
      );
      if (!found) return;
      opened = found;
      show();
    } catch (error) {
      one.hidden = true;
      tell(section, error);
    }
  }

  function show() {
    const [first, second] = opened;
    one.hidden = false;
    heading.textContent = second ? filled(heading.dataset.two, { one: first.id, other: second.id }) : first.id;
    for (const option of other.options) option.hidden = option.disabled = option.value === first.id;
    other.value = second?.id ?? "";
    one.querySelector(".facts").textContent = opened.map(facts).join(" — ");
    one.querySelector(".reports").replaceChildren(...opened.map(report));
    showCollapse();
    drawCurves(one.querySelector(".curves"), opened);
    const most = Math.max(...opened.map((run) => run.previews.length));
    previews.hidden = most === 0;
    slider.max = Math.max(0, most - 1);
    slider.value = slider.max;
    showPreviews();
    showFigures();
  }

  // What the training monitor measured at the end of a run that collapsed, and what to try.
  function showCollapse() {
    const line = one.querySelector(".collapse");
    const { won, covered } = line.dataset;
    const told = opened.filter((run) => run.collapse).map(({ id, collapse }) => {
      const text = collapse.trouble === "the discriminator has won" ? won : covered;
      const here = "\0"; // where the settings stand, each of which is to stay in one line
      const [before, after] = filled(text, { ...collapse, trouble: said(collapse.trouble), settings: here }).split(here);
      const settings = collapse.settings.split(/ (?=--set)/).map((each) => make("code", { class: "whole" }, each));
      return [`${id}: ${before}`, ...settings.flatMap((each) => [each, " "]), after];
    });
    line.replaceChildren(...told.flat());
    line.hidden = told.length === 0;
  }

  const facts = ({ name, kind, config = {} }) =>
    [titled(kind), name, config.preset, config.method, config.corruption, config.precision]
      .filter((value) => typeof value === "string")
      .join(" · ");

  function report({ id }) {
    const { one: only, of } = one.querySelector(".reports").dataset;
    const href = api.reportAddress(id, document.documentElement.lang.slice(0, 2));
    return make("a", { href, target: "_blank", rel: "noopener" }, opened.length > 1 ? filled(of, { id }) : only);
  }

  // The nearest preview of each run to the place of the slider.
  async function showPreviews() {
    const longest = opened.reduce((a, b) => (b.previews.length > a.previews.length ? b : a));
    const position = longest.previews[Number(slider.value)];
    if (position === undefined) return;
    slider.setAttribute("aria-valuetext", filled(slider.dataset.told, { count: count(position) }));
    previews.querySelector(".told").textContent = filled(slider.dataset.told, { count: count(position) });
    const pair = previews.querySelector(".pair");
    try {
      const shown = await Promise.all(
        opened
          .filter((run) => run.previews.length)
          .map((run) => preview(run, nearest(run.previews, position), pair.dataset.alt)),
      );
      if (longest.previews[Number(slider.value)] === position) pair.replaceChildren(...shown);
    } catch (error) {
      tell(section, error);
    }
  }

  const nearest = (positions, wanted) =>
    positions.reduce((one, other) => (Math.abs(other - wanted) < Math.abs(one - wanted) ? other : one));

  async function preview(run, position, alt) {
    const image = await pictured(
      await api.preview(run.id, position),
      filled(alt, { name: run.id, count: count(position) }),
      about(WIDTH / opened.length),
    );
    const caption =
      opened.length > 1
        ? [make("figcaption", {}, `${run.id}, ${filled(slider.dataset.told, { count: count(position) })}`)]
        : [];
    return make("figure", {}, image, ...caption);
  }

  function showFigures() {
    const place = one.querySelector(".figures");
    const { title, figure: head, yardstick, better } = place.dataset;
    const evaluated = opened.filter((run) => run.figures?.length);
    const names = [...new Set(evaluated.flatMap((run) => run.figures.map((each) => each.name)))];
    const lines = opened.map(judgment).filter(Boolean);
    if (evaluated.length > 1 && !comparable(...evaluated)) lines.unshift(make("p", {}, place.dataset.unlike));
    if (names.length === 0) return place.replaceChildren(...lines);
    const heads = [head, ...evaluated.map((run) => run.id), yardstick, better];
    const rows = names.map((name) => {
      const each = evaluated.map((run) => run.figures.find((one) => one.name === name));
      const any = each.find(Boolean);
      const cells = each.map((one) => make("td", { class: "number" }, one ? withInterval(one) : "–"));
      const best = any.better ? said(any.better) : "";
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, titled(any.title || name)),
        ...cells,
        make("td", { class: "number" }, number(any.yardstick)),
        make("td", {}, best),
      );
    });
    const drawn = make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...heads.map((each) => make("th", { scope: "col" }, each)))),
      make("tbody", {}, ...rows),
    );
    place.replaceChildren(
      make("h3", {}, title),
      make("div", { class: "wide", role: "region", "aria-label": title, tabindex: 0 }, drawn),
      ...lines,
    );
  }

  // Who looked at how many images, without which a figure says nothing; or that nobody has looked yet.
  function judgment({ id, kind, state, judged }) {
    const { judged: looked, counted, unjudged } = one.querySelector(".figures").dataset;
    const told = judged?.extractor ? looked : counted;
    if (judged) return make("p", { class: "quiet" }, filled(told, { name: id, ...spelled(judged) }));
    const command = EVALUATED_BY[kind];
    return command && state !== "training"
      ? make("p", { class: "quiet" }, filled(unjudged, { name: id, command }))
      : null;
  }

  // Of the same data, by the same eyes, of as many images: else a difference says nothing.
  const comparable = (one, two) =>
    one.name === two.name && ["extractor", "count", "against"].every((each) => one.judged[each] === two.judged[each]);

  const spelled = ({ extractor, count: images, against }) => ({
    extractor: extractor ?? "?",
    count: count(images ?? 0),
    part: said(against ?? "?"),
  });

  slider.addEventListener("input", showPreviews);
  other.addEventListener("change", () => {
    stand("runs", { run: opened[0].id, with: other.value });
    open(opened[0].id, other.value);
  });

  return async ({ run, with: beside }) => {
    if (!run) one.hidden = true;
    await list();
    if (!run || standing().values.run !== run) return;
    await open(run, beside);
    heading.focus();
  };
}
