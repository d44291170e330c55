// Names from users inside other text: shortened, and isolated in their writing direction.

const LONGEST = 200;
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g; // they would change the direction of the text around them
const FROM_RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A name of at most `most` characters; keeps its end, where long names tend to differ. */
export function shorten(name: string, most: number): string {
  if (name.length <= most) return name;
  const end = Math.floor((most - 1) / 3);
  const kept = `${name.slice(0, most - 1 - end)}…${name.slice(name.length - end)}`;
  return kept.replace(/\p{Surrogate}/gu, ""); // half of a pair at the cut
}

/** A name to put into a sentence: on one line, of limited length, isolated in its direction. */
export function inText(name: string): string {
  const line = shorten(name.replace(/\s+/g, " "), LONGEST);
  const plain = line.replace(DIRECTIONS, "");
  return plain !== line || FROM_RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : line;
}

/** The same object, its names ready to be put into sentences. */
export function inTexts<Named extends { class_names: string[]; sources: string[] }>(
  named: Named,
): Named {
  const { class_names, sources } = named;
  return { ...named, class_names: class_names.map(inText), sources: sources.map(inText) };
}
