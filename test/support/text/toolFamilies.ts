/** Chat templates in the forms of the families that call tools: what stands around tools, calls and results in them. */

export interface ToolFamily {
  readonly template: string;
  /** Control tokens, and words with a meaning. */
  readonly control: readonly string[];
  readonly words: readonly string[];
  /** Ends an answer. */
  readonly stop: string;
  /** A call as the model may spell it: not as the template does. `text`: what it says before. */
  readonly say: (path: string, text: string) => string;
  /** What it thinks first. */
  readonly thought?: string;
  /** It says something before a call. */
  readonly speaks: boolean;
  /** What is read for a result: the end of the answer behind its stop, the result's frame, the opening of an answer. */
  readonly frame: (result: string, id: string) => string;
}

const hermesCall = (path: string) => `<tool_call>\n{"arguments":{"path":"${path}"},"name":"read_file"}\n</tool_call>`;
const before = (text: string, mark = "\n") => (text === "" ? "" : text + mark);

const hermesCalls =
  "{% for c in m.tool_calls %}{% if c.function is defined %}{% set c = c.function %}{% endif %}" +
  '\n<tool_call>\n{"name": "{{ c.name }}", "arguments": {{ c.arguments | tojson }}}\n</tool_call>{% endfor %}';
const chatTools =
  "{% if tools %}<|im_start|>system\n{{ messages[0].content if messages[0].role == 'system' else 'You are helpful.' }}" +
  "\n\n# Tools\n<tools>{% for t in tools %}\n{{ t | tojson }}{% endfor %}\n</tools>\nWrite <tool_call>\n" +
  '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n' +
  "{% elif messages[0].role == 'system' %}<|im_start|>system\n{{ messages[0].content }}<|im_end|>\n{% endif %}";
const chatResults =
  "{% elif m.role == 'tool' %}{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}<|im_start|>user{% endif %}" +
  "\n<tool_response>\n{{ m.content }}\n</tool_response>" +
  "{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}<|im_end|>\n{% endif %}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const chatControl = ["<|im_start|>", "<|im_end|>"];
const chatFrame = (result: string) =>
  `\n<|im_start|>user\n<tool_response>\n${result}\n</tool_response><|im_end|>\n<|im_start|>assistant\n`;

/** A template drops the end of a line behind its tags, so those that belong to the text are written as texts. */
const withLines = (template: string) => template.replaceAll("%}\n", "%}{{ '\n' }}");

const written: Readonly<Record<string, ToolFamily>> = {
  "Qwen 2.5": {
    template:
      chatTools +
      "{% for m in messages %}{% if m.role == 'user' or (m.role == 'system' and not loop.first) or " +
      "(m.role == 'assistant' and not m.tool_calls) %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n" +
      "{% elif m.role == 'assistant' %}<|im_start|>assistant{% if m.content %}\n{{ m.content }}{% endif %}" +
      `${hermesCalls}<|im_end|>\n${chatResults}`,
    control: chatControl,
    words: ["<tool_call>", "</tool_call>"],
    stop: "<|im_end|>",
    say: (path, text) => before(text) + hermesCall(path),
    speaks: true,
    frame: chatFrame,
  },
  "Qwen 3": {
    template:
      chatTools +
      "{% set ns = namespace(asks=true, last=messages | length - 1) %}{% for m in messages[::-1] %}" +
      "{% set at = messages | length - 1 - loop.index0 %}{% if ns.asks and m.role == 'user' %}" +
      "{% set ns.asks = false %}{% set ns.last = at %}{% endif %}{% endfor %}" +
      "{% for m in messages %}{% if m.role == 'user' or (m.role == 'system' and not loop.first) %}" +
      "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% elif m.role == 'assistant' %}<|im_start|>assistant\n" +
      "{% if loop.index0 > ns.last and m.reasoning_content %}<think>\n{{ m.reasoning_content.strip('\n') }}\n</think>\n\n" +
      "{% endif %}{{ m.content.lstrip('\n') }}{% if m.tool_calls %}{% for c in m.tool_calls %}" +
      "{% if (loop.first and m.content) or not loop.first %}\n{% endif %}" +
      "{% if c.function %}{% set c = c.function %}{% endif %}<tool_call>\n" +
      '{"name": "{{ c.name }}", "arguments": {% if c.arguments is string %}{{ c.arguments }}{% else %}' +
      "{{ c.arguments | tojson }}{% endif %}}\n</tool_call>{% endfor %}{% endif %}<|im_end|>\n" +
      chatResults,
    control: chatControl,
    words: ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"],
    stop: "<|im_end|>",
    say: (path, text) => before(text, "\n\n") + hermesCall(path),
    thought: "<think>\nwell,\nwell</think>\n",
    speaks: true,
    frame: chatFrame,
  },
  "SmolLM 3": {
    template:
      "<|im_start|>system\n## Metadata\n{% if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}" +
      "{% if tools %}\n### Tools\n{% for t in tools %}{{ t | string }}\n{% endfor %}{% endif %}<|im_end|>\n" +
      "{% for m in messages %}{% set content = m.content if m.content is string else '' %}" +
      "{% if m.role == 'user' %}<|im_start|>user\n{{ content }}<|im_end|>\n" +
      "{% elif m.role == 'assistant' %}{{ '<|im_start|>assistant\n<think>\n\n</think>\n' + content.lstrip('\n') }}" +
      `{% if m.tool_calls %}${hermesCalls}{% endif %}<|im_end|>\n` +
      "{% elif m.role == 'tool' %}<|im_start|>user\n{{ content }}<|im_end|>\n{% endif %}{% endfor %}" +
      "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n\n</think>\n{% endif %}",
    control: chatControl,
    words: ["<tool_call>", "</tool_call>", "<think>", "</think>"],
    stop: "<|im_end|>",
    say: (path, text) => before(text) + hermesCall(path),
    speaks: true,
    frame: (result) => `\n<|im_start|>user\n${result}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n`,
  },
  "Llama 3": {
    template:
      "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] | trim %}" +
      "{% set messages = messages[1:] %}{% else %}{% set system_message = '' %}{% endif %}" +
      "<|start_header_id|>system<|end_header_id|>\n\n{% if tools is not none %}Environment: ipython\n" +
      "{% for t in tools %}{{ t | tojson(indent=4) }}\n\n{% endfor %}{% endif %}{{ system_message }}<|eot_id|>" +
      "{% for m in messages %}{% if not (m.role == 'ipython' or m.role == 'tool' or 'tool_calls' in m) %}" +
      "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>" +
      "{% elif 'tool_calls' in m %}{% if not m.tool_calls | length == 1 %}" +
      "{{ raise_exception('This model only supports single tool-calls at once!') }}{% endif %}" +
      "{% set call = m.tool_calls[0].function %}<|start_header_id|>assistant<|end_header_id|>\n\n" +
      '{"name": "{{ call.name }}", "parameters": {{ call.arguments | tojson }}}<|eot_id|>' +
      "{% else %}<|start_header_id|>ipython<|end_header_id|>\n\n" +
      "{% if m.content is mapping or m.content is iterable %}{{ m.content | tojson }}{% else %}{{ m.content }}{% endif %}" +
      "<|eot_id|>{% endif %}{% endfor %}" +
      "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    control: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>"],
    words: [],
    stop: "<|eot_id|>",
    say: (path) => `<|python_tag|>{"name":"read_file","parameters":{"path":"${path}"}}`,
    speaks: false,
    frame: (result) =>
      `<|start_header_id|>ipython<|end_header_id|>\n\n"${result}"<|eot_id|>` +
      "<|start_header_id|>assistant<|end_header_id|>\n\n",
  },
  "Mistral 7B v0.3": {
    template:
      "<s>{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set all = messages[1:] %}" +
      "{% else %}{% set all = messages %}{% endif %}{% set asked = all | selectattr('role', 'equalto', 'user') | list %}" +
      "{% set ns = namespace(index=0) %}{% for m in all %}" +
      "{% if not (m.role == 'tool' or (m.tool_calls is defined and m.tool_calls is not none)) %}" +
      "{% if (m.role == 'user') != (ns.index % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}" +
      "{% set ns.index = ns.index + 1 %}{% endif %}{% endfor %}" +
      "{% for m in all %}{% if m.role == 'user' %}{% if tools is not none and m == asked[-1] %}" +
      "[AVAILABLE_TOOLS] [{% for t in tools %}{{ t.function | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}]" +
      "[/AVAILABLE_TOOLS]{% endif %}{% if loop.last and system is defined %}[INST] {{ system + '\n\n' + m.content }}[/INST]" +
      "{% else %}[INST] {{ m.content }}[/INST]{% endif %}" +
      "{% elif m.tool_calls is defined and m.tool_calls is not none %}[TOOL_CALLS] [{% for c in m.tool_calls %}" +
      "{{ (c.function | tojson)[:-1] }}{% if not c.id is defined or c.id | length != 9 %}" +
      "{{ raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{% endif %}" +
      `{{ ', "id": "' + c.id + '"}' }}{% if not loop.last %}, {% endif %}{% endfor %}]</s>` +
      "{% elif m.role == 'assistant' %}{{ ' ' + m.content + '</s>' }}" +
      `{% elif m.role == 'tool' %}[TOOL_RESULTS] {{ '{"content": ' + m.content | string }}` +
      `{% if m.tool_call_id | length != 9 %}{{ raise_exception('ids') }}{% endif %}{{ ', "call_id": "' + m.tool_call_id }}"}` +
      "[/TOOL_RESULTS]{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}",
    control: [
      ...["<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"],
      ...["[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"],
    ],
    words: [],
    stop: "</s>",
    say: (path) => `[TOOL_CALLS][{"arguments":{"path":"${path}"},"name":"read_file"}]`,
    speaks: false,
    frame: (result, id) => `[TOOL_RESULTS] {"content": ${result}, "call_id": "${id}"}[/TOOL_RESULTS]`,
  },
  "Mistral, each call with its own mark": {
    template:
      "<s>{% if messages[0].role == 'system' %}[SYSTEM_PROMPT]{{ messages[0].content }}[/SYSTEM_PROMPT]{% endif %}" +
      "{% if tools is not none %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}" +
      "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]{% elif m.role == 'assistant' %}" +
      "{{ m.content or '' }}{% for c in m.tool_calls or [] %}[TOOL_CALLS]{{ c.function.name }}[ARGS]" +
      "{% if c.function.arguments is string %}{{ c.function.arguments }}{% else %}{{ c.function.arguments | tojson }}" +
      "{% endif %}{% endfor %}</s>{% elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]{% endif %}{% endfor %}",
    control: [
      ...["<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[ARGS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"],
      ...["[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"],
    ],
    words: [],
    stop: "</s>",
    say: (path, text) => `${text}[TOOL_CALLS]read_file[ARGS]{ "path":"${path}" }`,
    speaks: true,
    frame: (result) => `[TOOL_RESULTS]${result}[/TOOL_RESULTS]`,
  },
  "Granite 3": {
    template:
      "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set loop_messages = messages[1:] %}" +
      "{% else %}{% set system = 'You are Granite.' %}{% set loop_messages = messages %}{% endif %}" +
      "{{ '<|start_of_role|>system<|end_of_role|>' + system + '<|end_of_text|>\n' }}" +
      "{% if tools %}{{ '<|start_of_role|>tools<|end_of_role|>' }}{{ tools | tojson(indent=4) }}{{ '<|end_of_text|>\n' }}" +
      "{% endif %}{% for m in loop_messages %}{% if m.role == 'assistant' and m.tool_calls %}" +
      "<|start_of_role|>assistant<|end_of_role|>{{ m.content or '' }}<|tool_call|>{{ m.tool_calls | map(attribute='function') | list | tojson }}" +
      "{% else %}{{ '<|start_of_role|>' + (m.role if m.role != 'tool' else 'tool_response') + '<|end_of_role|>' + m.content }}" +
      "{% endif %}{{ '<|end_of_text|>\n' }}" +
      "{% if loop.last and add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}{% endfor %}",
    control: ["<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>", "<|tool_call|>"],
    words: [],
    stop: "<|end_of_text|>",
    say: (path, text) => `${text}<|tool_call|>[{"name":"read_file","arguments":{"path":"${path}"}}]`,
    speaks: true,
    frame: (result) =>
      `\n<|start_of_role|>tool_response<|end_of_role|>${result}<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>`,
  },
  "Seed-OSS": {
    template:
      "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set all = messages[1:] %}" +
      "{% else %}{% set all = messages %}{% endif %}{% if system is defined or tools %}<seed:bos>system\n{{ system }}" +
      "{% for t in tools or [] %}\ndef {{ t.function.name }}({% for name, spec in t.function.parameters.properties.items() %}" +
      "{{ name }}: {{ spec.type }}{% endfor %}): {{ t.function.description | trim }}{% endfor %}" +
      "<seed:tool_call><function=example></function></seed:tool_call><seed:eos>{% endif %}" +
      "{% for m in all %}{% if m.role == 'assistant' %}<seed:bos>assistant" +
      "{% if m.reasoning_content is defined and m.reasoning_content %}\n<seed:think>{{ m.reasoning_content | trim }}</seed:think>" +
      "{% endif %}{% if m.content | trim | length > 0 %}\n{{ m.content | trim }}{% if m.tool_calls %}\n{% endif %}{% endif %}" +
      "{% for c in m.tool_calls or [] %}\n<seed:tool_call>\n<function={{ c.function.name }}>\n" +
      "{% for key, value in c.function.arguments | items %}<parameter={{ key }}>{{ value }}</parameter>\n{% endfor %}" +
      "</function>\n</seed:tool_call>{% endfor %}<seed:eos>" +
      "{% else %}<seed:bos>{{ m.role }}\n{{ m.content }}<seed:eos>{% endif %}{% endfor %}" +
      "{% if add_generation_prompt %}<seed:bos>assistant\n{% endif %}",
    control: ["<seed:bos>", "<seed:eos>"],
    words: ["<seed:tool_call>", "</seed:tool_call>", "<seed:think>", "</seed:think>"],
    stop: "<seed:eos>",
    say: (path, text) =>
      `${before(text)}<seed:tool_call>\n<function=read_file>\n<parameter=path>\n${path}</parameter></function></seed:tool_call>`,
    thought: "<seed:think>well\n</seed:think>\n",
    speaks: true,
    frame: (result) => `<seed:bos>tool\n${result}<seed:eos><seed:bos>assistant\n`,
  },
  "GLM 4.5, no end of turn": {
    template:
      "[gMASK]{% if tools %}<|system|>\n{% for t in tools %}{{ t | tojson(ensure_ascii=False) }}\n{% endfor %}" +
      "<tool_call>{function-name}\n<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n</tool_call>{% endif %}" +
      "{% for m in messages %}{% if m.role == 'user' %}<|user|>\n{{ m.content }}{% elif m.role == 'assistant' %}" +
      "<|assistant|>{% if m.content.strip() %}\n{{ m.content.strip() }}{% endif %}{% for c in m.tool_calls or [] %}" +
      "{% set c = c.function %}\n<tool_call>{{ c.name }}\n{% for k, v in c.arguments.items() %}<arg_key>{{ k }}</arg_key>\n" +
      "<arg_value>{{ v | tojson(ensure_ascii=False) if v is not string else v }}</arg_value>\n{% endfor %}</tool_call>{% endfor %}" +
      "{% elif m.role == 'tool' %}{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}<|observation|>{% endif %}" +
      "\n<tool_response>\n{{ m.content }}\n</tool_response>{% elif m.role == 'system' %}<|system|>\n{{ m.content }}{% endif %}" +
      "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    control: ["[gMASK]", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"],
    words: ["<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"],
    stop: "<|observation|>",
    say: (path, text) =>
      `\n${before(text)}<tool_call>read_file<arg_key>path</arg_key><arg_value>${path}</arg_value></tool_call>`,
    speaks: true,
    frame: (result) => `\n<tool_response>\n${result}\n</tool_response><|assistant|>`,
  },
  "Gemma 4, results behind calls": {
    template:
      "<bos>{% if tools or messages[0].role == 'system' %}<|turn>system\n{% if messages[0].role == 'system' %}" +
      "{{ messages[0].content }}{% endif %}{% for t in tools or [] %}<|tool>declaration:{{ t.function.name }}" +
      '{description:<|"|>{{ t.function.description }}<|"|>}<tool|>{% endfor %}<turn|>\n{% endif %}' +
      "{% set ns = namespace(open=false) %}{% for m in messages %}{% if m.role == 'user' %}<|turn>user\n{{ m.content | trim }}<turn|>\n" +
      "{% elif m.role == 'assistant' %}{% if not ns.open %}<|turn>model\n{% endif %}{% set ns.open = false %}" +
      "{{ m.content | trim }}{% for c in m.tool_calls or [] %}" +
      "<|tool_call>call:{{ c.function.name }}{{ '{' }}{% for k, v in c.function.arguments.items() %}" +
      '{{ k }}:<|"|>{{ v }}<|"|>{% endfor %}{{ "}" }}<tool_call|>{% endfor %}{% if m.tool_calls %}' +
      "{% set after = namespace(on=true) %}{% for r in messages[loop.index:] %}{% if r.role != 'tool' %}{% set after.on = false %}" +
      '{% elif after.on %}<|tool_response>response:{{ r.name }}{value:<|"|>{{ r.content }}<|"|>}<tool_response|>' +
      "{% set ns.open = true %}{% endif %}{% endfor %}{% else %}<turn|>\n{% endif %}{% endif %}{% endfor %}" +
      "{% if add_generation_prompt and not ns.open %}<|turn>model\n{% endif %}",
    control: [
      ...["<bos>", "<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>"],
      ...["<|tool_response>", "<tool_response|>", '<|"|>'],
    ],
    words: [],
    stop: "<|tool_response>",
    say: (path, text) => `${text}<|tool_call>call:read_file{ path:<|"|>${path}<|"|> }<tool_call|>`,
    speaks: true,
    frame: (result) => `response:read_file{value:<|"|>${result}<|"|>}<tool_response|>`,
  },
  Harmony: {
    template:
      "<|start|>system<|message|>You are ChatGPT.<|end|>{% if messages[0].role == 'system' or tools %}" +
      "<|start|>developer<|message|>{{ messages[0].content if messages[0].role == 'system' }}{% for t in tools or [] %}" +
      "// {{ t.function.description }}\ntype {{ t.function.name }} = ({% for k, v in t.function.parameters.properties.items() %}" +
      "{{ k }}: {{ v.type }},{% endfor %}) => any;\n{% endfor %}<|end|>{% endif %}" +
      "{% set last = namespace(name=none) %}{% for m in messages %}{% if m.role == 'user' %}" +
      "<|start|>user<|message|>{{ m.content }}<|end|>{% elif m.role == 'assistant' %}{% if m.tool_calls %}" +
      "{% if m.thinking %}<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{% endif %}" +
      "{% set last.name = m.tool_calls[0].function.name %}<|start|>assistant to=functions.{{ last.name }}" +
      "<|channel|>commentary json<|message|>{{ m.tool_calls[0].function.arguments | tojson }}<|call|>" +
      "{% else %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% set last.name = none %}{% endif %}" +
      "{% elif m.role == 'tool' %}{% if last.name is none %}{{ raise_exception('Message has tool role, but there was no " +
      "previous assistant message with a tool call!') }}{% endif %}<|start|>functions.{{ last.name }} to=assistant" +
      "<|channel|>commentary<|message|>{{ m.content | tojson }}<|end|>{% endif %}{% endfor %}" +
      "{% if add_generation_prompt %}<|start|>assistant{% endif %}",
    control: ["<|start|>", "<|message|>", "<|end|>", "<|channel|>", "<|call|>", "<|constrain|>", "<|return|>"],
    words: [],
    stop: "<|call|>",
    thought: "<|channel|>analysis<|message|>well<|end|><|start|>assistant",
    say: (path) => `<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>{"path":"${path}"}`,
    speaks: false,
    frame: (result) =>
      `<|start|>functions.read_file to=assistant<|channel|>commentary<|message|>"${result}"<|end|><|start|>assistant`,
  },
};

export const toolFamilies: Readonly<Record<string, ToolFamily>> = Object.fromEntries(
  Object.entries(written).map(([name, family]) => [name, { ...family, template: withLines(family.template) }]),
);
