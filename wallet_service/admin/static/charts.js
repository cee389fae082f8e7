// Draws each table that has data-chart. Series differ by colour (Okabe and Ito's, which the colour-blind can tell apart),
// by the shape of their points or their place, and by name; the exact numbers stay in the table.
import { follow } from "./background.js";

const dark = document.documentElement.dataset.bsTheme === "dark";
const COLOURS = dark ? ["#56b4e9", "#e69f00", "#20c997"] : ["#0072b2", "#d55e00", "#00795a"];
const SHAPES = ["circle", "rect", "triangle"];
const DASHES = [[], [6, 3], [2, 2]];

function dataOf(table) {
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const rows = [...table.tBodies[0].rows];
  return {
    labels: rows.map((row) => row.cells[0].textContent),
    datasets: names.map((label, index) => ({
      label,
      data: rows.map((row) => Number(row.cells[index + 1].textContent)),
      borderColor: COLOURS[index],
      backgroundColor: COLOURS[index],
      borderDash: DASHES[index],
      pointStyle: SHAPES[index],
      borderWidth: table.dataset.chart === "line" ? 2 : 0,
    })),
  };
}

function draw(place) {
  const table = document.getElementById(place.dataset.draws);
  const style = getComputedStyle(document.body);
  const line = style.getPropertyValue("--bs-border-color");
  const across = table.dataset.chart === "across";
  const axis = { grid: { color: line }, ticks: { color: style.color }, beginAtZero: true };
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${document.getElementById(place.parentElement.getAttribute("aria-labelledby")).textContent}; the table below has the numbers`);
  place.replaceChildren(canvas);
  place.hidden = false;
  if (across) place.classList.add(`chart-rows-${Math.min(Math.ceil(table.tBodies[0].rows.length / 4), 4)}`);
  return new Chart(canvas, {
    type: table.dataset.chart === "line" ? "line" : "bar",
    data: dataOf(table),
    options: {
      indexAxis: across ? "y" : "x",
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", axis: across ? "y" : "x", intersect: false },
      plugins: {
        legend: { display: table.tHead.rows[0].cells.length > 2, labels: { color: style.color, usePointStyle: true } },
      },
      scales: { x: axis, y: axis },
    },
  });
}

let charts = [...document.querySelectorAll("[data-draws]")].map(draw);

// While the days are being counted, ask until they are.
const counting = document.querySelector("[data-reload]");
if (counting) {
  follow(counting.dataset.reload, counting.dataset.login, 1000, (data) => {
    if (!data.sums.complete) return 2000;
    location.reload();
    return null;
  });
}
