// What operator pages gain where script runs. Every page works without it.
const root = document.documentElement;
const all = (selector, from = document) => from.querySelectorAll(selector);

// Light or dark, kept in this browser; without a choice the system's is followed.
for (const button of all("[data-theme-toggle]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = theme;
    try { localStorage.setItem("theme", theme); } catch { /* kept for this page only */ }
  });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* none kept */ }
  if (!chosen) root.dataset.theme = event.matches ? "dark" : "light";
});

// One open menu at a time; Escape or a press elsewhere closes it.
document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of all("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A button with data-confirm asks first.
let asking = null;
function ask(button) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", "ask-title");
  const head = document.createElement("header");
  head.className = "dialog-head";
  const title = document.createElement("h2");
  title.id = "ask-title";
  title.textContent = button.textContent.trim() + "?";
  head.append(title);
  const body = document.createElement("div");
  body.className = "dialog-body";
  const text = document.createElement("p");
  text.textContent = button.dataset.confirm;
  const row = document.createElement("div");
  row.className = "row";
  const yes = document.createElement("button");
  yes.className = "btn btn-danger";
  yes.textContent = button.textContent.trim();
  const no = document.createElement("button");
  no.className = "btn btn-quiet";
  no.textContent = "Keep as it is";
  no.autofocus = true;
  row.append(yes, no);
  body.append(text, row);
  dialog.append(head, body);
  document.body.append(dialog);
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    dialog.close();
    asking = button;
    button.click();
    asking = null;
  });
  dialog.addEventListener("close", () => { dialog.remove(); if (!asking) button.focus(); });
  dialog.showModal();
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (!button || button === asking) return;
  event.preventDefault();
  event.stopPropagation();
  ask(button);
}, true);

// Opening a dialog, for browsers that do not know `commandfor`.
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const id = event.target.closest("[commandfor]")?.getAttribute("commandfor");
    if (id) document.getElementById(id)?.showModal();
  });
}

// Copy what stands beside the button.
for (const button of all("[data-copy]")) {
  button.hidden = false;
  const word = button.querySelector("span");
  const before = word.textContent;
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      word.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      word.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { word.textContent = before; }, 2000);
  });
}

// The current tab is in sight where the row of tabs is wider than the screen.
for (const tab of all(".tabs [aria-current]")) {
  const row = tab.closest(".tabs");
  row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
}

// A refused form: the list of errors first.
document.querySelector("[data-focus]")?.focus();

// "/" goes to the search box of the page.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.querySelector("input[type=search]");
  if (box) { event.preventDefault(); box.focus(); }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  // What is taken along as a file leaves the page where it is: it may be asked for again.
  if ("download" in form.dataset) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => { for (const form of all("form[data-sent]")) delete form.dataset.sent; });
