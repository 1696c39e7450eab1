import assert from "node:assert/strict";
import type { Frame } from "playwright-core";
import { Chat, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { chooseTheme, themes } from "./support/workbench";

const widths = [340, 600, 1200];
/** Room for the widest side bar next to an editor. */
const widestWindow = 1600;
const answerLimitMs = 60_000;

/** Every page with content, in every theme and at three widths: for people to look at, and never with a sideways scroll. */
describe("the pages in four themes and three widths", () => {
  const workbench = useWorkbench(async (workbench) => {
    const chat = await Chat.create(workbench, "Painter");
    await chat.send(shortQuestion);
    await chat.figures();
    await chat.send("Write a Python function that adds two numbers.");
    await chat.figures();
    await chat.lastTurn.hover();
    await chat.lastTurn.getByRole("button", { name: /^Regenerate/ }).click();
    await chat.frame
      .getByRole("article", { name: /, answering$/ })
      .waitFor({ state: "detached", timeout: answerLimitMs });
    await chat.figures();
    await Chat.create(workbench, "Printer");
    await workbench.openSection("Room");
    await ask(await workbench.webview("main.room"), shortQuestion);
  });

  after(() => chooseTheme());

  /** Brings a page into view. */
  const pages: Readonly<Record<string, () => Promise<Frame>>> = {
    chat: async () => {
      await workbench().hideSideBar();
      await workbench().openEditor("Painter");
      return (await Chat.of(workbench(), "Painter")).frame;
    },
    room: async () => {
      await workbench().resize(widestWindow);
      await workbench().openSection("Room");
      const room = await workbench().webview("main.room");
      await room.getByText(/Paris/).nth(1).waitFor();
      return room;
    },
    status: async () => {
      await workbench().resize(widestWindow, 1300);
      await workbench().openSection("Status");
      const status = await workbench().webview('main [aria-label="Engine"]');
      await status.getByRole("img", { name: /^Block map/ }).waitFor();
      return status;
    },
  };

  for (const theme of themes) {
    it(`show all that they have in ${theme.name}`, async () => {
      await workbench().useTheme(theme);
      for (const [name, open] of Object.entries(pages)) {
        const frame = await open();
        for (const width of widths) {
          await workbench().widen(frame, width, name === "chat" ? "editor" : "sideBar");
          const picture = `${name}-${theme.name}-${width}`.toLowerCase().replaceAll(" ", "-");
          await workbench().screenshot(picture, frame);
          const { overflow, words } = await frame.evaluate(() => ({
            overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            words: document.body.innerText.split(/\s+/).length,
          }));
          assert(words > 20, `${picture} says only ${words} words`);
          assert.equal(overflow, 0, `${picture}: pixels beyond the edge`);
        }
      }
    });
  }

  /** Asks all members of the room, our two agents among them. */
  async function ask(room: Frame, text: string): Promise<void> {
    const choose = room
      .getByRole("button", { name: /^(Add Agents to the Room|Choose the agents in the room)$/ })
      .first();
    await workbench().check(() => choose.click(), "Agents in the Room", ["Painter", "Printer"]);
    await room.getByRole("button", { name: "Printer", pressed: true }).waitFor();
    await room.getByRole("textbox", { name: "Message to the room" }).fill(text);
    await room.getByRole("button", { name: "Send" }).click();
    const message = room.getByRole("article", { name: /^Message \d+, to all/ }).last();
    await message.getByRole("list", { name: "Turn figures", exact: true }).nth(1).waitFor({ timeout: answerLimitMs });
  }
});
