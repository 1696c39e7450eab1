import { toErrorInfo } from "../common/errors";
import type { ModelRunner } from "../engine/ports";

/** `runner`, telling `onBroken` of a failure after which the pool's contents are unknown and the pool refuses to run. */
export function watchFailures(runner: ModelRunner, onBroken: () => void): ModelRunner {
  const watch = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      const { code } = toErrorInfo(error);
      if (code !== "INVALID_REQUEST" && code !== "ABORTED") onBroken();
      throw error;
    }
  };
  return {
    geometry: runner.geometry,
    run: (sequences, options) => watch(runner.run(sequences, options)),
    copyBlock: (from, to, tokens) => watch(runner.copyBlock(from, to, tokens)),
  };
}
