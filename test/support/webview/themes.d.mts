export type ThemeName = "dark" | "light" | "high-contrast" | "high-contrast-light";

export const themes: Readonly<Record<ThemeName, string>>;
export const themeNames: readonly ThemeName[];
