// The queue of cases by keyboard: j and k move, Enter opens.
import { keys } from "./keys.js";

const links = [...document.querySelectorAll(".queue tbody a")];

function move(by) {
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}

keys({ j: () => move(1), k: () => move(-1) });
