// Photos from a field or dropped on a tab, as the service takes them, and a list of what each shows.

import { recognize } from "./api.js";
import { about, filled, make, pictured, share } from "./parts.js";

const KINDS = { "image/png": "PNG", "image/jpeg": "JPEG" }; // what is sent as it is
const SIDE = 2048; // pixels of what is made smaller here

// taken() hears of each lot of photos, as { name, image }; refused() of a file that is no image.
export function acceptPhotos(section, taken, refused) {
  const field = section.querySelector(".sources [type=file]");

  async function take(files) {
    const photos = [];
    let error = null;
    for (const file of files) {
      const image = await sendable(file, field.dataset).catch(() => null);
      if (image) photos.push({ name: file.name, image });
      else error = new Error(filled(field.dataset.noImage, { name: file.name }));
    }
    if (photos.length) taken(photos);
    refused(error);
  }

  field.addEventListener("change", () => take([...field.files]).finally(() => (field.value = ""))); // the same again, too
  section.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  section.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
}

// The file itself where the service takes it, else what the browser makes of it: a smaller JPEG on white.
async function sendable(file, { most, pixels }) {
  const image = await createImageBitmap(file);
  const bound = JSON.parse(pixels)[KINDS[file.type]] ?? 0;
  if (file.size <= Number(most) && image.width * image.height <= bound) return file;
  const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
  const size = { width: Math.max(1, image.width * scale), height: Math.max(1, image.height * scale) };
  const sheet = Object.assign(make("canvas"), size);
  const context = sheet.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size.width, size.height);
  context.drawImage(image, 0, 0, size.width, size.height);
  return new Promise((resolve) => sheet.toBlob(resolve, "image/jpeg", 0.95));
}

// Puts each photo into a list as it is recognized, one after the other, unless the list shows others by then.
export async function listPhotos(list, model, photos, prepare) {
  const items = photos.map(({ name }) => make("li", {}, make("span", { class: "name" }, name)));
  list.replaceChildren(...items);
  for (const [place, { name, image }] of photos.entries()) {
    let told;
    let shown = image;
    try {
      const answer = await recognize(model, image, { prepare });
      const { label, probability } = answer.images[0];
      told = filled(list.dataset.read, { label, probability: share(probability) });
      shown = answer.seen ?? image;
    } catch (error) {
      told = error.message;
    }
    if (items[place].parentElement !== list) return;
    const picture = await pictured(shown, name, about(64)).catch(() => "");
    items[place].prepend(picture);
    items[place].append(make("span", { class: "share" }, told));
  }
}
