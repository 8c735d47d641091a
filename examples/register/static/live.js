// Says at once that the session of this page was ended elsewhere. It listens
// while the page is in sight only: browsers have few connections for one host, and a
// page that comes back hears at once what it has missed.
"use strict";
{
  const clock = document.querySelector(".clock");
  const counts = document.querySelector(".until-end") !== null;
  const end = Date.now() + Number(clock.dataset.left) * 1000;
  const main = document.querySelector("main");
  const out = document.querySelector(".out");
  const again = 10000; // milliseconds after a failure
  let events = null;
  let known = false; // there is nothing more to hear

  function listen() {
    if (events || known || document.hidden) {
      return;
    }
    events = new EventSource("/live/" + clock.dataset.session);
    events.addEventListener("ended", () => (isDue() ? over() : show("ended")));
    events.addEventListener("moved", () => show("moved"));
    events.addEventListener("over", over);
    events.addEventListener("error", () => {
      if (events && events.readyState === EventSource.CLOSED) {
        stop();
        setTimeout(listen, again);
      }
    });
  }

  function stop() {
    if (events) {
      events.close();
      events = null;
    }
  }

  function show(reason) {
    known = true;
    stop();
    const focused = main.contains(document.activeElement);
    for (const e of document.querySelectorAll(".columns")) {
      e.hidden = e !== out;
    }
    for (const e of out.querySelectorAll("[data-reason]")) {
      e.hidden = e.dataset.reason !== reason;
    }
    const heading = out.querySelector("[data-reason]:not([hidden]) h1").textContent;
    document.documentElement.classList.add("is-out");
    document.title = heading + " · Cloakroom";
    document.querySelector("[data-out]").textContent = heading + ".";
    if (focused) {
      main.focus();
    }
  }

  // Whether the time of the session is up. Where it is short, countdown.js keeps the
  // seconds that are left, by what other tabs say, too.
  function isDue() {
    return counts ? Number(clock.dataset.left) <= 1 : Date.now() >= end - 1000;
  }

  // The countdown says itself that the time is up.
  function over() {
    known = true;
    stop();
    if (!counts) {
      location.reload();
    }
  }

  listen();
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  window.addEventListener("pageshow", listen);
  // The answer to a form tells what has become of the session, in better words.
  document.addEventListener("submit", stop);
}
