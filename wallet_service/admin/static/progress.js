// How something goes: the page's own data is asked for again until nothing more is awaited. Numbers change in place;
// when anything else has changed, the page is loaded again. Without this script, a link does that.
import { follow } from "./background.js";

const going = document.querySelector("[data-progress]");
let pause = 700;

function take(data) {
  if (data.stamp !== going.dataset.stamp) {
    location.reload();
    return null;
  }
  for (const place of going.querySelectorAll("[data-count]")) {
    place.textContent = data.counts[place.dataset.count] ?? 0;
  }
  const bar = going.querySelector("progress[max]");
  if (bar) {
    bar.value = data.asked;
  }
  pause = Math.min(pause * 1.2, 10000);
  return data.counts ? 1000 : pause;
}

if (going && going.dataset.awaited === "true") {
  follow(going.dataset.progress, going.dataset.login, pause, take);
}
