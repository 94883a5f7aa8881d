// Curves against images seen, as inline SVG, drawn as the report draws them.

import { count, filled, make, number, page, said, titled } from "./parts.js";

const [WIDTH, HEIGHT] = [460, 260];
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 448, 12, 212];
const STEPS = [1, 2, 5, 10];
const HALF_LABEL = 18; // of a label's width, so that the last one stays inside
// Which figures share a chart; each other has its own.
const TOGETHER = {
  Losses: { discriminator_loss: ["discriminator", "real"], generator_loss: ["generator", "generated"] },
  Logits: { real_logits: ["real", "real"], fake_logits: ["generated", "generated"] },
};
const MAIN = ["watch_frechet_distance", "loss", "validation_error", "distance"];
const NOT_DRAWN = new Set(["images", "seconds", ...Object.values(TOGETHER).flatMap(Object.keys)]);

const compact = new Intl.NumberFormat(document.documentElement.lang, {
  notation: "compact",
  maximumSignificantDigits: 3,
});

function svg(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Where an axis begins and ends: at the least and the greatest value; from 0 on where these are the same.
function axis(values) {
  const low = values.reduce((one, other) => Math.min(one, other));
  const high = values.reduce((one, other) => Math.max(one, other));
  if (low < high) return [low, high];
  return low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(high, 0)];
}

// Round numbers between `low` and `high`, about five of them.
export function ticks([low, high]) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((one) => one * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step);
}

// Draws the curves of one or two runs, [{ id, curves }] as the server tells them; the less telling ones are folded.
export function drawCurves(place, runs) {
  const keys = [...new Set(runs.flatMap(({ curves }) => Object.keys(curves)))]
    .filter((key) => !NOT_DRAWN.has(key))
    .sort();
  const drawn = (groups) =>
    groups
      .map(([title, group]) => curve(titled(title), seriesOf(runs, group), runs.length > 1 || title in TOGETHER))
      .filter(Boolean);
  const alone = (key) => [key, { [key]: [key, "real"] }];
  const main = drawn([...Object.entries(TOGETHER), ...MAIN.map(alone)]);
  const more = drawn(keys.filter((key) => !MAIN.includes(key)).map(alone));
  const folded = place.querySelector("details");
  place.hidden = main.length + more.length === 0;
  place.querySelector(".charts").replaceChildren(...main);
  folded.hidden = more.length === 0;
  folded.querySelector(".charts").replaceChildren(...more);
}

function seriesOf(runs, group) {
  return runs.flatMap(({ id, curves }, place) =>
    Object.entries(group).map(([key, [label, color]]) => ({
      label: runs.length > 1 ? (Object.keys(group).length > 1 ? `${id}, ${said(label)}` : id) : said(label),
      style: `${color} dash-${place}`,
      points: (curves[key] ?? []).filter((point) => point.every(Number.isFinite)),
    })),
  );
}

function curve(title, series, named) {
  const drawn = series.filter((one) => one.points.length);
  const points = drawn.flatMap((one) => one.points);
  if (points.length === 0) return null;
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [wide, high] = [axis([0, ...xs]), axis(ys)];
  const x = (value) => LEFT + ((value - wide[0]) / (wide[1] - wide[0])) * (RIGHT - LEFT);
  const y = (value) => BOTTOM - ((value - high[0]) / (high[1] - high[0])) * (BOTTOM - TOP);
  const text = (content, attributes) => svg("text", attributes, content);
  const place = ([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  const path = (line) => `M${line.map(place).join("L")}${line.length === 1 ? "h0" : ""}`; // round caps show a point alone
  const ends = drawn.map(({ label, points: line }) =>
    filled(page.dataset.told, { label, value: number(line.at(-1)[1]), images: count(line.at(-1)[0]) }),
  );
  const chart = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": filled(page.dataset.chart, { title, ends: ends.join("; ") }),
    },
    ...ticks(high).map((value) =>
      svg("line", { x1: LEFT, x2: RIGHT, y1: y(value), y2: y(value), class: value === 0 ? "axis" : "grid" }),
    ),
    ...ticks(high).map((value) => text(compact.format(value), { x: LEFT - 8, y: y(value) + 4, class: "end" })),
    ...ticks(wide).map((value) =>
      text(compact.format(value), {
        x: x(value),
        y: BOTTOM + 20,
        class: x(value) > RIGHT - HALF_LABEL ? "end" : "middle",
      }),
    ),
    text(page.dataset.seen, { x: RIGHT, y: BOTTOM + 40, class: "end" }),
    ...drawn.map((one) => svg("path", { d: path(one.points), class: `line ${one.style}` })),
  );
  const keys = named ? drawn.map((one) => make("span", { class: `key ${one.style}` }, one.label)) : [];
  return make("figure", { class: "chart" }, make("figcaption", {}, make("strong", {}, title), ...keys), chart);
}
