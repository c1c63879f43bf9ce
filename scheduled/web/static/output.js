// What a job prints, as it prints it: the end is followed, unless somebody has scrolled up to read.
const NEAR = 24;

function follows(pre) {
  return pre.scrollHeight - pre.scrollTop - pre.clientHeight < NEAR;
}

function show(pre, text) {
  if (pre.textContent === text) return;
  const atEnd = follows(pre);
  if (text.startsWith(pre.textContent)) pre.append(text.slice(pre.textContent.length));
  else pre.textContent = text;
  if (atEnd) pre.scrollTop = pre.scrollHeight;
}

document.addEventListener("output", (event) => {
  const told = JSON.parse(event.detail.data);
  const pre = document.querySelector(`pre[data-output="${told.run}"]`);
  if (pre) show(pre, told.output);
  const bar = document.getElementById(`progress-${told.run}`);
  if (bar && told.progress_total) [bar.max, bar.value] = [told.progress_total, told.progress_done];
});
for (const pre of document.querySelectorAll("pre[data-output]")) pre.scrollTop = pre.scrollHeight;
