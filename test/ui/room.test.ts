import assert from "node:assert/strict";
import type { Frame } from "playwright-core";
import { Chat, longQuestion, shownFigures } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { Workbench } from "./support/workbench";

const answerLimitMs = 60_000;

describe("the side bar, as it is at first", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());

  it("gives most of its height to the room", async () => {
    const height = async (selector: string) => {
      const box = await workbench().page.locator(selector).first().boundingBox();
      assert(box, selector);
      return box.height;
    };
    const room = await workbench().webview("main.room");
    const box = await room.locator("main.room").boundingBox();
    assert(box);
    const sideBar = await height(".part.sidebar");
    assert(box.height > sideBar / 2, `${box.height} of ${sideBar} px`);
    await workbench().screenshot("side-bar-dark");
  });
});

describe("the room", () => {
  const workbench = useWorkbench(async (workbench) => {
    for (const agent of ["Reviewer", "Tester"]) await Chat.create(workbench, agent);
    await workbench.openSection("Room");
  });

  const roomPage = () => workbench().webview("main.room");

  it("takes in the agents that are chosen", async () => {
    const room = await roomPage();
    const add = room.getByRole("button", { name: "Add Agents to the Room" });
    await workbench().check(() => add.click(), "Agents in the Room", ["Reviewer", "Tester"]);
    const members = room.getByRole("toolbar", { name: "Agents in the room" });
    for (const agent of ["Reviewer", "Tester"]) {
      await members.getByRole("button", { name: agent, pressed: true }).waitFor();
    }
  });

  it("asks all of them one prompt, and their answers stream side by side", async () => {
    const room = await roomPage();
    await ask(room, longQuestion);
    const message = room.getByRole("article", { name: "Message 1, to all" });
    const running = message.locator('[role="group"][aria-busy="true"]');
    await running.nth(1).waitFor();
    for (const agent of ["Reviewer", "Tester"]) {
      const answer = message.getByRole("group", { name: `${agent}, answer 1` }).locator(".md", { hasText: /.{60}/s });
      await answer.waitFor({ timeout: answerLimitMs });
    }
    assert.equal(await running.count(), 2);
    await workbench().screenshot("room-streaming-dark");
    await message.getByRole("button", { name: "Stop All" }).click();
    for (const agent of ["Reviewer", "Tester"]) {
      const figures = message
        .getByRole("group", { name: `${agent}, answer 1` })
        .getByRole("list", { name: "Turn figures", exact: true });
      assert((await shownFigures(figures)).generated > 0);
    }
    await workbench().screenshot("room-dark");
    await workbench().use("light");
    await workbench().screenshot("room-light");
    await workbench().use("dark");
  });

  it("goes on with an answer that was stopped, and reads none of it again", async () => {
    const room = await roomPage();
    const answer = room.getByRole("group", { name: "Reviewer, answer 1" });
    const figures = answer.getByRole("list", { name: "Turn figures", exact: true });
    const before = (await answer.locator(".md").textContent()) ?? "";
    await answer.getByRole("button", { name: "Continue" }).click();
    await answer
      .locator(".md", { hasText: new RegExp(`.{${before.length + 30}}`, "s") })
      .waitFor({ timeout: answerLimitMs });
    await room.getByRole("textbox", { name: "Message to the room" }).press("Escape");
    assert((await shownFigures(figures)).prefilled <= 1);
    assert(((await answer.locator(".md").textContent()) ?? "").startsWith(before.slice(0, 40)));
  });

  it("asks only the one whose name the message begins with", async () => {
    const room = await roomPage();
    await ask(room, "@Tester Thank you.");
    const message = room.getByRole("article", { name: "Message 2, to Tester" });
    const { reused } = await shownFigures(message.getByRole("list", { name: /^Turn figures/ }));
    assert(reused > 0);
    assert.equal(await message.getByRole("group", { name: /, answer 2$/ }).count(), 1);
    await room.getByRole("textbox", { name: "Message to the room" }).press("Escape");
  });

  it("shows a member that another window has as not asked, and asks a fork of it", async () => {
    const other = await Workbench.open();
    try {
      const elsewhere = await Chat.create(other, "Elsewhere");
      await elsewhere.send("My name is Ada.");
      await elsewhere.figures();
      const room = await roomPage();
      const choose = room.getByRole("button", { name: "Choose the agents in the room" });
      await workbench().check(() => choose.click(), "Agents in the Room", ["Elsewhere"]);
      const chip = room.getByRole("toolbar", { name: "Agents in the room" }).getByRole("button", { name: "Elsewhere" });
      await chip.waitFor();
      assert.match((await chip.getAttribute("title")) ?? "", /in use in another window/);
      await ask(room, "@Elsewhere What is my name?");
      const message = room.getByRole("article", { name: "Message 3, to Elsewhere" });
      await message.getByText("1 not asked").waitFor();
      await message.getByRole("button", { name: "Ask a Fork" }).click();
      const fork = message.getByRole("group", { name: "Elsewhere 2, answer 3" });
      const { reused } = await shownFigures(fork.getByRole("list", { name: "Turn figures", exact: true }));
      assert(reused > 0);
      await workbench().screenshot("room-not-asked-dark");
    } finally {
      await other.close();
    }
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
      const message = room.getByRole("article", { name: `Message ${4 + i}, to Tester` });
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
