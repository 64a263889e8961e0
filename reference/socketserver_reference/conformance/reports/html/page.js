"use strict";
// A button beside each command and script copies it; where the browser forbids that, it selects it instead.
for (const copied of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  const what = document.createElement("span");
  what.className = "unseen";
  what.textContent = " " + copied.dataset.what;
  button.type = "button";
  button.append("Copy", what);
  button.addEventListener("click", async () => {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(copied.textContent);
    } catch {
      getSelection().selectAllChildren(copied);
      done = "Selected";
    }
    button.firstChild.data = done;
    setTimeout(() => { button.firstChild.data = "Copy"; }, 2000);
  });
  copied.matches("pre") ? copied.before(button) : copied.after(" ", button);
}
