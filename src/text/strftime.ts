/** A day without its time: "2026-11-30". */
export type Day = string;

export function dayOf(date: Date): Day {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Python's `strftime` at the beginning of a day, in English. A flag after % is that of glibc: `-`, `_`, `0`, `^`. */
export function formatDay(day: Day, format: string): string {
  const [year = 1970, month = 1, date = 1] = day.split("-").map(Number);
  const at = new Date(Date.UTC(year, month - 1, date));
  return format.replace(/%([-_0^#]?)([a-zA-Z%])/g, (whole, flag: string, letter: string) => {
    const part = partOf(at, letter);
    return part === undefined ? whole : flagged(part, flag);
  });
}

function partOf(at: Date, letter: string): string | undefined {
  const known = parts[letter];
  if (known !== undefined) return known(at);
  const composed = composedParts[letter];
  return composed?.replace(/%([a-zA-Z])/g, (_, inner: string) => partOf(at, inner) ?? "");
}

function flagged(part: string, flag: string): string {
  if (flag === "-") return part.replace(/^[0 ]+(?=.)/, "");
  if (flag === "_") return part.replace(/^0+(?=.)/, (zeros) => " ".repeat(zeros.length));
  if (flag === "0") return part.replace(/^ +/, (spaces) => "0".repeat(spaces.length));
  return flag === "^" || flag === "#" ? part.toUpperCase() : part;
}

const two = (value: number) => String(value).padStart(2, "0");
const named = (at: Date, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" }).format(at);
const dayMs = 86_400_000;
const dayOfYear = (at: Date) => Math.round((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / dayMs) + 1;
/** Monday is 1, Sunday 7. */
const isoDay = (at: Date) => at.getUTCDay() || 7;
/** The year and the week of ISO 8601: those of the week's Thursday. */
const thursdayOf = (at: Date) => new Date(at.getTime() + (4 - isoDay(at)) * dayMs);

const parts: Readonly<Record<string, (at: Date) => string>> = {
  a: (at) => named(at, { weekday: "short" }),
  A: (at) => named(at, { weekday: "long" }),
  b: (at) => named(at, { month: "short" }),
  B: (at) => named(at, { month: "long" }),
  h: (at) => named(at, { month: "short" }),
  C: (at) => two(Math.floor(at.getUTCFullYear() / 100)),
  d: (at) => two(at.getUTCDate()),
  e: (at) => String(at.getUTCDate()).padStart(2, " "),
  f: () => "000000",
  G: (at) => String(thursdayOf(at).getUTCFullYear()),
  H: () => "00",
  I: () => "12",
  j: (at) => String(dayOfYear(at)).padStart(3, "0"),
  k: () => " 0",
  l: () => "12",
  m: (at) => two(at.getUTCMonth() + 1),
  M: () => "00",
  n: () => "\n",
  p: () => "AM",
  P: () => "am",
  s: (at) => String(at.getTime() / 1000),
  S: () => "00",
  t: () => "\t",
  u: (at) => String(isoDay(at)),
  U: (at) => two(Math.floor((dayOfYear(at) + 6 - at.getUTCDay()) / 7)),
  V: (at) => two(Math.ceil(dayOfYear(thursdayOf(at)) / 7)),
  w: (at) => String(at.getUTCDay()),
  W: (at) => two(Math.floor((dayOfYear(at) + 7 - isoDay(at)) / 7)),
  y: (at) => two(at.getUTCFullYear() % 100),
  Y: (at) => String(at.getUTCFullYear()),
  z: () => "",
  Z: () => "",
  "%": () => "%",
};

const composedParts: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};
