import assert from "node:assert/strict";
import { RunningAnswer } from "../../../src/agents/runningAnswer";
import { noFigures } from "../../../src/agents/turnTree";
import { resumeSuite } from "../../../src/bench/resume";
import type { TurnFigures } from "../../../src/protocol/service";
import { FakeService } from "../../support/extension/fakeService";

/** A service whose answers take what `figures` says, one after the other. */
class TimedService extends FakeService {
  constructor(private readonly figures: Partial<TurnFigures>[]) {
    super();
  }

  override async send() {
    const answer = new RunningAnswer("a/t1");
    const figures = { ...noFigures, promptTokens: 512, ...this.figures.shift() };
    answer.finish({ type: "done", text: "", tokenIds: [], finishReason: "stop", figures });
    return answer;
  }
}

async function rowsOf(...figures: Partial<TurnFigures>[]) {
  const suite = resumeSuite(new TimedService(figures), { contexts: [512], repeats: 1 });
  return suite({ onProgress: () => {}, signal: new AbortController().signal });
}

describe("The resume suite", () => {
  it("says how soon a hot and a warm agent must answer: a tenth and a fifth of what reading everything takes", async () => {
    const rows = await rowsOf({ ttftMs: 1000 }, { ttftMs: 90 }, { ttftMs: 30, restoreMs: 180 });
    assert.deepEqual(
      rows.map((row) => [row["tier"], row.p50Ms, row["targetMs"]]),
      [
        ["cold", 1000, undefined],
        ["hot", 90, 100],
        ["warm", 210, 200],
      ],
    );
  });
});
