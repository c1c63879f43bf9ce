// The command palette: pages, schedules, and what can be done with them; a combobox whose list is a listbox.
const WAIT_MS = 120;
const MOST = 6;
let dialog = null;

export function openPalette() {
  if (dialog) return void dialog.querySelector("input").select();
  const opener = document.activeElement;
  dialog = build();
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    dialog = null;
    opener?.focus?.();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.showModal();
  settled = fill("");
}

function build() {
  const made = element("dialog", { className: "palette", ariaLabel: "Go to, or do" });
  const input = element("input", { type: "text", placeholder: "Go to a page or a schedule, or do something …", autocomplete: "off", spellcheck: false, maxLength: 100 });
  const told = { role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": "Go to, or do" };
  for (const [name, value] of Object.entries(told)) input.setAttribute(name, value);
  const list = element("ul", { id: "palette-list" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What fits");
  const said = element("p", { className: "hushed" });
  said.setAttribute("role", "status");
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    settled = new Promise((done) => (waiting = setTimeout(() => fill(input.value).finally(done), WAIT_MS)));
  });
  input.addEventListener("keydown", onKey);
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => act(event.target.closest("[role=option]")));
  list.addEventListener("mousemove", (event) => choose(event.target.closest("[role=option]"), false));
  made.append(input, list, said);
  return made;
}

// What was typed last has been looked for: whoever types and presses Enter at once means what that finds.
let settled = Promise.resolve();
let asked = 0;
async function fill(text) {
  const number = ++asked;
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const pages = knownPages().filter((page) => words.every((word) => `go to ${page.told}`.toLowerCase().includes(word)));
  show(pages, [], text);
  const schedules = await find(words.filter((word) => !VERBS.has(word)).join(" ")).catch(() => []);
  if (number !== asked || !dialog) return;
  show(pages, schedules.flatMap((schedule) => deeds(schedule, words)), text);
}

function knownPages() {
  const links = document.querySelectorAll("header nav a, header .who > a");
  const pages = [...links].map((link) => ({ told: link.textContent.trim(), hint: "page", act: () => link.click() }));
  return [...pages, { told: "Help about keys", hint: "help", act: () => document.dispatchEvent(new Event("keys:help")) }];
}

const VERBS = new Set(["run", "switch", "on", "off", "now", "go", "to", "open"]);

// What a schedule offers: its page, and for those who may, to run and to switch it.
function deeds(schedule, words) {
  const { schedules, may } = document.querySelector("[data-palette]").dataset;
  const at = `${schedules}/${encodeURIComponent(schedule.id)}`;
  const found = [{ told: schedule.name, hint: schedule.enabled ? "schedule" : "schedule, off", act: () => visit(at) }];
  if (may && !schedule.orphaned) {
    found.push({ told: `Run ${schedule.name} now …`, hint: "action", act: () => visit(`${at}/run`) });
    if (schedule.enabled) found.push({ told: `Switch ${schedule.name} off …`, hint: "action", act: () => visit(`${at}/disable`) });
    else found.push({ told: `Switch ${schedule.name} on`, hint: "action", act: () => post(`${at}/enable`) });
  }
  const verbs = words.filter((word) => VERBS.has(word));
  return found.filter((deed) => verbs.every((verb) => ["go", "to", "open"].includes(verb) || deed.told.toLowerCase().split(/\s+/).includes(verb)));
}

const visit = (url) => void (location.href = url);

function post(url) {
  const { csrf } = document.querySelector("[data-palette]").dataset;
  const form = element("form", { method: "post", action: url, hidden: true });
  form.append(element("input", { name: "csrf", value: csrf ?? "" }), element("input", { name: "back", value: location.pathname + location.search }));
  document.body.append(form);
  form.submit();
}

async function find(text) {
  const url = new URL(document.querySelector("[data-palette]").dataset.find, location.href);
  url.searchParams.set("limit", MOST);
  if (text) url.searchParams.set("q", text);
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  return answer.ok ? ((await answer.json()).items ?? []) : [];
}

let shown = [];
function show(pages, others, text) {
  shown = text.trim() ? [...others, ...pages] : [...pages, ...others.filter((one) => one.hint !== "action")];
  const list = dialog.querySelector("ul");
  list.replaceChildren(...shown.map((one, place) => {
    const option = element("li", { id: `palette-${place}` });
    option.setAttribute("role", "option");
    option.append(element("span", { textContent: one.told }), element("span", { className: "soft", textContent: one.hint }));
    return option;
  }));
  const told = shown.length ? `${shown.length} fit` : "Nothing fits.";
  dialog.querySelector("[role=status]").textContent = told;
  if (!shown.length) {
    const none = element("li", { className: "soft none", textContent: told, ariaDisabled: "true" });
    none.setAttribute("role", "option");
    list.append(none);
  }
  choose(list.querySelector("[id]"));
}

function choose(option, scroll = true) {
  if (!option?.id) return;
  for (const other of dialog.querySelectorAll("[role=option][id]")) other.setAttribute("aria-selected", String(other === option));
  dialog.querySelector("input").setAttribute("aria-activedescendant", option.id);
  if (scroll) option.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  const options = [...dialog.querySelectorAll("[role=option][id]")];
  const place = options.indexOf(chosenOption());
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && options.length) {
    event.preventDefault();
    choose(options[(place + step + options.length) % options.length]);
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    settled.then(() => dialog && act(chosenOption()));
  }
}

const chosenOption = () => dialog.querySelector("[role=option][aria-selected=true]");

function act(option) {
  const chosen = option?.id && shown[Number(option.id.slice("palette-".length))];
  if (!chosen) return;
  dialog.close();
  chosen.act();
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
