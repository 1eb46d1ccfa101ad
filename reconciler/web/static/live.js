// Keeps the page current: fetches the server's own rendering and changes only what differs, so that
// focus, selection, scrolling and open details stay.  Without this the page reloads by itself.
"use strict";

const EVERY_MS = 2000;
const LIMIT_MS = 8000;
const FAILURES_TOLD = 2; // one may be a connection that was just closed

const line = document.getElementById("line"); // what is read aloud when it changes
const link = document.getElementById("link");
let failures = 0;
let lostAt = null;
let timer = 0;

function say(heard, seen, isLost) {
  if (line.textContent !== heard) line.textContent = heard;
  if (link.textContent !== seen) link.textContent = seen;
  link.classList.toggle("lost", isLost);
  document.body.classList.toggle("not-connected", isLost);
}

function utc(date) {
  return date.toISOString().slice(11, 19);
}

function sameKind(old, fresh) {
  return (
    old.nodeType === fresh.nodeType &&
    old.nodeName === fresh.nodeName &&
    (old.id || "") === (fresh.id || "") &&
    (old.dataset?.key || "") === (fresh.dataset?.key || "")
  );
}

function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  const isDetails = old.nodeName === "DETAILS";
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(isDetails && name === "open")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (isDetails && name === "open") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset?.key) keyed.set(child.dataset.key, child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = wanted.dataset?.key ? keyed.get(wanted.dataset.key) : null;
    if (known && known !== at) {
      old.insertBefore(known, at);
      morph(known, wanted);
    } else if (at && sameKind(at, wanted)) {
      const next = at.nextSibling;
      morph(at, wanted);
      at = next;
    } else {
      if (wanted.dataset?.key && keyed.size) wanted.classList.add("fresh");
      old.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

async function refresh() {
  const answer = await fetch("/live", { cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) });
  if (!answer.ok) throw new Error(answer.status);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  const shown = document.getElementById("live");
  if (!fresh) throw new Error("no page");
  if (fresh.dataset.build !== shown.dataset.build) {
    location.reload(); // another version serves now
    return;
  }
  morph(shown, fresh);
  document.title = fresh.dataset.heard + " · reconciler";
}

async function turn() {
  clearTimeout(timer);
  try {
    await refresh();
    failures = 0;
    lostAt = null;
    say(document.getElementById("live").dataset.heard, "updated as it happens", false);
  } catch {
    failures += 1;
    lostAt ??= new Date();
    if (failures >= FAILURES_TOLD) {
      const lost = "Not connected since " + utc(lostAt) + " UTC";
      say(lost, lost, true);
    }
  }
  timer = setTimeout(turn, failures === 1 ? 250 : EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") turn();
  else clearTimeout(timer);
});

turn();
