// How something goes: the page's own data is asked for again until nothing more is awaited. Numbers change in place;
// when anything else has changed, the page is loaded again. Without this script, a link does that.
const going = document.querySelector("[data-progress]");
let pause = 700;

async function look() {
  const answer = await fetch(going.dataset.progress, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    return;
  }
  const data = await answer.json();
  if (data.stamp !== going.dataset.stamp) {
    location.reload();
    return;
  }
  for (const place of going.querySelectorAll("[data-count]")) {
    place.textContent = data.counts[place.dataset.count] ?? 0;
  }
  const bar = going.querySelector("progress[max]");
  if (bar) {
    bar.value = data.asked;
  }
  pause = Math.min(pause * 1.2, 10000);
  setTimeout(look, data.counts ? 1000 : pause);
}

if (going && going.dataset.awaited === "true") {
  setTimeout(look, pause);
}
