"""mlx_lm by its own loop, `generate_step`. Input and output are those of llamaCpp.py; "model" is a model directory."""

import json
import os
import random
import sys
import time
from importlib.metadata import version

import mlx.core as mx
from mlx_lm import load
from mlx_lm.generate import generate_step

WARM_UP_TOKENS = 4


def answer(model, vocab_size, tokens, steps):
    """Reads a new prompt, then decodes `steps` more tokens: the milliseconds of both parts."""
    prompt = mx.array([random.randrange(100, vocab_size) for _ in range(tokens)])
    started = first = time.perf_counter()
    for i, _ in enumerate(generate_step(prompt, model, max_tokens=steps + 1)):
        if i == 0:
            first = time.perf_counter()
    return (first - started) * 1000, (time.perf_counter() - first) * 1000


def main():
    request = json.load(sys.stdin)
    if request["sequences"] != 1:
        raise SystemExit("mlx_lm is measured with one sequence only")
    on_cpu = os.environ.get("RESIDENT_DEVICE") == "cpu" or not mx.metal.is_available()
    if on_cpu:
        mx.set_default_device(mx.cpu)
    model, tokenizer = load(request["model"])
    if on_cpu:
        model.set_dtype(mx.float32)  # half types are emulated on a CPU: they are slower still
    vocab_size = tokenizer.vocab_size
    answer(model, vocab_size, WARM_UP_TOKENS, 1)
    is_prefill = request["measure"] == "prefill"
    started = time.perf_counter()
    samples = []
    while not samples or (
        len(samples) < request["repeats"] and (time.perf_counter() - started) * 1000 < request["budgetMs"]
    ):
        steps = 0 if is_prefill else request["decodeTokens"]
        read_ms, decode_ms = answer(model, vocab_size, request["promptTokens"], steps)
        sample = {"tokens": request["promptTokens"], "ms": read_ms} if is_prefill else {"tokens": steps, "ms": decode_ms}
        samples.append(sample)
    engine = f"mlx_lm {version('mlx-lm')}"
    settings = f"MLX {version('mlx')}{', f32' if on_cpu else ''}"
    json.dump({"engine": engine, "settings": settings, "samples": samples}, sys.stdout)


main()
