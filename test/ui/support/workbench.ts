import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Browser, BrowserContext, Page as BrowserPage, Frame, Locator } from "playwright-core";
import { launchBrowser } from "../../host/browser.mjs";
import { insist } from "./until";

export type Scheme = "dark" | "light";

/** The themes that pictures are taken in: the setting's value, and the class that the workbench has then. */
export const themes = [
  { name: "Dark Modern", setting: "Dark Modern", className: "dark_modern" },
  { name: "Light Modern", setting: "Light Modern", className: "light_modern" },
  { name: "HC Dark", setting: "Default High Contrast", className: "hc_black" },
  { name: "HC Light", setting: "Default High Contrast Light", className: "hc_light" },
] as const;
export type Theme = (typeof themes)[number];

const sections = ["Agents", "Room", "Status"] as const;
export type Section = (typeof sections)[number];

const startLimitMs = 60_000;
const stepLimitMs = 20_000;
/** From a command to what it asks; the engine may have to start before. */
const questionLimitMs = 10_000;
/** What follows at once. */
const soonMs = 3_000;

function environment(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set: run the suites with test/ui/run.mjs`);
  return value;
}

/** Sets the theme of windows that start from now on; without one they follow the system's colours. */
export function chooseTheme(theme?: Theme): void {
  chooseSettings({ "workbench.colorTheme": theme?.setting, "window.autoDetectColorScheme": theme === undefined });
}

/** Sets the person's own settings for windows that start from now on; `undefined` takes one back. */
export function chooseSettings(chosen: Readonly<Record<string, unknown>>): void {
  putInto(environment("RESIDENT_UI_SETTINGS"), chosen);
}

/** Sets one setting of this machine, which the person's own settings cannot; `undefined` takes it back. */
export function chooseMachineSetting(name: string, value: unknown): void {
  const file = path.resolve(environment("RESIDENT_UI_SETTINGS"), "..", "..", "Machine", "settings.json");
  putInto(file, { [name]: value });
}

function putInto(file: string, settings: Readonly<Record<string, unknown>>): void {
  const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...before, ...settings }));
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
    return this.page.getByRole("tab", { name: "Resident: Local Agents", exact: true });
  }

  /** Opens the Resident side bar by its icon. */
  async openSideBar(): Promise<void> {
    const content = this.page
      .getByRole("treeitem")
      .or(this.page.getByRole("button", { name: "Agents Section" }))
      .first();
    await insist("the side bar is open", async () => {
      // A click on the icon of what is open closes it.
      if ((await this.residentTab.getAttribute("aria-selected")) !== "true") await this.residentTab.click();
      await content.waitFor({ timeout: questionLimitMs });
    });
  }

  /** Leaves all the width to the editors. */
  async hideSideBar(): Promise<void> {
    await this.pressUntil("ControlOrMeta+KeyB", this.page.locator(".part.sidebar"), "hidden");
  }

  /** Presses a key until what it does is seen: nothing, if it is seen already. */
  async pressUntil(key: string, what: Locator, state: "visible" | "hidden"): Promise<void> {
    await insist(`${key} is pressed until this is ${state}: ${what}`, async () => {
      if ((await what.isVisible()) === (state === "visible")) return;
      await this.page.keyboard.press(key);
      await what.waitFor({ state, timeout: soonMs });
    });
  }

  /** Opens one section of the side bar and closes the others, so that it has all the room. */
  async openSection(name: Section): Promise<void> {
    await this.openSideBar();
    for (const section of sections) {
      const header = this.page.getByRole("button", { name: `${section} Section` });
      const expanded = String(section === name);
      await insist(`the section ${section} is ${section === name ? "open" : "closed"}`, async () => {
        if ((await header.getAttribute("aria-expanded")) !== expanded) await header.click();
        await this.page
          .locator(`[aria-label="${section} Section"][aria-expanded="${expanded}"]`)
          .waitFor({ timeout: soonMs });
      });
    }
  }

  get quickInput() {
    return this.page.locator(".quick-input-widget:visible");
  }

  get quickField() {
    return this.quickInput.getByRole("combobox").or(this.quickInput.getByRole("textbox")).first();
  }

  /** Types into the palette, and presses Enter there while what has `entry` is chosen. */
  private async palette(typed: string, entry: string): Promise<void> {
    const chosen = this.quickInput.locator(".monaco-list-row.focused").filter({ hasText: entry });
    await insist(`the palette offers ${entry}`, async () => {
      await this.page.keyboard.press("F1");
      await this.quickField.fill(typed, { timeout: soonMs });
      await chosen.waitFor({ timeout: questionLimitMs });
      await this.quickField.press("Enter", { timeout: soonMs });
    });
  }

  /** Runs a command from the palette. */
  async command(title: string): Promise<void> {
    await this.palette(`>${title}`, title);
  }

  /** Answers what `open` makes VS Code ask: a command by its title, or what is done to open it. */
  private async asked(open: string | (() => Promise<void>), title: string, answer: () => Promise<void>): Promise<void> {
    await insist(`"${title}" is asked and answered`, async () => {
      await (typeof open === "string" ? this.command(open) : open());
      await this.quickInput.getByText(title, { exact: true }).waitFor({ timeout: questionLimitMs });
      await answer();
    });
  }

  /** Answers an input box that has `title`. */
  async answer(open: string | (() => Promise<void>), title: string, text: string): Promise<void> {
    await this.asked(open, title, async () => {
      await this.quickField.fill(text, { timeout: soonMs });
      await this.quickField.press("Enter", { timeout: soonMs });
    });
  }

  /** Picks one entry of a quick pick that has `title`. */
  async pick(open: string | (() => Promise<void>), title: string, entry: string): Promise<void> {
    const option = this.quickInput.getByRole("option").filter({ hasText: entry }).first();
    await this.asked(open, title, () => option.click({ timeout: questionLimitMs }));
  }

  /** Ticks entries of a quick pick that has `title`, which are found by what is typed, if anything, and confirms it. */
  async check(
    open: string | (() => Promise<void>),
    title: string,
    entries: readonly string[],
    typed?: string,
  ): Promise<void> {
    await this.asked(open, title, async () => {
      if (typed !== undefined) await this.quickField.fill(typed, { timeout: soonMs });
      for (const entry of entries) {
        const label = this.page.locator(".label-name", { hasText: new RegExp(`^\\s*${entry}\\s*$`) });
        const row = this.quickInput.locator(".monaco-list-row").filter({ has: label });
        if ((await row.getAttribute("aria-checked", { timeout: questionLimitMs })) !== "true")
          await row.click({ timeout: soonMs });
      }
      await this.quickInput.getByRole("button", { name: "OK" }).click({ timeout: soonMs });
    });
  }

  /** Chooses an entry of the open menu. VS Code's menus ignore clicks in their first 100 ms: clicks until it is gone. */
  async choose(entry: string): Promise<void> {
    const item = this.page.getByRole("menuitem", { name: entry });
    await insist(`${entry} is chosen`, async () => {
      await item.click();
      await item.waitFor({ state: "hidden", timeout: 500 });
    });
  }

  /** As a person reloads: by command, or by what `reload` does, and then everything is there again. */
  async reload(reload = () => this.command("Developer: Reload Window")): Promise<void> {
    const loaded = this.page.waitForEvent("load", { timeout: startLimitMs });
    await reload();
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

  /** Loads the window again in one of the four themes. */
  async useTheme(theme: Theme): Promise<void> {
    chooseTheme(theme);
    // The server may be late in noticing a changed file; a window that starts reads it.
    // Told by command, the window keeps first what has just been said: a browser's own reload may come before that.
    await this.reload();
    await this.page.locator(`.monaco-workbench[class*="${theme.className}"]`).waitFor();
  }

  /** Opens a file of the workspace by its name, as a person does: the palette without its ">" finds files. */
  async openFile(name: string): Promise<void> {
    await this.palette(name, name);
    await this.page.locator(".tab.active").filter({ hasText: name }).waitFor();
    // The tab is there before its editor: what is typed, or run by a command, would miss the file.
    const editor = `.editor-group-container.active .monaco-editor[data-uri$="/${name}"]`;
    await this.page.locator(`${editor}.focused`).waitFor();
  }

  /** Brings an editor that is open to the front, with all the width. */
  async openEditor(name: string): Promise<void> {
    await this.page.getByRole("tab", { name: new RegExp(`^${name}\\b`) }).click();
  }

  /** Makes a page `width` pixels wide: by the window's width for an editor, by the side bar's for a view in it. */
  async widen(frame: Frame, width: number, part: "editor" | "sideBar"): Promise<void> {
    const missing = async () => width - (await frame.evaluate(() => window.innerWidth));
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const by = await missing();
      if (by === 0) break;
      if (part === "sideBar") await this.dragSideBar(by);
      else await this.resize((this.page.viewportSize()?.width ?? 0) + by);
      await frame
        .waitForFunction((before) => window.innerWidth !== before, width - by, { timeout: 2_000 })
        .catch(() => {});
    }
    assert.equal(await missing(), 0, `the page cannot be ${width} pixels wide`);
  }

  /** A picture of an editor's page that is 340 pixels wide; the window is as wide as before then. */
  async shootNarrow(frame: Frame, name: string): Promise<void> {
    const { width = 1280 } = this.page.viewportSize() ?? {};
    await this.widen(frame, 340, "editor");
    await this.screenshot(name, frame);
    await this.resize(width);
  }

  /** Moves the edge between side bar and editor so that the side bar is `width` pixels wider. */
  async dragSideBar(width: number): Promise<void> {
    const bar = await this.sideBarBox();
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

  /** A picture of the window, of the side bar with the icons at its left, or of one page. */
  async screenshot(name: string, part: "window" | "sideBar" | Frame = "window"): Promise<void> {
    const folder = environment("RESIDENT_UI_SCREENSHOTS");
    mkdirSync(folder, { recursive: true });
    const clip = await this.partBox(part);
    await this.page.screenshot({ path: path.join(folder, `${name}.png`), ...(clip === undefined ? {} : { clip }) });
  }

  /** What has the focus, and what stands in front of everything else, in words. */
  async shown(): Promise<string> {
    const texts = (selector: string) => this.page.locator(`${selector}:visible`).allInnerTexts();
    const shown = {
      focus: await this.page.evaluate(() => document.activeElement?.outerHTML.slice(0, 300)),
      quickInput: await texts(".quick-input-widget"),
      notifications: await texts(".notification-list-item"),
      dialogs: await texts(".monaco-dialog-box"),
      tabs: await texts(".tab"),
    };
    return JSON.stringify(shown, null, 2);
  }

  private async partBox(part: "window" | "sideBar" | Frame) {
    if (part === "window") return undefined;
    if (part !== "sideBar") return (await (await part.frameElement()).boundingBox()) ?? undefined;
    const { x, y, width, height } = await this.sideBarBox();
    return { x: 0, y, width: x + width, height };
  }

  private async sideBarBox() {
    const box = await this.page.locator(".part.sidebar").boundingBox();
    assert(box, "the side bar is not shown");
    return box;
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
