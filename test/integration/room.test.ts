import assert from "node:assert/strict";
import { mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { ask, newAgent } from "./support";

describe("agents of two models that are asked together", () => {
  const { home, starter } = folders();
  const second = path.join(home, "models", "second-model");

  after(() => rm(second));

  it("answer model by model: the loaded one first, then one swap", async () => {
    await mkdir(path.dirname(second), { recursive: true });
    await symlink(starter, second, "dir");
    for (const name of ["Model 1, A", "Model 1, B"]) await newAgent(name);
    for (const name of ["Model 2, A", "Model 2, B"]) await newAgent(name, { model: second });
    await ask("Model 1, A", "Hello");
    const ended: string[] = [];
    const together = ["Model 2, A", "Model 1, A", "Model 2, B", "Model 1, B"].map(async (name) => {
      await ask(name, "Name a colour.");
      ended.push(name.slice(0, -3));
    });
    await Promise.all(together);
    assert.deepEqual(ended, ["Model 1", "Model 1", "Model 2", "Model 2"]);
  });
});

function folders() {
  const { RESIDENT_HOME: home, RESIDENT_STARTER_MODEL: starter } = process.env;
  assert(home !== undefined && starter !== undefined, "the tier's program names both");
  return { home, starter };
}
