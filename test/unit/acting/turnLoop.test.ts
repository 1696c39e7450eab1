import assert from "node:assert/strict";
import { ActingRig } from "../../support/acting/actingRig";
import { inTurn } from "../../support/acting/scriptedModel";
import { inFolder } from "../../support/store/fakes";

describe("an agent that acts", function () {
  this.timeout(20_000);

  it("answers a question from files", () =>
    inFolder(async (home) => {
      const rig = new ActingRig(
        home,
        inTurn(
          {
            calls: [
              ["search", { text: "port" }],
              ["read_file", { path: "src/a.ts" }],
            ],
          },
          { text: "It is 8080." },
        ),
        { files: { "src/a.ts": "export const port = 8080;\n" } },
      );
      const id = await rig.create();
      assert.equal(await rig.ask(id, "Which port?"), "answered");
      assert.deepEqual(await rig.results(id), [
        "1 match in 1 file:\nsrc/a.ts\n1\texport const port = 8080;",
        "src/a.ts, lines 1-1 of 1:\n1\texport const port = 8080;",
      ]);
      assert.deepEqual(rig.acting.state(id), { calls: [] });
      assert.deepEqual(rig.errors, []);
      await rig.close();
    }));
});
