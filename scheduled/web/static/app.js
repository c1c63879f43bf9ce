// What pages gain where scripts run: the reader's own clock and locale, news as it happens, forms in a dialog.
import { showTimes } from "./times.js";
import { keepFresh } from "./live.js";
import { listenForKeys } from "./keys.js";

showTimes(document);
setInterval(() => document.hidden || showTimes(document), 1000);
document.addEventListener("visibilitychange", () => document.hidden || showTimes(document));
keepFresh();
listenForKeys();
document.addEventListener("htmx:after:swap", () => showTimes(document));

// A link marked data-dialog opens the page that it leads to in the dialog, which submits as that page would.
document.addEventListener("click", async (event) => {
  const opener = event.target.closest("a[data-dialog]");
  if (!opener || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const answer = await fetch(opener.href, { headers: { Accept: "text/html" } });
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#main .page");
  const dialog = document.getElementById("dialog");
  if (!answer.ok || !found || !dialog) return void (location.href = opener.href);
  dialog.replaceChildren(found);
  showTimes(dialog);
  dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("input:not([type=hidden]), textarea, button"))?.focus();
});
document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-close]");
  if (!closer || !closer.closest("dialog")) return;
  event.preventDefault();
  closer.closest("dialog").close();
});
