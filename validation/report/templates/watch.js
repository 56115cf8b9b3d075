// Load the page again now and then, unless a reader unticks the box; the address remembers it.
"use strict";
{
  const box = document.getElementById("reload");
  if (box) {
    box.checked = location.hash !== "#still";
    box.addEventListener("change", () => history.replaceState(null, "", box.checked ? "#" : "#still"));
    setInterval(() => box.checked && location.reload(), 1000 * Number(box.dataset.seconds));
  }
}
