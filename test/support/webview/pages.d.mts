import type { Page } from "playwright-core";

export type PageName = "chat" | "room" | "status";
export type ThemeName = "dark" | "light" | "high-contrast" | "high-contrast-light";

export const pages: readonly PageName[];
export const themes: Readonly<Record<ThemeName, string>>;
export const themeNames: readonly ThemeName[];

export interface ServedPages {
  /** The names of each page's samples. */
  readonly states: Readonly<Record<PageName, readonly string[]>>;
  url(page: PageName, state: string, theme: ThemeName): string;
  close(): void;
}

export function servePages(root: string): Promise<ServedPages>;
export function enter(tab: Page, state: string): Promise<void>;
