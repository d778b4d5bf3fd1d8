// Puts the page together.
const prefersDark = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
const tellTheme = () => $("#theme").setAttribute("aria-pressed", String(isDark()));
prefersDark.addEventListener("change", tellTheme);
$("#theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  tellTheme();
});
tellTheme();

$$("svg.swatch[data-marker]").forEach((svg) => swatch(svg, Number(svg.dataset.marker)));
$$(".table").forEach((box) => {
  sortable($("table", box));
  filterable(box);
});
$$("button.copy").forEach(copier);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-card]");
  if (button) openCard(button.dataset.card, button);
});
$("#card").addEventListener("click", (event) => event.target.id === "card" && event.target.close());

const CROWD = 8; // a larger grid begins with its first group of arms, as a figure has a panel an axis
let number = 0;
function figures(name) {
  const grid = DATA.grids[name], plots = [], redraw = () => plots.forEach((plot) => plot.render());
  const first = grid.arms.find((arm) => arm.group);
  const crowd = grid.arms.length > CROWD && first;
  grid.hidden = new Set(crowd ? grid.arms.flatMap((arm, i) => (arm.group && arm.group !== first.group ? [i] : [])) : []);
  const figure = (kind) => $(`.plot[data-kind="${kind}"][data-grid="${name}"]`);
  const add = (kind, draw, prepare) => {
    const state = { panel: 0, cost: 0, number: number++ };
    if (prepare) prepare(figure(kind), state, () => plot.render());
    const plot = new Plot(figure(kind), grid, draw(state));
    plots.push(plot);
  };
  const pick = (title, field, options) => (box, state, render) =>
    choice(box, title, options, (i) => {
      state[field] = i;
      render();
    });
  const titles = (panels) => panels.map((panel) => panel.title);
  if (grid.differences) add("differences", differences);
  if (grid.curves.length) add("curves", curves, pick("Score", "panel", titles(grid.curves)));
  if (grid.compute) add("compute", compute);
  if (grid.readings.length) add("readings", readings, pick("Arm", "panel", titles(grid.readings)));
  if (grid.levels.length) add("levels", levels, pick("Against", "panel", titles(grid.levels)));
  if (grid.scores.length) add("scores", scores, pick("Score", "panel", titles(grid.scores)));
  if (grid.scores.length && grid.costs.length) {
    add("costs", costs, (box, state, render) => {
      pick("Score", "panel", titles(grid.scores))(box, state, render);
      pick("Cost", "cost", titles(grid.costs))(box, state, render);
    });
  }
  if (plots.length) legend($(`.legend[data-grid="${name}"]`), grid, redraw);
}
Object.keys(DATA.grids).forEach(figures);
