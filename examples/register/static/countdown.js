// Shows the session's time left by the clock on the wall, which goes on while
// the computer sleeps and the style sheet's animations do not. Other tabs that
// use the session move its end on here too.
"use strict";

const root = document.documentElement;
const clock = document.querySelector(".clock");
const text = document.querySelector(".clock-still");
const bar = document.querySelector(".bar-fill");
const ended = document.querySelector("[data-ended]");
const title = document.title;
const whole = Number(clock.dataset.of);

let end = Date.now() + Number(clock.dataset.left) * 1000;

function show() {
  if (root.classList.contains("is-out")) {
    return; // live.js has said so
  }
  const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
  const over = left === 0;
  clock.dataset.left = left; // for live.js
  text.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
  bar.style.transform = "scaleX(" + Math.min(1, left / whole) + ")";
  if (over !== root.classList.contains("over")) {
    root.classList.toggle("over", over);
    ended.textContent = over ? "Your session has ended." : "";
    document.title = over ? "Your session has ended · Cloakroom" : title;
  }
}

const tabs = new BroadcastChannel("cloakroom-" + clock.dataset.session);
tabs.onmessage = (event) => {
  end = Math.max(end, event.data);
  show();
};
tabs.postMessage(end);

root.classList.add("scripted");
show();
setInterval(show, 250);
document.addEventListener("visibilitychange", show);
