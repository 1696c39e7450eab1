import assert from "node:assert/strict";
import { answerPrinter, unconstrainedText } from "../../../src/cli/answerPrinter";
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

  it("tells of which schemas, and where in them, it was not held to something", () => {
    const said = unconstrainedText([
      { path: "/properties/when", what: "pattern" },
      { tool: "list", path: "", what: "if" },
    ]);
    assert.match(said, /may not fit there: \/properties\/when: pattern; list \/: if$/);
  });

  it("that was cut in a thought shows all of it", () => {
    const console = new RecordedConsole();
    const print = answerPrinter(console);
    print({ type: "thinking", text: "well", figures });
    print({ type: "done", text: "", tokenIds: [], finishReason: "length", figures });
    assert.deepEqual([console.stdout, console.stderr], ["", ["[thought] well"]]);
  });

  it("shows calls on lines of their own, with the ids that their results need, and says of a call that was not made", () => {
    const console = new RecordedConsole();
    const print = answerPrinter(console);
    print({ type: "text", text: "I look.", figures });
    print({ type: "call", call: { id: "c1", name: "read_file", arguments: { path: "a.ts" } }, figures });
    print({ type: "call", call: { id: "c2", name: "now", arguments: {} }, figures });
    print({ type: "dropped", dropped: { reason: "cut", name: "read_file", text: "<tool_call>" } });
    assert.equal(console.stdout, 'I look.\n[call c1] read_file {"path":"a.ts"}\n[call c2] now {}\n');
    assert.deepEqual(console.stderr, ["[warn] a call of read_file was not made: the answer ended inside it"]);
  });
});
