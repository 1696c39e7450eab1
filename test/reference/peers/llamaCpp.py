"""llama.cpp as fast as it can be driven: `llama_decode` and the greedy choice in a tight loop over its C interface.

Reads {"model": GGUF file, "threads", "measure": "prefill" | "decode", "promptTokens", "decodeTokens", "sequences",
"repeats", "budgetMs"} on stdin. Writes {"engine", "settings", "samples": [{"tokens", "ms"}]} on stdout. A prefill
sample is the reading of the prompt up to its first token, a decode sample all steps after that. Prompts are random ids,
other ones each time. No repeat begins after `budgetMs`.
"""

import ctypes
import json
import random
import sys
import time
from importlib.metadata import version

import llama_cpp as llama
import numpy as np

# llama.cpp's own defaults.
BATCH_TOKENS = 2048
WARM_UP_TOKENS = 8
# Its log is long and of no use here, except for what says that it failed.
ERROR_LEVEL = 4


@llama.llama_log_callback
def log(level, text, _):
    if level == ERROR_LEVEL:
        sys.stderr.write(text.decode("utf-8", "replace"))


class Engine:
    def __init__(self, request, flash_attention):
        self.sequences = request["sequences"]
        self.prompt_tokens = request["promptTokens"]
        self.decode_tokens = request["decodeTokens"]
        llama.llama_log_set(log, ctypes.c_void_p(0))
        llama.llama_backend_init()
        self.model = llama.llama_model_load_from_file(
            request["model"].encode(), llama.llama_model_default_params()
        )
        params = llama.llama_context_default_params()
        # Rounded up as llama.cpp wants it; the context is split between the sequences.
        tokens = max(self.prompt_tokens + self.decode_tokens, WARM_UP_TOKENS) + 1
        params.n_ctx = -(-tokens // 256) * 256 * self.sequences
        params.n_batch = BATCH_TOKENS
        params.n_seq_max = self.sequences
        params.n_threads = params.n_threads_batch = request["threads"]
        params.flash_attn_type = int(flash_attention)
        params.no_perf = True
        self.context = llama.llama_init_from_model(self.model, params)
        if not self.context:
            raise RuntimeError("llama.cpp made no context")
        self.memory = llama.llama_get_memory(self.context)
        self.vocab_size = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        self.batch = llama.llama_batch_init(BATCH_TOKENS, 0, 1)

    def put(self, at, token, position, sequence, wanted):
        self.batch.token[at] = token
        self.batch.pos[at] = position
        self.batch.n_seq_id[at] = 1
        self.batch.seq_id[at][0] = sequence
        self.batch.logits[at] = wanted

    def run(self, count):
        self.batch.n_tokens = count
        code = llama.llama_decode(self.context, self.batch)
        if code != 0:
            raise RuntimeError(f"llama_decode returned {code}")

    def best(self, row):
        logits = llama.llama_get_logits_ith(self.context, row)
        return int(np.ctypeslib.as_array(logits, shape=(self.vocab_size,)).argmax())

    def read(self, tokens):
        """Reads a new prompt into every sequence; the first token of each answer."""
        llama.llama_memory_clear(self.memory, False)
        firsts = []
        for sequence in range(self.sequences):
            for start in range(0, tokens, BATCH_TOKENS):
                count = min(BATCH_TOKENS, tokens - start)
                for i in range(count):
                    token = random.randrange(100, self.vocab_size)
                    self.put(i, token, start + i, sequence, start + i == tokens - 1)
                self.run(count)
            firsts.append(self.best(-1))
        return firsts

    def decode(self, tokens, position, steps):
        """Milliseconds of `steps` steps with one token a sequence."""
        started = time.perf_counter()
        for step in range(steps):
            for sequence, token in enumerate(tokens):
                self.put(sequence, token, position + step, sequence, True)
            self.run(len(tokens))
            tokens = [self.best(row) for row in range(len(tokens))]
        return (time.perf_counter() - started) * 1000

    def forget_from(self, position):
        for sequence in range(self.sequences):
            llama.llama_memory_seq_rm(self.memory, sequence, position, -1)


def prefill_samples(engine):
    while True:
        started = time.perf_counter()
        engine.read(engine.prompt_tokens)
        yield {"tokens": engine.prompt_tokens, "ms": (time.perf_counter() - started) * 1000}


def decode_samples(engine):
    # Read once: every sample goes on from the end of the same prompts.
    tokens = engine.read(engine.prompt_tokens)
    while True:
        ms = engine.decode(tokens, engine.prompt_tokens, engine.decode_tokens)
        yield {"tokens": engine.decode_tokens * engine.sequences, "ms": ms}
        engine.forget_from(engine.prompt_tokens)


def main():
    request = json.load(sys.stdin)
    # On a CPU it makes prefill a little faster and decode at a long context 3 times slower: each gets what is best for it.
    flash_attention = sys.platform == "darwin" or request["measure"] == "prefill"
    engine = Engine(request, flash_attention)
    # The first steps fetch the weights into memory.
    engine.decode(engine.read(WARM_UP_TOKENS // 2), WARM_UP_TOKENS // 2, WARM_UP_TOKENS // 2)
    started = time.perf_counter()
    samples = []
    for sample in prefill_samples(engine) if request["measure"] == "prefill" else decode_samples(engine):
        samples.append(sample)
        if len(samples) == request["repeats"] or (time.perf_counter() - started) * 1000 > request["budgetMs"]:
            break
    engine_name = f"llama-cpp-python {version('llama-cpp-python')}"
    settings = f"flash attention {'on' if flash_attention else 'off'}"
    json.dump({"engine": engine_name, "settings": settings, "samples": samples}, sys.stdout)


main()
