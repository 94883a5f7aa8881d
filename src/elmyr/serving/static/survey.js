// Shows where a person stands and sends what they answer. What is real is known to the server alone.

const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const form = page.begin.querySelector("form");
const texts = { progress: page.progress.textContent, found: page.found.textContent };
let question = null; // the one that stands, once its images are to be seen
let shownAt = 0; // of the first time, also where the page was loaded again
const LONGEST = 24 * 3600; // seconds that the server takes

const filled = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);

async function ask(path, content) {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) };
  let answer;
  try {
    answer = await fetch(path, content === undefined ? {} : post);
  } catch {
    throw new Error(page.error.dataset.lost);
  }
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error ?? answer.statusText), { status: answer.status });
  return told;
}

function turnTo(section) {
  for (const one of [page.begin, page.ask, page.end]) one.hidden = one !== section;
}

async function show(standing) {
  page.error.textContent = "";
  if (standing.question) return showQuestion(standing);
  const [found] = standing.results;
  page.found.textContent = found ? filled(texts.found, found.generated) : "";
  turnTo(page.end);
  page.thanks.focus();
}

async function showQuestion(standing) {
  const images = standing.question.images.map((token, place) => {
    const image = new Image();
    image.src = `/images/${token}`;
    image.alt = filled(page.images.dataset.alt, { number: place + 1 });
    return image;
  });
  await Promise.all(images.map((image) => image.decode()));
  page.progress.textContent = filled(texts.progress, { number: standing.answered + 1, total: standing.total });
  const { since } = standing.question;
  const hide = Number(page.images.dataset.show);
  const hideAll = () => images.forEach((image) => image.classList.add("gone"));
  if (hide && since >= hide) hideAll(); // it had its time
  page.images.replaceChildren(...images);
  turnTo(page.ask);
  page.asked.focus();
  shownAt = performance.now() - since * 1000;
  question = standing.question;
  if (hide) setTimeout(hideAll, Math.max(0, hide - since) * 1000);
}

async function answer(choice) {
  if (!question) return;
  const seconds = Math.min((performance.now() - shownAt) / 1000, LONGEST);
  const given = { question: question.number, choice, seconds };
  const stood = question;
  question = null; // a second press before the next image is no answer to it
  try {
    await show(await ask("/answer", given));
  } catch (error) {
    if (error.status === 404) return location.reload(); // started again in the other form: the page is another, too
    question = stood;
    tell(error);
  }
}

function tell(error) {
  page.error.textContent = error.message;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await ask("/seat", { name: page.name.value }).then(show).catch(tell);
});

page.choices.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) answer(Number(button.dataset.choice));
});

document.addEventListener("keydown", (event) => {
  const key = { ArrowLeft: "←", ArrowRight: "→" }[event.key];
  const shortcut = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey; // the browser's own, such as back
  if (!key || shortcut || event.repeat || page.ask.hidden) return;
  event.preventDefault();
  answer(Number(page.choices.querySelector(`[data-key="${key}"]`).dataset.choice));
});

page.next.addEventListener("click", async () => {
  await ask("/leave", {}).then(() => begin()).catch(tell);
});

function begin() {
  page.name.value = "";
  turnTo(page.begin);
  page.name.focus();
}

ask("/standing").then(show, (error) => (error.status === 404 ? begin() : tell(error)));
