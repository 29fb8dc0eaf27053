// Plays the animations. Also makes figures downloadable as SVG if no files lie beside the page.
for (const box of document.querySelectorAll("[data-moves]")) {
  const moves = JSON.parse(box.querySelector("script.moves").textContent);
  const [button, slider] = [box.querySelector("button"), box.querySelector("input")];
  const sheets = ["wide", "narrow"].map((width) => ({ svg: box.querySelector("." + width + " svg"),
    ...moves[width] }));
  const place = (sheet, [x, y]) => [
    sheet.horizontal[0] + x / 10000 * (sheet.horizontal[1] - sheet.horizontal[0]),
    sheet.vertical[0] + y / 10000 * (sheet.vertical[1] - sheet.vertical[0])].map(Math.round);
  const inside = ([x, y]) => x >= 0 && x <= 10000 && y >= 0 && y <= 10000;
  const show = (frame) => {
    slider.value = frame;
    for (const sheet of sheets) {
      const dots = moves.frames[frame].filter(inside);
      const d = dots.map((dot) => "M" + place(sheet, dot).join(" ") + "h0").join("");
      sheet.svg.querySelector(".dots").setAttribute("d", d);
      sheet.svg.querySelector(".moment").textContent = moves.texts[frame];
      const trail = sheet.svg.querySelector(".trail");
      const way = moves.frames.slice(0, frame + 1).map((dots) => dots[0]);
      if (trail) trail.setAttribute("points", way.map((dot) => place(sheet, dot).join(",")).join(" "));
    }
  };
  const last = moves.frames.length - 1;
  let [frame, rest, playing] = [0, 0, !matchMedia("(prefers-reduced-motion: reduce)").matches];
  const say = () => { button.textContent = playing ? "Pause" : "Play"; };
  setInterval(() => {
    if (!playing) return;
    // The last frame stays for a while.
    if (frame === last && rest < moves.rest) { rest += 1; return; }
    [frame, rest] = [frame === last ? 0 : frame + 1, 0];
    show(frame);
  }, moves.pace);
  button.addEventListener("click", () => { playing = !playing; say(); });
  slider.addEventListener("input", () => { playing = false; say(); frame = +slider.value; show(frame); });
  box.querySelector(".controls").hidden = false;
  say();
  show(playing ? 0 : last);
}
for (const link of document.querySelectorAll("a[data-figure]")) {
  link.addEventListener("click", () => {
    const svg = document.getElementById(link.dataset.figure).querySelector(".wide svg").cloneNode(true);
    svg.setAttribute("xmlns", "http:" + "//www.w3.org/2000/svg");
    const style = getComputedStyle(document.documentElement);
    const text = new XMLSerializer().serializeToString(svg)
      .replace(/var\((--[a-z-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
    link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  });
}
