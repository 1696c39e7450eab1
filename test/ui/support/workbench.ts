import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Browser, BrowserContext, Page as BrowserPage, Frame } from "playwright-core";
import { launchBrowser } from "../../host/browser.mjs";

export type Scheme = "dark" | "light";

const sections = ["Agents", "Room", "Status"] as const;
export type Section = (typeof sections)[number];

const startLimitMs = 60_000;
const stepLimitMs = 20_000;

function environment(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set: run the suites with test/ui/run.mjs`);
  return value;
}

/** VS Code's workbench in a browser, used by mouse and keyboard alone. */
export class Workbench {
  private constructor(
    private readonly browser: Browser,
    private readonly context: BrowserContext,
    readonly page: BrowserPage,
  ) {}

  static async open(): Promise<Workbench> {
    const browser = await launchBrowser();
    const context = await browser.newContext({
      viewport: { width: 1280, height: 860 },
      colorScheme: "dark",
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(stepLimitMs);
    const workbench = new Workbench(browser, context, page);
    await page.goto(environment("RESIDENT_UI_URL"));
    await workbench.ready();
    return workbench;
  }

  async close(): Promise<void> {
    await this.context.close();
    await this.browser.close();
  }

  /** Our view container is there once extensions are known. */
  private async ready(): Promise<void> {
    await this.residentTab.waitFor({ timeout: startLimitMs });
  }

  private get residentTab() {
    return this.page.getByRole("tab", { name: "Resident", exact: true });
  }

  /** Opens the Resident side bar by its icon. */
  async openSideBar(): Promise<void> {
    if ((await this.residentTab.getAttribute("aria-selected")) !== "true") await this.residentTab.click();
    await this.page
      .getByRole("treeitem")
      .or(this.page.getByRole("button", { name: "Agents Section" }))
      .first()
      .waitFor();
  }

  /** Opens one section of the side bar and closes the others, so that it has all the room. */
  async openSection(name: Section): Promise<void> {
    await this.openSideBar();
    for (const section of sections) {
      const header = this.page.getByRole("button", { name: `${section} Section` });
      const expanded = (await header.getAttribute("aria-expanded")) === "true";
      if (expanded !== (section === name)) await header.click();
    }
  }

  get quickInput() {
    return this.page.locator(".quick-input-widget:visible");
  }

  /** Runs a command from the palette. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press("F1");
    const input = this.quickInput.getByRole("combobox").or(this.quickInput.getByRole("textbox")).first();
    await input.fill(`>${title}`);
    await this.quickInput.getByRole("option").filter({ hasText: title }).first().waitFor();
    await this.page.keyboard.press("Enter");
  }

  /** Answers an input box that has `title`. */
  async answer(title: string, text: string): Promise<void> {
    await this.quickInput.getByText(title, { exact: true }).waitFor();
    await this.quickInput.getByRole("textbox").first().fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Picks one entry of a quick pick that has `title`. */
  async pick(title: string, entry: string): Promise<void> {
    await this.quickInput.getByText(title, { exact: true }).waitFor();
    await this.quickInput.getByRole("option").filter({ hasText: entry }).first().click();
  }

  /** Ticks entries of a quick pick that has `title`, and confirms it. */
  async check(title: string, entries: readonly string[]): Promise<void> {
    await this.quickInput.getByText(title, { exact: true }).waitFor();
    for (const entry of entries) {
      const row = this.quickInput.getByRole("listbox").getByRole("checkbox", { name: entry, exact: true });
      if ((await row.getAttribute("aria-checked")) !== "true") await row.click();
    }
    await this.quickInput.getByRole("button", { name: "OK" }).click();
  }

  /** As a person reloads: by command, and then everything is there again. */
  async reload(): Promise<void> {
    const loaded = this.page.waitForEvent("load", { timeout: startLimitMs });
    await this.command("Developer: Reload Window");
    await loaded;
    await this.ready();
  }

  /** The page in a webview in which `selector` is found: VS Code nests two frames around it. */
  async webview(selector: string, limitMs = stepLimitMs): Promise<Frame> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      for (const frame of this.page.frames()) if (await shows(frame, selector)) return frame;
      assert(Date.now() < deadline, `no page shows ${selector} after ${limitMs} ms`);
      await this.page.waitForTimeout(50);
    }
  }

  async use(scheme: Scheme): Promise<void> {
    await this.page.emulateMedia({ colorScheme: scheme });
    const theme = scheme === "dark" ? ".vs-dark" : ".vs:not(.vs-dark)";
    await this.page.locator(`.monaco-workbench${theme}`).waitFor();
  }

  /** Moves the edge between side bar and editor so that the side bar is `width` pixels wider. */
  async dragSideBar(width: number): Promise<void> {
    const bar = await this.page.locator(".part.sidebar").boundingBox();
    assert(bar, "the side bar is not shown");
    const edge = bar.x + bar.width;
    const middle = bar.y + bar.height / 2;
    await this.page.mouse.move(edge, middle);
    await this.page.mouse.down();
    await this.page.mouse.move(edge + width, middle, { steps: 8 });
    await this.page.mouse.up();
  }

  async resize(width: number, height = 860): Promise<void> {
    await this.page.setViewportSize({ width, height });
  }

  async screenshot(name: string): Promise<void> {
    const folder = environment("RESIDENT_UI_SCREENSHOTS");
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: path.join(folder, `${name}.png`) });
  }
}

/** A frame may go while it is asked. */
async function shows(frame: Frame, selector: string): Promise<boolean> {
  try {
    return await frame.locator(selector).first().isVisible();
  } catch {
    return false;
  }
}
