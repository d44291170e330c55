// Numbers as Python's format(value, ".4g") writes them.

const DIGITS = 4;

export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [digits, power] = value.toExponential(DIGITS - 1).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < DIGITS) {
    return trim(value.toFixed(DIGITS - 1 - exponent), value);
  }
  const sign = exponent < 0 ? "-" : "+";
  return `${trim(digits, value)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Without trailing zeros, and with the sign of -0, which toFixed and toExponential drop. */
function trim(digits: string, value: number): string {
  const text = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
  return Object.is(value, -0) ? `-${text}` : text;
}
