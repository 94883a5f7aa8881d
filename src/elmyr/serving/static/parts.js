// What several tabs use: elements, sentences, numbers, fields, images.

export const page = document.getElementById("workbench");

const spoken = JSON.parse(page.dataset.spoken);
const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 4 });
const counts = new Intl.NumberFormat(document.documentElement.lang);

export const number = (value) => (Number.isFinite(value) ? numbers.format(value) : "–");
export const count = (value) => counts.format(value);
// In percent; what is not quite all is not told as all.
export const share = (value) => (value < 1 && value > 0.9995 ? "> 99.9 %" : `${(100 * value).toFixed(1)} %`);

// A name of the records in the page's language; a metric's key becomes words.
export const said = (name) => spoken[name.replaceAll("_", " ")] ?? name.replaceAll("_", " ");

export const titled = (name) => said(name).charAt(0).toUpperCase() + said(name).slice(1);

// A sentence of the page with its {places} filled.
export const filled = (text, values) => text.replace(/{(\w+)}/g, (whole, name) => values[name] ?? whole);

// A whole number of screen pixels a pixel, so that an image is about so wide.
export const about = (wanted) => (width) => Math.max(1, Math.round(wanted / width));

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function busy(section, is) {
  section.querySelector(".results").setAttribute("aria-busy", is);
}

export function tell(section, error) {
  const line = section.querySelector(".error");
  const text = error ? error.message : "";
  if (line.textContent !== text) line.textContent = text;
}

// An image of so many screen pixels a pixel, from base64 or a Blob.
export async function pictured(source, alt, scale) {
  const image = make("img", { alt, class: "pixels" });
  image.src = source instanceof Blob ? await asData(source) : `data:image/png;base64,${source}`;
  await image.decode();
  const fitting = typeof scale === "function" ? scale(image.naturalWidth, image.naturalHeight) : scale;
  image.width = image.naturalWidth * fitting;
  image.height = image.naturalHeight * fitting;
  return image;
}

function asData(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

const ofModel = (select) => select.selectedOptions[0]?.dataset;
export const classesOf = (select) => JSON.parse(ofModel(select)?.classes || "[]");
export const directionsOf = (select) => JSON.parse(ofModel(select)?.directions || "{}");
export const isStyled = (select) => ofModel(select)?.styled === "true";
export const movesOf = (select) => JSON.parse(ofModel(select)?.moves || "[]");
export const shapeOf = (select) => JSON.parse(ofModel(select)?.shape || "[]");

// Puts a model's classes into a select behind its first choice, now and whenever the model changes.
export function offerClasses(model, select) {
  const none = select.options[0];
  const offer = () => {
    const chosen = select.value;
    const classes = classesOf(model);
    select.replaceChildren(none, ...classes.map((name) => make("option", { value: name }, name)));
    select.value = classes.includes(chosen) ? chosen : "";
    select.parentElement.hidden = classes.length === 0;
  };
  model.addEventListener("change", offer);
  offer();
}

// Shows beside each slider what it stands at; gives what shows it anew.
export function followSliders(section) {
  const show = () => {
    for (const shown of section.querySelectorAll("output")) {
      shown.value = document.getElementById(shown.htmlFor.value).value;
    }
  };
  section.addEventListener("input", show);
  show();
  return show;
}

export const valuesOf = (form) => Object.fromEntries(new FormData(form));

// The values that an address names, where the form has such a field and such a choice.
export function setValues(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (!field) continue;
    const stood = field.value;
    field.value = value;
    if (field.value !== value) field.value = stood;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
