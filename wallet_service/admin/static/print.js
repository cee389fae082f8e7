// A button that prints the page; without scripts there is the browser's own.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// On paper nobody can hover over a time: it says whose zone it is in.
for (const place of document.querySelectorAll("[data-zone]")) {
  place.textContent = `The times are those of ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
}
