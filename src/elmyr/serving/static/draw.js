// Draw: what is drawn is read while it is drawn; once the pen rests, the nearest training images are asked for. Photos
// that are uploaded or dropped are read as they are or, with a box ticked, cut out as a drawing is.

import { recognize } from "./api.js";
import { live } from "./asking.js";
import { offerChanges } from "./change.js";
import { makePad, trace } from "./pad.js";
import { about, busy, filled, make, number, pictured, share, tell } from "./parts.js";
import { acceptPhotos, listPhotos } from "./photos.js";

const SIDE = 280; // units of the surface
const PEN = 22; // about as wide, beside a digit that fills the surface, as in MNIST
const NEAREST = 5;
const REST = 350; // milliseconds
const PREPARING = 700; // milliseconds between looks whether the training images are there
const NOT_TO_BE_HAD = 409;
const MOST_BARS = 12;

export default function draw(section) {
  const canvas = section.querySelector("canvas.pad");
  if (!canvas) return () => {};
  const part = (name) => section.querySelector(`.${name}`);
  const [reading, bars, seen, nearest, quiet] = ["reading", "bars", "seen", "nearest", "why-none"].map(part);
  const [how, listed, map] = ["how", "photos", "map"].map(part);
  const ofDrawing = how.textContent;
  const model = section.querySelector("[name=model]");
  const onPaper = section.querySelector(".on-paper");
  const explains = section.querySelector(".explains");
  const ofPhotos = () => (onPaper.checked ? "digit" : "model");
  const without = new Map(); // models whose training images are not to be had, and why
  let resting = null;
  let photos = []; // { name, image } of what was uploaded; none while something is drawn
  let refusal = null; // what is to be said of a file among them that is no image

  const surface = makePad(section, {
    size: { width: SIDE, height: SIDE },
    brush: () => ({ tool: "pen", width: PEN }),
    paint(context) {
      context.fillStyle = context.strokeStyle = getComputedStyle(canvas).color;
      for (const stroke of surface.standing()) trace(context, stroke);
    },
    changed,
  });

  // White on black, as the digits of MNIST are, whatever the page's colors.
  function drawing() {
    const sheet = make("canvas", { width: SIDE, height: SIDE });
    const context = sheet.getContext("2d");
    context.fillRect(0, 0, SIDE, SIDE);
    context.fillStyle = context.strokeStyle = "#fff";
    for (const stroke of surface.standing()) trace(context, stroke);
    return new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
  }

  // What is to be read, and how it becomes what the recognizer takes; nothing where there is nothing.
  async function question() {
    if (photos.length) return { image: photos[0].image, prepare: ofPhotos() };
    return surface.standing().length ? { image: await drawing(), prepare: "digit" } : null;
  }

  const clearChanges = offerChanges(section, model, question);
  const reader = live(read, (error) => {
    tell(section, error ?? refusal);
    busy(section, false);
    if (!error && (photos.length || surface.standing().length)) resting = setTimeout(findNearest, REST);
  });

  function changed() {
    clearChanges();
    clearTimeout(resting);
    resting = null;
    busy(section, true);
    if (surface.standing().length) {
      photos = [];
      refusal = null;
    }
    if (photos.length < 2) listed.replaceChildren();
    if (surface.standing().length === 0) {
      reader.drop();
      showNothing();
    }
    reader.want();
  }

  function showNothing() {
    reading.textContent = reading.dataset.none;
    for (const list of [bars, seen, map, nearest]) list.replaceChildren();
    quiet.textContent = "";
  }

  async function read(signal) {
    const asked = await question();
    if (!asked) return showNothing();
    const explain = explains.checked || undefined;
    const answer = await recognize(model.value, asked.image, { prepare: asked.prepare, explain, signal });
    const asItIs = asked.prepare === "model";
    const image = await pictured(answer.seen ?? asked.image, photos.length ? seen.dataset.photo : seen.dataset.alt, about(112));
    const { label, map: drawn } = answer.images[0];
    const maps = drawn ? [await pictured(drawn, filled(map.dataset.alt, { label }), about(112))] : [];
    if (signal.aborted) return;
    how.textContent = asItIs ? how.dataset[answer.opposite_ground ? "opposite" : "photo"] : ofDrawing;
    showReading(answer.images[0]);
    seen.replaceChildren(image);
    map.replaceChildren(...maps);
  }

  function showPhotos(given) {
    photos = given;
    surface.begin(); // what was drawn is not what is read
    if (photos.length > 1) listPhotos(listed, model.value, photos, ofPhotos());
  }

  function showReading({ label, probability, probabilities }) {
    reading.textContent = filled(reading.dataset.read, { label, probability: share(probability) });
    let rows = Object.entries(probabilities);
    if (rows.length > MOST_BARS) rows = rows.sort((one, other) => other[1] - one[1]).slice(0, MOST_BARS);
    while (bars.children.length > rows.length) bars.lastChild.remove();
    while (bars.children.length < rows.length) {
      bars.append(
        make(
          "li",
          {},
          make("span", { class: "name" }),
          make("span", { class: "bar" }, make("span")),
          make("span", { class: "share" }),
        ),
      );
    }
    rows.forEach(([name, value], place) => {
      const [named, bar, told] = bars.children[place].children;
      named.textContent = name;
      bar.firstChild.style.setProperty("width", `${100 * value}%`);
      told.textContent = share(value);
      bars.children[place].classList.toggle("first", name === String(label));
    });
  }

  async function findNearest() {
    const asked = model.value;
    quiet.textContent = without.get(asked) ?? "";
    if (without.has(asked)) return nearest.replaceChildren();
    const mine = resting; // whatever changes, changes this
    try {
      const { image, prepare } = await question();
      const answer = await recognize(asked, image, { prepare, nearest: NEAREST });
      if (resting !== mine) return;
      if (!answer.nearest_ready) {
        quiet.textContent = quiet.dataset.preparing;
        resting = setTimeout(findNearest, PREPARING);
        return;
      }
      const items = await Promise.all(answer.images[0].nearest.map(neighbor));
      if (resting === mine) nearest.replaceChildren(...items);
    } catch (error) {
      if (error.status === NOT_TO_BE_HAD) without.set(asked, error.message);
      if (resting !== mine) return;
      nearest.replaceChildren();
      quiet.textContent = error.message;
    }
  }

  async function neighbor({ label, distance, image }) {
    const told = { label: label ?? "?", distance: number(distance) };
    return make(
      "li",
      {},
      await pictured(image, filled(nearest.dataset.alt, told), about(64)),
      make("span", {}, told.label),
    );
  }

  model.addEventListener("change", () => (photos.length ? showPhotos(photos) : changed()));
  onPaper.addEventListener("change", () => photos.length && showPhotos(photos));
  explains.addEventListener("change", () => (photos.length ? showPhotos(photos) : changed()));
  acceptPhotos(section, showPhotos, (error) => {
    refusal = error;
    tell(section, error);
  });
  showNothing();
  surface.repaint();
  return () => surface.repaint();
}
