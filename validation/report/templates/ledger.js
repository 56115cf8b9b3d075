// Sorting and filtering of the ledger. Without it the table is whole and in the order of the sweep.
"use strict";
{
  const table = document.getElementById("ledger-table");
  const form = document.getElementById("ledger-filter");
  const count = document.getElementById("ledger-count");
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  };

  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value !== "");
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        chosen.some((select) => row.dataset[select.name] !== select.value) ||
        words.some((word) => !text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} verdicts`;
  };

  const sort = (column) => {
    const head = heads[column];
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    const numeric = head.dataset.type === "number";
    const key = (row) => {
      const text = value(row, column);
      return numeric ? (text === "" ? NaN : Number(text)) : text;
    };
    const keyed = rows.map((row, index) => [key(row), index, row]);
    keyed.sort(([a, i], [b, j]) => {
      if (numeric && (Number.isNaN(a) || Number.isNaN(b))) {
        return Number.isNaN(a) - Number.isNaN(b) || i - j; // what has no number comes last
      }
      const order = numeric ? a - b : a.localeCompare(b);
      return direction * order || i - j;
    });
    table.tBodies[0].append(...keyed.map(([, , row]) => row));
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
}
