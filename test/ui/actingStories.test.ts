import assert from "node:assert/strict";
import { isAlive } from "../support/processes";
import { beginStream } from "../support/servers/scriptedServer";
import { Actor, calls, remove, says, text, write } from "./support/actor";
import { useWorkbench } from "./support/suite";
import { until } from "./support/until";

const total = "def total(values):\n    return sum(values) + 1\n";
const check = 'from total import total\n\nassert total([1, 2]) == 3, "wrong sum"\nprint("all is well")\n';
const uses = {
  "shapes.py": "def ring_size(radius):\n    return 3 * radius\n",
  "plan.py": "from shapes import ring_size\n\nplan = [ring_size(1), ring_size(2)]\n",
  "main.py": "import plan\nfrom shapes import ring_size\n\nprint(plan.plan, ring_size(3))\n",
};

describe("what an agent is asked to do", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());
  let actor: Actor;

  before(async () => {
    write({ ...uses, "total.py": total, "check.py": check });
    actor = await Actor.make(workbench(), "Iris", ["read_file", "edit_file", "write_file", "run"]);
  });
  after(async () => {
    await actor.server.stop();
    remove(...Object.keys(uses), "total.py", "check.py", "__pycache__", "hanging.pid");
  });

  it("a failing test is fixed: seen to fail, read, changed in the diff editor, and seen to pass", async () => {
    const { page } = workbench();
    const run = ["run", { command: "python3 check.py" }] as const;
    const edit = { path: "total.py", old: "sum(values) + 1", new: "sum(values)" };
    await actor.begin(
      "The check fails. Mend it.",
      calls(run),
      calls(["read_file", { path: "total.py" }]),
      calls(["edit_file", edit]),
      calls(run),
      says("It counted one too many."),
    );
    await actor.decide("Run python3 check.py", "Run");
    await actor.openDiff("Edit total.py (+1 −1)", "return sum(values)");
    assert.equal(text("total.py"), total, "nothing is written before it is accepted");
    await actor.decideInDiff("Accept Change");
    await actor.decide("Run python3 check.py", "Run");
    const chat = await actor.answers("It counted one too many.");
    // A turn of many steps folds them as soon as nobody reads in it.
    await chat.message.click();
    const steps = chat.lastTurn.getByRole("button", { name: /^4 steps 1 file read · 1 edited · 2 commands 1 failed/ });
    await steps.waitFor();
    await chat.screenshot("acting-folded-dark");
    await steps.click();
    await chat.lastTurn.getByText("exit 1").waitFor();
    await chat.lastTurn.getByText("exit 0").waitFor();
    assert.equal(text("total.py"), total.replace(" + 1", ""));
    const [failed, read, changed, passed] = await actor.results(5);
    assert.match(failed ?? "", /^Exit code 1\..*AssertionError: wrong sum/s);
    assert.match(read ?? "", /2\t {4}return sum\(values\) \+ 1/);
    assert.match(changed ?? "", /^Changed total\.py: \+1 -1/);
    assert.match(passed ?? "", /^Exit code 0\.\nall is well/);
    await chat.screenshot("acting-fixed-dark");
    await workbench().shootNarrow(chat.frame, "acting-fixed-340-dark");
    await workbench().command("Terminal: Focus on Terminal View");
    await page.locator(".terminal-wrapper.active .xterm-rows").getByText("all is well").waitFor();
    await workbench().screenshot("acting-terminal-dark");
    await workbench().pressUntil("ControlOrMeta+KeyJ", page.locator(".part.panel"), "hidden");
  });

  it("a name is changed in three files, each shown and accepted", async () => {
    const { page } = workbench();
    const rename = (path: string, old: string) =>
      ["edit_file", { path, old, new: old.replaceAll("ring_size", "circumference") }] as const;
    const edits = calls(
      rename("shapes.py", "def ring_size(radius)"),
      rename("plan.py", uses["plan.py"]),
      rename("main.py", uses["main.py"].slice("import plan\n".length)),
    );
    await actor.begin(
      "Call it circumference.",
      edits,
      calls(["run", { command: "python3 main.py" }]),
      says("Renamed."),
    );
    await actor.openDiff("Edit shapes.py (+1 −1)", "def circumference(radius)");
    await actor.decideInDiff("Accept Change");
    await actor.openDiff("Edit plan.py (+2 −2)", "plan = [circumference(1), circumference(2)]");
    await workbench().pressUntil("ControlOrMeta+Alt+KeyY", page.locator(".monaco-diff-editor"), "hidden");
    await actor.decide("Edit main.py (+2 −2)", "Accept");
    await actor.decide("Run python3 main.py", "Run");
    const chat = await actor.answers("Renamed.");
    for (const [name, before] of Object.entries(uses))
      assert.equal(text(name), before.replaceAll("ring_size", "circumference"), name);
    const results = await actor.results(3);
    assert.deepEqual(
      results.slice(0, 3).map((result) => result.split("\n")[0]),
      ["shapes.py: +1 -1", "plan.py: +2 -2", "main.py: +2 -2"].map((change) => `Changed ${change} lines.`),
    );
    assert.match(results[3] ?? "", /^Exit code 0\.\n\[3, 6\] 9/);
    await chat.lastTurn.getByRole("group", { name: "Changed files" }).getByText("3 files changed +5 −5").waitFor();
    await chat.screenshot("acting-renamed-dark");
  });

  it("an edit whose text does not stand there is told what does, and the next one is right", async () => {
    const before = text("main.py") ?? "";
    const edit = (old: string, added: string) => calls(["edit_file", { path: "main.py", old, new: added }]);
    await actor.begin(
      "Print the sum too.",
      edit("print(plan.plan, circumference(4))", "print(sum(plan.plan))"),
      edit("print(plan.plan, circumference(3))", "print(sum(plan.plan), circumference(3))"),
      says("It prints the sum."),
    );
    await actor.decide("Edit main.py (+1 −1)", "Accept");
    const chat = await actor.answers("It prints the sum.");
    const [taught, changed] = await actor.results(3);
    assert.match(taught ?? "", /4\tprint\(plan\.plan, circumference\(3\)\)/);
    assert.match(changed ?? "", /^Changed main\.py: \+1 -1/);
    assert.equal(text("main.py"), before.replace("print(plan.plan,", "print(sum(plan.plan),"));
    await chat.screenshot("acting-taught-dark");
  });

  it("a change that is rejected in the diff editor is not made, and the model is told", async () => {
    const before = text("plan.py");
    await actor.begin(
      "Shorten the plan.",
      calls(["write_file", { path: "plan.py", content: "plan = []\n" }]),
      says("Then it stays."),
    );
    await actor.openDiff("Write plan.py", "plan = []");
    await actor.decideInDiff("Reject Change");
    const chat = await actor.answers("Then it stays.");
    await chat.lastTurn.getByText("denied").waitFor();
    assert.equal(text("plan.py"), before);
    const [refused] = await actor.results(2);
    assert.match(refused ?? "", /refused this/);
    await chat.screenshot("acting-denied-dark");
  });

  it("a command that hangs ends with its turn, and the agent goes on with the next message", async () => {
    const command = "echo $$ > hanging.pid; echo begun; sleep 1000";
    let chat = await actor.begin("Sleep.", calls(["run", { command }]), (response) => beginStream(response));
    await actor.decide("Run echo $$ > hanging.pid", "Run");
    await chat.lastTurn.getByText("begun", { exact: true }).waitFor();
    await chat.frame.getByRole("toolbar", { name: "Agent actions" }).getByRole("button", { name: "Stop" }).click();
    await chat.frame.getByRole("article", { name: /, stopped$/ }).waitFor();
    const pid = Number(text("hanging.pid"));
    assert(pid > 0);
    await until("the command's shell has ended", async () => !isAlive(pid));
    assert.equal(await chat.lastTurn.getByText("TTFT 0 ms").count(), 0);
    await chat.screenshot("acting-stopped-dark");
    chat = await actor.begin("What now?", says("I rest."));
    await actor.answers("I rest.");
    const { messages } = actor.server.requests.at(-1)?.json ?? {};
    assert.match(JSON.stringify(messages), /stopped this/);
  });

  it("what waits when the window is loaded again is asked again by itself, accepted, and the turn ends", async () => {
    const before = text("shapes.py") ?? "";
    const edit = { path: "shapes.py", old: "return 3 * radius", new: "return 6 * radius" };
    await actor.begin("It is too small.", calls(["edit_file", edit]), says("Twice as long now."));
    await actor.waits("Edit shapes.py (+1 −1)");
    await workbench().reload();
    const chat = await actor.chat();
    await actor.waits("Edit shapes.py (+1 −1)");
    assert.equal(await chat.frame.getByRole("button", { name: "Go On" }).count(), 0);
    await chat.screenshot("acting-asked-again-dark");
    await actor.openDiff("Edit shapes.py (+1 −1)", "return 6 * radius");
    assert.equal(text("shapes.py"), before);
    await actor.decideInDiff("Accept Change");
    await actor.answers("Twice as long now.");
    assert.equal(text("shapes.py"), before.replace("3 *", "6 *"));
    assert.equal(actor.server.requests.length, 2, "nothing was asked of the model again");
  });
});
