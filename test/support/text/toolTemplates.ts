/**
 * Short templates that treat tools, calls and results as those of real models do: the same marks, the same order, the
 * same refusals. What has nothing to do with tools is left out.
 */
import type { ToolFormatName } from "../../../src/text/tools/formats";

export interface ToolTemplate {
  readonly source: string;
  /** `undefined`: it knows no tools. */
  readonly format: ToolFormatName | undefined;
}

const opening = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const called = "{% for c in m.tool_calls %}{% set c = c.function if c.function is defined else c %}";
const chatml = (tools: string, calls: string, results: string) =>
  `{% if tools %}<|im_start|>system\n${tools}<|im_end|>\n{% endif %}` +
  "{% for m in messages %}{% if m.role == 'tool' %}" +
  `${results}{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}${calls}<|im_end|>\n{% endif %}{% endfor %}${opening}`;
const listed = "# Tools\n<tools>{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}\n</tools>\n";
const responses = "<|im_start|>user\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n";
const hermesForm = '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'.replaceAll(
  "'",
  "\\'",
);
const hermesCalls = `${called}\n<tool_call>\n{"name": "{{ c.name }}", "arguments": {{ c.arguments | tojson }}}\n</tool_call>{% endfor %}`;

const qwen = chatml(
  `${listed}return a json object within <tool_call></tool_call> XML tags:\n${hermesForm}`,
  hermesCalls,
  responses,
);

const xmlForm =
  "<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n</function>\n</tool_call>";
const xmlCalls = (open: string, close: string, line: string) =>
  `${called}\n${open}\n<function={{ c.name }}>\n{% for k, v in c.arguments | items %}<parameter={{ k }}>${line}` +
  `{{ v | tojson if v is mapping or v is sequence and v is not string else v | string }}${line}</parameter>\n{% endfor %}</function>\n${close}{% endfor %}`;
const qwenCoder = chatml(
  "# Tools\n<tools>{% for tool in tools %}\n<function>\n<name>{{ tool.function.name }}</name>" +
    "{% for k, v in tool.function.parameters.properties | items %}\n<parameter>\n<name>{{ k }}</name>\n</parameter>{% endfor %}" +
    `\n</function>{% endfor %}\n</tools>\nreply in the following format:\n${xmlForm}`,
  xmlCalls("<tool_call>", "</tool_call>", "\n"),
  responses,
);

const seed =
  "{% if tools %}<seed:bos>system\nTool List:{{ tools | tojson }}\n<seed:tool_call>\n<function=example_function_name>\n" +
  "<parameter=example_parameter_1>value_1</parameter>\n</function>\n</seed:tool_call>\n<seed:eos>{% endif %}" +
  "{% for m in messages %}<seed:bos>{{ m.role }}\n{{ m.content }}{% if m.role == 'assistant' %}" +
  `${xmlCalls("<seed:tool_call>", "</seed:tool_call>", "")}{% endif %}<seed:eos>{% endfor %}`;

const llama3 =
  "<|begin_of_text|>{% if tools is not none %}<|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\n<|eot_id|>{% endif %}" +
  "{% for m in messages %}{% if m.role == 'user' and tools is not none and loop.first %}<|start_header_id|>user<|end_header_id|>\n\n" +
  "Given the following functions, please respond with a JSON for a function call.\n\n" +
  'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}. Do not use variables.\n\n' +
  "{% for t in tools %}{{ t | tojson(indent=4) }}\n\n{% endfor %}{{ m.content }}<|eot_id|>" +
  "{% elif m.tool_calls is defined %}{% if m.tool_calls | length != 1 %}{{ raise_exception('This model only supports single tool-calls at once!') }}{% endif %}" +
  "{% set c = m.tool_calls[0].function %}<|start_header_id|>assistant<|end_header_id|>\n\n" +
  '{"name": "{{ c.name }}", "parameters": {{ c.arguments | tojson }}}<|eot_id|>' +
  "{% elif m.role == 'tool' or m.role == 'ipython' %}<|start_header_id|>ipython<|end_header_id|>\n\n{{ m.content | tojson }}<|eot_id|>" +
  "{% else %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endif %}{% endfor %}";

const mistralIds =
  "{% if c.id is not defined or c.id | length != 9 %}{{ raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{% endif %}";
const mistral = (calls: string) =>
  "<s>{% for m in messages %}{% if m.role == 'user' %}{% if tools is not none and loop.index0 <= 1 %}[AVAILABLE_TOOLS] {{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}" +
  `[INST] {{ m.content }}[/INST]{% elif m.tool_calls is defined and m.tool_calls %}${calls}</s>` +
  "{% elif m.role == 'assistant' %} {{ m.content }}</s>{% elif m.role == 'tool' %}[TOOL_RESULTS] {{ m.content }}[/TOOL_RESULTS]" +
  "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";
const nemo = mistral(
  `[TOOL_CALLS][{% for c in m.tool_calls %}${mistralIds}` +
    '{% set f = c.function | tojson %}{{ f[:-1] }}, "id": "{{ c.id }}"}{% if not loop.last %}, {% endif %}{% endfor %}]',
);
const small32 = mistral(
  `{% for c in m.tool_calls %}${mistralIds}[TOOL_CALLS]{{ c.function.name }}[CALL_ID]{{ c.id }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}`,
);
const devstral2 = mistral(
  "{% for c in m.tool_calls %}[TOOL_CALLS]{{ c.function.name }}[ARGS]" +
    "{{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}{% endfor %}",
);

const gemmaTurn = (calls: string, declare: string) =>
  `<bos>{% if tools %}<start_of_turn>developer\n{% for t in tools %}${declare}{% endfor %}<end_of_turn>\n{% endif %}` +
  "{% for m in messages %}{% if m.role == 'tool' %}{{ m.content }}{% else %}" +
  `<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}${calls}<end_of_turn>\n{% endif %}{% endfor %}`;
const gemmaCalls = (open: string, close: string, quote: string) =>
  `${called}${open}call:{{ c.name }}{{ '{' }}{% for k, v in c.arguments | items %}{{ k }}:` +
  `{% if v is string %}${quote}{{ v }}${quote}{% else %}{{ v }}{% endif %}{% if not loop.last %},{% endif %}{% endfor %}{{ '}' }}${close}{% endfor %}`;
const gemma4 = gemmaTurn(
  gemmaCalls("<|tool_call>", "<tool_call|>", '<|"|>'),
  '<|tool>declaration:{{ t.function.name }}{description:<|"|>{{ t.function.description }}<|"|>}<tool|>',
);
const functionGemma = gemmaTurn(
  gemmaCalls("<start_function_call>", "<end_function_call>", "<escape>"),
  "<start_function_declaration>declaration:{{ t.function.name }}<end_function_declaration>",
);

const gptOss =
  "{% if tools %}<|start|>developer<|message|># Tools\n\n## functions\n\nnamespace functions {\n{% for t in tools %}" +
  "// {{ t.function.description }}\ntype {{ t.function.name }} = (_: any) => any;\n{% endfor %}} // namespace functions<|end|>{% endif %}" +
  "{% for m in messages %}{% if m.role == 'assistant' %}{% if m.tool_calls %}{% set c = m.tool_calls[0].function %}" +
  "<|start|>assistant to=functions.{{ c.name }}<|channel|>commentary json<|message|>{{ c.arguments | tojson }}<|call|>" +
  "{% else %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}" +
  "{% elif m.role == 'tool' %}<|start|>functions.x to=assistant<|channel|>commentary<|message|>{{ m.content | tojson }}<|end|>" +
  "{% else %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}";

const glm = (line: string) =>
  "[gMASK]<sop>{% if tools %}<|system|>\n# Tools\n<tools>{% for t in tools %}\n{{ t | tojson }}{% endfor %}\n</tools>\n" +
  `<tool_call>{function-name}${line}<arg_key>{arg-key-1}</arg_key>${line}<arg_value>{arg-value-1}</arg_value>${line}</tool_call>{% endif %}` +
  "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% if m.tool_calls %}" +
  `${called}\n<tool_call>{{ c.name }}${line}{% for k, v in c.arguments.items() %}<arg_key>{{ k }}</arg_key>${line}` +
  `<arg_value>{{ v if v is string else v | tojson }}</arg_value>${line}{% endfor %}</tool_call>{% endfor %}{% endif %}{% endfor %}`;

const granite3 =
  "{% if tools %}<|start_of_role|>tools<|end_of_role|>{{ tools | tojson(indent=4) }}<|end_of_text|>\n" +
  "<|start_of_role|>system<|end_of_role|>When a tool is required to answer the user's query, respond only with <|tool_call|> " +
  "followed by a JSON list of tools used.<|end_of_text|>\n{% endif %}" +
  "{% for m in messages %}<|start_of_role|>{{ m.role }}<|end_of_role|>{{ m.content }}<|end_of_text|>\n{% endfor %}";

const lfm2 =
  "{% if tools %}<|im_start|>system\nList of tools: <|tool_list_start|>{{ tools | tojson }}<|tool_list_end|><|im_end|>\n{% endif %}" +
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% if m.tool_calls %}<|tool_call_start|>[" +
  `${called}{{ c.name }}({% for k, v in c.arguments.items() %}{{ k }}={{ v | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}){% endfor %}` +
  "]<|tool_call_end|>{% endif %}<|im_end|>\n{% endfor %}";

const olmo3 =
  "<|im_start|>system\nYou are a helpful function-calling AI assistant. {% if tools %}<functions>{{ tools | tojson }}</functions>" +
  "{% else %}You do not currently have access to any functions. <functions></functions>{% endif %}<|im_end|>\n" +
  "{% for m in messages %}<|im_start|>{{ 'environment' if m.role == 'tool' else m.role }}\n{{ m.content }}{% if m.tool_calls %}<function_calls>" +
  `${called}{{ c.name }}({% for k, v in c.arguments | items %}{{ k }}={{ v | tojson }}{% if not loop.last %}, {% endif %}{% endfor %})` +
  "{% if not loop.last %}\n{% endif %}{% endfor %}</function_calls>{% endif %}<|im_end|>\n{% endfor %}";

const llama4 =
  "{% if tools %}<|header_start|>system<|header_end|>\n\nHere is a list of functions in JSON format that you can invoke:\n{{ tools | tojson }}\n" +
  "If you decide to invoke any of the function(s), you MUST put it in the format of " +
  "[func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]<|eot|>{% endif %}" +
  "{% for m in messages %}<|header_start|>{{ m.role }}<|header_end|>\n\n{{ m.content }}<|eot|>{% endfor %}";

const smollm3 =
  "{% if tools %}{% set xml_tools = tools %}{% endif %}{% if xml_tools %}<|im_start|>system\n<tools>{% for t in xml_tools %}\n{{ t | string }}{% endfor %}\n</tools>\n" +
  `For each function call, return a json object:\n${hermesForm}<|im_end|>\n{% endif %}` +
  `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}${opening}`;

const plain = `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}${opening}`;
const gemma3 =
  "{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}" +
  "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}";
/** Knows tools, but neither writes a call nor tells how. */
const phi4 =
  "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if loop.first and tools %}<|tool|>{{ tools | tojson }}<|/tool|>{% endif %}<|end|>{% endfor %}";

export const toolTemplates: Readonly<Record<string, ToolTemplate>> = {
  "Qwen2.5, Qwen3, Granite 4": { source: qwen, format: "hermes" },
  SmolLM3: { source: smollm3, format: "hermes" },
  "Qwen3-Coder": { source: qwenCoder, format: "qwenXml" },
  "Seed-OSS": { source: seed, format: "seedXml" },
  "Llama 3": { source: llama3, format: "llamaJson" },
  "Mistral Nemo": { source: nemo, format: "mistralList" },
  "Mistral Small 3.2": { source: small32, format: "mistralArgs" },
  "Devstral 2": { source: devstral2, format: "mistralArgs" },
  "Gemma 4": { source: gemma4, format: "gemma4" },
  FunctionGemma: { source: functionGemma, format: "functionGemma" },
  "gpt-oss": { source: gptOss, format: "harmony" },
  "GLM 4.5": { source: glm("\n"), format: "glm" },
  "GLM 4.7": { source: glm(""), format: "glm" },
  "Granite 3": { source: granite3, format: "granite" },
  LFM2: { source: lfm2, format: "lfm2" },
  "OLMo 3": { source: olmo3, format: "olmo" },
  "Llama 4": { source: llama4, format: "pythonic" },
  "SmolLM2, Phi-3": { source: plain, format: undefined },
  "Gemma 3": { source: gemma3, format: undefined },
  "Phi-4-mini": { source: phi4, format: undefined },
};
