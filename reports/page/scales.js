// From values to pixels, and the ticks between.
function linear([low, high], [from, to]) {
  const scale = (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  return Object.assign(scale, { low, high, ticks: (count) => linearTicks(low, high, count) });
}

function logarithmic([low, high], [from, to]) {
  const span = Math.log(high / low) || 1;
  const scale = (value) => from + (Math.log(Math.max(value, 1e-300) / low) / span) * (to - from);
  return Object.assign(scale, { low, high, ticks: (count) => logTicks(low, high, count) });
}

// Of logarithms of ratios: 1 and numbers on both sides of it, each with its inverse, as the figures have them.
function ratios([low, high], [from, to]) {
  const scale = linear([low, high], [from, to]), reach = Math.max(high, -low), apart = (from > to ? 26 : 55) * ((high - low) / Math.abs(to - from));
  const kept = [];
  for (const log of [1000, 100, 50, 20, 10, 5, 3, 2, 1.5, 1.2, 1.1, 1.05, 1.02, 1.01].map(Math.log)) {
    if (log <= reach && log >= apart && kept.every((other) => other - log >= apart)) kept.push(log);
  }
  const ticks = [...kept.map((log) => -log), 0, ...kept.reverse()].filter((log) => log >= low && log <= high);
  const text = (log) => `${Number(Math.exp(log).toPrecision(log < 0 ? 2 : 3))}`;
  return Object.assign(scale, { ticks: () => ticks, text });
}

function linearTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw * 0.999) || 10);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, count) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const factor of [1, 2, 3, 5]) {
      const value = Number((factor * 10 ** power).toPrecision(12));
      if (value >= low && value <= high) ticks.push(value);
    }
  }
  if (ticks.length < 2) return linearTicks(low, high, Math.min(count, 4)); // less than an octave
  return ticks.length <= 2 * count ? ticks : ticks.filter((value) => /^1/.test(value.toExponential()));
}

// A tick's text: a true minus sign, K and M for thousands and millions.
function tick(value) {
  const size = Math.abs(value);
  const [scaled, unit] = size >= 1e6 ? [value / 1e6, "M"] : size >= 1e3 ? [value / 1e3, "K"] : [value, ""];
  return `${Number(scaled.toPrecision(5))}${unit}`.replace("-", "−");
}

// [low, high] with a margin on both sides; a single value gets some room.
function padded(values, before = 0.06, after = before) {
  const low = Math.min(...values), high = Math.max(...values);
  const span = high - low || Math.abs(high) * 0.1 || 1;
  return [low - before * span, high + after * span];
}
