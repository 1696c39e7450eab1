import assert from "node:assert/strict";
import { Chat, longQuestion, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("the chat of an agent", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());

  it("answers, and ends the turn with its figures", async () => {
    const chat = await Chat.create(workbench(), "Ada");
    await chat.screenshot("chat-empty-dark");
    await chat.send(shortQuestion);
    const { reused, prefilled, generated } = await chat.figures();
    assert.equal(reused, 0);
    assert(prefilled > 0);
    assert(generated > 0);
    assert.notEqual(await chat.lastAnswer.textContent(), "");
    await chat.screenshot("chat-dark");
  });

  it("reads a message while it is written: little is left when it is sent", async () => {
    const chat = await Chat.of(workbench(), "Ada");
    const before = await chat.tokensInMemory();
    await chat.message.fill(
      "And in one short sentence: what is the capital of Italy, and which river flows through it?",
    );
    await chat.inMemory(before + 15);
    await chat.message.press("Enter");
    await chat.turns.nth(1).waitFor();
    const { reused, prefilled } = await chat.figures();
    assert(reused >= before + 15, `${reused} reused, ${before} before`);
    assert(prefilled < 10, `${prefilled} prefilled`);
  });

  it("streams while it answers, stops when told to, and keeps what was said", async () => {
    const chat = await Chat.of(workbench(), "Ada");
    await chat.send(longQuestion);
    await chat.streaming();
    const early = (await chat.lastAnswer.locator(".md").textContent()) ?? "";
    await chat.grown(early.length + 60);
    await chat.screenshot("chat-streaming-dark");
    await chat.frame.getByRole("toolbar", { name: "Agent actions" }).getByRole("button", { name: "Stop" }).click();
    const { generated } = await chat.figures();
    await chat.frame.getByRole("article", { name: /, stopped$/ }).waitFor();
    assert(generated > 0);
  });

  it("is there again after Reload Window, and the next turn does not read its past again", async () => {
    const before = await Chat.of(workbench(), "Ada");
    const turns = await before.turns.count();
    const said = await before.turns.first().locator(".answer").textContent();
    await workbench().reload();
    const chat = await Chat.of(workbench(), "Ada");
    await chat.turns.nth(turns - 1).waitFor();
    assert.equal(await chat.turns.first().locator(".answer").textContent(), said);
    await chat.send("Thank you.");
    const { reused, prefilled } = await chat.figuresSoFar();
    assert(reused > 0, `${reused} reused`);
    assert(prefilled < reused, `${prefilled} prefilled, ${reused} reused`);
    await chat.message.press("Escape");
    await chat.figures();
    await chat.screenshot("chat-restored-dark");
  });

  it("fits a narrow window and a light theme", async () => {
    const chat = await Chat.of(workbench(), "Ada");
    await workbench().use("light");
    await chat.screenshot("chat-light");
    await workbench().resize(700);
    await chat.message.waitFor();
    await assertNoSidewaysScroll(chat);
    await chat.screenshot("chat-narrow-light");
    await workbench().use("dark");
    await chat.screenshot("chat-narrow-dark");
    await workbench().resize(1280);
  });

  it("reads what is attached to a message before it is sent", async () => {
    const before = await (await Chat.of(workbench(), "Ada")).tokensInMemory();
    const { page } = workbench();
    await workbench().openFile("notes.md");
    await page.locator(".editor-instance .view-lines").click();
    await page.keyboard.press("ControlOrMeta+KeyA");
    await workbench().pick("Resident: Ask Agent About the Selection", "Ask Agent About the Selection", "Ada");
    // The editor had hidden the panel: its page is a new one.
    const chat = await Chat.of(workbench(), "Ada");
    await chat.frame.getByText("notes.md:1–7", { exact: true }).waitFor();
    await chat.frame.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
    await chat.inMemory(before + 60);
    const turns = await chat.turns.count();
    await chat.message.press("Enter");
    await chat.turns.nth(turns).waitFor();
    const { reused, prefilled } = await chat.figures();
    assert(reused >= before + 60, `${reused} reused, ${before} before`);
    assert(prefilled < 20, `${prefilled} prefilled`);
  });

  it("sends an edited message again on a new branch, from the cache before it", async () => {
    const chat = await Chat.create(workbench(), "Bea");
    await chat.send(shortQuestion);
    const first = await chat.figures();
    await chat.send("Thank you.");
    await chat.figures();
    await chat.message.fill("half a thought");
    await chat.lastTurn.hover();
    await chat.lastTurn.getByRole("button", { name: "Edit message" }).click();
    await chat.frame.getByText("Editing turn 2.").waitFor();
    assert.equal(await chat.message.inputValue(), "Thank you.");
    await chat.message.fill("And of Italy?");
    await chat.screenshot("chat-editing-dark");
    await chat.message.press("Enter");
    await chat.lastTurn.getByText("And of Italy?").waitFor();
    const { reused } = await chat.figures();
    assert(reused >= first.reused + first.prefilled, `${reused} reused of ${first.reused + first.prefilled}`);
    assert.equal(await chat.turns.count(), 2);
    assert.equal(await chat.message.inputValue(), "half a thought");
    await chat.frame.getByText("1 other branch").click();
    const rows = chat.frame.getByRole("list", { name: "Branches" }).getByRole("button");
    assert.equal(await rows.count(), 2);
    assert.match((await rows.last().textContent()) ?? "", /after turn 1 · 1 turn · [\d,]+ tokens · now/);
    // The current branch is told by its answer as soon as that has ended.
    await rows
      .first()
      .filter({ hasText: /Rome|Italy is/ })
      .waitFor();
    await chat.screenshot("chat-branches-dark");
    await chat.message.fill("");
  });

  it("has a menu of VS Code's own for the agent of the panel, which copies the whole conversation", async () => {
    const chat = await Chat.of(workbench(), "Bea");
    await chat.frame.getByRole("button", { name: "More actions" }).click();
    await chat.screenshot("chat-menu-dark");
    await workbench().choose("Copy Conversation");
    await workbench().page.getByText("The conversation with Bea is copied.").waitFor();
  });

  it("goes on with an answer that was stopped, and reads nothing again", async () => {
    const chat = await Chat.of(workbench(), "Bea");
    await chat.send(longQuestion);
    await chat.streaming();
    await chat.grown(40);
    await chat.message.press("Escape");
    await chat.figures();
    const turns = await chat.turns.count();
    const said = (await chat.lastAnswer.locator(".md").textContent()) ?? "";
    await chat.lastTurn.getByRole("button", { name: "Continue" }).click();
    await chat.grown(said.length + 60);
    await chat.message.press("Escape");
    await chat.frame.getByRole("article", { name: /, stopped$/ }).waitFor();
    const { prefilled } = await chat.figures();
    assert(prefilled <= 1, `${prefilled} prefilled`);
    assert.equal(await chat.turns.count(), turns);
    const now = (await chat.lastAnswer.locator(".md").textContent()) ?? "";
    assert(now.startsWith(said), now);
  });

  it("gives a message back that is too long, with its tokens and the room there is", async () => {
    const chat = await Chat.of(workbench(), "Bea");
    const turns = await chat.turns.count();
    const long = "word ".repeat(9000).trim();
    await chat.message.fill(long);
    await chat.frame.getByText(/^9,\d{3} tokens, room for [\d,]+$/).waitFor();
    await chat.message.press("Enter");
    const alert = chat.frame.getByRole("alert");
    await alert.waitFor();
    assert.match(
      (await alert.textContent()) ?? "",
      /too long for this model: 9,\d{3} tokens, and there is room for 8,\d{3}/,
    );
    assert.equal(await alert.getByRole("button", { name: /Rewind|Keep|New Agent/ }).count(), 0);
    assert.equal(await chat.message.inputValue(), long);
    assert.equal(await chat.turns.count(), turns);
    await chat.screenshot("chat-too-long-dark");
    await chat.message.fill("");
  });
});

async function assertNoSidewaysScroll(chat: Chat): Promise<void> {
  const overflow = await chat.frame.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(overflow, 0);
}
