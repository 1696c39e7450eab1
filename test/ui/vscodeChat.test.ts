import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import { writeToolModel } from "../support/models/toolModel";
import { wideVocabularyConfig, writeRandomModel } from "../support/native/randomModel";
import { useWorkbench } from "./support/suite";
import { insist, until } from "./support/until";
import { chooseSettings } from "./support/workbench";

const name = "Quick-with-tools";
/** VS Code sends some 15,000 tokens of instructions and tools. */
const answerLimitMs = 100_000;

/** The chat of VS Code itself, where nobody is signed in, on a model of random weights: what it says is noise, what it reads is real. */
describe("VS Code's own chat", () => {
  const directory = path.join(process.env["RESIDENT_UI_HOME"] ?? "", "models", name);
  /** Without it this build's chat asks for an account before any model answers. */
  const withoutAccount = "chat.allowAnonymousAccess";
  before(async () => {
    chooseSettings({ [withoutAccount]: true });
    await writeToolModel(directory);
    await rm(path.join(directory, "model.safetensors"));
    await writeRandomModel(directory, wideVocabularyConfig);
  });
  after(() => chooseSettings({ [withoutAccount]: undefined }));
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

  /** Tokens reused and asked of the chat's requests, newest first. */
  async function requests(): Promise<readonly { readonly reused: number; readonly asked: number }[]> {
    await workbench().openSection("Status");
    const status = await workbench().webview("table.requests");
    const rows = await status.locator("table.requests tbody tr").allInnerTexts();
    return rows.flatMap((row) => {
      const [, reused, asked] = /([\d,]+) of ([\d,]+)/.exec(row) ?? [];
      return reused === undefined || asked === undefined ? [] : [{ reused: number(reused), asked: number(asked) }];
    });
  }

  it("answers without an account on a model that a command chooses", async () => {
    await workbench().pick("Resident: Use in VS Code's Chat", "Use in VS Code's Chat", name);
    await chat().getByText(name).waitFor();
    await ask("Say hello.");
    await workbench().screenshot("vscode-chat-answer");
    const [first] = await requests();
    console.log(await requests());
    assert(first && first.asked > 5_000, `${first?.asked} tokens`);
  });

  it("reads its past again neither in the next message, nor in a new chat after a reload", async () => {
    await ask("And once more.");
    console.log(await requests());
    await workbench().screenshot("vscode-chat-2");
    console.log(await (await workbench().webview("table.requests")).locator("table.requests").innerText());
    await ask("And a third time.");
    console.log(await requests());
    console.log("ROWS", await (await workbench().webview("table.requests")).locator("table.requests tbody tr").allTextContents());
    await new Promise((r) => setTimeout(r, 8000));
    await workbench().reload();
    await ask("And a fourth time.");
    console.log(await requests());
    await workbench().page.locator(".part.auxiliarybar").getByRole("button", { name: /^New Chat/ }).first().click();
    await ask("Say hello.");
    console.log(await requests());
    console.log("ROWS", await (await workbench().webview("table.requests")).locator("table.requests tbody tr").allTextContents());
    await workbench().screenshot("vscode-chat-requests");
    await until("three requests", async () => (await requests()).length >= 3);
  });
});

function number(text: string): number {
  return Number(text.replaceAll(",", ""));
}
