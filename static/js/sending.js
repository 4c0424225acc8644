// One file on its way to the server, with its progress.

/** Send `body` (FormData) and resolve to {status, verdicts, message}. `signal` stops it. */
export function send(address, body, { token, onProgress, signal }) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const finish = (status, answer) => done({ status, verdicts: answer?.files ?? [], message: answer?.message ?? "" });
    request.open("POST", address);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token);
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); });
    request.addEventListener("load", () => finish(request.status, request.response));
    request.addEventListener("error", () => finish(0, null));
    request.addEventListener("abort", () => finish(-1, null));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

/** Answers that say nothing of the file: no connection, or a proxy whose server is away. */
export const LOST = [0, 502, 503, 504];

/** Whether the server is there (again). */
export async function answers() {
  try {
    return (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Why a whole request failed, in words. */
export function reason(status, message) {
  if (status === -1) return "Cancelled before it was sent.";
  if (status === 0) return "The connection was lost. It goes on by itself when it is back.";
  return message || `The server answered ${status}. Retry in a moment.`;
}
