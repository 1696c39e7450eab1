"""The reference's side of EXP-005: greedy answers by mlx_lm's own loop.

Reads {"model": directory, "prompts": [{"name", "kind": "raw" | "chat", "text", "maxTokens"}]} on stdin. Writes
{"versions", "answers": [{"name", "promptTokens", "tokenIds", "gaps", "finishReason", "decoded", "generated"}]} on stdout:
token ids with a stop id included, at each the distance between the two best logits, `tokenizer.decode` of the ids
without the stop id, and what `mlx_lm.generate` returns. Encoding and template are mlx_lm's too. Progress is on stderr.
"""

import json
import os
import sys
from importlib.metadata import version

import mlx.core as mx
from mlx_lm import load, stream_generate


def answer(model, tokenizer, prompt):
    text = prompt["text"]
    if prompt["kind"] == "chat":
        text = tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True)
    ids, gaps, generated = [], [], ""
    # mlx_lm.generate is this loop: it returns the texts joined.
    for response in stream_generate(model, tokenizer, text, max_tokens=prompt["maxTokens"]):
        second, best = mx.sort(response.logprobs)[-2:].tolist()
        ids.append(response.token)
        gaps.append(best - second)
        generated += response.text
    stopped = ids[-1] in tokenizer.eos_token_ids
    return {
        "name": prompt["name"],
        "promptTokens": response.prompt_tokens,
        "tokenIds": ids,
        "gaps": gaps,
        "finishReason": response.finish_reason,
        "decoded": tokenizer.decode(ids[:-1] if stopped else ids),
        "generated": generated,
    }


def main():
    request = json.load(sys.stdin)
    on_cpu = os.environ.get("RESIDENT_DEVICE") == "cpu" or not mx.metal.is_available()
    if on_cpu:
        mx.set_default_device(mx.cpu)
    model, tokenizer = load(request["model"])
    if on_cpu:
        model.set_dtype(mx.float32)  # half types are emulated on a CPU: the product computes in f32 there
    answers = []
    for i, prompt in enumerate(request["prompts"]):
        print(f"{i}/{len(request['prompts'])} {prompt['name']}", file=sys.stderr, flush=True)
        answers.append(answer(model, tokenizer, prompt))
    versions = f"mlx_lm {version('mlx-lm')}, MLX {version('mlx')}"
    json.dump({"versions": versions, "answers": answers}, sys.stdout)


main()
