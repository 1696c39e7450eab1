import assert from "node:assert/strict";
import { ResidentError } from "../../../src/common/errors";
import type { GenerationEvent, GenerationFigures } from "../../../src/engine/generation";
import { GenerationStream } from "../../../src/engine/generationStream";

const figures: GenerationFigures = {
  promptTokens: 1,
  reusedTokens: 0,
  recomputedTokens: 0,
  guessedTokens: 0,
  prefilledTokens: 1,
  generatedTokens: 0,
  queuedMs: 0,
  ttftMs: 0,
  decodeTokensPerSecond: 0,
};

function streamOf(onListenerError: (error: unknown) => void = () => {}): GenerationStream {
  return new GenerationStream({ figures: () => figures, abort: () => {}, stop: () => {} }, onListenerError);
}

const token = (index: number): GenerationEvent => ({ type: "token", index, id: index });
const failure = new ResidentError("NATIVE_FAILURE", "it broke", "start again");

describe("GenerationStream", () => {
  it("tells a late listener everything from the start, in order and once", () => {
    const stream = streamOf();
    const heard: number[] = [];
    stream.emit(token(0));
    stream.onEvent((event) => {
      if (event.type !== "token") return;
      if (event.index === 0) stream.emit(token(1));
      heard.push(event.index);
    });
    stream.emit(token(2));
    assert.deepEqual(heard, [0, 1, 2]);
  });

  it("lets several iterators read at their own pace and ends them on failure with its error", async () => {
    const stream = streamOf();
    stream.emit(token(0));
    const read = async (): Promise<number> => {
      let count = 0;
      try {
        for await (const _ of stream) count += 1;
      } catch (error) {
        assert.equal(error, failure);
        return count;
      }
      return -1;
    };
    const early = read();
    await Promise.resolve();
    stream.emit(token(1));
    stream.fail(failure);
    assert.equal(await early, 2);
    assert.equal(await read(), 2);
  });

  it("does not end the process when nobody looks at a failure", async () => {
    let unhandled = 0;
    const count = (): void => {
      unhandled += 1;
    };
    process.on("unhandledRejection", count);
    streamOf().fail(failure);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", count);
    assert.equal(unhandled, 0);
  });

  it("keeps the other listeners hearing when one throws", () => {
    const errors: unknown[] = [];
    const stream = streamOf((error) => errors.push(error));
    stream.emit(token(0));
    const heard: string[] = [];
    stream.onEvent(() => {
      throw failure;
    });
    stream.onEvent((event) => heard.push(event.type));
    stream.emit(token(1));
    assert.deepEqual(heard, ["token", "token"]);
    assert.deepEqual(errors, [failure, failure]);
  });
});
