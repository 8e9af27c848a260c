// Buttons that copy a text; where the browser gives no access to the clipboard, the text is marked instead.
for (const button of document.querySelectorAll(".copy")) {
  const text = document.getElementById(button.dataset.of);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.value ?? text.textContent);
      button.textContent = button.dataset.done;
    } catch {
      getSelection().selectAllChildren(text);
      text.select?.();
    }
  });
}
