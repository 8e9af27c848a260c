// A check that is being judged: shows how far it is, and the verdict as soon as it is there.
const page = document.querySelector(".waiting-page");
const bar = page.querySelector("progress");
const how = page.querySelector("#how");
const where = page.querySelector("#where");

async function look() {
  try {
    const answer = await fetch(`/api/v1/checks/${page.dataset.check}`);
    const check = await answer.json();
    if (!answer.ok || check.finished) return location.reload();
    bar.value = check.progress;
    const percent = check.state === "running" ? `${Math.floor(100 * check.progress)} %` : "";
    where.textContent = check.place ? page.dataset.place.replace("{place}", check.place) : percent;
    if (check.state === "running" && how.textContent !== page.dataset.running) how.textContent = page.dataset.running;
  } catch {
    // the connection is away; the next look may find it again
  }
  setTimeout(look, 700);
}

setTimeout(look, 300);
