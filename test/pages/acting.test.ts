import assert from "node:assert/strict";
import type { ChatUpdate } from "../../src/protocol/chat";
import { showPages } from "../support/webview/openPages";
import { actingRuns } from "../support/webview/samples/acting";

/** Two side bars, a panel, and 640 px at 200 %. */
const widths = [320, 340, 378, 600, 1200];

describe("an agent that acts, in a browser", () => {
  const opened = showPages();
  const tab = () => opened().tab;
  /** What the page has asked the host for, without what it asks by itself. */
  const asked: { readonly type: string }[] = [];
  const field = () => tab().getByRole("textbox", { name: /^Message to/ });
  const focused = () =>
    tab().evaluate(() => {
      const { activeElement: now } = document;
      return now?.getAttribute("aria-label") ?? now?.textContent ?? "";
    });

  before(() => {
    tab().on("console", (message) => {
      const { command } = readJson(message.text());
      if (command !== undefined && command.type !== "readAhead") asked.push(command);
    });
  });

  async function open(state: string): Promise<void> {
    await opened().resize(800);
    await opened().show("chat", state, "dark");
    await field().focus();
    asked.length = 0;
  }

  const states = ["actingWaits", "actingRuns", "actingAsks", "actingDelegates", "actingHostile", "actedOpen"];
  for (const state of [...states, "attaching", "attachMenu", "pinnedFiles", "pinnedRenewed", "ways", "waysRunning"]) {
    it(`never widens the page: ${state}`, async () => {
      await opened().show("chat", state, "dark");
      for (const width of widths) {
        await opened().resize(width);
        const wider = await opened().wider(
          ".log, .step, .calls, .call, .call-parts pre, .approval, .waiting, .attached, .pins, .pick, .menu, .way",
        );
        assert.deepEqual(wider, [], `at ${width} px`);
      }
    });
  }

  it("shows the agent's own answer once while one of several is to be chosen, and in its place again then", async () => {
    for (const state of ["ways", "waysRunning"]) {
      await open(state);
      const said = tab().getByText("Pass the end of the");
      assert.equal(await said.count(), 1, state);
      assert.equal(await tab().getByText("Where should it stop instead?").count(), 1);
      assert.equal(await tab().locator("article.way").first().getByText("Pass the end of the").count(), 1);
      const gone: ChatUpdate = { type: "ways" };
      await tab().evaluate((update) => window.postMessage(update), gone);
      await tab().locator("article.way").first().waitFor({ state: "detached" });
      assert.equal(await tab().locator("article.turn").last().getByText("Pass the end of the").count(), 1);
    }
  });

  it("keeps every answer to what waits, and the message, in view in a narrow side bar", async () => {
    await opened().show("chat", "actingWaits", "dark");
    await tab().setViewportSize({ width: 320, height: 700 });
    const out = await tab().evaluate(() =>
      [...document.querySelectorAll(".waiting button, .composer textarea, .composer .send")]
        .map((element) => ({ name: element.textContent, box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.right > innerWidth || box.left < 0 || box.width < 16)
        .map(({ name }) => name),
    );
    assert.deepEqual(out, []);
    const message = await field().boundingBox();
    assert(message && message.y + message.height <= 700, JSON.stringify(message));
  });

  it("leads by Up from the empty message to what waits: Enter takes the first answer, Escape denies", async () => {
    await open("actingWaits");
    const { keyboard } = tab();
    await keyboard.press("ArrowUp");
    assert.equal(await focused(), "Run");
    await keyboard.press("ArrowUp");
    assert.equal(await focused(), "Accept");
    await keyboard.press("ArrowRight");
    assert.equal(await focused(), "Open Diff");
    await keyboard.press("ArrowLeft");
    await keyboard.press("Enter");
    await keyboard.press("ArrowDown");
    await keyboard.press("Escape");
    assert.deepEqual(asked, [
      { type: "decide", call: "e1", way: "allow" },
      { type: "decide", call: "r1", way: "deny" },
    ]);
    await keyboard.press("ArrowDown");
    assert.match(await focused(), /^Message to/);
  });

  it("folds what was decided, and gives the focus to what still waits, then to the message", async () => {
    await open("actingWaits");
    await tab().keyboard.press("ArrowUp");
    const calls = [
      { call: "e1", kind: "write", state: "done" } as const,
      {
        call: "r1",
        kind: "run",
        state: "waiting",
        question: "Run it",
        choices: [{ way: "allow", label: "Go" }],
      } as const,
    ];
    await post({ type: "acting", state: { calls } });
    await tab().getByRole("button", { name: "Go" }).first().waitFor();
    assert.equal(await focused(), "Go");
    const open1 = await tab()
      .locator("details.call")
      .evaluateAll((all) => all.map((one) => one.hasAttribute("open")));
    assert.deepEqual(open1, [false, false, true]);
    await post({ type: "acting", state: actingRuns.acting });
    await tab().getByText("1 call under way").waitFor();
    assert.match(await focused(), /^Message to/);
  });

  it("is answered in its place, in a field that Enter sends", async () => {
    await open("actingAsks");
    const { keyboard } = tab();
    await keyboard.press("ArrowUp");
    assert.equal(await focused(), "Answer…");
    await keyboard.press("Enter");
    assert.equal(await focused(), "Answer: Shall interfaces recover in the same way?");
    await keyboard.press("Enter");
    assert.deepEqual(asked, [], "nothing is written yet");
    await keyboard.type("Yes, but");
    await keyboard.press("Shift+Enter");
    await keyboard.type("without the limit.");
    await keyboard.press("Enter");
    assert.deepEqual(asked, [{ type: "decide", call: "a1", way: "answer", text: "Yes, but\nwithout the limit." }]);
  });

  it("is stopped by Escape while a call runs, and not while it only waits", async () => {
    await open("actingWaits");
    await tab().keyboard.press("Escape");
    assert.deepEqual(asked, []);
    await open("actingRuns");
    await tab().keyboard.press("Escape");
    assert.deepEqual(asked, [{ type: "stop" }]);
  });

  it("stands at the end of what a command prints", async () => {
    await opened().show("chat", "actingRuns", "dark");
    const output = Array.from({ length: 200 }, (_, at) => `line ${at}`).join("\n");
    const calls = actingRuns.acting.calls.map((call) => (call.call === "r1" ? { ...call, output } : call));
    await post({ type: "acting", state: { calls } });
    await tab().getByText("line 199").waitFor();
    const isSeen = await tab().evaluate(() => {
      const box = document.querySelector(".tail")?.getBoundingClientRect();
      const end = document.querySelector(".tail pre")?.getBoundingClientRect();
      return box !== undefined && end !== undefined && Math.abs(box.bottom - end.bottom) < 2 && box.height < 260;
    });
    assert(isSeen);
  });

  it("copies changed code without the signs before its lines", async () => {
    await opened().show("chat", "actingWaits", "dark");
    const copied = await tab().evaluate(() => {
      const line = document.querySelector(".diff ins");
      if (line) getSelection()?.selectAllChildren(line);
      return getSelection()?.toString().trim();
    });
    assert.equal(copied, "function recoverTo(follow: TokenSet, limit: number): Token {");
  });

  it("shows in the system's own colours what was added, what fills the context, and what is chosen", async () => {
    await tab().emulateMedia({ forcedColors: "active" });
    try {
      await opened().show("chat", "pinnedFiles", "high-contrast");
      const fills = await tab()
        .locator(".ctx .bar > i")
        .evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
      assert.equal(new Set(fills).size, 3, fills.join(", "));
      await opened().show("chat", "actingWaits", "high-contrast");
      const signs = await tab()
        .locator(".diff .line")
        .evaluateAll((all) => all.map((one) => getComputedStyle(one, "::before").content.slice(0, 3)));
      assert.deepEqual(signs.slice(1, 3), ['"−"', '"+"']);
      await opened().show("chat", "attaching", "high-contrast");
      const outlines = await tab()
        .getByRole("option")
        .evaluateAll((all) => all.map((one) => getComputedStyle(one).outlineStyle));
      assert.deepEqual(outlines.slice(0, 2), ["solid", "none"]);
    } finally {
      await tab().emulateMedia({ forcedColors: "none" });
    }
  });

  describe("and files for it", () => {
    it("are found behind an @, chosen by keyboard, and leave their name in the message", async () => {
      await open("acted");
      const { keyboard } = tab();
      await keyboard.type("Why does @rec");
      await tab().getByRole("option").first().waitFor();
      assert.equal(await field().getAttribute("aria-activedescendant"), "files-0");
      await keyboard.press("ArrowDown");
      assert.equal(await field().getAttribute("aria-activedescendant"), "files-1");
      await keyboard.press("Tab");
      assert.equal(await field().inputValue(), "Why does `recover.test.ts` ");
      assert.equal(await tab().getByRole("listbox", { name: "Attach a file" }).isVisible(), false);
      const [find, attach] = asked.slice(-2);
      assert.equal(find?.type, "findFiles");
      assert.deepEqual(attach, { type: "attachFound", path: "test/parser/recover.test.ts" });
    });

    it("are not found any more when Escape has closed the list, until more is typed", async () => {
      await open("acted");
      const { keyboard } = tab();
      await keyboard.type("@rec");
      await tab().getByRole("option").first().waitFor();
      await keyboard.press("Escape");
      assert.equal(await tab().getByRole("option").count(), 0);
      assert.equal(await field().inputValue(), "@rec");
      await keyboard.type("o");
      await tab().getByRole("option").first().waitFor();
    });

    it("are attached by a menu, whose keys are those of a menu", async () => {
      await open("acted");
      const { keyboard } = tab();
      await tab().getByRole("button", { name: "Attach files" }).press("Enter");
      assert.match(await focused(), /^Selection/);
      await keyboard.press("ArrowUp");
      assert.match(await focused(), /^Pin Files/);
      await keyboard.press("Home");
      await keyboard.press("ArrowDown");
      await keyboard.press("Enter");
      assert.deepEqual(asked, [{ type: "attach", what: "file" }]);
      assert.equal(await focused(), "Attach files");
      await keyboard.press("Enter");
      await keyboard.press("Escape");
      assert.equal(await tab().getByRole("menu").count(), 0);
      assert.equal(await focused(), "Attach files");
      await keyboard.press("Enter");
      await tab().getByRole("menuitem", { name: "Search for a File" }).click();
      assert.equal(await field().inputValue(), "@");
      await tab().getByRole("option").first().waitFor();
    });

    it("are taken away by Delete, and the focus stays among them", async () => {
      await open("attaching");
      await tab()
        .getByRole("button", { name: /^Open file tokens\.ts/ })
        .focus();
      await tab().keyboard.press("Delete");
      assert.match(await focused(), /^Open folder parser/);
      assert.deepEqual(asked, [{ type: "detach", index: 1 }]);
    });

    it("are attached by a pasted path, and a pasted sentence stays a text", async () => {
      await open("acted");
      await paste("/home/ada/src/a.ts");
      await paste("look at /home/ada/src/a.ts");
      assert.deepEqual(asked, [{ type: "attachPaths", paths: ["/home/ada/src/a.ts"] }]);
    });

    it("are attached by a drop anywhere on the page", async () => {
      await open("acted");
      const isTaken = await tab().evaluate(() => {
        const data = new DataTransfer();
        data.setData("text/uri-list", "file:///home/a.ts\r\nfile:///home/b.ts");
        const options = { bubbles: true, cancelable: true, dataTransfer: data };
        const log = document.querySelector(".log");
        const over = new DragEvent("dragover", options);
        log?.dispatchEvent(over);
        const wasMarked = document.querySelector("main")?.classList.contains("dropping");
        log?.dispatchEvent(new DragEvent("drop", options));
        return over.defaultPrevented && wasMarked && !document.querySelector("main")?.classList.contains("dropping");
      });
      assert(isTaken);
      assert.deepEqual(asked, [{ type: "attachPaths", paths: ["file:///home/a.ts", "file:///home/b.ts"] }]);
    });

    it("cannot be an image, which is said in words", async () => {
      await open("acted");
      await tab().evaluate(() => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File(["x"], "picture.png", { type: "image/png" }));
        document.activeElement?.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
        );
      });
      await tab().getByText("An image cannot be attached").waitFor();
      assert.deepEqual(asked, []);
    });
  });

  async function paste(text: string): Promise<void> {
    await tab().evaluate((pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", pasted);
      document.activeElement?.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
      );
    }, text);
  }

  async function post(update: ChatUpdate): Promise<void> {
    await tab().evaluate((message) => window.postMessage(message, "*"), update);
  }
});

function readJson(text: string): { readonly command?: { readonly type: string } } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
