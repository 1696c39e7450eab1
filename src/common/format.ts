/**
 * Formats figures for people. Every program and page shows the same number in the same way: tokens and blocks in full,
 * durations in ms, s or min, rates in tokens per second, bytes with three significant digits (1 MB = 1,048,576 bytes).
 */
export interface Formats {
  /** "3,425" */
  count(value: number): string;
  /** "84 ms" under 1 s, "1.7 s" under 60 s, then "2 min 5 s". */
  duration(ms: number): string;
  /** As `duration`, with a decimal below 100 ms and µs below 0.1 ms: for benchmarks. */
  fineDuration(ms: number): string;
  /** "61" from 10 tokens per second, else "8.4"; the caller adds the unit. */
  rate(perSecond: number): string;
  /** "1.20" below 10, else "46": one figure divided by another. The caller adds a sign. */
  ratio(value: number): string;
  /** "1.74 GB" */
  bytes(value: number): string;
  /** "1.08 of 1.74 GB": both in the total's unit, but "5.63 MB of 8.00 GB" below one hundredth. */
  bytesOf(done: number, total: number): string;
  /** "65.2%" of a fraction 0…1. */
  percent(fraction: number): string;
  /** "about 3 s left": in steps of 1 s, above 10 s of 5 s, from 60 s of 1 min; `undefined` while it is unknown. */
  remaining(ms: number | undefined): string | undefined;
  /** The same in words, for assistive technology: "about 3 seconds left". */
  remainingInWords(ms: number | undefined): string | undefined;
  /** "12 min. ago", in the display language. */
  ago(ms: number): string;
  /** Date and time in the display language, of ms since 1970. */
  dateTime(at: number): string;
}

/** "1 turn", "1,204 turns" */
export function plural(count: number, noun: string, formats: Pick<Formats, "count">): string {
  return `${formats.count(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const byteUnits = ["B", "KB", "MB", "GB", "TB"] as const;

/** Index into `byteUnits` in which `value` has at most three digits before the point. */
function byteUnit(value: number): number {
  let unit = 0;
  for (let scaled = Math.abs(value); unit < byteUnits.length - 1 && Math.round(scaled) >= 1000; scaled /= 1024) unit++;
  return unit;
}

/** Rounds in steps, so that the number does not change at every frame. */
function remainingSteps(ms: number | undefined): { readonly value: number; readonly unit: "s" | "min" } | undefined {
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) return undefined;
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds <= 10) return { value: seconds, unit: "s" };
  const inFives = Math.ceil(seconds / 5) * 5;
  return inFives < 60 ? { value: inFives, unit: "s" } : { value: Math.ceil(seconds / 60), unit: "min" };
}

/** Numbers in the display language; an unknown tag falls back to English. */
export function createFormats(language: string): Formats {
  const locale = supported(language);
  const number = (digits: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, digits);
  const whole = number({ maximumFractionDigits: 0 });
  const oneDecimal = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const twoDecimals = number({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const threeDigits = number({ minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
  const relative = new Intl.RelativeTimeFormat(locale, { style: "short", numeric: "auto" });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const percents = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

  const scaledBytes = (value: number, unit: number) =>
    unit === 0 ? whole.format(value) : threeDigits.format(value / 1024 ** unit);

  const bytes = (value: number): string => {
    const unit = byteUnit(value);
    return `${scaledBytes(value, unit)} ${byteUnits[unit]}`;
  };

  const duration = (ms: number): string => {
    if (Math.round(ms) < 1000) return `${whole.format(ms)} ms`;
    if (Math.round(ms / 100) < 600) return `${oneDecimal.format(ms / 1000)} s`;
    const seconds = Math.round(ms / 1000);
    return `${whole.format(Math.floor(seconds / 60))} min ${whole.format(seconds % 60)} s`;
  };

  return {
    count: (value) => whole.format(value),
    duration,
    fineDuration: (ms) => {
      if (ms > 0 && ms < 0.1) return `${oneDecimal.format(ms * 1000)} µs`;
      return ms < 99.95 ? `${oneDecimal.format(ms)} ms` : duration(ms);
    },
    rate: (perSecond) => (perSecond < 9.95 ? oneDecimal : whole).format(perSecond),
    ratio: (value) => (value < 9.995 ? twoDecimals : whole).format(value),
    bytes,
    bytesOf: (done, total) => {
      const unit = byteUnit(total);
      // A small part in the unit of a large total would show only zeros.
      if (done > 0 && done < total / 100) return `${bytes(done)} of ${bytes(total)}`;
      return `${scaledBytes(done, unit)} of ${scaledBytes(total, unit)} ${byteUnits[unit]}`;
    },
    percent: (fraction) => percents.format(fraction),
    remaining: (ms) => {
      const steps = remainingSteps(ms);
      return steps && `about ${whole.format(steps.value)} ${steps.unit} left`;
    },
    remainingInWords: (ms) => {
      const steps = remainingSteps(ms);
      if (!steps) return undefined;
      const unit = steps.unit === "s" ? "second" : "minute";
      return `about ${whole.format(steps.value)} ${unit}${steps.value === 1 ? "" : "s"} left`;
    },
    ago: (ms) => {
      const minutes = Math.floor(Math.max(0, ms) / 60_000);
      if (minutes < 1) return relative.format(0, "second");
      if (minutes < 60) return relative.format(-minutes, "minute");
      const hours = Math.floor(minutes / 60);
      return hours < 48 ? relative.format(-hours, "hour") : relative.format(-Math.floor(hours / 24), "day");
    },
    dateTime: (at) => dateTime.format(at),
  };
}

function supported(language: string): string {
  try {
    return Intl.NumberFormat.supportedLocalesOf(language)[0] ?? "en";
  } catch {
    return "en"; // not a BCP 47 tag
  }
}
