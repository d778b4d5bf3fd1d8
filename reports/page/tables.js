// Tables that sort by a heading and keep the rows that hold every word of the filter.
function sortable(table) {
  const headings = $$("thead th", table), body = $("tbody", table), original = $$("tr", body);
  headings.forEach((heading, column) => {
    $("button", heading).addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[heading.getAttribute("aria-sort")];
      const order = next === undefined ? "ascending" : next;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (order) heading.setAttribute("aria-sort", order);
      body.append(...(order ? sorted(original, column, order === "ascending" ? 1 : -1) : original));
    });
  });
}

// Numbers by value, else words; what has no value stands last in both orders.
function sorted(rows, column, sign) {
  const value = (row) => {
    const cell = row.cells[column], number = cell.dataset.sort;
    return number === undefined ? cell.textContent.trim() : Number(number);
  };
  const numeric = rows.some((row) => typeof value(row) === "number");
  const missing = (found) => (numeric ? typeof found !== "number" : found === "" || found === "–");
  return [...rows].sort((a, b) => {
    const [first, second] = [value(a), value(b)];
    if (missing(first) || missing(second)) return missing(first) - missing(second);
    return sign * (numeric ? first - second : first.localeCompare(second, "en", { numeric: true }));
  });
}

function filterable(box) {
  const input = $(".filter", box), rows = $$("tbody tr", box), count = $(".count", box);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    const left = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${left} of ${rows.length} rows` : "";
  });
}

// Copies the table's LaTeX; a page opened from disk may lack the clipboard API, and then a selection is copied.
function copier(button) {
  const text = JSON.parse($(`#${button.dataset.latex}`).textContent), name = button.textContent;
  button.addEventListener("click", async () => {
    const done = await copied(text);
    button.textContent = done ? "Copied" : "Could not copy";
    setTimeout(() => (button.textContent = name), 2000);
  });
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
