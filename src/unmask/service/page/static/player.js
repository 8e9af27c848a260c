// The player with what Unmask saw drawn over it, and the timelines below that steer it.
const NEAR = 0.06; // s from a telling moment within which its heatmap is shown

const figure = document.querySelector(".player");
const video = figure?.querySelector("video");
const photo = figure?.querySelector("img.media");
const overlay = figure?.querySelector(".overlay");
const duration = Number(figure?.dataset.duration) || 0;
const scrub = document.querySelector(".scrub");
const heads = [...document.querySelectorAll(".bars .head")];
const people = [...(overlay?.querySelectorAll("g") ?? [])].map((group) => {
  const places = JSON.parse(group.dataset.places);
  return {
    group, places, spans: JSON.parse(group.dataset.spans), reach: reach(places),
    box: group.querySelector(".box"), label: group.querySelector(".label"), heats: [...group.querySelectorAll(".heat")],
  };
});
const switches = { boxes: figure?.querySelector(".switch-boxes"), heat: figure?.querySelector(".switch-heat") };

// Seconds past which a pause between two sightings means that the face was not seen.
function reach(places) {
  const steps = places.slice(1).map((place, i) => place.time - places[i].time).sort((a, b) => a - b);
  return steps.length ? 2 * steps[Math.floor(0.95 * (steps.length - 1))] + 0.01 : 0.5;
}

// Where a face is at some time: between the sightings before and after it; null where it is not seen.
function placeAt(person, time) {
  const after = person.places.findIndex((place) => place.time >= time);
  const next = person.places[after], last = person.places[after < 0 ? person.places.length - 1 : after - 1];
  if (next && last && next.time - last.time <= person.reach) {
    const share = (time - last.time) / (next.time - last.time || 1);
    return last.box.map((edge, i) => edge + share * (next.box[i] - edge));
  }
  return [last, next].find((place) => place && Math.abs(place.time - time) <= person.reach / 4)?.box ?? null;
}

function draw(time) {
  for (const person of people) {
    const place = switches.boxes?.checked ? placeAt(person, time) : null;
    for (const element of [person.box, person.label]) element.setAttribute("visibility", place ? "visible" : "hidden");
    if (place) drawBox(person, place);
    person.group.classList.toggle("now", person.spans.some((span) => time >= span.start && time <= span.end));
    for (const heat of person.heats) {
      const shown = switches.heat?.checked && (photo || Math.abs(Number(heat.dataset.time) - time) <= NEAR);
      heat.setAttribute("visibility", shown ? "visible" : "hidden");
    }
  }
  if (!duration) return;
  for (const head of heads) head.setAttribute("transform", `translate(${(1000 * time) / duration} 0)`);
  if (scrub) {
    scrub.value = time;
    scrub.setAttribute("aria-valuetext", clock(time));
  }
}

function drawBox({ box, label }, [x0, y0, x1, y1]) {
  const size = Number(overlay.dataset.short) / 18;
  box.setAttribute("x", x0);
  box.setAttribute("y", y0);
  box.setAttribute("width", x1 - x0);
  box.setAttribute("height", y1 - y0);
  label.setAttribute("x", x0);
  label.setAttribute("y", Math.max(size, y0 - size / 3));
  label.setAttribute("font-size", size);
}

function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const within = `${minutes}:${rest.toFixed(1).padStart(4, "0")}`;
  return hours ? `${hours}:${within.padStart(7, "0")}` : within;
}

function jump(time) {
  if (!video) return;
  video.pause();
  video.currentTime = time;
}

function follow() {
  draw(video.currentTime);
  if (!video.paused) requestAnimationFrame(follow);
}

function unplayable() {
  figure.querySelector(".unplayable").hidden = false;
  overlay.setAttribute("visibility", "hidden");
}

if (video) {
  for (const event of ["play", "seeked", "timeupdate", "loadeddata"]) video.addEventListener(event, follow);
  video.addEventListener("error", unplayable);
  if (video.error) unplayable();
  scrub?.addEventListener("input", () => jump(Number(scrub.value)));
  for (const bars of document.querySelectorAll(".bars")) {
    bars.addEventListener("click", (event) => {
      const { left, width } = bars.getBoundingClientRect();
      jump((duration * (event.clientX - left)) / width);
    });
  }
  follow();
} else if (photo) {
  photo.addEventListener("error", unplayable);
  if (photo.complete && !photo.naturalWidth) unplayable();
  draw(0);
}
for (const one of Object.values(switches)) one?.addEventListener("change", () => draw(video?.currentTime ?? 0));
for (const button of document.querySelectorAll(".jump")) {
  button.addEventListener("click", () => {
    jump(Number(button.dataset.time));
    figure?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion)").matches ? "auto" : "smooth" });
  });
}
