// The ledger: rows of one embedded document, made as they are scrolled to, filtered and sorted.
"use strict";
{
  const FILTERS = ["ensemble", "observable", "quantity", "statistic", "regime", "verdict"];
  const SPARE = 12; // rows above and below those that are seen
  const { words, columns } = JSON.parse(document.getElementById("ledger-data").textContent);
  const section = document.getElementById("ledger");
  const box = document.getElementById("ledger-rows");
  const table = document.getElementById("ledger-table");
  const form = document.getElementById("ledger-filter");
  const count = document.getElementById("ledger-count");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const total = columns.estimate.length;

  const word = (name) => (i) => words[name][columns[name][i]];
  const number = (name) => (i) => columns[name][i];
  const short = (value, digits = 4) => (value === null ? "" : String(Number(value.toPrecision(digits))));
  const signed = (value, text) => (value < 0 ? text : `+${text}`);
  const off = (i) => {
    const [estimate, prediction] = [columns.estimate[i], columns.prediction[i]];
    return columns.relative[i] ? estimate / prediction - 1 : estimate - prediction;
  };
  const percent = (value, digits) => `${value.toFixed(digits)}%`;
  // Of each column what a cell says and, for numbers, what it is sorted by.
  const cells = [
    [word("verdict")],
    [word("ensemble")],
    [word("observable")],
    [number("qubits"), number("qubits")],
    [number("layers"), number("layers")],
    [number("parameters"), number("parameters")],
    [word("statistic")],
    [word("regime")],
    [(i) => short(columns.estimate[i]), number("estimate")],
    [(i) => `[${short(columns.low[i])}, ${short(columns.high[i])}]`, (i) => columns.high[i] - columns.low[i]],
    [(i) => short(columns.prediction[i]), number("prediction")],
    [(i) => signed(off(i), columns.relative[i] ? percent(100 * off(i), 2) : short(off(i), 2)), off],
    [(i) => (columns.relative[i] ? `${short(100 * columns.margin[i], 3)} %` : short(columns.margin[i], 2)), number("margin")],
  ];
  const texts = [];
  const text = (i) => (texts[i] ??= cells.map(([says]) => says(i) ?? "").join(" ").toLowerCase());

  let order = [...Array(total).keys()];
  let shown = order;
  let [from, to] = [0, 0]; // rows of ``shown`` that the table has
  let height = 27; // of a row, in pixels, until one has been seen

  const rowOf = (at) => {
    const i = shown[at];
    const row = document.createElement("tr");
    row.setAttribute("aria-rowindex", at + 2);
    for (const name of FILTERS) row.dataset[name] = word(name)(i);
    cells.forEach(([says, value], column) => {
      const cell = row.insertCell();
      let holder = cell;
      if (column === 0) {
        const id = `figure-${word("figure")(i)}`;
        holder = document.createElement(document.getElementById(id) ? "a" : "span");
        if (holder.tagName === "A") holder.href = `#${id}`;
        holder.className = word("verdict")(i);
        cell.append(holder);
      }
      if (value === undefined) cell.className = "name";
      else cell.dataset.value = value(i) ?? "";
      holder.append(says(i) ?? "");
    });
    return row;
  };

  const draw = (first, last) => {
    if (first >= to || last <= from) {
      body.replaceChildren();
      from = to = first;
    }
    while (from < first) body.rows[0].remove(), from++;
    while (to > last) body.rows[body.rows.length - 1].remove(), to--;
    while (from > first) body.prepend(rowOf(--from));
    while (to < last) body.append(rowOf(to++));
    box.firstElementChild.style.padding = `${from * height}px 0 ${(shown.length - to) * height}px`;
  };
  const look = () => {
    if (!body.rows.length && shown.length) draw(0, 1);
    if (body.rows.length) height = body.rows[0].getBoundingClientRect().height || height; // none on paper
    const seen = Math.ceil(innerHeight / height); // the box is no higher
    const top = Math.min(Math.floor(box.scrollTop / height), Math.max(0, shown.length - seen));
    draw(Math.max(0, top - SPARE), Math.min(shown.length, top + seen + SPARE));
    for (const head of heads) head.style.minWidth = `${head.offsetWidth}px`; // columns do not jump
  };
  const anew = () => {
    body.replaceChildren();
    [from, to] = [0, 0];
    box.scrollTop = 0;
    table.setAttribute("aria-rowcount", shown.length + 1);
    look();
  };

  const filter = () => {
    const wanted = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value !== "");
    shown = order.filter(
      (i) =>
        chosen.every((select) => word(select.name)(i) === select.value) &&
        wanted.every((each) => text(i).includes(each)),
    );
    section.classList.toggle("filtered", shown.length < total);
    count.textContent = `${shown.length} of ${total} verdicts`;
    anew();
  };

  const sort = (column) => {
    const head = heads[column];
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    const [says, value] = cells[column];
    const none = (key) => Number(key === null || Number.isNaN(key));
    const keyed = [...Array(total).keys()].map((i) => [(value ?? says)(i), i]);
    keyed.sort(([a, i], [b, j]) => {
      if (value && (none(a) || none(b))) return none(a) - none(b) || i - j; // what has no number comes last
      return direction * (value ? a - b : a.localeCompare(b)) || i - j;
    });
    order = keyed.map(([, i]) => i);
    filter();
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  form.hidden = box.hidden = count.parentElement.hidden = false;
  box.addEventListener("scroll", look);
  addEventListener("resize", look);
  addEventListener("beforeprint", () => {
    if (section.classList.contains("filtered")) draw(0, shown.length);
  });
  addEventListener("afterprint", look);
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
}
