import assert from "node:assert/strict";
import { isChatToHost } from "../../../src/protocol/chat";
import { isRoomToHost } from "../../../src/protocol/room";
import { isStatusToHost } from "../../../src/protocol/status";
import { oddJson } from "../../support/fuzz/hostile";
import { fuzz } from "../../support/fuzz/untrusted";

const request = (command: object) => ({ type: "request", id: 1, command });
const messages: readonly object[] = [
  { type: "ready" },
  request({ type: "copy", text: "x" }),
  request({ type: "openLink", href: "https://example.org" }),
  request({ type: "newFile", code: "x", language: "ts" }),
  request({ type: "send", text: "Hello" }),
  request({ type: "runBench", suite: "engine" }),
];

describe("whatever a page posts", () => {
  for (const [name, guard] of Object.entries({ isChatToHost, isRoomToHost, isStatusToHost })) {
    it(`${name} says yes or no, and yes only to what has exactly the fields of its kind`, () =>
      fuzz(700, (random) => {
        const message = random.pick(messages);
        const odd = JSON.parse(JSON.stringify(oddJson(random, message)));
        const isRight = guard(odd);
        assert.equal(typeof isRight, "boolean");
        if (isRight)
          assert.deepEqual(
            Object.keys(odd)
              .sort()
              .filter((key) => !["command", "id", "type"].includes(key)),
            [],
          );
      }));
  }
});
