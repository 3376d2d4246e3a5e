"use strict";
// Numbers and times for people. null is a number that is not known, or does not apply.

const none = "–";
const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const tenths = new Intl.NumberFormat("en", {minimumFractionDigits: 1, maximumFractionDigits: 1});

// scaled writes a number with a unit's prefix where it is too long without.
function scaled(v, base, units) {
  let i = 0;
  while (v >= 999.5 && i < units.length - 1) {
    v /= base;
    i++;
  }
  return (v < 9.95 && v > 0 && i > 0 ? tenths : whole).format(v) + units[i];
}

function count(v) {
  if (v === null || v === undefined) return none;
  return v < 99999.5 ? whole.format(v) : scaled(v, 1000, ["", "k", "M", "G", "T"]);
}

function rate(v) {
  if (v === null || v === undefined) return none;
  if (v === 0) return "0";
  if (v < 0.1) return "<0.1";
  return v < 9.95 ? tenths.format(v) : count(v);
}

const bytes = v => v === null ? none : scaled(v, 1000, [" B", " kB", " MB", " GB", " TB"]);

function time(s) {
  if (s === null || s === undefined) return none;
  if (s === 0) return "0";
  if (s < 1e-6) return "<1 µs";
  for (const [unit, size] of [["µs", 1e-6], ["ms", 1e-3], ["s", 1]]) {
    const v = s / size;
    if (v < 9.95) return tenths.format(v) + " " + unit;
    if (v < (unit === "s" ? 119.5 : 999.5)) return whole.format(v) + " " + unit;
  }
  if (s < 7200) return whole.format(s / 60) + " min";
  return s < 172800 ? whole.format(s / 3600) + " h" : whole.format(s / 86400) + " d";
}

const percent = v => v === null ? none : whole.format(v * 100) + "%";
