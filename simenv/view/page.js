// Which pane of a tile is large, and which part is lit. Without this script the page still reads.
"use strict";
const tiles = [...document.querySelectorAll(".tile")];
function press(group, view) {
  for (const button of group.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", button.dataset.show === view);
}
function show(tile, view) {
  if (!tile.querySelector(`[data-show="${view}"]`)) view = "overlay"; // not every camera has all
  const [rgb, ...others] = tile.querySelectorAll(".pane");
  const large = others.find((pane) => pane.dataset.pane === view) || rgb;
  tile.dataset.view = view;
  press(tile, view);
  for (const pane of [rgb, ...others]) pane.classList.toggle("large", pane === large);
  rgb.style.setProperty("--slot", large.style.getPropertyValue("--slot")); // they change places
}
function showAll(all, view) {
  press(all, view);
  tiles.forEach((tile) => show(tile, view));
}
for (const tile of tiles) {
  show(tile, tile.dataset.view);
  tile.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    const pane = event.target.closest(".pane");
    if (button) show(tile, button.dataset.show);
    else if (pane) show(tile, pane.dataset.pane === "rgb" ? "overlay" : pane.dataset.pane);
  });
  for (const row of tile.querySelectorAll(".parts tr[data-id]"))
    for (const [name, on] of [["mouseenter", true], ["mouseleave", false]])
      row.addEventListener(name, () => {
        for (const node of tile.querySelectorAll(`[data-id="${row.dataset.id}"]`))
          node.classList.toggle("hot", on);
      });
}
const all = document.querySelector(".all");
if (all) {
  press(all, "overlay");
  all.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (button) showAll(all, button.dataset.show);
  });
}
