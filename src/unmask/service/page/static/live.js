// A live check: shows each step as soon as the server sends it, says when it was painted, and sends what the camera sees.
const LONGEST = 320; // px of a frame's longer side
const QUALITY = 0.95; // of a frame's JPEG
const LIGHTER = 0.8; // likewise, where the line is slow or the picture too noisy
const LARGEST = 60 << 10; // bytes of a frame; the service refuses 64 KiB
const AHEAD = 48 << 10; // bytes that wait to be sent, above which a frame is left out
const PACE = 0.9; // share of its time that each step is shown at least, whatever the network bunches together

const root = document.querySelector("#live");
const words = JSON.parse(root.dataset.words);
const parts = Object.fromEntries([...root.querySelectorAll("section")].map((part) => [part.id, part]));
const camera = parts.camera;
const video = camera.querySelector("video");
const quarters = [...camera.querySelectorAll(".quarters i")];
const say = camera.querySelector(".say");
const told = say.querySelector("span");
const progress = say.querySelector("progress");
const canvas = document.createElement("canvas");
const [, check, ticket] = location.hash.match(/^#([0-9a-f-]+)\.([\w-]+)$/) ?? [];

let socket, way, back;
let asking = false, begun = false, running = false, ended = false;
let number = 0, sentAt = 0, gap = 1000, encoding = false, last = new Uint8Array();
let painted = 0; // ms, when the last step was
const steps = []; // that came and are not painted yet

function show(id) {
  for (const [name, part] of Object.entries(parts)) part.hidden = name !== id;
  parts[id].querySelector("h1").focus();
}

function connect() {
  const address = new URL(`/api/v1/live/${check}/session`, location);
  address.protocol = address.protocol.replace("http", "ws");
  socket = new WebSocket(address);
  socket.onopen = () => send({ ticket });
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = () => end("inconclusive", "connection");
}

function send(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(message instanceof Blob ? message : JSON.stringify(message));
}

function hear(said) {
  if (said.ready) offer(said);
  else if (said.busy) pause();
  else if (said.go) {
    begun = running = true;
    film(said.go);
    follow();
  }
  else if ("step" in said) step(said);
  else if (said.judging) judging();
  else if (said.outcome) {
    back = said.back;
    end(said.outcome, said.advice);
  }
  else end("inconclusive", `refused.${said.refused}`);
}

function offer({ ready, back: address }) {
  back = address;
  for (const item of root.querySelectorAll(".ways li")) {
    item.hidden = !ready.includes(item.dataset.way);
    const button = item.querySelector("button");
    button.disabled = false;
    button.onclick = () => look(item.dataset.way);
  }
  root.querySelector("#warning").hidden = !ready.includes("light");
  root.querySelector("#other").hidden = ready.length < 2;
}

// Opens the camera and shows the person themselves.
async function look(chosen) {
  if (asking) return;
  asking = true;
  way = chosen;
  try {
    const wanted = { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    video.srcObject ??= await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    for (const track of video.srcObject.getTracks()) track.onended = () => end("inconclusive", "camera lost");
    await video.play();
  } catch (error) {
    stop();
    return end("inconclusive", { NotAllowedError: "no permission", NotFoundError: "no camera" }[error.name] ?? "camera taken");
  }
  asking = false;
  if (ended) return stop();
  for (const tip of camera.querySelectorAll("[data-then]")) tip.hidden = tip.dataset.then !== way;
  show("camera");
}

function start() {
  root.querySelector("#busy").hidden = true;
  camera.classList.add("running");
  camera.classList.toggle("moving", way === "movement");
  camera.querySelector(".quarters").hidden = way !== "light";
  say.hidden = false;
  told.textContent = words.steady;
  progress.value = 0;
  send({ begin: way, time: performance.now() / 1000 });
}

// The service has as many checks as it can do: back to the mirror, to try again.
function pause() {
  camera.classList.remove("running");
  say.hidden = true;
  root.querySelector("#busy").hidden = false;
}

// Calls back for each new picture of the camera; where the browser cannot tell, 15 times a second.
function follow() {
  if (!running) return;
  const next = (now) => {
    capture(now ?? performance.now());
    follow();
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
  else setTimeout(next, 1000 / 15);
}

// How many frames the service would like per second. A tenth more often, or a camera out of step with us would miss many.
function film(perSecond) {
  gap = 900 / perSecond;
}

function capture(now) {
  if (!running || encoding || now - sentAt < gap || socket.bufferedAmount > AHEAD || !video.videoWidth) return;
  sentAt = now;
  encoding = true;
  const scale = LONGEST / Math.max(video.videoWidth, video.videoHeight);
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  encode(now, socket.bufferedAmount ? LIGHTER : QUALITY);
}

// A camera in the dark, or its driver, may give a picture twice; the service takes a second one for a replay.
function encode(now, quality) {
  canvas.toBlob(async (jpeg) => {
    if (jpeg?.size > LARGEST && quality > 0.2) return encode(now, quality - 0.2);
    const picture = jpeg ? new Uint8Array(await jpeg.arrayBuffer()) : last;
    encoding = false;
    if (!running || (picture.length === last.length && picture.every((value, i) => value === last[i]))) return;
    last = picture;
    const head = new DataView(new ArrayBuffer(12));
    head.setUint32(0, number++);
    head.setFloat64(4, now / 1000);
    send(new Blob([head, picture]));
  }, "image/jpeg", quality);
}

// Takes a step in; it is painted at once, unless others wait.
function step(said) {
  steps.push(said);
  if (steps.length === 1) paint();
}

// Paints the next step, but never too soon after the one before: nothing may ever flash faster than agreed.
function paint() {
  const wait = painted + 1000 * steps[0].seconds * PACE - performance.now();
  if (wait > 0) return setTimeout(paint, wait);
  const said = steps.shift();
  painted = performance.now();
  if (said.quarters) said.quarters.flat().forEach((colour, i) => { quarters[i].style.backgroundColor = `rgb(${colour})`; });
  else told.textContent = words[`move.${said.move}`];
  progress.value = (said.step + 1) / said.of;
  film(said.frames);
  requestAnimationFrame(() => requestAnimationFrame(() => send({ painted: said.step, time: performance.now() / 1000 })));
  if (steps.length) paint();
}

function judging() {
  running = false;
  told.textContent = words.judging;
}

const PATHS = { "live": "m7.500 12.500 3 3 6-7", "not live": "m8 8 8 8m0-8-8 8", "inconclusive": "M12 7v6m0 4v.01" };

const FOR_GOOD = ["refused.404", "refused.409", "refused.410"]; // what loading the page again does not change

function end(outcome, advice) {
  if (ended) return;
  ended = true;
  running = false;
  stop();
  camera.classList.remove("running");
  parts.end.classList.add(outcome.replace(" ", "-"));
  parts.end.querySelector("path").setAttribute("d", PATHS[outcome]);
  parts.end.querySelector("h1").textContent = words[title(outcome, advice)];
  const key = outcome === "live" ? (back ? "live.back" : "live.close") : advice;
  parts.end.querySelector(".todo").textContent = words[key] ?? words["try again"];
  const again = !begun && !FOR_GOOD.includes(advice);
  parts.end.querySelector("#again").hidden = !again;
  parts.end.querySelector("#return").hidden = !begun || outcome === "live" || Boolean(back);
  if (back) {
    const link = parts.end.querySelector("a");
    link.href = back;
    link.textContent = words.back.replace("{host}", new URL(back).host);
    link.classList.toggle("quiet", again);
    link.hidden = false;
  }
  parts.end.dataset.advice = advice;
  show("end");
  socket?.close();
}

// What is said at the end: what came of it, or that it has not begun, or cannot be done with this link.
function title(outcome, advice) {
  if (begun) return `outcome.${outcome}`;
  return FOR_GOOD.includes(advice) ? "refused" : "not begun";
}

// Lets go of the camera.
function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

root.querySelector("#start").onclick = start;
root.querySelector("#again").onclick = () => location.reload();
root.querySelector("#other").onclick = () => look(way === "light" ? "movement" : "light");
document.addEventListener("visibilitychange", () => {
  if (document.hidden && camera.classList.contains("running")) end("inconclusive", "hidden");
});
for (const link of document.querySelectorAll(".languages a")) link.hash = location.hash;

if (!navigator.mediaDevices) end("inconclusive", "no camera");
else if (ticket) connect();
else end("inconclusive", "refused.404");
