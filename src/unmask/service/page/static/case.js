// A case by keyboard: a digit chooses a decision, and nothing is decided before it was confirmed.
import "./copy.js";
import { keys } from "./keys.js";

const form = document.querySelector("#decision");
const confirmation = document.querySelector("#confirm");
const choices = [...(form?.querySelectorAll("[name=decision]") ?? [])];
const restriction = document.querySelector("#restriction");
const note = document.querySelector("#note");
const actions = {
  n: () => note?.focus(),
  u: () => location.assign("/cases"),
  j: () => document.querySelector("#next-case")?.click(),
};

function chosen() {
  return choices.find((choice) => choice.checked);
}

// A restriction names the rule behind it; nothing else asks for one.
function follow() {
  const restricts = chosen()?.hasAttribute("data-restricts") ?? false;
  restriction.hidden = !restricts;
  restriction.querySelector("#rule").required = restricts;
}

if (form) {
  choices.forEach((choice, i) => {
    choice.addEventListener("change", follow);
    actions[i + 1] = () => {
      choice.checked = true;
      follow();
      form.querySelector("#grounds").focus();
    };
  });
  follow();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = chosen().parentElement.firstElementChild.nextSibling.textContent.trim();
    confirmation.querySelector("h2").textContent = confirmation.dataset.title.replace("{decision}", name);
    confirmation.showModal();
    document.querySelector("#confirm-yes").focus();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  document.querySelector("#confirm-yes").addEventListener("click", () => form.submit());
  document.querySelector("#confirm-no").addEventListener("click", () => confirmation.close());
}
keys(actions);
