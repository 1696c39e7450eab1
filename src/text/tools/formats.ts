/**
 * How models write calls of tools, as one table. A row has the marks as text; a mark that is one token of a model's
 * vocabulary is recognised by that token's id. The texts of a row, put together in the order of its members, are
 * exactly what a well-behaved model writes:
 *
 *     block      = open inside call (betweenCalls call)* behind close       (open "" : the answer begins with the call)
 *     answer     = text block (betweenBlocks block)*
 *
 * White space in the members is what the models write; readers take any.
 */

/** What every row has. */
interface Frame {
  readonly name: ToolFormatName;
  /** Begins a block. "": a block has no mark; it begins at the first byte of the answer. */
  readonly open: string;
  /** Other marks that begin a block of this format and are taken as well. */
  readonly alsoOpen: readonly string[];
  /** White space between the opening mark and the first call, and between the last call and the closing mark. */
  readonly inside: string;
  readonly behind: string;
  /** Ends a block. "": it ends with the answer, or where the next block begins. */
  readonly close: string;
  /** Marks that may stand behind a block as well. */
  readonly alsoClose: readonly string[];
  /** Between two calls of one block. `undefined`: a block holds one call. */
  readonly betweenCalls: string | undefined;
  /** Between two blocks. `undefined`: an answer has one block. */
  readonly betweenBlocks: string | undefined;
  /** Tokens that end an answer behind its calls and may be missing in the model's list of stop ids. */
  readonly ends: readonly string[];
}

/** `{"name": "f", "arguments": {…}}`: the whole call is one JSON object. */
export interface JsonFormat extends Frame {
  readonly shape: "json";
  readonly nameKey: string;
  readonly argumentsKey: string;
  /** Other keys under which models give the arguments. */
  readonly alsoArgumentsKeys: readonly string[];
  /** The calls of a block stand in `[` and `]`. */
  readonly isList: boolean;
}

/** `NAME[ARGS]{…}`: the name in marks, the arguments as one JSON object. */
export interface TaggedJsonFormat extends Frame {
  readonly shape: "taggedJson";
  readonly beforeName: string;
  /** Between the name and the arguments. */
  readonly behindName: string;
  /** Before `behindName`, with nine letters and digits behind it that are of no use here. "": the model writes none. */
  readonly callId: string;
}

/** `<function=f>\n<parameter=k>\nv\n</parameter>\n</function>`: name, keys and values in marks; values are no JSON strings. */
export interface TaggedFormat extends Frame {
  readonly shape: "tagged";
  readonly beforeName: string;
  readonly behindName: string;
  /** Each argument: beforeKey KEY behindKey VALUE behindValue. The line ends in these belong to the frame. */
  readonly beforeKey: string;
  readonly behindKey: string;
  readonly behindValue: string;
  /** Behind the last argument. */
  readonly behindCall: string;
}

/** `f(a="x", b=[1, True, None])`: Python calls with keyword arguments and literals. */
export interface PythonicFormat extends Frame {
  readonly shape: "pythonic";
  /** The calls of a block stand in `[` and `]`. */
  readonly isList: boolean;
}

/**
 * `<|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>`: a message whose header names the
 * recipient, in the part of the role or of the channel, in any order.
 */
export interface HarmonyFormat extends Frame {
  readonly shape: "harmony";
  readonly start: string;
  readonly role: string;
  readonly channel: string;
  /** The channel of calls. */
  readonly channelName: string;
  /** Before the recipient's name. */
  readonly beforeName: string;
  readonly constrain: string;
  readonly contentType: string;
  readonly message: string;
  readonly end: string;
}

/** `call:f{k:<|"|>v<|"|>,n:1}`: no quotes around keys, a mark on both sides of a string, lists and objects nest. */
export interface GemmaFormat extends Frame {
  readonly shape: "gemma";
  readonly beforeName: string;
  readonly beforeArguments: string;
  readonly behindArguments: string;
  readonly betweenArguments: string;
  /** Between key and value. */
  readonly behindKey: string;
  /** On both sides of a string. Nothing in the string is escaped. */
  readonly quote: string;
}

export type ToolFormat = JsonFormat | TaggedJsonFormat | TaggedFormat | PythonicFormat | HarmonyFormat | GemmaFormat;

export const toolFormatNames = [
  "hermes",
  "qwenXml",
  "seedXml",
  "llamaJson",
  "mistralList",
  "mistralArgs",
  "gemma4",
  "functionGemma",
  "harmony",
  "glm",
  "granite",
  "lfm2",
  "pythonic",
  "olmo",
] as const;
export type ToolFormatName = (typeof toolFormatNames)[number];

const frame = {
  open: "",
  alsoOpen: [],
  inside: "",
  behind: "",
  close: "",
  alsoClose: [],
  betweenCalls: undefined,
  betweenBlocks: undefined,
  ends: [],
} as const;

const json = {
  ...frame,
  shape: "json",
  nameKey: "name",
  argumentsKey: "arguments",
  alsoArgumentsKeys: ["parameters", "args"],
  isList: false,
} as const;

/** Qwen2.5, Qwen3 without "Coder", Hermes, Granite 4 and many more. */
const hermes: JsonFormat = {
  ...json,
  name: "hermes",
  open: "<tool_call>",
  inside: "\n",
  behind: "\n",
  close: "</tool_call>",
  betweenBlocks: "\n",
};

/** Qwen3-Coder, Qwen3.5 and later, Nemotron 3. */
const qwenXml: TaggedFormat = {
  ...frame,
  name: "qwenXml",
  shape: "tagged",
  open: "<tool_call>",
  inside: "\n",
  beforeName: "<function=",
  behindName: ">\n",
  beforeKey: "<parameter=",
  behindKey: ">\n",
  behindValue: "\n</parameter>\n",
  behindCall: "</function>",
  behind: "\n",
  close: "</tool_call>",
  betweenBlocks: "\n",
};

/** Seed-OSS: no line ends around a value. */
const seedXml: TaggedFormat = {
  ...qwenXml,
  name: "seedXml",
  open: "<seed:tool_call>",
  behindKey: ">",
  behindValue: "</parameter>\n",
  close: "</seed:tool_call>",
};

/** Llama 3.1 to 3.3: from the first byte of the answer, or behind `<|python_tag|>`; no mark at the end. */
const llamaJson: JsonFormat = {
  ...json,
  name: "llamaJson",
  argumentsKey: "parameters",
  alsoArgumentsKeys: ["arguments", "args"],
  alsoOpen: ["<|python_tag|>"],
  betweenCalls: "; ",
  ends: ["<|eom_id|>"],
};

/** Mistral up to Nemo. */
const mistralList: JsonFormat = {
  ...json,
  name: "mistralList",
  open: "[TOOL_CALLS]",
  inside: " ",
  betweenCalls: ", ",
  isList: true,
};

/** Mistral Small 3.2, Magistral, Ministral 3, Devstral 2: each call has its own mark. */
const mistralArgs: TaggedJsonFormat = {
  ...frame,
  name: "mistralArgs",
  shape: "taggedJson",
  open: "[TOOL_CALLS]",
  beforeName: "",
  callId: "[CALL_ID]",
  behindName: "[ARGS]",
  betweenBlocks: "",
};

const gemma4: GemmaFormat = {
  ...frame,
  name: "gemma4",
  shape: "gemma",
  open: "<|tool_call>",
  beforeName: "call:",
  beforeArguments: "{",
  behindKey: ":",
  quote: '<|"|>',
  betweenArguments: ",",
  behindArguments: "}",
  close: "<tool_call|>",
  betweenBlocks: "",
};

const functionGemma: GemmaFormat = {
  ...gemma4,
  name: "functionGemma",
  open: "<start_function_call>",
  quote: "<escape>",
  close: "<end_function_call>",
};

/** gpt-oss. A call ends the answer: the prompt ends with start and role, and a new message needs both. */
const harmony: HarmonyFormat = {
  ...frame,
  name: "harmony",
  shape: "harmony",
  start: "<|start|>",
  role: "assistant",
  channel: "<|channel|>",
  channelName: "commentary",
  beforeName: " to=functions.",
  constrain: " <|constrain|>",
  contentType: "json",
  message: "<|message|>",
  end: "<|end|>",
  close: "<|call|>",
  alsoClose: ["<|end|>"],
  ends: ["<|call|>"],
};

/** GLM 4.5 to 5. Later ones write no line ends. */
const glm: TaggedFormat = {
  ...frame,
  name: "glm",
  shape: "tagged",
  open: "<tool_call>",
  beforeName: "",
  behindName: "\n",
  beforeKey: "<arg_key>",
  behindKey: "</arg_key>\n<arg_value>",
  behindValue: "</arg_value>\n",
  behindCall: "",
  close: "</tool_call>",
  betweenBlocks: "\n",
};

/** Granite 3. (Granite 4 writes what Hermes writes, and is that row.) Some of them spell the mark without bars. */
const granite: JsonFormat = {
  ...json,
  name: "granite",
  open: "<|tool_call|>",
  alsoOpen: ["<tool_call>"],
  betweenCalls: ", ",
  isList: true,
};

const lfm2: PythonicFormat = {
  ...frame,
  name: "lfm2",
  shape: "pythonic",
  open: "<|tool_call_start|>",
  close: "<|tool_call_end|>",
  betweenCalls: ", ",
  isList: true,
};

/** Llama 4, and Llama 3.2 where it is asked so: the answer is the list. */
const pythonic: PythonicFormat = {
  ...frame,
  name: "pythonic",
  shape: "pythonic",
  alsoOpen: ["<|python_start|>"],
  alsoClose: ["<|python_end|>"],
  betweenCalls: ", ",
  isList: true,
  ends: ["<|eom_id|>", "<|eom|>"],
};

/** OLMo 3: a call on each line. */
const olmo: PythonicFormat = {
  ...frame,
  name: "olmo",
  shape: "pythonic",
  open: "<function_calls>",
  close: "</function_calls>",
  betweenCalls: "\n",
  isList: false,
};

export const toolFormats: Readonly<Record<ToolFormatName, ToolFormat>> = {
  hermes,
  qwenXml,
  seedXml,
  llamaJson,
  mistralList,
  mistralArgs,
  gemma4,
  functionGemma,
  harmony,
  glm,
  granite,
  lfm2,
  pythonic,
  olmo,
};

/** The marks that begin a block, in the order of preference; "" (the answer's first byte) is none. */
export function openers({ open, alsoOpen }: ToolFormat): readonly string[] {
  return [open, ...alsoOpen].filter((mark) => mark !== "");
}

/** The marks that end a block; none where it ends with its last bracket. */
export function closers({ open, close, alsoOpen, alsoClose }: ToolFormat): readonly string[] {
  // A mark that is taken for another one is closed by its own.
  const own = [open, ...alsoOpen].includes("<tool_call>") ? ["</tool_call>"] : [];
  return [...new Set([close, ...alsoClose, ...own])].filter((mark) => mark !== "");
}
