// A take that is being judged: shows how far it is, and the answer as soon as it is there.
const box = document.querySelector("#take-answer");
const how = box.querySelector(".how");

async function look() {
  try {
    const answer = await fetch(box.dataset.take);
    const take = await answer.json();
    if (!answer.ok || take.finished) return await show();
    box.querySelector("progress").value = take.progress;
    if (take.state === "running" && how.textContent !== box.dataset.running) how.textContent = box.dataset.running;
  } catch {
    // the connection is away; the next look may find it again
  }
  setTimeout(look, 1000);
}

// Only this part of the page is made anew, since a video may be playing.
async function show() {
  const text = await (await fetch(location.href)).text();
  const there = new DOMParser().parseFromString(text, "text/html").querySelector("#take-answer");
  if (there) box.replaceChildren(...there.children);
  else location.reload();
}

setTimeout(look, 300);
