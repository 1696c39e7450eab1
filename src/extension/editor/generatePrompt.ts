import { isProse, languageName } from "./languages";

/** "insert": at the cursor. "continue", "rewrite", "explain": what is done with a selection. */
export type GenerateAction = "insert" | "continue" | "rewrite" | "explain";

export interface PromptFacts {
  readonly action: GenerateAction;
  /** What the person typed; may be empty for "continue" and "explain". */
  readonly instruction: string;
  readonly languageId: string;
  readonly fileName: string;
  /** Around the cursor or the selection. */
  readonly prefix: string;
  readonly suffix: string;
  readonly selection: string;
}

export interface Prompt {
  readonly system?: string;
  readonly prompt: string;
}

const cursor = "<cursor>";

/** The prompt is short and ends with the instruction, because small models follow what they read last. */
export function generatePrompt(facts: PromptFacts): Prompt {
  if (facts.action === "explain") return explainPrompt(facts);
  return isProse(facts.languageId) ? { prompt: prosePrompt(facts) } : codePrompt(facts);
}

function codePrompt(facts: PromptFacts): Prompt {
  const { action, instruction, languageId, fileName, selection } = facts;
  const name = languageName(languageId);
  const system = `You write ${name} code into a file. Answer with one code block and nothing else.`;
  const file = fileBlock(facts);
  if (action === "rewrite") {
    const part = `This part of it:\n${block(selection, languageId)}\n\n`;
    return { system, prompt: `${file}${part}Rewrite this part: ${instruction}` };
  }
  const what = instruction === "" ? "continue." : instruction;
  if (file === "") return { system, prompt: `Write ${name} code for the file ${fileName}: ${what}` };
  return { system, prompt: `${file}Write the ${name} code that goes at ${cursor}: ${what}` };
}

/** In an empty document the prompt is the instruction alone. */
function prosePrompt(facts: PromptFacts): string {
  const { action, instruction, selection } = facts;
  if (action === "rewrite") return `${block(selection, "")}\n\nRewrite this text: ${instruction}`;
  if (action === "continue") {
    return [selection, instruction === "" ? "Continue this text." : instruction].join("\n\n");
  }
  const file = fileBlock(facts);
  return file === "" ? instruction : `${file}Write the text that goes at ${cursor}: ${instruction}`;
}

function explainPrompt({ instruction, languageId, selection }: PromptFacts): Prompt {
  return {
    system: "You explain code in one or two short sentences, in plain words and without code.",
    prompt: [block(selection, languageId), instruction === "" ? "What does this code do?" : instruction].join("\n\n"),
  };
}

/** The file around the cursor or the selection; nothing if the file is empty. */
function fileBlock({ action, languageId, fileName, prefix, suffix, selection }: PromptFacts): string {
  if ((prefix + suffix).trim() === "" && action !== "continue") return "";
  const middle = { insert: cursor, continue: selection + cursor, rewrite: selection, explain: selection }[action];
  return `The file ${fileName}:\n${block(prefix + middle + suffix, isProse(languageId) ? "" : languageId)}\n\n`;
}

/** The fence is longer than any run of backticks in the text. */
function block(text: string, info: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${info}\n${text.replace(/^\n+|\s+$/g, "")}\n${fence}`;
}
