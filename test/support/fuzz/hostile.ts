import type { Random } from "../random";

const numbers: readonly number[] = [0, -1, 0.5, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, Number.MAX_SAFE_INTEGER, -(2 ** 63)];
const texts: readonly string[] = [
  "",
  "__proto__",
  "constructor",
  "../../x",
  "\u0000",
  "\ud800",
  "x".repeat(5000),
  "{{ x",
  "-0",
];
const huge: readonly bigint[] = [0xffffffffffffffffn, 2n ** 63n, 2n ** 53n, 2n ** 40n, 2n ** 32n - 1n, 2n ** 31n];

/** A value that hand-written files would not contain. */
function oddValue(random: Random): unknown {
  switch (random.below(7)) {
    case 0:
      return random.pick(numbers);
    case 1:
      return random.pick(texts);
    case 2:
      return random.pick([null, true, false]);
    case 3:
      return [];
    case 4:
      return {};
    case 5:
      return nested(random.below(2000));
    default:
      return Array.from({ length: random.below(300) }, () => random.pick<unknown>([...numbers, ...texts, null]));
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A copy of the value with something odd somewhere in it. The original does not change. */
export function oddJson(random: Random, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && random.below(8) > 0) {
    const at = random.below(value.length);
    if (random.below(6) === 0) return value.filter((_, index) => index !== at);
    return value.map((item: unknown, index) => (index === at ? oddJson(random, item) : item));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value) && random.below(8) > 0) {
    const entries: readonly (readonly [string, unknown])[] = Object.entries(value);
    const at = random.below(entries.length + 1);
    if (at === entries.length)
      return withKey(entries, random.pick(["__proto__", "constructor", "extra"]), oddValue(random));
    if (random.below(6) === 0) return Object.fromEntries(entries.filter((_, index) => index !== at));
    return Object.fromEntries(entries.map(([key, item], index) => [key, index === at ? oddJson(random, item) : item]));
  }
  return oddValue(random);
}

/** Sets an own property of any name, as JSON.parse does. */
function withKey(entries: readonly (readonly [string, unknown])[], key: string, value: unknown): object {
  const object = Object.fromEntries(entries);
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

/** The bytes with some damage: flipped bits, changed lengths, huge numbers, bytes from other places. */
export function oddBytes(random: Random, bytes: Uint8Array): Buffer {
  let odd = Buffer.from(bytes);
  for (let damages = 1 + random.below(3); damages > 0; damages -= 1) odd = damaged(random, odd);
  return odd;
}

function damaged(random: Random, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const at = random.below(Math.max(1, bytes.length));
  switch (random.below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes, random.bytes(random.below(100))]);
    case 2:
      if (bytes.length >= 8) bytes.writeBigUInt64LE(random.pick(huge), random.below(bytes.length - 7));
      return bytes;
    case 3:
      return bytes.fill(0, at, Math.min(bytes.length, at + random.below(40)));
    case 4:
      bytes.copy(bytes, random.below(Math.max(1, bytes.length)), at, at + random.below(60));
      return bytes;
    default:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
  }
}
