// Arms switched on and off, in all plots of a grid at once.
function legend(fieldset, grid, changed) {
  const boxes = grid.arms.map((arm, i) => {
    const box = element("input", { type: "checkbox", checked: !grid.hidden.has(i) });
    box.addEventListener("change", () => {
      box.checked ? grid.hidden.delete(i) : grid.hidden.add(i);
      changed();
    });
    return box;
  });
  const only = (wanted) => {
    boxes.forEach((box, i) => {
      box.checked = wanted(grid.arms[i]);
      box.checked ? grid.hidden.delete(i) : grid.hidden.add(i);
    });
    changed();
  };
  const quick = (text, wanted, title) => {
    const button = element("button", { type: "button", class: "quick", title }, text);
    button.addEventListener("click", () => only(wanted));
    return button;
  };
  const everything = () => [quick("all", () => true, "All arms"), quick("none", () => false, "No arms")];
  const groups = [...new Set(grid.arms.map((arm) => arm.group))];
  const several = groups.filter((group) => group).length > 1;
  const parts = several ? groups : [null];
  for (const group of parts) {
    const members = grid.arms.map((arm, i) => [arm, i]).filter(([arm]) => group === null || arm.group === group);
    const row = element("div", { class: "group" });
    if (several && group) row.append(quick(`only ${group}`, (arm) => arm.group === group || !arm.group, `Only arms of ${group}, and the baseline`));
    for (const [arm, i] of members) {
      const sign = swatch(shape("svg", { class: `swatch ${arm.look}`, viewBox: "0 0 22 12", "aria-hidden": "true" }), arm.marker);
      row.append(element("label", {}, boxes[i], sign, element("span", {}, arm.name, arm.formula ? element("span", { class: "formula" }, ` ${arm.formula}`) : null)));
    }
    if (!group) row.append(...everything());
    fieldset.append(row);
  }
  if (several && !groups.includes("")) fieldset.append(element("div", { class: "group" }, ...everything()));
  fieldset.hidden = false;
}
