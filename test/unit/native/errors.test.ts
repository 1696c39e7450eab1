import assert from "node:assert/strict";
import { AbortedError, ResidentError } from "../../../src/common/errors";
import { fromNative } from "../../../src/native/errors";

const thrown = (code: unknown, facts: unknown = {}) => Object.assign(new Error("what happened"), { code, facts });

describe("Errors of the addon", () => {
  it("become ResidentErrors with their facts and an advice", () => {
    const error = fromNative(thrown("OUT_OF_MEMORY", { neededBytes: 5, path: "p", odd: [1] }));
    assert.ok(error instanceof ResidentError);
    assert.equal(error.code, "OUT_OF_MEMORY");
    assert.equal(error.what, "what happened");
    assert.match(error.advice, /smaller model/);
    assert.deepEqual(error.facts, { neededBytes: 5, path: "p" });
  });

  it("name the setting where the device does not compute in the chosen format of K and V", () => {
    const error = fromNative(thrown("INVALID_REQUEST", { kvDtype: "q8", device: "gpu" }));
    assert.ok(error instanceof ResidentError);
    assert.match(error.advice, /resident\.pool\.precision/);
    const other = fromNative(thrown("INVALID_REQUEST", { blocks: 5 }));
    assert.ok(other instanceof ResidentError);
    assert.match(other.advice, /report this/);
  });

  it("keep what is not the addon's as it came", () => {
    for (const error of [thrown("ENOENT"), thrown(5), new Error("plain"), new AbortedError(), "text", undefined]) {
      assert.equal(fromNative(error), error);
    }
  });

  it("bear facts that are no object", () => {
    const error = fromNative(thrown("IO_FAILURE", "none"));
    assert.ok(error instanceof ResidentError);
    assert.deepEqual(error.facts, {});
  });
});
