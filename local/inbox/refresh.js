"use strict";
// Reloads the page when a later message than the first shown has arrived.
const last = document.currentScript.dataset.last;
setInterval(async () => {
  const answer = await fetch("/inbox/messages?after=" + encodeURIComponent(last));
  if (answer.ok && (await answer.json()).length > 0) {
    location.reload();
  }
}, 2000);
