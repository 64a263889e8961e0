"use strict";
// A button beside each command copies it; where the browser forbids that, it selects the command instead.
for (const command of document.querySelectorAll("code.copy")) {
  const button = document.createElement("button");
  const what = document.createElement("span");
  what.className = "unseen";
  what.textContent = " " + command.dataset.what;
  button.type = "button";
  button.append("Copy", what);
  button.addEventListener("click", async () => {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch {
      getSelection().selectAllChildren(command);
      done = "Selected";
    }
    button.firstChild.data = done;
    setTimeout(() => { button.firstChild.data = "Copy"; }, 2000);
  });
  command.after(" ", button);
}
