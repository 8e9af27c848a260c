// A take that is being judged: shows how far it is, and the answer as soon as it is there.
const box = document.querySelector("#take-answer");
const how = box.querySelector(".how");
const BUSY = [429, 503];

async function look() {
  try {
    const answer = await fetch(box.dataset.take);
    if (!answer.ok && !BUSY.includes(answer.status)) return location.reload();
    const take = await answer.json();
    if (take.finished && (await show())) return;
    if (take.state === "running") {
      box.querySelector("progress").value = take.progress;
      if (how.textContent !== box.dataset.running) how.textContent = box.dataset.running;
    }
  } catch {
    // the connection is away; the next look may find it again
  }
  setTimeout(look, 1500);
}

// Only this part of the page is made anew, since a video may be playing.
async function show() {
  const page = await fetch(location.href);
  if (!page.ok) return false;
  const made = new DOMParser().parseFromString(await page.text(), "text/html");
  box.replaceChildren(...made.querySelector("#take-answer").children);
  return true;
}

setTimeout(look, 300);
