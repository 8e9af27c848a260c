// A check that is being judged: shows how far it is, and the verdict as soon as it is there.
const page = document.querySelector(".waiting-page");
const bar = page.querySelector("progress");
const how = page.querySelector("#how");

async function look() {
  try {
    const answer = await fetch(`/api/v1/checks/${page.dataset.check}`);
    const check = await answer.json();
    if (!answer.ok || check.finished) return location.reload();
    bar.value = check.progress;
    if (check.state === "running" && how.textContent !== page.dataset.running) how.textContent = page.dataset.running;
  } catch {
    // the connection is away; the next look may find it again
  }
  setTimeout(look, 700);
}

setTimeout(look, 300);
