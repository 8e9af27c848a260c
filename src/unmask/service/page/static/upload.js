// Files on their way in, in pieces that go on where the connection broke (tus 1.0, tus.io), one file after the other.
const PIECE = 8 << 20; // bytes sent at once: what a broken connection can cost
const TRIES = 6; // failures in a row, without a byte in between, after which the reader is asked
const API = "/api/v1";

const form = document.querySelector(".drop");
const input = form.querySelector("input[type=file]");
const list = document.querySelector(".files");
const status = document.querySelector("#upload-status");
const words = JSON.parse(form.dataset.words);
const verdicts = JSON.parse(form.dataset.verdicts);
const most = Number(form.dataset.most);
const csrf = document.body.dataset.csrf;
const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
let turn = Promise.resolve();

// An answer that trying again would not change; its message is for people.
class Refused extends Error {}

function bring(files) {
  const alone = files.length === 1 && !list.children.length;
  for (const file of files) {
    const row = new Row(file);
    if (!file.size) row.stop(words.empty);
    else if (file.size > most) row.stop(words.too_large);
    else turn = turn.then(() => send(row, alone));
  }
}

async function send(row, alone) {
  if (row.cancelled) return;
  row.work();
  try {
    const check = await upload(row);
    if (!check) return;
    forget(row.file);
    row.buttons.replaceChildren();
    if (alone) location.assign(`/checks/${check}`);
    else watch(row, check);
  } catch (error) {
    if (row.cancelled) return;
    row.stop(error instanceof Refused ? error.message : words.stopped, !(error instanceof Refused), () => {
      turn = turn.then(() => send(row, alone));
    });
  }
}

// Sends what is missing of a file, and gives the id of the check that it became.
async function upload(row) {
  let failures = 0, offset = -1;
  while (!row.cancelled) {
    try {
      row.address ??= remembered(row.file) ?? (await begin(row.file));
      const at = await offsetOf(row);
      if (at === null) continue;
      if (at > offset) failures = 0;
      if (offset < 0 && at > 0) row.say(words.resumed);
      offset = at;
      const check = await patch(row, offset);
      if (check) return check;
      failures = 0;
    } catch (error) {
      if (error instanceof Refused || row.cancelled || ++failures >= TRIES) throw error;
      row.say(words.offline);
      await pause(Math.min(30, 2 ** failures / 2));
    }
  }
  return null;
}

async function begin(file) {
  const metadata = `filename ${btoa(String.fromCharCode(...new TextEncoder().encode(file.name)))}`;
  const answer = await fetch(`${API}/uploads`, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf, "Tus-Resumable": "1.0.0", "Upload-Length": file.size, "Upload-Metadata": metadata },
  });
  if (!answer.ok) await refuse(answer);
  const address = answer.headers.get("Location");
  localStorage.setItem(key(file), address);
  return address;
}

// Bytes that have come; null where the upload is gone and has to begin anew.
async function offsetOf(row) {
  const answer = await fetch(row.address, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
  if (answer.status === 404) {
    forget(row.file);
    row.address = null;
    return null;
  }
  if (!answer.ok) await refuse(answer);
  return Number(answer.headers.get("Upload-Offset"));
}

function patch(row, offset) {
  return new Promise((done, failed) => {
    const request = (row.request = new XMLHttpRequest());
    request.open("PATCH", row.address);
    for (const [name, value] of Object.entries({
      "X-CSRF-Token": csrf, "Tus-Resumable": "1.0.0", "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream",
    })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => row.sent(offset + event.loaded);
    request.onerror = request.onabort = () => failed(new Error("broken off"));
    request.onload = () => {
      if (request.status < 300) done(request.getResponseHeader("Unmask-Check"));
      else if (request.status === 409 || request.status >= 500) failed(new Error(request.status));
      else failed(new Refused(reason(request.status, request.responseText)));
    };
    const piece = row.file.slice(offset, offset + PIECE);
    if (offset + piece.size >= row.file.size) request.upload.onload = () => row.say(words.finishing);
    request.send(piece);
  });
}

async function refuse(answer) {
  const body = await answer.text();
  const again = (answer.status >= 500 || answer.status === 429) && !body.includes('"title":"Quota"');
  throw again ? new Error(answer.status) : new Refused(reason(answer.status, body));
}

function reason(code, body) {
  if (code === 401 || code === 403) return words.signed_out;
  if (code === 413) return words.too_large;
  try {
    return words.refused.replace("{why}", JSON.parse(body).detail);
  } catch {
    return words.stopped;
  }
}

// Follows a check until its verdict is there.
async function watch(row, check) {
  row.link(`/checks/${check}`);
  for (let wait = 1; ; wait = Math.min(5, wait * 1.2)) {
    try {
      const answer = await fetch(`${API}/checks/${check}`);
      const now = await answer.json();
      if (!answer.ok || now.finished) return row.done(verdicts[(now.outcome ?? "not judged").replaceAll(" ", "-")]);
      row.judging(now.state === "queued" ? words.queued : words.judging, now.progress);
    } catch {
      row.say(words.offline);
    }
    await pause(wait);
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const key = (file) => `unmask-upload ${file.name} ${file.size} ${file.lastModified}`;
const remembered = (file) => localStorage.getItem(key(file));
const forget = (file) => localStorage.removeItem(key(file));

// A file in the list: its name, how it fares, and what can be done.
class Row {
  constructor(file) {
    this.file = file;
    this.item = list.appendChild(document.createElement("li"));
    this.name = this.add("span", "what", file.name);
    this.how = this.add("span", "how", words.waiting);
    this.buttons = this.add("span", "do");
    this.bar = this.add("progress");
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    this.cancelButton();
  }

  add(tag, kind = "", text = "") {
    const element = this.item.appendChild(document.createElement(tag));
    element.className = kind;
    element.textContent = text;
    return element;
  }

  button(text, act) {
    const button = this.buttons.appendChild(document.createElement("button"));
    Object.assign(button, { type: "button", className: "quiet", textContent: text, onclick: act });
    button.setAttribute("aria-label", `${text}: ${this.file.name}`);
  }

  cancelButton() {
    this.button(words.cancel, () => {
      this.cancelled = true;
      this.request?.abort();
      if (this.address) fetch(this.address, { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
      forget(this.file);
      this.item.remove();
      input.focus();
    });
  }

  work() {
    this.how.classList.remove("bad");
    this.buttons.replaceChildren();
    this.cancelButton();
    this.say(words.sending.replace("{share}", percent.format(0)));
  }

  say(text) {
    this.how.textContent = text;
    status.textContent = `${this.file.name}: ${text}`;
  }

  sent(bytes) {
    this.bar.value = bytes / this.file.size;
    this.how.textContent = words.sending.replace("{share}", percent.format(this.bar.value));
  }

  judging(text, share) {
    this.how.textContent = text;
    this.bar.value = share;
  }

  link(address) {
    const link = document.createElement("a");
    Object.assign(link, { href: address, textContent: this.file.name });
    this.name.replaceChildren(link);
  }

  done(text) {
    this.say(text);
    this.bar.remove();
  }

  stop(text, again = false, act = null) {
    this.say(text);
    this.how.classList.add("bad");
    if (again) {
      this.buttons.replaceChildren();
      this.button(words.again, act);
      this.cancelButton();
    }
  }
}

input.multiple = true;
input.required = false;
input.addEventListener("change", () => {
  bring([...input.files]);
  input.value = "";
});
for (const event of ["dragover", "drop"]) document.addEventListener(event, (drag) => drag.preventDefault());
document.addEventListener("dragover", () => form.classList.add("over"));
document.addEventListener("dragleave", (drag) => drag.relatedTarget || form.classList.remove("over"));
document.addEventListener("drop", (drag) => {
  form.classList.remove("over");
  bring([...drag.dataTransfer.files]);
});
document.addEventListener("paste", (paste) => {
  if (paste.clipboardData.files.length) bring([...paste.clipboardData.files]);
});
addEventListener("beforeunload", (leave) => {
  if (list.querySelector("button")) leave.preventDefault();
});
