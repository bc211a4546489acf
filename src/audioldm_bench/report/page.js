"use strict";
document.documentElement.classList.add("js");

// Sounds: one at a time; the spectrogram is the button and shows where it is.
const STEP = { ArrowLeft: -0.1, ArrowRight: 0.1 }; // of a sound's length
let current = null;
for (const button of document.querySelectorAll(".play")) {
  const audio = button.parentElement.querySelector("audio");
  const cursor = button.querySelector(".cursor");
  const place = () => {
    const length = audio.duration || 1;
    cursor.style.left = `${(100 * audio.currentTime) / length}%`;
  };
  const show = () => {
    place();
    if (!audio.paused) requestAnimationFrame(show);
  };
  audio.addEventListener("play", () => {
    if (current && current !== audio) current.pause();
    current = audio;
    button.setAttribute("aria-pressed", "true");
    button.classList.add("started");
    show();
  });
  audio.addEventListener("pause", () => button.setAttribute("aria-pressed", "false"));
  audio.addEventListener("ended", () => {
    audio.currentTime = 0;
    button.classList.remove("started");
  });
  audio.addEventListener("seeking", place);
  button.addEventListener("keydown", (event) => {
    const step = STEP[event.key];
    const alone = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
    if (!step || !alone || !audio.duration) return; // until it has played the row scrolls
    event.preventDefault();
    button.classList.add("started");
    const there = audio.currentTime + step * audio.duration;
    audio.currentTime = Math.min(Math.max(there, 0), audio.duration);
  });
  button.addEventListener("click", (event) => {
    const box = button.getBoundingClientRect();
    const pointed = event.detail > 0; // 0: by keyboard
    const onIcon = event.clientX - box.left < 36 && box.bottom - event.clientY < 36;
    if (!audio.paused && pointed && !onIcon && audio.duration) {
      audio.currentTime = (audio.duration * (event.clientX - box.left)) / box.width;
    } else if (audio.paused) {
      audio.play().catch((error) => {
        if (error.name !== "AbortError") throw error; // stopped before it began: as asked
      });
    } else {
      audio.pause();
    }
  });
}

// Tables: a heading sorts by its column, up, then down, then as written; empty cells come last.
const compare = (one, other, sign) => {
  const [empty, alsoEmpty] = [one, other].map((text) => text.trim() === "");
  if (empty || alsoEmpty) return empty - alsoEmpty;
  const [a, b] = [Number(one), Number(other)];
  if (!Number.isNaN(a) && !Number.isNaN(b)) return sign * (a - b);
  return sign * one.localeCompare(other);
};
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const written = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      const order = next === undefined ? "ascending" : next;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      table.classList.toggle("sorted", order !== null);
      const rows = [...written];
      if (order) {
        const sign = order === "ascending" ? 1 : -1;
        const key = (row) => row.cells[column].dataset.sort;
        rows.sort((one, other) => compare(key(one), key(other), sign));
        head.setAttribute("aria-sort", order);
      }
      body.append(...rows);
    });
  });
}
