import fc from "fast-check";

/** What callers of an engine may do. Numbers choose among what there is then, so that any script makes sense. */
export type Action =
  | {
      readonly type: "submit";
      readonly family: number;
      readonly shared: number;
      readonly extra: readonly number[];
      readonly maxTokens: number;
      readonly low: boolean;
      readonly stops: boolean;
      readonly sampling: number;
      readonly cache: number;
      readonly salt: boolean;
    }
  | { readonly type: "step" }
  | { readonly type: "abort" | "fork" | "release" | "save"; readonly pick: number }
  | { readonly type: "rewind" | "stop"; readonly pick: number; readonly keep: number }
  | {
      readonly type: "restore";
      readonly family: number;
      readonly tokens: number;
      readonly good: number;
      /** Of what was saved, if there is any, rather than of the family. */
      readonly saved: boolean;
      /** Waits for as many blocks, as an answer's does; else takes what there is, as a read ahead's. */
      readonly waits: boolean;
    }
  | { readonly type: "commit"; readonly pick: number }
  /** The next call of this part of the world fails. */
  | { readonly type: "fail"; readonly what: Fault };

/**
 * What may fail: a run or a copy before anything ran, with one request to blame or none; for want of memory; with the
 * pool's contents lost; the sampling of one request; the hasher, the clock, a listener.
 */
export const faults = [
  "run refused",
  "run refused, one to blame",
  "copy refused",
  "run out of memory",
  "run broken",
  "copy broken",
  "sampling",
  "hasher",
  "clock",
  "listener",
] as const;

export type Fault = (typeof faults)[number];

/** Steps of the prompts' ids: those of one family share their beginnings. */
export const families = [11, 23, 37] as const;

const pick = fc.nat({ max: 30 });
const family = fc.nat({ max: families.length - 1 });

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("submit" as const),
      family,
      shared: fc.nat({ max: 24 }),
      extra: fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
      maxTokens: fc.nat({ max: 24 }),
      low: fc.boolean(),
      stops: fc.boolean(),
      sampling: fc.nat({ max: 4 }),
      cache: fc.nat({ max: 30 }),
      salt: fc.nat({ max: 9 }).map((value) => value === 0),
    }),
  },
  { weight: 9, arbitrary: fc.constant({ type: "step" as const }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom("abort", "fork", "release"), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("save" as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom("rewind", "stop"), pick, keep: fc.nat({ max: 40 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("restore" as const),
      family,
      tokens: fc.integer({ min: 1, max: 30 }),
      good: fc.nat({ max: 30 }),
      saved: fc.boolean(),
      waits: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("commit" as const), pick }) },
);

const failure: fc.Arbitrary<Action> = fc.record({
  type: fc.constant("fail" as const),
  what: fc.constantFrom(...faults),
});

/** Long ones: what goes wrong goes wrong late. */
const long = { minLength: 10, maxLength: 60, size: "max" } as const;

export const script = fc.array(action, long);

export const scriptWithFailures = fc.array(
  fc.oneof({ weight: 10, arbitrary: action }, { weight: 1, arbitrary: failure }),
  long,
);

/** What callers do with caches that they have: use them all the time, or leave them idle, saved or still to be saved. */
export const idleCaches = fc.constantFrom("none", "saved", "unsaved", "cannot be saved");

export type IdleCaches = typeof idleCaches extends fc.Arbitrary<infer T> ? T : never;

/** To repeat a failure, or to look for others: fast-check prints the seed and the path of what fails. */
export function runs(seed: number, numRuns: number): { readonly seed: number; readonly numRuns: number } {
  const { RESIDENT_SEED, RESIDENT_RUNS } = process.env;
  return { seed: Number(RESIDENT_SEED ?? seed), numRuns: Number(RESIDENT_RUNS ?? numRuns) };
}
