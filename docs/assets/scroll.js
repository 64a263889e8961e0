// A block of code that scrolls sideways is reached by keyboard, too.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll(".highlight pre")) {
    block.tabIndex = block.scrollWidth > block.clientWidth ? 0 : -1;
  }
});
