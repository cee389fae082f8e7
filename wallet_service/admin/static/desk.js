// Times are written in UTC; here they become the viewer's own, with UTC on hover.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  time.title = `${time.textContent.trim()}`;
  time.textContent = at.toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" });
}
// Nobody can hover over a time on paper, or guess its zone on a list.
for (const place of document.querySelectorAll("[data-zone]")) {
  place.textContent = `The times are those of ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
}

// "/" goes to the search, wherever one is.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  const search = document.querySelector("#search");
  if (event.key === "/" && !typing && search) {
    event.preventDefault();
    search.focus();
  }
});
