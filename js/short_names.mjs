// Globals that bundles use often, under names of one letter: a bundle is sent with each widget.
const { abs, ceil, floor, max, min, round } = Math;
const { NEGATIVE_INFINITY } = Number;
const { entries } = Object;
const { stringify } = JSON;
const arrayFrom = Array.from.bind(Array);
const now = () => performance.now();
const [text, number, floats, bytes, counts, integers] = [
  String,
  Number,
  Float64Array,
  Uint8Array,
  Uint32Array,
  Int32Array,
];

export {
  abs as "Math.abs",
  arrayFrom as "Array.from",
  bytes as "Uint8Array",
  ceil as "Math.ceil",
  counts as "Uint32Array",
  entries as "Object.entries",
  floats as "Float64Array",
  floor as "Math.floor",
  integers as "Int32Array",
  max as "Math.max",
  min as "Math.min",
  NEGATIVE_INFINITY as "Number.NEGATIVE_INFINITY",
  now as "performance.now",
  number as "Number",
  round as "Math.round",
  stringify as "JSON.stringify",
  text as "String",
};
