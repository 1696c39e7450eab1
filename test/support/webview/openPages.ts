import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../../host/browser.mjs";
import { enter, type PageName, type ServedPages, servePages } from "./pages.mjs";
import { type ThemeName, themes } from "./themes.mjs";

const usualHeight = 900;

/** The pages in one tab of one browser, state by state. */
export class OpenPages {
  private constructor(
    private readonly served: ServedPages,
    private readonly browser: Browser,
    readonly tab: Page,
  ) {}

  static async open(): Promise<OpenPages> {
    const served = await servePages(process.cwd());
    const browser = await launchBrowser();
    const context = await browser.newContext({ reducedMotion: "reduce" });
    return new OpenPages(served, browser, await context.newPage());
  }

  get states(): ServedPages["states"] {
    return this.served.states;
  }

  /** Loads a page and waits until its state is painted. */
  async show(page: PageName, state: string, theme: ThemeName): Promise<void> {
    await this.tab.goto(this.served.url(page, state, theme));
    await this.tab.locator("body[data-shown]").waitFor();
    await enter(this.tab, state);
  }

  /** Changes the theme of the page that is open, as VS Code does. */
  async paint(theme: ThemeName): Promise<void> {
    await this.tab.evaluate((classes) => document.body.setAttribute("class", classes), themes[theme]);
  }

  async resize(width: number, height = usualHeight): Promise<void> {
    await this.tab.setViewportSize({ width, height });
  }

  /** The page itself, and of these elements all, whose content is wider than their box. */
  async wider(selector: string): Promise<readonly string[]> {
    return await this.tab.evaluate(
      (wanted) =>
        [document.documentElement, ...document.querySelectorAll(wanted)]
          .filter((element) => element.scrollWidth > element.clientWidth)
          .map((element) => `${element.tagName}.${element.className}: ${element.scrollWidth}`),
      selector,
    );
  }

  /**
   * Has the browser find a text as its search does, which opens what hides it; true when it is in view then. (`window.find`
   * finds such a text too, but shows nothing of it.)
   */
  async find(text: string): Promise<boolean> {
    await this.tab.evaluate(
      (fragment) => {
        location.hash = fragment;
      },
      `:~:text=${encodeURIComponent(text).replaceAll("-", "%2D")}`,
    );
    await this.tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100))));
    return await this.tab.evaluate((wanted) => {
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const { nodeValue, parentElement } = texts.currentNode;
        if (!nodeValue?.includes(wanted) || parentElement?.checkVisibility() !== true) continue;
        const { top, bottom } = parentElement.getBoundingClientRect();
        if (top < innerHeight && bottom > 0) return true;
      }
      return false;
    }, text);
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.served.close();
  }
}

/** Opens the pages for the suite that calls this. */
export function showPages(): () => OpenPages {
  let pages: OpenPages | undefined;
  before(async () => {
    pages = await OpenPages.open();
  });
  after(() => pages?.close());
  return () => {
    if (!pages) throw new Error("the pages are open only while tests run");
    return pages;
  };
}

/** The rules whose result depends on the theme. */
export const colourRules: readonly string[] = ["color-contrast", "link-in-text-block"];

/** What axe-core finds in the tab by these rules, or by all: one line for each rule, with the elements that break it. */
export async function violations(tab: Page, rules?: readonly string[]): Promise<readonly string[]> {
  if (await tab.evaluate(() => !("axe" in window))) await tab.evaluate(axe.source);
  return await tab.evaluate(async (only) => {
    const { violations } = await window.axe.run(document, {
      resultTypes: ["violations"],
      ...(only ? { runOnly: [...only] } : {}),
    });
    return violations.map(({ id, nodes }) => {
      const places = nodes.map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary ?? ""})`);
      return `${id}: ${places.join("; ").replace(/\s+/g, " ")}`;
    });
  }, rules);
}

declare global {
  interface Window {
    readonly axe: typeof axe;
  }
}
