// Asks for a page's data again and again, by itself. Each request says so, and does not put the end of the session off:
// a screen that nobody looks at logs out. What goes wrong is said on the page.
const LONGEST_PAUSE = 30000;
const place = document.createElement("p");
place.className = "alert alert-warning";
place.setAttribute("role", "alert");

function say(text, link) {
  place.textContent = text;
  if (link) {
    const anchor = document.createElement("a");
    anchor.className = "alert-link";
    anchor.href = link;
    anchor.textContent = "Log in.";
    place.append(" ", anchor);
  }
  document.querySelector("main").prepend(place);
}

// `login` is where to log in; `take` is given the data, and returns in how many milliseconds to ask again, if at all.
export function follow(address, login, pause, take) {
  let failures = 0;

  async function ask() {
    let answer = null;
    try {
      answer = await fetch(address, { headers: { Accept: "application/json", "X-Background": "1" } });
    } catch {
      // The network's failure is treated as the server's is.
    }
    if (!answer || answer.status >= 500) {
      failures += 1;
      say("The desk does not answer. What is shown may be out of date; it is asked again.");
      setTimeout(ask, Math.min(1000 * 2 ** failures, LONGEST_PAUSE));
    } else if (answer.status === 401 || answer.status === 403) {
      say("You are logged out.", login);
    } else if (!answer.ok) {
      say("This page cannot be kept up to date. Load it again.");
    } else {
      failures = 0;
      place.remove();
      const next = take(await answer.json());
      if (next) setTimeout(ask, next);
    }
  }

  setTimeout(ask, pause);
}
