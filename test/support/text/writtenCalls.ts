import type { ToolSpec } from "../../../src/common/tools";
import type { ToolFormatName } from "../../../src/text/tools/formats";

export const read: ToolSpec = {
  name: "read_file",
  description: "Reads a file",
  parameters: {
    type: "object",
    properties: { from: { type: "integer", minimum: 1 }, path: { type: "string" } },
    required: ["path"],
  },
};
export const list: ToolSpec = { name: "list", description: "Lists everything" };
export const set: ToolSpec = {
  name: "set.mode",
  description: "Sets it",
  parameters: {
    type: "object",
    properties: {
      mode: { enum: ["on", "off"] },
      tags: { type: "array", items: { type: "string" } },
      hard: { type: "boolean" },
    },
    required: ["mode"],
  },
};
export const someTools: readonly ToolSpec[] = [read, list, set];

/** Answers in each format that a constraint of `someTools` allows, and some that it does not. */
export const written: Readonly<
  Record<ToolFormatName, { readonly calls: readonly string[]; readonly refused: readonly string[] }>
> = {
  hermes: {
    calls: [
      '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.ts", "from": 3}}\n</tool_call>',
      '<tool_call>\n{"name": "read_file", "arguments": {\n  "path": "a \\"b\\" \\u00e9",\n  "from": 12\n}}\n</tool_call>',
      '<tool_call>\n{"name": "list", "arguments": {}}\n</tool_call>',
      '<tool_call>\n{"name": "set.mode", "arguments": {"mode": "on", "tags": ["a", "b"], "hard": true}}\n</tool_call>',
    ],
    refused: [
      '<tool_call>\n{"name": "write", "arguments": {}}\n</tool_call>',
      '<tool_call>\n{"name": "read_file", "arguments": {}}\n</tool_call>',
      '<tool_call>\n{"name": "read_file", "arguments": {"path": "a", "from": 0}}\n</tool_call>',
      '<tool_call>\n{"name": "read_file", "arguments": {"path": "a\nb"}}\n</tool_call>',
      '<tool_call>\n{"name": "read_file", "arguments": {"path": "a", "to": 0}}\n</tool_call>',
      '<tool_call>\n{"name": "list", "arguments": {"path": "a"}}\n</tool_call>',
      '<tool_call>\n{"name": "set.mode", "arguments": {"mode": "maybe"}}\n</tool_call>',
    ],
  },
  qwenXml: {
    calls: [
      "<tool_call>\n<function=read_file>\n<parameter=path>\na <b>\n\nc </parameter> d\n</parameter>\n<parameter=from>\n3\n</parameter>\n</function>\n</tool_call>",
      "<tool_call>\n<function=list>\n</function>\n</tool_call>",
      '<tool_call>\n<function=set.mode>\n<parameter=mode>\noff\n</parameter>\n<parameter=tags>\n["a", "<b>"]\n</parameter>\n</function>\n</tool_call>',
    ],
    refused: [
      "<tool_call>\n<function=read_file>\n<parameter=from>\n3\n</parameter>\n</function>\n</tool_call>",
      "<tool_call>\n<function=read_file>\n<parameter=path>\na\n</parameter>\n<parameter=from>\nthree\n</parameter>\n</function>\n</tool_call>",
      "<tool_call>\n<function=set.mode>\n<parameter=mode>\non \n</parameter>\n</function>\n</tool_call>",
    ],
  },
  seedXml: {
    calls: [
      "<seed:tool_call>\n<function=read_file>\n<parameter=path>a\nb</parameter>\n<parameter=from>3</parameter>\n</function>\n</seed:tool_call>",
    ],
    refused: ["<seed:tool_call>\n<function=read_file>\n<parameter=from>3</parameter>\n</function>\n</seed:tool_call>"],
  },
  glm: {
    calls: [
      "<tool_call>read_file\n<arg_key>path</arg_key>\n<arg_value>a</arg_value>\n</tool_call>",
      "<tool_call>list\n</tool_call>",
    ],
    refused: ["<tool_call>read_file\n</tool_call>", "<tool_call>other\n</tool_call>"],
  },
  llamaJson: {
    calls: [
      '{"name": "read_file", "parameters": {"path": "a"}}',
      '<|python_tag|>{"name": "list", "parameters": {}}; {"name": "list", "parameters": {}}',
      "Hello {there}",
      '{"name": "George Washington", "parameters": 3}',
      "<html>",
    ],
    refused: [
      '{"name": "read_file", "parameters": {}}',
      '{"name": "list", "parameters": {}} and more',
      '<|python_tag|>print("a")',
    ],
  },
  mistralList: {
    calls: ['[TOOL_CALLS] [{"name": "list", "arguments": {}}, {"name": "read_file", "arguments": {"path": "a"}}]'],
    refused: ['[TOOL_CALLS] [{"name": "read_file", "arguments": {}}]', "[TOOL_CALLS] []"],
  },
  mistralArgs: {
    calls: ['[TOOL_CALLS]read_file[ARGS]{"path": "a"}', "[TOOL_CALLS]list[ARGS]{}"],
    refused: ["[TOOL_CALLS]read_file[ARGS]{}", '[TOOL_CALLS]read[ARGS]{"path": "a"}'],
  },
  gemma4: {
    calls: [
      '<|tool_call>call:read_file{path:<|"|>a "b" < c<|"|>,from:3}<tool_call|>',
      "<|tool_call>call:list{}<tool_call|>",
      '<|tool_call>call:set.mode{mode:<|"|>on<|"|>,tags:[<|"|>a<|"|>,<|"|>{}<|"|>],hard:false}<tool_call|>',
    ],
    refused: [
      "<|tool_call>call:read_file{}<tool_call|>",
      "<|tool_call>call:read_file(path)<tool_call|>",
      "<|tool_call>call:set.mode{mode:on}<tool_call|>",
    ],
  },
  functionGemma: {
    calls: ["<start_function_call>call:read_file{path:<escape>a<escape>}<end_function_call>"],
    refused: ["<start_function_call>call:read_file{path:a}<end_function_call>"],
  },
  harmony: {
    calls: ['<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>{"path": "a"}'],
    refused: ['<|channel|>commentary to=functions.bash <|constrain|>json<|message|>{"path": "a"}'],
  },
  granite: {
    calls: ['<|tool_call|>[{"name": "list", "arguments": {}}]', '<tool_call>[{"name": "list", "arguments": {}}]'],
    refused: ['<|tool_call|>{"name": "list", "arguments": {}}'],
  },
  lfm2: {
    calls: [
      `<|tool_call_start|>[read_file(path="a]", from=3), set.mode(mode='on', hard=True)]<|tool_call_end|>`,
      "<|tool_call_start|>[list()]<|tool_call_end|>",
    ],
    refused: [
      "<|tool_call_start|>[read_file()]<|tool_call_end|>",
      '<|tool_call_start|>[read_file("a")]<|tool_call_end|>',
    ],
  },
  pythonic: {
    calls: ['[read_file(path="a"), list()]', "[1, 2]", "[read me](a.md)", "text"],
    refused: ["[read_file()]", '[read_file(path="a")] text'],
  },
  olmo: {
    calls: ['<function_calls>read_file(path="a")\nlist()</function_calls>'],
    refused: ["<function_calls></function_calls>"],
  },
};
