import assert from "node:assert/strict";
import type { Frame } from "playwright-core";
import { Chat, longQuestion, shownFigures } from "./support/chat";
import { useWorkbench } from "./support/suite";

const answerLimitMs = 60_000;

describe("the room", () => {
  const workbench = useWorkbench(async (workbench) => {
    for (const agent of ["Reviewer", "Tester"]) await Chat.create(workbench, agent);
    await workbench.openSection("Room");
  });

  const roomPage = () => workbench().webview("main.room");

  it("takes in the agents that are chosen", async () => {
    const room = await roomPage();
    await room.getByRole("button", { name: "Add Agents to the Room" }).click();
    await workbench().check("Agents in the Room", ["Reviewer", "Tester"]);
    const members = room.getByRole("group", { name: "Agents in the room" });
    for (const agent of ["Reviewer", "Tester"]) {
      await members.getByRole("button", { name: agent, pressed: true }).waitFor();
    }
  });

  it("asks all of them one prompt, and their answers stream side by side", async () => {
    const room = await roomPage();
    await ask(room, longQuestion);
    const message = room.getByRole("article", { name: "Message 1, to all" });
    const running = message.locator('section[aria-busy="true"]');
    await running.nth(1).waitFor();
    for (const agent of ["Reviewer", "Tester"]) {
      const answer = message.getByRole("region", { name: agent }).locator(".md", { hasText: /.{60}/s });
      await answer.waitFor({ timeout: answerLimitMs });
    }
    assert.equal(await running.count(), 2);
    await workbench().screenshot("room-streaming-dark");
    await message.getByRole("button", { name: "Stop All" }).click();
    for (const agent of ["Reviewer", "Tester"]) {
      const figures = message
        .getByRole("region", { name: agent })
        .getByRole("list", { name: "Turn figures", exact: true });
      assert((await shownFigures(figures)).generated > 0);
    }
    await workbench().screenshot("room-dark");
    await workbench().use("light");
    await workbench().screenshot("room-light");
    await workbench().use("dark");
  });

  it("asks only the one whose name the message begins with", async () => {
    const room = await roomPage();
    await ask(room, "@Tester Thank you.");
    const message = room.getByRole("article", { name: "Message 2, to Tester" });
    const { reused } = await shownFigures(message.getByRole("list", { name: /^Turn figures/ }));
    assert(reused > 0);
    assert.equal(await message.getByRole("region").count(), 1);
    await room.getByRole("textbox", { name: "Message to the room" }).press("Escape");
  });

  it("reads ahead while a message is written: little of it is left when it is sent", async () => {
    const room = await roomPage();
    const text = "Please think about the sea, the ships and the sailors, ".repeat(6);
    const left: number[] = [];
    // A slow machine gets more time to read.
    for (const [i, writingMs] of [500, 1000, 2000, 4000].entries()) {
      await write(room, `@Tester ${text} ${i}`);
      await room.waitForTimeout(writingMs);
      await send(room);
      const message = room.getByRole("article", { name: `Message ${3 + i}, to Tester` });
      const { prefilled } = await shownFigures(message.getByRole("list", { name: /^Turn figures/ }));
      await room.getByRole("textbox", { name: "Message to the room" }).press("Escape");
      left.push(prefilled);
      if (prefilled < 20) return;
    }
    assert.fail(`tokens that were left to read: ${left}`);
  });

  async function ask(room: Frame, text: string): Promise<void> {
    await write(room, text);
    await send(room);
  }

  async function write(room: Frame, text: string): Promise<void> {
    await room.getByRole("textbox", { name: "Message to the room" }).fill(text);
  }

  async function send(room: Frame): Promise<void> {
    // A name that is being written has its own list, which takes the first Escape and Enter.
    const send = room.getByRole("button", { name: "Send" });
    await send.click();
  }
});
