import fc from "fast-check";

/** Actions of an engine's callers. Numbers choose among the objects that exist then, so that any script is valid. */
export type Action =
  | {
      readonly type: "submit";
      readonly family: number;
      readonly shared: number;
      readonly extra: readonly number[];
      readonly maxTokens: number;
      readonly low: boolean;
      readonly stops: boolean;
      /** With the device's grammar, if it has one and the request has stop ids. */
      readonly constrained: boolean;
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
      /** Restores saved tokens, if there are any, instead of tokens of the family. */
      readonly saved: boolean;
      /** Waits for all blocks, as for an answer; otherwise takes what is available, as for a read-ahead. */
      readonly waits: boolean;
    }
  | { readonly type: "commit"; readonly pick: number }
  /** The next call of this part of the world fails. */
  | { readonly type: "fail"; readonly what: Fault };

/**
 * Faults: a run or a copy fails before anything ran, and names a request or none; for lack of memory; with the pool's
 * contents lost; or the sampling of one request, the hasher, the clock or a listener fails.
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

/** The step between a prompt's ids, one per family: prompts of one family share their beginnings. */
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
      constrained: fc.boolean(),
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

/** Long scripts, since some faults appear late. */
const long = { minLength: 10, maxLength: 60, size: "max" } as const;

export const script = fc.array(action, long);

export const scriptWithFailures = fc.array(
  fc.oneof({ weight: 10, arbitrary: action }, { weight: 1, arbitrary: failure }),
  long,
);

/** What callers do with their caches: use them all the time, or leave them idle, saved or unsaved. */
export const idleCaches = fc.constantFrom("none", "saved", "unsaved", "cannot be saved");

export type IdleCaches = typeof idleCaches extends fc.Arbitrary<infer T> ? T : never;

/** Repeats a failure or searches for others: fast-check prints the seed and the path of a failure. */
export function runs(seed: number, numRuns: number): { readonly seed: number; readonly numRuns: number } {
  const { RESIDENT_SEED, RESIDENT_RUNS } = process.env;
  return { seed: Number(RESIDENT_SEED ?? seed), numRuns: Number(RESIDENT_RUNS ?? numRuns) };
}
