import fc from "fast-check";
import { windowBlocksFor } from "../../../src/engine/windowMath";
import { type Action, idleCaches, runs, script, scriptWithFailures } from "../../support/engine/world/actions";
import { FakeDevice } from "../../support/engine/world/fakeDevice";
import { play, playBeside, World } from "../../support/engine/world/world";

/** Any interleaving of what callers may do, then every answer is compared with the reference and every block counted. */

const seed = 20_240_607;

const limits = fc.record({
  totalBlocks: fc.integer({ min: 6, max: 40 }),
  blockTokens: fc.constantFrom(1, 2, 4, 5, 8),
  tokenBudget: fc.integer({ min: 6, max: 60 }),
  prefillChunkTokens: fc.integer({ min: 1, max: 20 }),
  maxStepsPerRun: fc.integer({ min: 1, max: 5 }),
  lookupTokensPerRun: fc.constantFrom(0, 0, 3, 8),
  maxSequences: fc.integer({ min: 1, max: 5 }),
  idleCaches,
  /** Tokens that layers with a window see (0: no window), and their blocks in addition to what one request needs. */
  windowTokens: fc.constantFrom(0, 0, 1, 3, 8, 20),
  spareWindowBlocks: fc.nat({ max: 30 }),
  slackTokens: fc.constantFrom(0, 0, 2, 9),
});

type Limits = typeof limits extends fc.Arbitrary<infer T> ? T : never;

function newWorld(limits: Limits): World {
  const { totalBlocks, blockTokens, idleCaches, windowTokens, spareWindowBlocks, slackTokens, ...options } = limits;
  const stepTokens = Math.max(options.tokenBudget, options.maxStepsPerRun, options.lookupTokensPerRun);
  const window = {
    tokens: windowTokens,
    totalBlocks: spareWindowBlocks + windowBlocksFor({ tokens: windowTokens, slackTokens, stepTokens }, blockTokens),
  };
  const geometry = { totalBlocks, blockTokens, maxContextTokens: 64, ...(windowTokens === 0 ? {} : { window }) };
  return new World(new FakeDevice(geometry, { ...options, windowSlackTokens: slackTokens }), { idleCaches });
}

describe("BlockPoolBatchEngine, any interleaving", () => {
  const holds = (
    actions: fc.Arbitrary<Action[]>,
    howPlayed: (world: World, actions: readonly Action[]) => Promise<void>,
    itsSeed: number,
  ) =>
    fc.assert(
      fc.asyncProperty(limits, actions, async (options, chosen) => howPlayed(newWorld(options), chosen)),
      runs(itsSeed, 250),
    );

  it("gives every accepted request the reference's answer and loses no block, whatever callers do between steps", () =>
    holds(script, play, seed)).timeout(60_000);

  it("answers right or fails as planned whatever fails now and then, and loses no block", () =>
    holds(scriptWithFailures, play, seed + 2)).timeout(60_000);

  it("does so when callers act, and things fail, while the device is at work", () =>
    holds(scriptWithFailures, playBeside, seed + 3)).timeout(60_000);

  it("gives the same answers when callers act while the device is at work", () =>
    holds(script, playBeside, seed + 1)).timeout(60_000);
});
