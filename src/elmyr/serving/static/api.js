// The only module that talks to the server. What it refuses comes as an Error whose message is to be shown as it is.

import { page } from "./parts.js";

async function answerTo(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(page.dataset.lost);
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(told.error ?? `${answer.status} ${answer.statusText}`), { status: answer.status });
}

const toBlob = (address, options) => answerTo(address, options).then((answer) => answer.blob());
const toJson = (address, options) => answerTo(address, options).then((answer) => answer.json());

function ofModel(model, operation, values = {}) {
  const known = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined);
  return `/v1/models/${encodeURIComponent(model)}/${operation}?${new URLSearchParams(known)}`;
}

const image = (body, signal) => ({ method: "POST", headers: { "content-type": body.type }, body, signal });

export const recognize = (model, picture, { prepare, nearest, explain, signal } = {}) =>
  toJson(ofModel(model, "recognize", { prepare, nearest, explain }), image(picture, signal));

export const counterfactual = (model, picture, values) => toJson(ofModel(model, "counterfactual", values), image(picture));

export const fool = (model, picture, values) => toJson(ofModel(model, "fool", values), image(picture));

export const repair = (model, png, values, signal) => toJson(ofModel(model, "repair", values), image(png, signal));

export const translate = (model, png, values, signal) => toJson(ofModel(model, "translate", values), image(png, signal));

export const generateAddress = (model, values, format) => ofModel(model, "generate", { ...values, format });

export const generateGrid = (model, values, signal) => toBlob(generateAddress(model, values, "png"), { signal });

export const generate = (model, values, signal) => toJson(generateAddress(model, values, "json"), { signal });

export const edit = (model, png, values, signal) => toJson(ofModel(model, "edit", values), image(png, signal));

export const between = (model, values, signal) => toJson(ofModel(model, "between", values), { signal });

export const runs = () => toJson("/v1/runs");

const ofRun = (id) => `/v1/runs/${encodeURIComponent(id)}`;

export const run = (id, signal) => toJson(ofRun(id), { signal });

export const reportAddress = (id, lang) => `${ofRun(id)}/report?lang=${lang}`;

export const preview = (id, position) => toBlob(`${ofRun(id)}/previews/${position}.png`);

// What happens in a run after the place in its figures that `run` told.
export const events = (id, offset) => new EventSource(`${ofRun(id)}/events?after=${offset}`);
