import assert from "node:assert/strict";
import { Actor, calls, says, text } from "./support/actor";
import { Chat } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { until } from "./support/until";

describe("the chat of an agent that acts", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());
  let actor: Actor;

  after(() => actor.server.stop());

  it("is given a model on a server, and tools by name", async () => {
    actor = await Actor.make(workbench(), "Hana", ["read_file", "edit_file", "run"]);
  });

  it("shows a change in its place and in the diff editor, and makes it when it is accepted there", async () => {
    const { page } = workbench();
    const edit = { path: "fibonacci.py", old: "print(fibonacci(10))", new: "print(fibonacci(12))" };
    const read = calls(["read_file", { path: "fibonacci.py" }]);
    const message = "Print twelve numbers.";
    const chat = await actor.begin(message, read, calls(["edit_file", edit]), says("It prints twelve now."));
    const bar = chat.frame.getByRole("group", { name: "Waits for you" });
    await bar.getByText("Edit fibonacci.py (+1 −1)").waitFor();
    await chat.lastTurn.getByText("print(fibonacci(12))").first().waitFor();
    await page.getByRole("button", { name: "1 question of your agents waits for you" }).waitFor();
    await chat.screenshot("acting-change-dark");
    await workbench().shootNarrow(chat.frame, "acting-change-340-dark");
    await bar.getByRole("button", { name: "Open Diff" }).click();
    await page.locator(".monaco-diff-editor").waitFor();
    await page.locator(".modified-in-monaco-diff-editor").getByText("print(fibonacci(12))").waitFor();
    await workbench().screenshot("acting-diff-dark");
    assert.match(text("fibonacci.py") ?? "", /fibonacci\(10\)/);
    await page.getByRole("button", { name: /^Accept Change/ }).click();
    await page.locator(".monaco-diff-editor").waitFor({ state: "detached" });
    const after = await Chat.of(workbench(), "Hana");
    await after.lastTurn.getByText("It prints twelve now.").waitFor();
    assert.match(text("fibonacci.py") ?? "", /fibonacci\(12\)/);
    await after.frame.getByRole("group", { name: "Waits for you" }).waitFor({ state: "hidden" });
    await after.screenshot("acting-changed-dark");
  });

  it("runs a command that is allowed by keyboard, and shows its output", async () => {
    const command = calls(["run", { command: "python3 fibonacci.py" }]);
    const chat = await actor.begin("Run it.", command, says("It printed them."));
    await chat.frame.getByRole("group", { name: "Waits for you" }).getByText("Run python3 fibonacci.py").waitFor();
    await chat.message.focus();
    await chat.message.press("ArrowUp");
    await workbench().page.keyboard.press("Enter");
    await chat.lastTurn.getByText("It printed them.").waitFor();
    await chat.lastTurn.getByText("exit 0").waitFor();
    await chat.lastTurn.locator(".call-figs").waitFor();
    assert.match(JSON.stringify(actor.server.requests.at(-1)?.json), /Exit code 0\.\\n\[0, 1, 1, 2, 3/);
    await chat.screenshot("acting-command-dark");
  });

  it("refuses by Escape what waits, from the list over all agents too", async () => {
    const [one, two] = ["echo one", "echo two"].map((command) => calls(["run", { command }]));
    assert(one && two);
    const chat = await actor.begin("Run two.", one, two, says("Then not."));
    const bar = chat.frame.getByRole("group", { name: "Waits for you" });
    await bar.getByText("Run echo one").waitFor();
    await chat.message.press("ArrowUp");
    await workbench().page.keyboard.press("Escape");
    await bar.getByText("Run echo two").waitFor();
    await workbench().command("Resident: Review What Waits");
    const { page } = workbench();
    const dialog = page.getByRole("dialog").filter({ hasText: "echo two" });
    await dialog.getByRole("button", { name: "Deny" }).click();
    await chat.lastTurn.getByText("Then not.").waitFor();
    const refused = async () => JSON.stringify(actor.server.requests.at(-1)?.json).match(/refused this/g)?.length === 2;
    await until("both are refused", refused);
  });
});
