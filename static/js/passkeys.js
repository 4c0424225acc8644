// Forms that a passkey answers: data-passkey is "create" or "get", data-options what the server asks for
// (WebAuthn Level 3, sections 5.1.8 and 5.1.9). The answer goes back in the hidden field "credential".

const usable = window.PublicKeyCredential !== undefined && !/^[\d.]+$|:/.test(location.hostname);

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const known = (keys) => (keys ?? []).map((key) => ({ ...key, id: toBytes(key.id) }));

async function create(options) {
  const user = { ...options.user, id: toBytes(options.user.id) };
  const publicKey = { ...options, user, challenge: toBytes(options.challenge), excludeCredentials: known(options.excludeCredentials) };
  const made = await navigator.credentials.create({ publicKey });
  const { clientDataJSON, attestationObject } = made.response;
  const transports = made.response.getTransports?.() ?? [];
  return inText(made, { clientDataJSON: toText(clientDataJSON), attestationObject: toText(attestationObject), transports });
}

async function get(options) {
  const publicKey = { ...options, challenge: toBytes(options.challenge), allowCredentials: known(options.allowCredentials) };
  const shown = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = shown.response;
  const said = { clientDataJSON: toText(clientDataJSON), authenticatorData: toText(authenticatorData), signature: toText(signature) };
  return inText(shown, userHandle ? { ...said, userHandle: toText(userHandle) } : said);
}

function inText(credential, response) {
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
}

function inWords(error) {
  if (error.name === "InvalidStateError") return "This device has a passkey of yours already.";
  if (error.name === "NotAllowedError") return "No passkey was given: it was cancelled, took too long, or there is none for this page. Try again, or take another way.";
  return "The browser could not use a passkey here. Take another way.";
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  const button = form.querySelector("[data-passkey-go]");
  const fault = form.querySelector("[data-passkey-fault]");
  if (!usable) continue;
  form.querySelector("[data-passkey-none]").hidden = true;
  button.disabled = false;
  const answer = async () => {
    button.disabled = true;
    fault.hidden = true;
    try {
      const options = JSON.parse(form.dataset.options);
      form.elements.credential.value = await (form.dataset.passkey === "create" ? create(options) : get(options));
      form.submit();
    } catch (error) {
      fault.textContent = inWords(error);
      fault.hidden = false;
      button.disabled = false;
    }
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); answer(); });
  if ("passkeyAtOnce" in form.dataset) answer();
}
