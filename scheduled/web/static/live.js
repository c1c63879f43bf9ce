// Keeps what every page shows of the daemon fresh, and says when news no longer comes. Rests while nobody looks.
const EVERY_MS = 10_000;
const RETRY_MS = 5_000;

export function keepFresh() {
  const stream = document.getElementById("stream");
  if (!stream) return;
  watch(stream);
  document.addEventListener("htmx:before:swap", dropStale);
  setInterval(() => document.hidden || feelPulse(), EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || feelPulse());
}

// The sign and the notices are replaced only where they differ, and told only when something else ails.
async function feelPulse() {
  const pulse = document.getElementById("pulse");
  const answer = pulse && (await fetch(pulse.dataset.fresh, { headers: { Accept: "text/html" } }).catch(() => null));
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["pulse", "vitals"]) {
    const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
    if (!old || !now || old.contains(document.activeElement)) continue;
    if (id === "vitals" && old.dataset.ailing !== now.dataset.ailing) tell(now);
    if (old.textContent !== now.textContent) old.replaceWith(now);
  }
}

function tell(vitals) {
  const said = document.getElementById("said");
  if (said) said.textContent = vitals.dataset.ailing ? vitals.textContent.trim() : "All is well again.";
}

// News that were asked for before a search changed the address would undo it: ask again.
function dropStale(event) {
  const { sourceElement, request } = event.detail.ctx;
  if (sourceElement.id !== "main" || new URL(request.action, document.baseURI).href === location.href.split("#")[0]) return;
  event.preventDefault();
  askForNews();
}

const askForNews = () => document.body.dispatchEvent(new CustomEvent("news", { bubbles: true }));

function watch(stream) {
  let lost = false;
  const sign = document.getElementById("live");
  const show = (text) => {
    sign.hidden = !text;
    sign.textContent = text;
  };
  stream.addEventListener("htmx:sse:after:connection", () => {
    // What happened while the stream was away was not told: look once.
    if (lost) askForNews();
    lost = false;
    show("");
  });
  stream.addEventListener("htmx:sse:before:connection", (event) => {
    if (event.detail.connection.attempt > 0) lost = true;
  });
  stream.addEventListener("htmx:sse:error", (event) => {
    if (document.hidden) return;
    lost = true;
    show(event.detail.status === 401 ? "Not live: reload to log in" : "Not live: reconnecting…");
  });
  const retry = () => {
    lost = true;
    show("Not live: reconnecting…");
    setTimeout(() => stream._htmx?.sse || htmx.ajax("GET", stream.getAttribute("hx-sse:connect"), { source: stream }), RETRY_MS);
  };
  stream.addEventListener("htmx:error", retry);
  stream.addEventListener("htmx:response:error", retry);
}
