// Single keys as shortcuts. They can be switched off (WCAG 2.2, 2.1.4), and never fire while somebody types.
const SWITCH = "unmask-keys";

const help = document.querySelector("#help");
const on = document.querySelector("#keys-on");

export function keys(actions) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog");
    if (typing || !on?.checked || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const act = event.key === "?" ? () => help.showModal() : actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

if (help) {
  on.checked = localStorage.getItem(SWITCH) !== "off";
  on.addEventListener("change", () => localStorage.setItem(SWITCH, on.checked ? "on" : "off"));
  document.querySelector("#help-open").addEventListener("click", () => help.showModal());
}
