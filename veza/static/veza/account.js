// Sends a form of the pages for links in mails to the API. The key is in the address's fragment.
"use strict";

const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
const told = document.getElementById("told");

async function send(form) {
  const body = Object.fromEntries(new FormData(form));
  if (form.dataset.needs !== "no-key") body.key = key;
  const answer = await fetch(form.dataset.call, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.ok) {
    form.hidden = true;
    history.replaceState(null, "", location.pathname);
    return form.dataset.done;
  }
  const problem = await answer.json();
  return problem.errors?.map((each) => each.detail).join(" ") || problem.detail;
}

for (const form of document.querySelectorAll("form.account")) {
  if (form.dataset.needs) form.hidden = (form.dataset.needs === "key") !== Boolean(key);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    told.textContent = "";
    try {
      told.textContent = await send(form);
    } catch {
      told.textContent = "The server does not answer. Try again.";
    } finally {
      button.disabled = false;
    }
  });
}
