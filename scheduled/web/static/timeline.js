// Moving and zooming a timeline: by wheel, drag, pinch and keys. Each loads the new window and puts it in place.
const LEAST_MS = 60_000;
const MOST_MS = 35 * 86_400_000;
const SETTLE_MS = 180;
let waiting = 0;
let asked = 0;

const chart = () => document.getElementById("chart");
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const spelled = (moment) => new Date(Math.round(moment / 1000) * 1000).toISOString().replace(".000", "");

// What is meant to be shown, ahead of what the server has drawn yet.
let wanted = null;
const shown = () => ({ since: Date.parse(chart().dataset.since), until: Date.parse(chart().dataset.until) });
const current = () => wanted ?? shown();

function move(by) {
  const { since, until } = current();
  want({ since: since + by * (until - since), until: until + by * (until - since) });
}

function zoom(factor, at = 0.5) {
  const { since, until } = current();
  const width = clamp((until - since) * factor, LEAST_MS, MOST_MS);
  const fixed = since + at * (until - since);
  want({ since: fixed - at * width, until: fixed + (1 - at) * width });
}

function want(range) {
  wanted = range;
  preview();
  clearTimeout(waiting);
  waiting = setTimeout(load, SETTLE_MS);
}

// Until the new drawing is here, the old one is moved and stretched to where its times will be.
function preview() {
  const [old, now] = [shown(), current()];
  chart().setAttribute("aria-busy", "true");
  const scale = (old.until - old.since) / (now.until - now.since);
  const shift = ((old.since - now.since) / (now.until - now.since)) * 100;
  for (const svg of chart().querySelectorAll("svg")) {
    svg.style.transformOrigin = "0 0";
    svg.style.transform = `translateX(${shift}%) scaleX(${scale})`;
  }
}

function load() {
  if (!wanted) return undefined;
  const target = wanted;
  const url = new URL(location.href);
  for (const name of ["at", "span"]) url.searchParams.delete(name);
  url.searchParams.set("since", spelled(wanted.since));
  url.searchParams.set("until", spelled(wanted.until));
  url.searchParams.set("zone", chart().dataset.zone);
  return show(url, { target });
}

async function show(url, { push = false, target = wanted } = {}) {
  const number = ++asked;
  chart()?.classList.add("waiting");
  chart()?.setAttribute("aria-busy", "true");
  const answer = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  if (number !== asked) return;
  if (!answer?.ok) return void (location.href = url);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (number !== asked) return;
  const old = document.getElementById("main");
  const focused = chart()?.contains(document.activeElement);
  const open = old.querySelector("details.words")?.open;
  old.replaceWith(fresh);
  if (wanted === target) wanted = null;
  else preview();
  if (open) fresh.querySelector("details.words")?.setAttribute("open", "");
  history[push ? "pushState" : "replaceState"](null, "", url);
  window.htmx?.process(fresh);
  document.dispatchEvent(new Event("timeline:shown"));
  if (focused) chart()?.focus({ preventScroll: true });
  const said = document.getElementById("said");
  if (said) said.textContent = fresh.querySelector(".range")?.textContent ?? "";
}

const KEYS = {
  ArrowLeft: () => move(-0.25), ArrowRight: () => move(0.25), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
  Home: () => document.querySelector("[data-move=now]")?.click(),
};
document.addEventListener("keydown", (event) => {
  if (!chart() || event.target !== chart() || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (act) event.preventDefault(), act();
});

// The links do the same, without a new page.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".controls a, .lane svg a[href*='since=']");
  if (!link || !chart() || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  show(new URL(link.href.baseVal ?? link.href, location.href), { push: true });
});
window.addEventListener("popstate", () => location.reload());

document.addEventListener("wheel", (event) => {
  const area = event.target.closest?.("#chart");
  if (!area || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event.preventDefault();
  if (event.shiftKey) return move(clamp((event.deltaX || event.deltaY) / 800, -0.5, 0.5));
  zoom(Math.exp(clamp(event.deltaY, -100, 100) / 250), place(event.clientX));
}, { passive: false });

function place(x) {
  const box = chart().querySelector(".under").parentElement.querySelector(".axis svg").parentElement.getBoundingClientRect();
  const names = parseFloat(getComputedStyle(chart().querySelector(".under")).left) || 0;
  return clamp((x - box.left - names) / (box.width - names), 0, 1);
}

// One pointer drags, two pinch. A click that was a drag opens nothing.
const pointers = new Map();
let start = null;
let dragged = false;
document.addEventListener("pointerdown", (event) => {
  const area = event.target.closest?.("#chart");
  if (!area || event.button || event.target.closest(".name")) return;
  pointers.set(event.pointerId, event.clientX);
  dragged = false;
  begin();
});
function begin() {
  const xs = [...pointers.values()];
  start = { range: current(), xs, places: xs.map(place) };
}
document.addEventListener("pointermove", (event) => {
  if (!pointers.has(event.pointerId) || !chart()) return;
  pointers.set(event.pointerId, event.clientX);
  const xs = [...pointers.values()];
  if (!dragged && Math.abs(xs[0] - start.xs[0]) < 5 && xs.length === 1) return;
  if (!dragged) chart().setPointerCapture?.(event.pointerId);
  dragged = true;
  chart().classList.add("moving");
  const { since, until } = start.range;
  const width = until - since;
  const now = xs.map(place);
  if (xs.length === 1) return want({ since: since + (start.places[0] - now[0]) * width, until: until + (start.places[0] - now[0]) * width });
  const grown = clamp((width * Math.abs(start.places[1] - start.places[0])) / Math.max(0.02, Math.abs(now[1] - now[0])), LEAST_MS, MOST_MS);
  const fixed = since + ((start.places[0] + start.places[1]) / 2) * width;
  const middle = (now[0] + now[1]) / 2;
  want({ since: fixed - middle * grown, until: fixed + (1 - middle) * grown });
});
for (const name of ["pointerup", "pointercancel"]) {
  document.addEventListener(name, (event) => {
    if (!pointers.delete(event.pointerId)) return;
    chart()?.classList.remove("moving");
    if (pointers.size) begin();
  });
}
document.addEventListener("click", (event) => {
  if (dragged && event.target.closest?.("#chart")) event.preventDefault(), event.stopPropagation();
  dragged = false;
}, true);
document.addEventListener("dragstart", (event) => event.target.closest?.("#chart") && event.preventDefault());

// Ticks as the reader's locale writes them; and where no zone was chosen, by the reader's own clock.
function localise() {
  const area = chart();
  if (!area) return;
  const zone = area.dataset.zone;
  const time = new Intl.DateTimeFormat(undefined, { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { timeZone: zone, weekday: "short", day: "numeric", month: "short" });
  for (const tick of area.querySelectorAll("text[data-at]")) {
    const shown = (tick.classList.contains("major") ? day : time).format(new Date(tick.dataset.at));
    if (tick.textContent !== shown) tick.textContent = shown;
  }
  const choice = document.querySelector("select[data-zone]");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (choice && ![...choice.options].some((option) => option.value === own)) choice.add(new Option(own, own));
}
document.addEventListener("change", (event) => event.target.matches?.("select[data-zone]") && event.target.form.requestSubmit());
document.addEventListener("timeline:shown", localise);
document.addEventListener("htmx:after:swap", () => (localise(), wanted && chart() && preview()));
localise();
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (chart() && own && own !== "UTC" && !new URLSearchParams(location.search).has("zone")) {
  const url = new URL(location.href);
  url.searchParams.set("zone", own);
  show(url);
}

// The present moves on, also while nothing happens.
setInterval(() => {
  const line = !document.hidden && !wanted && chart()?.querySelector("line.now");
  if (!line) return;
  const { since, until } = shown();
  const x = `${clamp((100 * (Date.now() - since)) / (until - since), 0, 100).toFixed(2)}%`;
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
}, 10_000);
