import assert from "node:assert/strict";
import type { Script } from "../support/servers/scriptedServer";
import { Actor, calls, remove, says, text, write } from "./support/actor";
import type { Chat } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { until } from "./support/until";

const old = "one\n\n\nfour\n\n\nseven\n\n\n";
const files = { "first.txt": old, "second.txt": old, "third.txt": old };

describe("what an agent did", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());
  let actor: Actor;

  before(async () => {
    write(files);
    actor = await Actor.make(workbench(), "Juno", ["read_file", "edit_file", "write_file"]);
  });
  after(async () => {
    await actor.server.stop();
    remove(...Object.keys(files), "made.txt");
  });

  const dialog = () => workbench().page.locator(".monaco-dialog-box");

  it("is shown in the diff editor afterwards too: the file as it was, beside what it is now", async () => {
    const { page } = workbench();
    const shout = (path: string) => ["write_file", { path, content: "ONE\n\n\nFOUR\n\n\nSEVEN\n\n\n" }] as const;
    const reads = calls(...Object.keys(files).map((path) => ["read_file", { path }] as const));
    await actor.begin("Shout.", reads, calls(...Object.keys(files).map(shout)), says("SHOUTED."));
    await actor.decide("Write first.txt (+3 −3)", "Accept All Edits");
    const chat = await actor.answers("SHOUTED.");
    await chat.lastTurn.locator("summary").filter({ hasText: "second.txt" }).last().click();
    await chat.lastTurn.getByRole("button", { name: "Open diff: write_file, call 2" }).click();
    await page.locator(".original-in-monaco-diff-editor").getByText("seven").waitFor();
    await page.locator(".modified-in-monaco-diff-editor").getByText("SEVEN").waitFor();
    await page.locator(".tab.active").filter({ hasText: "second.txt (before the change)" }).waitFor();
    assert.equal(await page.getByRole("button", { name: /^Accept Change/ }).count(), 0, "nothing is to be decided");
    await workbench().screenshot("acting-made-diff-dark");
    await page
      .locator(".tab.active")
      .getByRole("button", { name: /^Close/ })
      .click();
    await page.locator(".monaco-diff-editor").waitFor({ state: "detached" });
  });

  it("is put back with what the person changed since, and a conflict is shown and left alone until they say so", async () => {
    const { page } = workbench();
    await (await actor.chat()).message.click();
    await workbench().openFile("second.txt");
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type("and mine");
    await page.keyboard.press("ControlOrMeta+KeyS");
    await until("it is saved", async () => text("second.txt")?.endsWith("and mine") === true);
    write({ "third.txt": "My one\n\n\nFOUR\n\n\nSEVEN\n\n\n" });
    await workbench().openEditor("Juno");
    const chat = await actor.chat();
    await chat.lastTurn.getByRole("button", { name: "Put Files Back…" }).click();
    await dialog().getByText("Put 3 files back as before these turns?").waitFor();
    await dialog().getByText("first.txt: is put back").waitFor();
    await dialog().getByText("second.txt: is put back, with what you changed since").waitFor();
    await dialog().getByText("third.txt: you changed the same lines since (at 1); these stay yours").waitFor();
    await workbench().screenshot("acting-put-back-dark");
    await dialog().getByRole("button", { name: "Put 2 Files Back" }).click();
    await page.getByText("2 files put back. 1 file stayed: third.txt.").first().waitFor();
    assert.equal(text("first.txt"), old);
    assert.equal(text("second.txt"), `${old}and mine`);
    assert.equal(text("third.txt"), "My one\n\n\nFOUR\n\n\nSEVEN\n\n\n");
    await chat.lastTurn.getByRole("button", { name: "Put Files Back…" }).click();
    await dialog().getByText("Put 1 file back as before these turns?").waitFor();
    await dialog().getByRole("button", { name: "Put 1 File Back, Keep My Lines" }).click();
    await until("the rest of it is back", async () => text("third.txt") === "My one\n\n\nfour\n\n\nseven\n\n\n");
  });

  it("can be put back when the conversation goes back to before it", async () => {
    const { page } = workbench();
    const change = calls(["write_file", { path: "made.txt", content: "made\n" }]);
    const chat = await actor.begin("Make a file.", change, says("It is there now."));
    await actor.answers("It is there now.");
    assert.equal(text("made.txt"), "made\n", "all edits were allowed before");
    const turns = await chat.turns.count();
    const before = chat.turns.nth(turns - 2);
    await before.hover();
    await before.getByRole("button", { name: "Rewind to here" }).last().click();
    await chat.turns.nth(turns - 1).waitFor({ state: "detached" });
    const offer = page.locator(".notification-list-item").filter({ hasText: "1 file changed in the turns that Juno" });
    await offer.getByRole("button", { name: "Put Files Back…" }).click();
    await dialog().getByText("made.txt: is removed, the agent made it").waitFor();
    await dialog().getByRole("button", { name: "Put 1 File Back" }).click();
    await until("the file is gone", async () => text("made.txt") === undefined);
  });
});

describe("the conversation of an agent on a server", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());
  let actor: Actor;

  before(async () => {
    actor = await Actor.make(workbench(), "Vera", ["read_file"]);
  });
  after(() => actor.server.stop());

  /** The other branches: a list, from four on a tree. */
  const branches = ({ frame }: Chat) =>
    frame.getByRole("list", { name: "Branches" }).or(frame.getByRole("tree", { name: "Branches" }));

  it("has three answers side by side, of which one is kept and the others stay as branches", async () => {
    await actor.begin("Name a colour.", says("Grey."));
    let chat = await actor.answers("Grey.");
    const colours = ["Red.", "Green.", "Blue."];
    const next: Script = (response, request) => says(colours.shift() ?? "None.")(response, request);
    actor.server.play(next);
    await chat.lastTurn.hover();
    await chat.lastTurn.getByRole("button", { name: "Answer three ways" }).last().click();
    const ways = chat.frame.getByRole("region", { name: "3 answers to choose from" });
    const answers = ways.getByRole("article");
    for (const colour of ["Red.", "Green.", "Blue."]) await answers.getByText(colour).waitFor();
    assert.equal(await answers.count(), 3);
    const [first, second] = [await answers.nth(0).boundingBox(), await answers.nth(1).boundingBox()];
    assert(first && second && second.x >= first.x + first.width && second.y === first.y, "they are side by side");
    await ways.getByText("Choose one; the others stay as branches").waitFor();
    await chat.screenshot("acting-ways-dark");
    await workbench().shootNarrow(chat.frame, "acting-ways-340-dark");
    const chosen = (await answers.nth(1).locator(".answer").innerText()).trim();
    await ways.getByRole("button", { name: "Choose Answer 2" }).click();
    await ways.waitFor({ state: "detached" });
    chat = await actor.answers(chosen);
    assert.equal(await chat.turns.count(), 1);
    await chat.frame.getByText("3 other branches").click();
    for (const colour of ["Grey.", "Red.", "Green.", "Blue."]) await branches(chat).getByText(colour).waitFor();
    await chat.screenshot("acting-branches-dark");
    await branches(chat).getByText("Grey.").click();
    await actor.answers("Grey.");
  });

  it("is compacted to a summary and its last turns, and the branch before is one click away", async () => {
    await actor.begin("Name a river.", says("The Rhine."));
    await actor.answers("The Rhine.");
    await actor.begin("Name a hill.", says("The Rigi."));
    let chat = await actor.answers("The Rigi.");
    actor.server.play(says("A colour was named: grey."));
    await workbench().command("Resident: Compact Conversation");
    const summary = chat.turns.first().locator("summary").filter({ hasText: "Summary of 1 earlier turn" });
    await summary.waitFor();
    await summary.click();
    await chat.turns.getByText("A colour was named: grey.").waitFor();
    chat = await actor.answers("The Rigi.");
    await chat.turns.getByText("The Rhine.").waitFor();
    assert.equal(await chat.turns.getByText("Name a colour.").count(), 0);
    await chat.screenshot("acting-compacted-dark");
    await workbench().shootNarrow(chat.frame, "acting-compacted-340-dark");
    assert.match(await branches(chat).innerText(), /Summary of 1 earlier turn/);
    await branches(chat).getByText("Grey.").click();
    await chat.turns.getByText("Grey.").waitFor();
    assert.equal(await chat.turns.count(), 3);
  });
});
