// The score card of a number, in a dialog: the browser keeps focus inside, Escape closes, focus goes back.
function openCard(key, opener) {
  const number = DATA.numbers[key], dialog = $("#card");
  $("#card-title").textContent = number.title;
  const body = [element("p", { class: "shown" }, number.shown), facts(number.about), element("h3", {}, "By seed"), seeds(number)];
  const shared = (name) => [...new Set(number.seeds.map((seed) => seed[name]))];
  const listing = (title, name) =>
    shared(name).forEach((index, i, all) => {
      const of = number.seeds.filter((seed) => seed[name] === index).map((seed) => seed.seed).join(", ");
      body.push(element("h3", {}, all.length > 1 ? `${title} of seed ${of}` : title), facts(DATA.facts[index]));
    });
  listing("How it was measured", "card");
  listing("What was run", "run");
  $("#card-body").replaceChildren(...body);
  dialog.addEventListener("close", () => opener.focus(), { once: true });
  dialog.showModal();
  dialog.scrollTop = 0;
}

const facts = (pairs) => element("dl", {}, ...pairs.flatMap(([what, value]) => [element("dt", {}, what), element("dd", {}, value)]));

function seeds(number) {
  const sampled = number.seeds.some((seed) => seed.error);
  const head = ["seed", "value", ...(sampled ? ["sampling error"] : []), "status", "spent until then", "cell", "score"];
  const rows = number.seeds.map((seed) => [seed.seed, seed.value, ...(sampled ? [seed.error] : []), seed.status, seed.spent, seed.train_id, seed.score_id]);
  const cells = (texts, name) => element("tr", {}, ...texts.map((text) => element(name, name === "th" ? { scope: "col" } : {}, String(text))));
  const table = element("table", {}, element("thead", {}, cells(head, "th")), element("tbody", {}, ...rows.map((row) => cells(row, "td"))));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Values by seed" }, table);
}
