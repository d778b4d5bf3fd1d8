// Elements. Text is only ever set as text, never parsed as markup.
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const DATA = JSON.parse($("#data").textContent);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}
const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const shape = (name, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// An arm's marker as a path around (x, y); the order is that of the figures' markers: o s ^ D v P X *
function marker(number, x, y, size = 4) {
  const polygon = (points) => `M${points.map(([dx, dy]) => `${x + dx * size},${y + dy * size}`).join("L")}Z`;
  const star = [...Array(10).keys()].map((i) => {
    const radius = i % 2 ? 0.5 : 1.3, angle = (Math.PI * i) / 5 - Math.PI / 2;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  const plus = [[-0.35, -1.1], [0.35, -1.1], [0.35, -0.35], [1.1, -0.35], [1.1, 0.35], [0.35, 0.35], [0.35, 1.1], [-0.35, 1.1], [-0.35, 0.35], [-1.1, 0.35], [-1.1, -0.35], [-0.35, -0.35]];
  const turned = plus.map(([a, b]) => [0.71 * (a - b), 0.71 * (a + b)]);
  const circle = `M${x - size},${y}a${size},${size} 0 1 0 ${2 * size},0a${size},${size} 0 1 0 ${-2 * size},0Z`;
  const paths = [
    () => circle,
    () => polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]),
    () => polygon([[0, -1.15], [1.1, 0.85], [-1.1, 0.85]]),
    () => polygon([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]]),
    () => polygon([[0, 1.15], [1.1, -0.85], [-1.1, -0.85]]),
    () => polygon(plus),
    () => polygon(turned),
    () => polygon(star),
  ];
  return shape("path", { d: paths[number % paths.length](), class: "mark" });
}

// The small line with its marker that stands for an arm in tables and legends.
function swatch(svg, number) {
  svg.append(shape("path", { d: "M0,6H22", class: "stroke dashed" }), marker(number, 11, 6));
  return svg;
}
