// A box above a table that keeps the rows with all its words; `?show=CHAT-12` in the address fills it. Without scripts
// the table is whole.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll(".filtered")) {
    const rows = [...part.querySelectorAll("tbody tr")];
    const box = document.createElement("input");
    box.type = "search";
    box.placeholder = "CHAT-12, reset, delivery ...";
    const label = document.createElement("label");
    label.textContent = `Show only ${part.dataset.what} with`;
    box.id = `filter-${part.dataset.what}`;
    label.htmlFor = box.id;
    const counted = document.createElement("output");
    const filter = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = `${row.textContent.toLowerCase()} `.replace(/\s+/g, " ");
        const found = words.every((word) => (/\d$/.test(word) ? new RegExp(`${word.replace(/[^\w-]/g, ".")}(?!\\d)`).test(text) : text.includes(word)));
        row.hidden = !found;
        shown += found;
      }
      counted.textContent = `${shown} of ${rows.length}`;
    };
    box.value = new URLSearchParams(location.search).get("show") ?? "";
    box.addEventListener("input", filter);
    const line = document.createElement("div");
    line.className = "filter";
    line.append(label, box, counted);
    part.prepend(line);
    filter();
  }
});
