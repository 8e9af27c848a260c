// Passkeys: has the browser make or use one, and sends its answer with the form around the button.
const kinds = {
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
  create: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
};

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
  const said = document.getElementById(button.dataset.said);
  said.textContent = "";
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (button.dataset.passkey === "create" && !button.form.reportValidity()) return;
    said.textContent = "";
    button.disabled = true;
    try {
      const made = await kinds[button.dataset.passkey](JSON.parse(button.dataset.options));
      button.form.elements.answer.value = JSON.stringify(made.toJSON());
      button.form.submit(); // without asking for a code, which nobody has to type now
    } catch (error) {
      said.textContent = (error.name === "InvalidStateError" && said.dataset.known) || said.dataset.failed;
      button.disabled = false;
    }
  });
}
