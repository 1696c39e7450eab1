/** Controls that change the direction of the text after them. */
const directionControls = /[\u202a-\u202e\u2066-\u2069]/g;

/** Right-to-left letters and direction marks. */
const rightToLeft = /[\u0590-\u08ff\u200e\u200f\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const firstStrongIsolate = "\u2068";
const popIsolate = "\u2069";

/**
 * The name without direction controls; a right-to-left name is isolated, so that the surrounding text keeps its
 * direction.
 */
export function shownName(name: string): string {
  const plain = name.replace(directionControls, "");
  return rightToLeft.test(plain) ? firstStrongIsolate + plain + popIsolate : plain;
}
