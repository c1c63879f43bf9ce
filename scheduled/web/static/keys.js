// Keys on every page: to search, to go somewhere, for help. None is taken while somebody types or a dialog is open.
import { openPalette } from "./palette.js";

const PAGES = { s: "schedules", t: "timeline", r: "runs", w: "workers", e: "events" };
const WAIT_MS = 1500;
const OFF = "scheduled.keys";
let going = 0;

export function listenForKeys() {
  document.addEventListener("keydown", heard);
  document.addEventListener("keys:help", help);
  for (const button of document.querySelectorAll("[data-palette]")) {
    button.hidden = false;
    button.addEventListener("click", openPalette);
  }
}

function heard(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    if (document.querySelector("dialog[open]:not(.palette)")) return;
    event.preventDefault();
    return void openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (areOff()) return;
  if (event.key === "?") return event.preventDefault(), help();
  if (Date.now() - going < WAIT_MS && PAGES[event.key]) return event.preventDefault(), go(PAGES[event.key]);
  going = event.key === "g" ? Date.now() : 0;
  if (event.key === "/") return event.preventDefault(), lookFor();
}

function lookFor() {
  const search = document.querySelector("[data-search]");
  if (search) search.focus(), search.select();
  else if (document.querySelector("[data-palette]")) openPalette();
}

function isTyping(target) {
  return target.isContentEditable || target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");
}

function go(name) {
  document.querySelector(`header nav a[data-page="${name}"]`)?.click();
}

const LISTED = [
  ["/", "search on this page, or anywhere"], ["g s", "go to the schedules"], ["g t", "go to the timeline"], ["g r", "go to the runs"],
  ["g w", "go to the workers"], ["g e", "go to the events"],
];
const ALWAYS = [[/Mac|iP/.test(navigator.platform) ? "⌘ K" : "Ctrl K", "go anywhere, run or switch a schedule"], ["?", "this help"], ["Esc", "close"]];
const TIMELINE = [["← →", "move through time, with the lanes in focus"], ["+ −", "zoom in and out"]];

function help() {
  const dialog = element("dialog", { className: "help", ariaLabel: "Keys" });
  const chart = document.getElementById("chart") ? TIMELINE : [];
  const list = element("dl", { className: "keys" });
  for (const [keys, told] of [...ALWAYS, ...LISTED, ...chart]) {
    const names = element("dt");
    for (const key of keys.split(" ")) names.append(element("kbd", { textContent: key }), " ");
    list.append(names, element("dd", { textContent: told }));
  }
  const box = element("input", { type: "checkbox", checked: !areOff() });
  box.addEventListener("change", () => remember(!box.checked));
  const label = element("label", { className: "check" });
  label.append(box, "Keys without Ctrl work on these pages (they may be in the way of speech input)");
  const close = element("button", { type: "button", textContent: "Close", autofocus: true });
  close.addEventListener("click", () => dialog.close());
  dialog.append(element("h2", { textContent: "Keys" }), list, label, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

function areOff() {
  try {
    return localStorage.getItem(OFF) === "off";
  } catch {
    return false;
  }
}

function remember(off) {
  try {
    if (off) localStorage.setItem(OFF, "off");
    else localStorage.removeItem(OFF);
  } catch {
    // Then it holds for this page alone, as it was.
  }
}
