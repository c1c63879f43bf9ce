// Shows what comes by the clocks of the schedule, of UTC or of the reader; the choice is remembered.
const KEY = "scheduled.zone";

function show() {
  const fields = document.querySelector(".zones");
  if (!fields) return;
  const own = fields.querySelector("[data-own]");
  own.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
  fields.hidden = false;
  const zone = fields.querySelector(":checked")?.value;
  const clock = new Intl.DateTimeFormat(undefined, { timeZone: zone, weekday: "short", dateStyle: undefined, year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit" });
  const offset = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  for (const time of document.querySelectorAll("time[data-zoned]")) {
    const moment = new Date(time.dateTime);
    const name = offset.formatToParts(moment).find((part) => part.type === "timeZoneName").value;
    const [shown, ahead] = [clock.format(moment), name.replace("GMT", "") || "+00:00"];
    if (time.textContent !== shown) time.textContent = shown;
    if (time.nextElementSibling.textContent !== ahead) time.nextElementSibling.textContent = ahead;
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function choose() {
  const kind = remembered();
  const wanted = kind === "own" ? "[data-own]" : kind === "UTC" ? "[value=UTC]" : "input";
  const input = document.querySelector(`.zones ${wanted === "input" ? wanted : `input${wanted}`}`);
  if (input) input.checked = true;
}

document.addEventListener("change", (event) => {
  if (!event.target.matches(".zones input")) return;
  const kind = event.target.hasAttribute("data-own") ? "own" : event.target.value;
  try {
    localStorage.setItem(KEY, kind);
  } catch {
    // Then it is forgotten with the page.
  }
  show();
});
document.addEventListener("htmx:after:swap", show);
choose();
show();
