/** The classes that VS Code gives a page's body, by our names of its themes. */
export const themes = {
  dark: "vscode-dark",
  light: "vscode-light",
  "high-contrast": "vscode-high-contrast",
  "high-contrast-light": "vscode-high-contrast vscode-high-contrast-light",
};

export const themeNames = Object.keys(themes);
