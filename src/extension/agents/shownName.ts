/** Characters that change the direction of all that follows them in their line. */
const directionControls = /[\u202a-\u202e\u2066-\u2069]/g;

/** Letters that are written from right to left, and marks of direction. */
const rightToLeft = /[\u0590-\u08ff\u200e\u200f\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const firstStrongIsolate = "\u2068";
const popIsolate = "\u2069";

/** A name that leaves the text around it as it is, whatever its script and whatever was pasted into it. */
export function shownName(name: string): string {
  const plain = name.replace(directionControls, "");
  return rightToLeft.test(plain) ? firstStrongIsolate + plain + popIsolate : plain;
}
