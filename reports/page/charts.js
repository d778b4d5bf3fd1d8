// The kinds of plot. Each draws into plot.svg and returns its height in pixels.

// Scores against steps, in the manner of the paper's Figure 2.
const curves = (state) => (plot, width) => {
  const panel = plot.grid.curves[state.panel], height = 300;
  const box = { left: 56, right: width - 12, top: 26, bottom: height - 42 };
  const lines = panel.lines.filter(plot.shown);
  const all = lines.flatMap((line) => line.seeds.flatMap((seed) => seed.points));
  if (!all.length) return nothing(plot, height);
  const last = Math.max(...all.map(([step]) => step));
  const x = linear([0, last * 1.03], [box.left, box.right]), y = lateScale(all, last, [panel.floor, panel.linear], [box.bottom, box.top]);
  yAxis(plot, y, { ...box, title: panel.axis });
  xAxis(plot, x, { ...box, title: "training steps" });
  const clip = `clip-${state.number}`;
  plot.svg.append(shape("clipPath", { id: clip }, shape("rect", { x: box.left, y: box.top - 4, width: box.right - box.left, height: box.bottom - box.top + 4 })));
  const inside = shape("g", { "clip-path": `url(#${clip})`, class: lines.length > 6 ? "many" : null });
  plot.svg.append(inside);
  referenceLine(plot, panel.floor, panel.floorText, y, box, true);
  referenceLine(plot, panel.linear, panel.linearText, y, box, true, true); // on the left: curves end on the right
  for (const line of lines) curve(plot, inside, line, x, y, box);
  return height;
};

// How R is read: the mean loss so far of an arm and its baseline, and the level between the steps that reach it.
const readings = (state) => (plot, width) => {
  const panel = plot.grid.readings[state.panel], height = 320;
  const box = { left: 56, right: width - 12, top: 44, bottom: height - 42 };
  const losses = panel.lines.flatMap((line) => line.band.map(([, loss]) => loss)), last = Math.max(...panel.lines.flatMap((line) => line.band.map(([step]) => step)));
  const span = Math.max(...losses) / Math.min(...losses);
  const x = logarithmic([panel.first, last * 1.03], [box.left, box.right]);
  const y = logarithmic([Math.min(...losses) / span ** 0.08, Math.max(...losses) * span ** 0.08], [box.bottom, box.top]);
  yAxis(plot, y, { ...box, top: 22, title: panel.axis });
  xAxis(plot, x, { ...box, title: "training steps" });
  for (const line of panel.lines) curve(plot, plot.svg, line, x, y, box);
  const [from, to] = panel.steps.map(x), at = y(panel.level);
  plot.svg.append(shape("path", { d: `M${from},${at}H${to}M${from},${at - 6}v12M${to},${at - 6}v12`, class: "zero level" }));
  plot.svg.append(shape("text", { x: box.right, y: box.top - 8, "text-anchor": "end", class: "name" }, panel.text));
  return height;
};

// EMA loss over the linear filter's at each noise level; the filter is the line at 1.
const levels = (state) => (plot, width) => {
  const panel = plot.grid.levels[state.panel], height = 320;
  const box = { left: 56, right: width - 12, top: 62, bottom: height - 42 };
  const lines = panel.lines.filter(plot.shown);
  if (!lines.length) return nothing(plot, height);
  const x = linear([0, 1], [box.left, box.right]);
  const y = ratios(padded([0, ...lines.flatMap((line) => line.band.flatMap(([, , low, high]) => [low, high]))]), [box.bottom, box.top]);
  yAxis(plot, y, { ...box, top: 22, title: panel.axis });
  xAxis(plot, x, { ...box, title: "time t (clean at 0, noise at 1)" });
  for (const [time, text] of panel.snr) {
    plot.svg.append(shape("path", { d: `M${x(time)},${box.top}v-5`, class: "axis" }));
    plot.svg.append(shape("text", { x: x(time), y: box.top - 9, "text-anchor": "middle" }, text));
  }
  plot.svg.append(shape("text", { x: box.left - 7, y: box.top - 9, "text-anchor": "end" }, "log-SNR"));
  plot.svg.append(shape("path", { d: `M${box.left},${box.top}H${box.right}`, class: "axis" }));
  plot.svg.append(shape("path", { d: `M${box.left},${y(0)}H${box.right}`, class: "floor" }));
  plot.svg.append(shape("text", { x: box.right, y: y(0) + 14, "text-anchor": "end" }, "linear filter"));
  const inside = shape("g", { class: lines.length > 6 ? "many" : null });
  plot.svg.append(inside);
  for (const line of lines) curve(plot, inside, line, x, y, box, (time) => `t ${time}`);
  return height;
};

const atStep = (step) => `step ${step.toLocaleString("en-US")}`;

function curve(plot, inside, line, x, y, box, where = atStep) {
  const group = plot.arm(line.arm, inside), arm = plot.grid.arms[line.arm];
  const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)},${y(b).toFixed(1)}`).join("");
  if (line.seeds.length > 1) {
    const edge = [...line.band.map(([s, , low]) => [s, low]), ...line.band.map(([s, , , high]) => [s, high]).reverse()];
    if (edge.length) group.append(shape("path", { d: `${path(edge)}Z`, class: "band" }));
  }
  for (const seed of line.seeds) {
    if (seed.points.length && (line.seeds.length > 1 || seed.failed)) group.append(shape("path", { d: path(seed.points), class: "seed" }));
    if (seed.failed) {
      const [step, value] = seed.points[seed.points.length - 1];
      group.append(shape("path", { d: `M${x(step) - 4},${y(value) - 4}l8,8m0,-8l-8,8`, class: "cross" }));
    }
  }
  group.append(shape("path", { d: path(line.band), class: "stroke dashed" }));
  const apart = Math.ceil(line.band.length / 25), end = line.band.length - 1; // more markers would hide the line
  line.band.forEach(([step, mean, , , text], i) => {
    const visible = y(mean) >= box.top - 4 && y(mean) <= box.bottom + 1;
    if ((end - i) % apart === 0) group.append(marker(arm.marker, x(step), y(mean), 3.4));
    plot.point(x(step), y(mean), line.arm, where(step), text, visible);
  });
}

// As far as the scores after the first third reach; logarithmic where these still span a factor of four.
function lateScale(all, last, references, range) {
  const late = all.filter(([step]) => 3 * step > last).map(([, value]) => value);
  const few = new Set(all.map(([step]) => step).filter((step) => 3 * step > last)).size < 4;
  const values = few ? all.map(([, value]) => value) : late;
  values.push(...references.filter((value) => value !== null));
  const low = Math.min(...values), high = Math.max(...values);
  if (low > 0 && high / low >= 4) return logarithmic([low / (high / low) ** 0.06, high * (high / low) ** 0.08], range);
  return linear(padded(values, 0.06, 0.08), range);
}

// A floor or the linear filter: a dotted line with its value, where it is in sight.
function referenceLine(plot, value, label, scale, box, horizontal, left = false) {
  if (value === null || value < scale.low || value > scale.high) return;
  const at = scale(value);
  const place = horizontal ? { x: left ? box.left + 4 : box.right, y: at - 5, "text-anchor": left ? "start" : "end" } : { x: at + 5, y: box.top - 6 };
  plot.svg.append(shape("path", { d: horizontal ? `M${box.left},${at}H${box.right}` : `M${at},${box.top}V${box.bottom}`, class: "floor" }));
  plot.svg.append(shape("text", place, label));
}

// A row an arm: names on the left, a mark and its interval on a common axis, a verdict's word on the right; arms of a
// block below its heading.
function rows(plot, width, found, { axis, values, rule, extra = "", ratio = false, headings = {} }) {
  const longest = Math.max(...found.map((row) => label(plot, row).length));
  const left = Math.min(12 + 6.8 * longest, width * 0.42), said = found.some((row) => row.verdict) ? 76 : 0;
  const ends = found.map((row, i) => 16 + 26 * i + 22 * found.slice(0, i + 1).filter((other, j) => opens(found, headings, j)).length);
  const box = { left: left + 8, right: width - 14 - said, top: 22, bottom: 22 + ends[ends.length - 1] + 14 };
  const x = (ratio ? ratios : linear)(padded(values), [box.left, box.right]);
  rule(x, box);
  xAxis(plot, x, { ...box, title: axis + extra, rules: box.top });
  found.forEach((row, i) => {
    const y = box.top + ends[i], fits = Math.max(4, Math.floor((left - 4) / 6.8)), name = label(plot, row);
    if (opens(found, headings, i)) plot.svg.append(shape("text", { x: 0, y: y - 19, class: "name heading" }, headings[row.block]));
    const text = shape("text", { x: left, y: y + 4, "text-anchor": "end", class: `name ${row.verdict || ""}` }, name.length > fits ? `${name.slice(0, fits - 1)}…` : name);
    const group = plot.arm(row.arm);
    if (row.low !== null && row.low !== undefined) group.append(shape("path", { d: `M${x(row.low)},${y}H${x(row.high)}M${x(row.low)},${y - 5}v10M${x(row.high)},${y - 5}v10`, class: "stroke" }));
    for (const seed of row.seeds || []) group.append(shape("path", { d: `M${x(seed)},${y - 5}v10`, class: "seed" }));
    group.append(marker(plot.grid.arms[row.arm].marker, x(row.mean), y, 5));
    plot.svg.append(text);
    if (row.verdict) plot.svg.append(shape("text", { x: width, y: y + 4, "text-anchor": "end", class: `name ${row.verdict}` }, row.verdict));
    plot.point(x(row.mean), y, row.arm, row.verdict || "", row.text);
  });
  return box.bottom + 44;
}

const label = (plot, row) => plot.grid.arms[row.arm].name;
const opens = (found, headings, i) => Boolean(headings[found[i].block]) && (i === 0 || found[i].block !== found[i - 1].block);

// Forest plot of the paired differences, the margin of equivalence shaded.
const differences = () => (plot, width) => {
  const forest = plot.grid.differences, found = forest.rows;
  const ends = found.flatMap((row) => [row.mean, row.low ?? row.mean, row.high ?? row.mean]);
  const values = [0, ...ends, ...(forest.margin ? [-forest.margin, forest.margin] : [])];
  const arrow = { left: " (← better)", right: " (better →)" }[forest.better] || "";
  const rule = (x, box) => {
    const height = box.bottom - box.top;
    if (forest.margin) plot.svg.append(shape("rect", { x: x(-forest.margin), y: box.top, width: x(forest.margin) - x(-forest.margin), height, class: "margin" }));
    plot.svg.append(shape("path", { d: `M${x(0)},${box.top}v${height}`, class: "zero" }));
  };
  return rows(plot, width, found, { axis: forest.axis, values, rule, extra: arrow, ratio: forest.ratio, headings: forest.blocks });
};

// Compute to the baseline's loss: R times the relative MACs; a small mark is R alone.
const compute = () => (plot, width) => {
  const found = plot.grid.compute.rows.filter(plot.shown);
  if (!found.length) return nothing(plot, 120);
  const values = [0, ...found.flatMap((row) => [row.mean, row.low ?? row.mean, row.high ?? row.mean, ...row.seeds])];
  const rule = (x, box) => plot.svg.append(shape("path", { d: `M${x(0)},${box.top}V${box.bottom}`, class: "zero" }));
  return rows(plot, width, found, { axis: plot.grid.compute.axis, values, rule, ratio: true, headings: plot.grid.differences?.blocks });
};

// Scores at the endpoint's step: a mark for the mean, the seeds around it. Not bars: these would have to start at 0.
const scores = (state) => (plot, width) => {
  const panel = plot.grid.scores[state.panel];
  const found = panel.rows.filter(plot.shown);
  if (!found.length) return nothing(plot, 120);
  const values = [...found.flatMap((row) => [...row.seeds, row.low, row.high]), ...(panel.floor === null ? [] : [panel.floor])];
  return rows(plot, width, found, { axis: panel.axis, values, rule: (x, box) => referenceLine(plot, panel.floor, panel.floorText, x, box, false) });
};

// Score against MACs, parameters or images a second, with the Pareto front.
const costs = (state) => (plot, width) => {
  const panel = plot.grid.scores[state.panel], cost = plot.grid.costs[state.cost], height = 320;
  const box = { left: 56, right: width - 16, top: 26, bottom: height - 42 };
  const found = panel.rows.filter(plot.shown).filter((row) => cost.values[row.arm] !== null).map((row) => ({ ...row, cost: cost.values[row.arm] }));
  if (!found.length) return nothing(plot, height);
  const x = linear(padded(found.map((row) => row.cost), 0.08, 0.22), [box.left, box.right]);
  const y = linear(padded(found.map((row) => row.mean), 0.1), [box.bottom, box.top]);
  yAxis(plot, y, { ...box, title: panel.axis });
  xAxis(plot, x, { ...box, title: cost.title });
  const front = pareto(found, panel.better, cost.better);
  if (front.length > 1) plot.svg.append(shape("path", { d: front.map((row, i) => `${i ? "L" : "M"}${x(row.cost)},${y(row.mean)}`).join(""), class: "front" }));
  const taken = [];
  for (const row of [...found].sort((a, b) => a.mean - b.mean)) {
    const at = [x(row.cost), y(row.mean)];
    plot.arm(row.arm).append(marker(plot.grid.arms[row.arm].marker, ...at, 5));
    plot.point(...at, row.arm, cost.texts[row.arm], row.text);
    if (found.length <= 10) place(plot, taken, at, plot.grid.arms[row.arm].name, box);
  }
  return height;
};

// Rows that no other beats in both; from the cheapest on.
function pareto(found, better, cheaper) {
  const good = (row) => (better === "higher" ? -row.mean : row.mean), price = (row) => (cheaper === "higher" ? -row.cost : row.cost);
  if (better === "none") return [];
  const beaten = (row) => found.some((other) => good(other) <= good(row) && price(other) <= price(row) && (good(other) < good(row) || price(other) < price(row)));
  return found.filter((row) => !beaten(row)).sort((a, b) => price(a) - price(b));
}

// A name beside its mark, on the side and the height that are free.
function place(plot, taken, [x, y], name, box) {
  const width = 6.6 * name.length, toLeft = x + 9 + width > box.right;
  const left = toLeft ? x - 9 - width : x + 9;
  for (const shift of [0, 13, -13, 26, -26]) {
    const line = y + 4 + shift;
    if (taken.some((other) => Math.abs(other.line - line) < 12 && other.left < left + width && left < other.left + other.width)) continue;
    taken.push({ left, width, line });
    plot.svg.append(shape("text", { x: toLeft ? x - 9 : left, y: line, "text-anchor": toLeft ? "end" : "start", class: "name" }, name));
    return;
  }
}

function nothing(plot, height) {
  plot.svg.append(shape("text", { x: plot.width / 2, y: height / 2, "text-anchor": "middle" }, "No arm is switched on"));
  return height;
}
