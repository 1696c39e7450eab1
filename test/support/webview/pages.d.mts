import type { Page } from "playwright-core";
import type { ThemeName } from "./themes.mjs";

export type PageName = "chat" | "room" | "status";

export const pages: readonly PageName[];

export interface ServedPages {
  /** The names of each page's samples. */
  readonly states: Readonly<Record<PageName, readonly string[]>>;
  url(page: PageName, state: string, theme: ThemeName): string;
  close(): void;
}

export function servePages(root: string): Promise<ServedPages>;
export function enter(tab: Page, state: string): Promise<void>;
