import assert from "node:assert/strict";
import type { Frame as PageFrame } from "playwright-core";
import { Chat, shownFigures } from "../ui/support/chat";
import { Workbench } from "../ui/support/workbench";
import { atlas } from "./atlas";
import { type Frame, Recording } from "./recording";

const reader = "Atlas";
const roomQuestion = "Explain in a few sentences why the sky is blue.";

/** Long enough to read what is shown. */
const lookMs = 800;
const typingMs = 30;
/** For a machine that is slow at reading thousands of tokens. */
const readingLimitMs = 240_000;
const reloadLastsMs = 1_200;

export interface Drawn {
  readonly frames: readonly Frame[];
  /** The time of the reload, in which nothing happens that a person waits for us. */
  readonly squeezed: { readonly fromMs: number; readonly toMs: number; readonly lastsMs: number };
}

/** Draws the README's pictures, and records its moving one. */
export async function drawPictures(): Promise<Drawn> {
  const workbench = await Workbench.open();
  try {
    await drawRoom(workbench);
    const drawn = await recordReload(workbench);
    await drawStatus(workbench);
    return drawn;
  } catch (error) {
    await workbench.screenshot("failed");
    throw error;
  } finally {
    await workbench.close();
  }
}

async function drawRoom(workbench: Workbench): Promise<void> {
  for (const agent of ["Reviewer", "Tester"]) {
    const chat = await Chat.create(workbench, agent);
    await chat.send(`You are ${agent === "Reviewer" ? "a careful reviewer" : "a curious tester"}. Say hello.`);
    await chat.figures();
  }
  await workbench.openSection("Room");
  await workbench.resize(1280, 720);
  await workbench.dragSideBar(380);
  const room = await workbench.webview("main.room");
  const add = room.getByRole("button", { name: "Add Agents to the Room" });
  await workbench.check(() => add.click(), "Agents in the Room", ["Reviewer", "Tester"]);
  await room.getByRole("button", { name: "Tester", pressed: true }).waitFor();
  await room.getByRole("textbox", { name: "Message to the room" }).fill(roomQuestion);
  await room.getByRole("button", { name: "Send" }).click();
  await ended(room);
  await workbench.screenshot("room", "sideBar");
}

/** Waits for both answers to the last message in the room. */
async function ended(room: PageFrame): Promise<void> {
  const message = room.getByRole("article", { name: /^Message \d+, to all/ }).last();
  for (const answer of [0, 1]) {
    await shownFigures(message.getByRole("list", { name: "Turn figures", exact: true }).nth(answer));
  }
}

async function recordReload(workbench: Workbench): Promise<Drawn> {
  const { page } = workbench;
  await workbench.command("View: Close All Editors");
  await page.getByRole("tab", { name: "Tester" }).waitFor({ state: "hidden" });
  await workbench.quickInput.waitFor({ state: "hidden" });
  let chat = await Chat.create(workbench, reader);
  await workbench.hideSideBar();
  await workbench.resize(860, 540);
  await chat.send(`${atlas}\n\nWhat is the capital of Norway?`);
  await chat.lastTurn.getByRole("list", { name: "Turn figures", exact: true }).waitFor({ timeout: readingLimitMs });
  await chat.send("What is the highest mountain of Japan?");
  await chat.figures();
  const turns = await chat.turns.count();

  // Away from what shows a hint.
  await page.mouse.move(1, 1);
  const recording = await Recording.start(page);
  await page.waitForTimeout(lookMs);
  await page.keyboard.press("F1");
  await workbench.quickInput.getByRole("combobox").or(workbench.quickInput.getByRole("textbox")).first().waitFor();
  await page.keyboard.insertText("Developer: Reload Window");
  await page.waitForTimeout(lookMs);
  const fromMs = recording.nowMs;
  await workbench.reload(() => page.keyboard.press("Enter"));
  chat = await Chat.of(workbench, reader);
  await chat.turns.nth(turns - 1).waitFor();
  await chat.inMemory(1_000);
  const toMs = recording.nowMs;
  await page.waitForTimeout(lookMs);
  await chat.message.pressSequentially("Which river flows through Vienna?", { delay: typingMs });
  await page.waitForTimeout(lookMs / 3);
  await chat.message.press("Enter");
  await chat.turns.nth(turns).waitFor();
  const { reused, prefilled } = await chat.figures();
  await page.waitForTimeout(lookMs);
  const frames = await recording.stop();
  assert(reused > 3_000 && prefilled < 100, `${reused} reused, ${prefilled} prefilled: no picture of a resumed agent`);
  await workbench.screenshot("chat");
  return { frames, squeezed: { fromMs, toMs, lastsMs: reloadLastsMs } };
}

async function drawStatus(workbench: Workbench): Promise<void> {
  await workbench.resize(1280, 1240);
  const chat = await Chat.create(workbench, "Poet");
  await chat.send("Tell me in a few sentences about the sea.");
  await chat.figures();
  await workbench.openSection("Status");
  const status = await workbench.webview('main [aria-label="Engine"]');
  await status.getByRole("img", { name: /^Block map/ }).waitFor();
  await workbench.page.waitForTimeout(lookMs);
  await workbench.screenshot("status", "sideBar");
}
