import { link, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type ToolFamily, toolFamilies } from "../text/toolFamilies";
import { starterModel } from "./starterModel";

/** How the starter model's tokens for code are read here. */
const marks = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"];
const firstMark = 3;

/** The form in which the model of `writeToolModel` calls tools. */
export const toolModelFamily: ToolFamily = found(toolFamilies["Qwen 2.5"]);

/**
 * The starter model with a template that takes tools: the same weights, whose tokens 3 to 6 stand for the marks of calls and
 * results. It was not trained for that: a grammar must hold its calls.
 */
export async function writeToolModel(directory: string, contextTokens?: number): Promise<string> {
  await mkdir(directory, { recursive: true });
  const source = (name: string) => path.join(starterModel, name);
  await link(source("model.safetensors"), path.join(directory, "model.safetensors"));
  const model = JSON.parse(await readFile(source("config.json"), "utf8"));
  if (contextTokens !== undefined) model.max_position_embeddings = contextTokens;
  await writeFile(path.join(directory, "config.json"), JSON.stringify(model));
  const tokenizer = JSON.parse(await readFile(source("tokenizer.json"), "utf8"));
  for (const [index, content] of marks.entries()) {
    const token = tokenizer.added_tokens.find(({ id }: { readonly id: number }) => id === firstMark + index);
    delete tokenizer.model.vocab[token.content];
    tokenizer.model.vocab[content] = token.id;
    Object.assign(token, { content, special: false });
  }
  await writeFile(path.join(directory, "tokenizer.json"), JSON.stringify(tokenizer));
  const { added_tokens_decoder: _, ...config } = JSON.parse(await readFile(source("tokenizer_config.json"), "utf8"));
  const changed = { ...config, chat_template: toolModelFamily.template };
  await writeFile(path.join(directory, "tokenizer_config.json"), JSON.stringify(changed));
  return directory;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is no such family");
  return value;
}
