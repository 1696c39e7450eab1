"""Tiny random models of every family that we compute, and what mlx_lm computes with them.

`tinyModels.py FOLDER cpu|gpu` writes one model directory a case into FOLDER, as mlx_lm saves them, and on stdout
[{"name", "directory", "prompt": [ids], "logits": [after the prompt], "tokens": [greedy ids], "gaps": [of the two best logits]}].
"""

import json
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_map_with_path
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import _get_classes, load_model, save_config

TOKENS = 12
PROMPT = [5, 77, 301, 42, 42, 0, 199, 250, 13, 8, 319, 64, 2, 2, 90, 111, 7, 33, 150, 271, 18]

BASE = {
    "model_type": "llama",
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "vocab_size": 320,
    "max_position_embeddings": 512,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
GEMMA3 = {
    "model_type": "gemma3_text",
    "num_hidden_layers": 7,
    "head_dim": 32,
    "query_pre_attn_scalar": 24,
    "rope_theta": 1000000.0,
    "rope_local_base_freq": 10000.0,
    "sliding_window_pattern": 3,
    "hidden_activation": "gelu_pytorch_tanh",
}
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}


LONG = {"type": "longrope", "short_factor": [1.0] * 12, "long_factor": [1.0 + i / 4 for i in range(12)]}
MULTIPLIERS = {
    "embedding_multiplier": 3.0,
    "attention_multiplier": 0.15,
    "residual_multiplier": 0.4,
    "logits_scaling": 1.5,
    "attention_bias": False,
    "mlp_bias": False,
}
MINISTRAL3 = {
    "model_type": "ministral3",
    "head_dim": 32,
    "rope_parameters": {**YARN, "rope_theta": 10000.0, "original_max_position_embeddings": 8, "llama_4_scaling_beta": 0.3},
}
WINDOWS = ["sliding_attention", "full_attention", "sliding_attention"]


def affine(group_size, bits, **overrides):
    parts = {name.replace("__", "."): {"group_size": g, "bits": b} for name, (g, b) in overrides.items()}
    return {"group_size": group_size, "bits": bits, **parts}


def floats(mode, **overrides):
    group_size, bits = {"mxfp4": (32, 4), "mxfp8": (32, 8), "nvfp4": (16, 4)}[mode]
    return {**affine(group_size, bits, **overrides), "mode": mode}


def parts(config, **others):
    """A checkpoint of several parts."""
    return {"model_type": "mistral3", "text_config": {**BASE, "tie_word_embeddings": False, **config}, **others}


# name: (config in addition to BASE, stored type, quantisation)
CASES = {
    "llama, tied": ({}, mx.float32, None),
    "llama, own head, biases, llama3 rope": (
        {"tie_word_embeddings": False, "attention_bias": True, "mlp_bias": True, "rope_scaling": LLAMA3},
        mx.bfloat16,
        None,
    ),
    "llama, pairs of neighbours in rope": ({"rope_traditional": True}, mx.float16, None),
    "llama, 4 bits by 32, embedding 8": ({}, mx.float16, affine(32, 4, model__embed_tokens=(32, 8))),
    "llama, 8 bits by 128, one k_proj 4 by 32": (
        {"tie_word_embeddings": False},
        mx.bfloat16,
        affine(128, 8, model__layers__1__self_attn__k_proj=(32, 4)),
    ),
    "mistral, linear rope": (
        {"model_type": "mistral", "tie_word_embeddings": False, "rope_scaling": {"type": "linear", "factor": 2.0}},
        mx.float16,
        None,
    ),
    "mistral, 4 bits by 64": ({"model_type": "mistral", "head_dim": 64}, mx.bfloat16, affine(64, 4)),
    "qwen2, yarn": ({"model_type": "qwen2", "rope_theta": 1000000.0, "rope_scaling": YARN}, mx.bfloat16, None),
    "qwen2, 4 bits by 64": ({"model_type": "qwen2", "tie_word_embeddings": False}, mx.float16, affine(64, 4)),
    "qwen3": ({"model_type": "qwen3", "head_dim": 64}, mx.bfloat16, None),
    "qwen3, 8 bits by 32": (
        {"model_type": "qwen3", "head_dim": 32, "tie_word_embeddings": False},
        mx.float32,
        affine(32, 8),
    ),
    "gemma3, a window shorter than the prompt": ({**GEMMA3, "sliding_window": 8}, mx.bfloat16, None),
    "gemma3, a window that the answer leaves": (
        {**GEMMA3, "sliding_window": 24, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        mx.float32,
        None,
    ),
    "gemma3, own head, 4 bits by 64": (
        {**GEMMA3, "sliding_window": 16, "tie_word_embeddings": False},
        mx.bfloat16,
        affine(64, 4),
    ),
    # Every family below has a format that no other has, and every format a family: not the whole product.
    "llama, windows in some layers, 3 bits by 64": (
        {"sliding_window": 8, "layer_types": WINDOWS, "head_dim": 64},
        mx.bfloat16,
        affine(64, 3),
    ),
    "llama, dynamic rope, 6 bits by 128, some 2 by 32": (
        {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
        mx.float32,
        affine(128, 6, model__layers__0__mlp__down_proj=(32, 2), model__embed_tokens=(64, 5)),
    ),
    "ministral3, mxfp4, head in 8 bits by 64": (
        {**MINISTRAL3, "tie_word_embeddings": False},
        mx.bfloat16,
        # mlx_lm rounds the scale of queries to the type of embeddings, which is bf16 for mxfp4 even where all else is f32.
        floats("mxfp4", lm_head=(64, 8), model__embed_tokens=(32, 6)),
    ),
    "mistral3, a ministral3 of several parts, bf16": (parts(MINISTRAL3), mx.bfloat16, None),
    "mistral3, a mistral of several parts, nvfp4": (parts({"model_type": "mistral"}), mx.bfloat16, floats("nvfp4")),
    "smollm3, mxfp8": ({"model_type": "smollm3", "num_hidden_layers": 5}, mx.float16, floats("mxfp8")),
    "phi3, long and partial rope": (
        {
            "model_type": "phi3",
            "partial_rotary_factor": 0.75,
            "original_max_position_embeddings": 64,
            "rope_scaling": LONG,
            "tie_word_embeddings": False,
        },
        mx.float32,
        None,
    ),
    "phi3, 5 bits by 32": ({"model_type": "phi3"}, mx.bfloat16, affine(32, 5)),
    "granite, 2 bits by 64, some 8 by 64": (
        {"model_type": "granite", **MULTIPLIERS},
        mx.float16,
        affine(64, 2, model__embed_tokens=(64, 8)),
    ),
    "olmo2": ({"model_type": "olmo2"}, mx.bfloat16, None),
    "olmo3, nvfp4, embedding 6 bits by 64": (
        {"model_type": "olmo3", "num_hidden_layers": 4, "sliding_window": 8, "tie_word_embeddings": False},
        mx.float32,
        floats("nvfp4", model__embed_tokens=(64, 6)),
    ),
    "seed_oss, mxfp4": (
        {"model_type": "seed_oss", "head_dim": 32, "attention_bias": True, "tie_word_embeddings": False},
        mx.bfloat16,
        floats("mxfp4"),
    ),
}


def random_weight(config):
    """Norms are near 1 (stored as they differ from it in Gemma); all else is wide enough that logits differ clearly."""

    def draw(path, weight):
        noise = mx.random.normal(weight.shape) * 0.12
        return noise + 1 if "norm" in path and config["model_type"] != "gemma3_text" else noise

    return draw


def make(directory, config, dtype, quantization):
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    if config["model_type"] == "gemma3_text" and config["tie_word_embeddings"]:
        model.sanitize({})  # a file without a head ties it
    model.update(tree_map_with_path(random_weight(config), model.parameters()))
    model.set_dtype(dtype)
    if quantization is not None:
        parts = {name: part for name, part in quantization.items() if isinstance(part, dict)}
        nn.quantize(
            model,
            quantization["group_size"],
            quantization["bits"],
            mode=quantization.get("mode", "affine"),
            class_predicate=lambda path, m: hasattr(m, "to_quantized") and parts.get(path, True),
        )
        config = {**config, "quantization": quantization}
    directory.mkdir(parents=True)
    mx.save_safetensors(str(directory / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})
    save_config(config, directory / "config.json")


def compute(directory, on_cpu):
    model, _ = load_model(directory)
    if on_cpu:
        model.set_dtype(mx.float32)  # as the product on a CPU
    cache = make_prompt_cache(model)
    logits = model(mx.array([PROMPT]), cache=cache)[0, -1].astype(mx.float32)
    first, tokens, gaps = logits.tolist(), [], []
    while len(tokens) < TOKENS:
        second, best = mx.sort(logits)[-2:].tolist()
        tokens.append(mx.argmax(logits).item())
        gaps.append(best - second)
        logits = model(mx.array([[tokens[-1]]]), cache=cache)[0, -1].astype(mx.float32)
    return {"prompt": PROMPT, "logits": first, "tokens": tokens, "gaps": gaps}


def main():
    folder = Path(sys.argv[1])
    on_cpu = not mx.metal.is_available() or sys.argv[2] == "cpu"
    if on_cpu:
        mx.set_default_device(mx.cpu)
    mx.random.seed(11)
    answers = []
    for i, (name, (extra, dtype, quantization)) in enumerate(CASES.items()):
        directory = folder / f"case-{i}"
        make(directory, {**BASE, **extra}, dtype, quantization)
        answers.append({"name": name, "directory": str(directory), **compute(directory, on_cpu)})
    json.dump(answers, sys.stdout)


main()
