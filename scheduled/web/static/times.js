// Shows each <time data-as> by the reader's clock and locale: exactly, as how long ago, or counting down.
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ofDay = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function relatively(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

function countdown(moment) {
  const left = Math.round((moment - Date.now()) / 1000);
  if (left < 1) return "now";
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  if (hours >= 48) return relatively(moment);
  const padded = [minutes, seconds].map((part) => String(part).padStart(2, "0"));
  return `in ${hours ? `${hours}:` : ""}${padded.join(":")}`;
}

function age(moment) {
  const seconds = Math.max(0, Math.floor((Date.now() - moment) / 1000));
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

const WAYS = { full: (moment) => full.format(moment), time: (moment) => ofDay.format(moment), ago: relatively, countdown, age };

export function showTimes(root) {
  for (const element of root.querySelectorAll("time[data-as]")) {
    const moment = new Date(element.dateTime);
    const shown = (WAYS[element.dataset.as] ?? WAYS.full)(moment);
    if (element.textContent !== shown) element.textContent = shown;
    element.title = `${full.format(moment)} (${element.dateTime})`;
  }
}
