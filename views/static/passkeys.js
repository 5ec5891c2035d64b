"use strict";
// Passkeys: the button asks the browser for a key, and its answer goes with the form.
(() => {
  const field = document.querySelector("[data-passkey]");
  const button = document.querySelector("[data-passkey-button]");
  const error = document.querySelector("[data-passkey-error]");
  if (!field || !button || !window.PublicKeyCredential) return;
  button.hidden = false;

  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
  };
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (keys) => (keys || []).map((key) => ({ ...key, id: bytes(key.id) }));

  const ask = async () => {
    const options = JSON.parse(field.dataset.options);
    options.challenge = bytes(options.challenge);
    options.allowCredentials = described(options.allowCredentials);
    options.excludeCredentials = described(options.excludeCredentials);
    if (field.dataset.passkey === "get") return navigator.credentials.get({ publicKey: options });
    options.user.id = bytes(options.user.id);
    return navigator.credentials.create({ publicKey: options });
  };
  const answer = (key) => {
    const response = { clientDataJSON: text(key.response.clientDataJSON) };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach((part) => {
      if (key.response[part]) response[part] = text(key.response[part]);
    });
    return { id: key.id, rawId: text(key.rawId), type: key.type, response, clientExtensionResults: {} };
  };

  button.addEventListener("click", async () => {
    const form = field.form;
    if (!form.reportValidity()) return;
    error.hidden = true;
    button.disabled = true;
    try {
      field.value = JSON.stringify(answer(await ask()));
      form.requestSubmit();
    } catch {
      error.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
})();
