// Without this script every page works; with it times are the reader's own, an open
// page notices when its session ends, and what waited for a sign-in goes on by itself.
"use strict";

// In the page's language, as it is written where the reader lives: en-GB, de-AT.
const language = document.documentElement.lang;
const mine = navigator.languages.filter((name) => name === language || name.startsWith(language + "-"));
const clock = new Intl.DateTimeFormat([...mine, language], { dateStyle: "medium", timeStyle: "short" });
const hour = new Intl.DateTimeFormat([...mine, language], { timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = time.textContent;
  time.textContent = ("hour" in time.dataset ? hour : clock).format(new Date(time.dateTime));
}

// The page asks every few seconds while somebody looks at it, and at once when he
// comes back to it. A request that fails says nothing of the session.
const main = document.querySelector("main[data-watch]");
if (main) {
  const period = 5000;
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const answer = await fetch(main.dataset.watch, { cache: "no-store" }).catch(() => null);
    if (answer && answer.status === 401) return over();
    timer = setTimeout(ask, period);
  };
  const over = () => {
    document.removeEventListener("visibilitychange", ask);
    document.querySelector("header nav").replaceChildren();
    main.replaceChildren(document.getElementById("session-over").content.cloneNode(true));
    const heading = main.querySelector("h1");
    document.title = heading.textContent;
    heading.focus(); // what had it is gone
  };
  document.addEventListener("visibilitychange", ask);
  timer = setTimeout(ask, period);
}
