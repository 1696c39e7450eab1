/** Facts about languages, by VS Code's language ids. An unknown language is code with `//` comments. */

/** Languages of text for people: answers are inserted unchanged, with their fences. */
const prose: ReadonlySet<string> = new Set([
  "plaintext",
  "markdown",
  "restructuredtext",
  "asciidoc",
  "git-commit",
  "scminput",
  "log",
]);

export function isProse(languageId: string): boolean {
  return prose.has(languageId);
}

/** Names that are not the id with a capital first letter. */
const names: Readonly<Record<string, string>> = {
  c: "C",
  cpp: "C++",
  csharp: "C#",
  css: "CSS",
  fsharp: "F#",
  html: "HTML",
  javascript: "JavaScript",
  javascriptreact: "JavaScript (JSX)",
  json: "JSON",
  jsonc: "JSON",
  latex: "LaTeX",
  "objective-c": "Objective-C",
  php: "PHP",
  powershell: "PowerShell",
  r: "R",
  scss: "SCSS",
  shellscript: "shell",
  sql: "SQL",
  typescript: "TypeScript",
  typescriptreact: "TypeScript (TSX)",
  vb: "Visual Basic",
  xml: "XML",
  yaml: "YAML",
};

export function languageName(languageId: string): string {
  return names[languageId] ?? languageId.charAt(0).toUpperCase() + languageId.slice(1);
}

/** `close` is absent where the end of the line ends the comment. */
export interface CommentMarks {
  readonly open: string;
  readonly close?: string;
}

const byOpening: Readonly<Record<string, readonly string[]>> = {
  "#": [
    ...["python", "ruby", "shellscript", "perl", "r", "yaml", "toml", "dockerfile", "makefile", "powershell"],
    ...["elixir", "julia", "coffeescript", "properties", "ignore", "graphql", "terraform", "cmake", "nix"],
  ],
  "--": ["sql", "lua", "haskell", "ada", "elm"],
  ";": ["clojure", "ini", "lisp", "scheme"],
  "%": ["latex", "tex", "bibtex", "erlang", "matlab", "prolog"],
  "'": ["vb"],
  '"': ["viml"],
  REM: ["bat"],
};

const blocks: Readonly<Record<string, CommentMarks>> = {
  html: { open: "<!--", close: "-->" },
  xml: { open: "<!--", close: "-->" },
  vue: { open: "<!--", close: "-->" },
  svelte: { open: "<!--", close: "-->" },
  css: { open: "/*", close: "*/" },
  ocaml: { open: "(*", close: "*)" },
};

export function commentMarks(languageId: string): CommentMarks {
  const block = blocks[languageId];
  if (block) return block;
  const open = Object.entries(byOpening).find(([, ids]) => ids.includes(languageId))?.[0] ?? "//";
  return { open };
}

/** A line of words as a comment. */
export function commentLine(text: string, { open, close }: CommentMarks): string {
  return close === undefined ? `${open} ${text}` : `${open} ${text} ${close}`;
}
