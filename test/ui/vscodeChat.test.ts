import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import { writeToolModel } from "../support/models/toolModel";
import { wideVocabularyConfig, writeRandomModel } from "../support/native/randomModel";
import { shownNumber } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { insist, until } from "./support/until";
import { chooseSettings } from "./support/workbench";

const name = "Quick-with-tools";
/** VS Code sends some 15,000 tokens of instructions and tools. */
const answerLimitMs = 100_000;

/** The chat of VS Code itself, where nobody is signed in, on a model of random weights: what it says is noise, what it reads is real. */
describe("VS Code's own chat", () => {
  const home = process.env["RESIDENT_UI_HOME"] ?? "";
  const directory = path.join(home, "models", name);
  /** Without it this build's chat asks for an account before any model answers. */
  const withoutAccount = "chat.allowAnonymousAccess";
  before(async () => {
    chooseSettings({ [withoutAccount]: true, "resident.answers.maxTokens": 30 });
    await writeToolModel(directory);
    await rm(path.join(directory, "model.safetensors"));
    await writeRandomModel(directory, wideVocabularyConfig);
  });
  after(() => chooseSettings({ [withoutAccount]: undefined, "resident.answers.maxTokens": 1000 }));
  const workbench = useWorkbench();

  const chat = () => workbench().page.locator(".part.auxiliarybar .interactive-session");
  const answers = () => chat().locator(".interactive-response");
  const stop = () => chat().getByRole("button", { name: /^Cancel/ });

  /** Resolves when the answer has ended. */
  async function ask(text: string): Promise<void> {
    const { page } = workbench();
    const before = await answers().count();
    await insist("the message is sent", async () => {
      await chat().locator(".interactive-input-editor").click({ timeout: 5_000 });
      await page.keyboard.press("ControlOrMeta+KeyA");
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
      await answers().nth(before).waitFor({ timeout: 5_000 });
    });
    await answers()
      .nth(before)
      .locator(".chat-footer-toolbar, .value .rendered-markdown")
      .first()
      .waitFor({ timeout: answerLimitMs });
    await stop().waitFor({ state: "hidden", timeout: answerLimitMs });
  }

  /** Tokens reused and asked of the chat's requests in this window, newest first, when there are so many. */
  async function requests(count: number): Promise<readonly { readonly reused: number; readonly asked: number }[]> {
    await workbench().openSection("Status");
    const status = await workbench().webview("table.requests");
    const rows = status.locator("table.requests tbody tr").filter({ hasText: / of / });
    await until(`${count} requests`, async () => (await rows.count()) >= count);
    return (await rows.allInnerTexts()).flatMap((row) => {
      const [, reused, asked] = /([\d,]+) of ([\d,]+)/.exec(row) ?? [];
      return reused === undefined || asked === undefined
        ? []
        : [{ reused: shownNumber(reused), asked: shownNumber(asked) }];
    });
  }

  it("answers without an account on a model that a command chooses", async () => {
    await workbench().pick("Resident: Use in VS Code's Chat", "Use in VS Code's Chat", name);
    await chat().getByText(name).waitFor();
    await ask("Say hello.");
    const [first] = await requests(1);
    assert(first && first.asked > 5_000, `${first?.asked} tokens`);
    await workbench().screenshot("vscode-chat-dark");
  });

  it("reads only what a message adds", async () => {
    // The first request of a window lacks a part of VS Code's instructions: it is there from the second on.
    await ask("And once more.");
    await ask("And a third time.");
    const [third] = await requests(3);
    assert(third && third.asked - third.reused < 400, `${third?.reused} of ${third?.asked} tokens reused`);
    await workbench().screenshot("vscode-chat-requests-dark");
  });

  it("reads its instructions and tools not again in a new chat", async () => {
    const before = (await requests(3)).length;
    await workbench()
      .page.locator(".part.auxiliarybar")
      .getByRole("button", { name: /^New Chat/ })
      .first()
      .click();
    await answers().first().waitFor({ state: "detached" });
    await ask("Say hello.");
    const [first] = await requests(before + 1);
    assert(first && first.asked - first.reused < 1_000, `${first?.reused} of ${first?.asked} tokens reused`);
    await workbench().screenshot("vscode-chat-new-dark");
  });
});
