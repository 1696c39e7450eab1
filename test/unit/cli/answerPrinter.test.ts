import assert from "node:assert/strict";
import { answerPrinter } from "../../../src/cli/answerPrinter";
import { RecordedConsole } from "../../support/cli/recordedConsole";
import { figures } from "../../support/extension/fakeService";

describe("An answer on the terminal", () => {
  it("is all that goes to stdout; what was thought goes to stderr line by line", () => {
    const console = new RecordedConsole();
    const print = answerPrinter(console);
    const thinking = (text: string) => print({ type: "thinking", text, figures });
    for (const part of ["\nwe", "ll,\n\nwe", "ll"]) thinking(part);
    assert.deepEqual(console.stderr, ["[thought] well,"]);
    for (const part of ["Hel", "lo"]) print({ type: "text", text: part, figures });
    print({ type: "done", text: "Hello", tokenIds: [], finishReason: "stop", figures });
    assert.equal(console.stdout, "Hello");
    assert.deepEqual(console.stderr, ["[thought] well,", "[thought] well"]);
  });

  it("that was cut in a thought shows all of it", () => {
    const console = new RecordedConsole();
    const print = answerPrinter(console);
    print({ type: "thinking", text: "well", figures });
    print({ type: "done", text: "", tokenIds: [], finishReason: "length", figures });
    assert.deepEqual([console.stdout, console.stderr], ["", ["[thought] well"]]);
  });
});
