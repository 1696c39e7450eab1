"""The nodes of one step of mlx_lm, from the graph that it builds and never computes.

`launches.py FOLDER [LIBRARY]` writes a tiny model of every family in two depths into FOLDER, as mlx_lm saves them, and on
stdout [{"family", "layers", "directory", "steps": [{"rows", "sequences", "nodes": [[name, number of inputs]]}]}].
LIBRARY is native/test/graph/fast_nodes.cc, compiled: with it the graph is a GPU's where there is none.
"""

import ctypes
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

if len(sys.argv) > 2:
    ctypes.CDLL(sys.argv[2], ctypes.RTLD_GLOBAL)  # before MLX, whose functions it replaces

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten
from mlx_lm.models.cache import BatchKVCache, make_prompt_cache
from mlx_lm.utils import _get_classes, save_config

BEFORE = 100
STEPS = [(1, 1), (1, 8), (32, 1)]  # rows a sequence, sequences
QUANTIZATION = {"group_size": 32, "bits": 4}
BASE = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "rms_norm_eps": 1e-5,
    "vocab_size": 320,
    "max_position_embeddings": 4096,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
}
FAMILIES = {
    "llama": {},
    "mistral": {},
    "qwen2": {},
    "qwen3": {},
    # One layer with a window longer than the step's context, one without, again and again.
    "gemma3_text": {
        "query_pre_attn_scalar": 64,
        "rope_local_base_freq": 10000.0,
        "sliding_window": 4096,
        "sliding_window_pattern": 2,
        "hidden_activation": "gelu_pytorch_tanh",
    },
}


def make(directory, config):
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    nn.quantize(model, **QUANTIZATION)
    model.set_dtype(mx.float32)
    mx.eval(model.parameters())
    directory.mkdir(parents=True)
    mx.save_safetensors(str(directory / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})
    save_config({**config, "quantization": QUANTIZATION}, directory / "config.json")
    return model


def filled_cache(model, config, sequences):
    """Of a context that came before. Batches are padded to the same length; all layers keep everything."""
    if sequences == 1:
        cache = make_prompt_cache(model)
    else:
        cache = [BatchKVCache([0] * sequences) for _ in model.layers]
    for layer in cache:
        # The last token alone makes room for the next ones: mlx_lm does that now and then, not in the step that counts.
        for tokens in (BEFORE - 1, 1):
            rows = mx.zeros((sequences, config["num_key_value_heads"], tokens, config["head_dim"]))
            layer.update_and_fetch(rows, rows)
            mx.eval([part for part in layer.state if isinstance(part, mx.array)])
    return cache


def nodes(model, config, rows, sequences):
    cache = filled_cache(model, config, sequences)
    step = mx.zeros((sequences, rows), mx.int32)
    mx.eval(step)
    logits = model(step, cache=cache)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "step.dot"
        mx.export_to_dot(str(file), logits)
        dot = file.read_text()
    # A node a line: what mx.compile has made shares its primitive with its other calls, and so the number before the label.
    inputs = Counter(re.findall(r"-> (\d+)$", dot, re.M))
    labels = re.findall(r'(\d+) \[label ="(\w+)"', dot)
    calls = Counter(number for number, _ in labels)
    return [[name, inputs[number] // calls[number]] for number, name in labels]


def main():
    mx.enable_compile()  # traced, and never compiled
    answers = []
    for family, extra in FAMILIES.items():
        for layers in (2, 4):
            config = {**BASE, **extra, "model_type": family, "num_hidden_layers": layers}
            directory = Path(sys.argv[1]) / f"{family}-{layers}"
            model = make(directory, config)
            steps = [
                {"rows": rows, "sequences": sequences, "nodes": nodes(model, config, rows, sequences)}
                for rows, sequences in STEPS
            ]
            answers.append({"family": family, "layers": layers, "directory": str(directory), "steps": steps})
    json.dump(answers, sys.stdout)


main()
