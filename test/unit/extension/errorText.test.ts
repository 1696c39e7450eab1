import assert from "node:assert/strict";
import { type ErrorInfo, errorCodes, PoolExhaustedError, toErrorInfo } from "../../../src/common/errors";
import { actionCommand, poolTarget } from "../../../src/extension/commands/actionCommands";
import { problemOf, problemSentences, sentence } from "../../../src/extension/commands/errorText";

const failure = (code: ErrorInfo["code"]): ErrorInfo => ({ code, what: "it broke", advice: "mend it", facts: {} });

describe("the words of a failure", () => {
  it("say what happened, what was kept and what to do, for every code", () => {
    for (const code of errorCodes) {
      const problem = problemOf(failure(code));
      assert.match(problem.kept ?? "", /^[A-Z].*\.$/, code);
      assert.match(problemSentences(problem), /^It broke\. .+\. Mend it\.$/, code);
    }
  });

  it("name buttons in Title Case and offer none twice", () => {
    for (const code of errorCodes) {
      const { actions } = problemOf(failure(code), { also: ["showLog", "sendAgain"] });
      assert.equal(new Set(actions.map(({ id }) => id)).size, actions.length, code);
      for (const { label } of actions) assert.match(label, /^[A-Z]/);
    }
  });

  it("put the numbers of a pool that is too small on the button that grows it", () => {
    const { actions, error } = problemOf(new PoolExhaustedError(1320, 256, 64).toInfo(), { language: "en" });
    assert.equal(actions[0]?.label, "Grow Pool to 1,320 Blocks");
    const { argument } = actionCommand("growPool", poolTarget(error.facts));
    assert.deepEqual(argument, { needed: 1320, total: 256 });
  });

  it("let the place of the failure say better what was kept", () => {
    assert.equal(problemOf(failure("INTERNAL"), { kept: "The file is kept." }).kept, "The file is kept.");
  });

  it("end sentences once", () => {
    assert.equal(sentence("the end"), "The end.");
    assert.equal(sentence("The end."), "The end.");
    assert.equal(sentence("  "), "");
  });
});

describe("an error of the core, which is another bundle", () => {
  it("keeps its code and numbers although its class is a stranger here", () => {
    const facts = { needed: 320, total: 256 };
    const stranger = Object.assign(new Error("x"), { code: "POOL_EXHAUSTED", what: "w", advice: "a", facts });
    assert.deepEqual(toErrorInfo(stranger), { code: "POOL_EXHAUSTED", what: "w", advice: "a", facts });
  });

  it("is internal when its code is not ours", () => {
    const system = Object.assign(new Error("no such file"), { code: "ENOENT", what: "w", advice: "a", facts: {} });
    assert.equal(toErrorInfo(system).code, "INTERNAL");
  });
});
