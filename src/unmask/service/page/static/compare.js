// A known original under the file that shows it: the slider uncovers one or the other. Without script they stand side by side.
for (const figure of document.querySelectorAll(".compare")) {
  const slide = figure.querySelector(".slide");
  const range = slide.querySelector("input");
  const after = figure.querySelector(".after");
  const uncover = () => (after.style.clipPath = `inset(0 ${100 - range.value}% 0 0)`);
  figure.classList.add("sliding");
  slide.hidden = false;
  range.addEventListener("input", uncover);
  uncover();
}
