// A plot's life: drawn to its width, read by pointer, finger and arrow keys, and as a table.
class Plot {
  constructor(figure, grid, draw) {
    Object.assign(this, { figure, grid, draw, canvas: $(".canvas", figure), tip: $(".tip", figure), points: [], at: null, width: 0 });
    figure.hidden = false;
    new ResizeObserver(() => this.canvas.clientWidth !== this.width && this.render()).observe(this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.nearest(event));
    this.canvas.addEventListener("pointerdown", (event) => this.nearest(event));
    this.canvas.addEventListener("pointerleave", () => this.read(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => this.read(null));
    const details = $("details.numbers", figure);
    details.addEventListener("toggle", () => details.open && this.table());
    this.render();
  }

  get shown() {
    return (row) => !this.grid.hidden.has(row.arm);
  }

  render() {
    this.width = this.canvas.clientWidth;
    if (!this.width) return;
    this.points = [];
    this.svg = shape("svg", { role: "img", "aria-label": $("figcaption", this.figure).textContent });
    const height = this.draw(this, this.width);
    fill(this.svg, { viewBox: `0 0 ${this.width} ${height}`, width: this.width, height }, []);
    this.ring = shape("circle", { class: "ring", r: 7, visibility: "hidden" });
    this.svg.append(this.ring);
    this.canvas.replaceChildren(this.svg);
    this.read(null);
    if ($("details.numbers", this.figure).open) this.table();
  }

  // An arm's group of shapes, in its colour.
  arm(index, parent = this.svg) {
    const group = shape("g", { class: this.grid.arms[index].look });
    parent.append(group);
    return group;
  }

  // A value that can be read: where it lies, its arm, where on the axis, and its text.
  point(x, y, arm, where, text, visible = true) {
    this.points.push({ x, y, arm, where, text, visible });
  }

  nearest(event) {
    const box = this.svg.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, least = 48 ** 2;
    for (const point of this.points) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (point.visible && distance < least) [best, least] = [point, distance];
    }
    this.read(best);
  }

  key(event) {
    const points = this.points.filter((point) => point.visible);
    const at = points.indexOf(this.at);
    const arms = [...new Set(points.map((point) => point.arm))];
    const closest = (step) => {
      if (at < 0) return points[0];
      const arm = arms[(arms.indexOf(this.at.arm) + step + arms.length) % arms.length];
      const distance = (point) => Math.abs(point.x - this.at.x);
      return points.filter((point) => point.arm === arm).reduce((a, b) => (distance(b) < distance(a) ? b : a));
    };
    const moves = {
      ArrowRight: () => points[(at + 1) % points.length],
      ArrowLeft: () => points[(at <= 0 ? points.length : at) - 1],
      ArrowDown: () => closest(1),
      ArrowUp: () => closest(-1),
      Home: () => points[0],
      End: () => points[points.length - 1],
      Escape: () => null,
    };
    if (!points.length || !moves[event.key]) return;
    event.preventDefault();
    this.read(moves[event.key]());
  }

  read(point) {
    if (point === this.at && point) return;
    this.at = point;
    this.tip.hidden = !point;
    this.ring.setAttribute("visibility", point ? "visible" : "hidden");
    if (!point) return;
    fill(this.ring, { cx: point.x, cy: point.y }, []);
    const where = point.where ? `${point.where}: ` : "";
    this.tip.replaceChildren(element("b", {}, this.grid.arms[point.arm].name), where + point.text);
    const left = Math.min(Math.max(0, point.x + 12), Math.max(0, this.width - this.tip.offsetWidth));
    const above = this.canvas.offsetTop + point.y - this.tip.offsetHeight - 10;
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${above < 0 ? this.canvas.offsetTop + point.y + 14 : above}px`;
  }

  table() {
    const rows = this.points.map((point) =>
      element("tr", {}, element("th", { scope: "row" }, this.grid.arms[point.arm].name), element("td", {}, point.where), element("td", {}, point.text)));
    const head = element("tr", {}, ...["arm", "at", "value"].map((text) => element("th", { scope: "col" }, text)));
    $("details.numbers .scroll", this.figure).replaceChildren(element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
  }
}

// A labelled choice above a plot; one option needs no choice. Returns the chosen index.
function choice(plot, label, options, changed) {
  if (options.length < 2) return;
  const select = element("select", {}, ...options.map((text, i) => element("option", { value: i }, text)));
  select.addEventListener("change", () => changed(Number(select.value)));
  $(".choices", plot).append(element("label", {}, `${label} `, select));
}

function xAxis(plot, scale, { left, right, bottom, title, rules = null }) {
  const count = Math.max(2, Math.floor((right - left) / 75));
  for (const value of scale.ticks(count)) {
    const x = scale(value);
    if (rules !== null) plot.svg.append(shape("path", { d: `M${x},${rules}V${bottom}`, class: "rule" }));
    plot.svg.append(shape("text", { x, y: bottom + 16, "text-anchor": "middle" }, (scale.text || tick)(value)));
  }
  plot.svg.append(shape("path", { d: `M${left},${bottom}H${right}`, class: "axis" }));
  plot.svg.append(shape("text", { x: (left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, title));
}

function yAxis(plot, scale, { left, right, top, title }) {
  for (const value of scale.ticks(5)) {
    const y = scale(value);
    plot.svg.append(shape("path", { d: `M${left},${y}H${right}`, class: "rule" }));
    plot.svg.append(shape("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, (scale.text || tick)(value)));
  }
  plot.svg.append(shape("text", { x: 0, y: top - 10 }, title));
}
