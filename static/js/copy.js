// A button that copies the value of a field; without scripts the field can be selected by hand.
import { announce } from "./shell.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // pages over plain HTTP have no clipboard of their own
    }
    button.textContent = "Copied";
    announce(button.dataset.copied ?? "The link is copied");
  });
}
