#include "core/batch.h"

#include <string>

#include "core/error.h"
#include "kernels/window.h"

namespace resident {
namespace {

constexpr int kMaxSteps = 4096;
constexpr size_t kMaxRows = 1 << 20;

[[noreturn]] void Invalid(const std::string& what, std::vector<Fact> facts = {}) {
  throw Error(ErrorCode::kInvalidRequest, what, std::move(facts));
}

void CheckIds(const std::vector<int32_t>& ids, int vocab_size, const char* what) {
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size) {
      Invalid(std::string(what) + " id " + std::to_string(id) + " is outside the vocabulary",
              {{"id", double(id)}, {"vocabSize", double(vocab_size)}});
    }
  }
}

void CheckSampling(const SamplingParams& p, int vocab_size) {
  // Written so that NaN fails.
  if (!(p.temperature >= 0 && p.temperature <= 1000)) Invalid("temperature must be in 0…1000");
  if (p.top_k < 0) Invalid("topK must not be negative");
  if (!(p.top_p > 0 && p.top_p <= 1)) Invalid("topP must be in (0, 1]");
  if (!(p.min_p >= 0 && p.min_p <= 1)) Invalid("minP must be in [0, 1]");
  if (!(p.repetition_penalty > 0 && p.repetition_penalty <= 1000)) Invalid("repetitionPenalty must be in (0, 1000]");
  if (!(p.presence_penalty >= -1000 && p.presence_penalty <= 1000)) Invalid("presencePenalty must be in -1000…1000");
  if (!(p.frequency_penalty >= -1000 && p.frequency_penalty <= 1000)) Invalid("frequencyPenalty must be in -1000…1000");
  if (p.logprobs < -1 || p.logprobs > vocab_size) Invalid("logprobs must be in -1…vocabSize");
  if (p.bias_ids.size() != p.bias_values.size()) Invalid("biasIds and biasValues differ in length");
  CheckIds(p.bias_ids, vocab_size, "bias");
  CheckIds(p.penalty_ids, vocab_size, "penalty");
  CheckIds(p.lookup_ids, vocab_size, "lookup");
}

void CheckLengths(const StepBatch& batch, size_t groups) {
  const size_t n = batch.sequences();
  if (n == 0) Invalid("the batch has no sequence");
  if (batch.starts.size() != n || batch.table_lengths.size() != n * groups || batch.want_token.size() != n ||
      batch.sampling.size() != n) {
    Invalid("the batch's arrays differ in length");
  }
  if (batch.steps < 1 || batch.steps > kMaxSteps) Invalid("steps must be in 1…4096");
  if (batch.tokens.size() > kMaxRows) Invalid("the batch has too many tokens");
  size_t tokens = 0, blocks = 0;
  for (size_t i = 0; i < n; ++i) {
    if (batch.token_counts[i] < 1) Invalid("a sequence has no token");
    tokens += size_t(batch.token_counts[i]);
  }
  for (const int32_t length : batch.table_lengths) {
    if (length < 1) Invalid("a sequence has no block");
    blocks += size_t(length);
  }
  if (tokens != batch.tokens.size()) Invalid("tokenCounts do not add up to the number of tokens");
  if (blocks != batch.tables.size()) Invalid("tableLengths do not add up to the number of block ids");
}

/** Which sequence writes each block, and which one was the last to name it. */
class BlockUses {
 public:
  explicit BlockUses(int blocks) : writer_(size_t(blocks), kNobody), reader_(size_t(blocks), kNobody) {}

  void Add(int sequence, int32_t block, bool writes) {
    int& writer = writer_[size_t(block)];
    int& reader = reader_[size_t(block)];
    if (reader == sequence) Invalid("a block table names a block twice", {{"block", double(block)}});
    if (writer != kNobody || (writes && reader != kNobody)) {
      Invalid("a block that one sequence writes is named by another one", {{"block", double(block)}});
    }
    reader = sequence;
    if (writes) writer = sequence;
  }

 private:
  static constexpr int kNobody = -1;
  std::vector<int> writer_, reader_;
};

/** `table` is of `length` blocks of one group. */
void CheckTable(const BlockGroup& group, const int32_t* table, int length, int sequence, int64_t start, int64_t end,
                BlockUses& uses) {
  const int64_t block_tokens = group.geometry.block_tokens, needed = (end + block_tokens - 1) / block_tokens;
  const int64_t gone = kernels::FirstKey(int(start), group.window) / block_tokens;
  if (length < needed) {
    Invalid("a block table is too short", {{"neededBlocks", double(needed)}, {"blocks", double(length)}});
  }
  for (int64_t b = 0; b < length; ++b) {
    if (b < gone && table[b] == kNoBlock) continue;
    if (table[b] < group.first_block || table[b] >= group.first_block + group.geometry.blocks) {
      Invalid("block " + std::to_string(table[b]) + " is outside the pool",
              {{"block", double(table[b])}, {"blocks", double(group.geometry.blocks)}});
    }
    if (b < needed) uses.Add(sequence, table[b], b >= start / block_tokens);
  }
}

/** The sequence's tables begin at `table`. Returns where they end. */
const int32_t* CheckSequence(const StepBatch& batch, const BatchLimits& limits, size_t i, const int32_t* table,
                             BlockUses& uses) {
  const int64_t start = batch.starts[i];
  const int64_t end = start + batch.token_counts[i] + (batch.want_token[i] ? batch.steps - 1 : 0);
  if (start < 0) Invalid("a sequence starts at a negative position");
  if (end > limits.max_context_tokens) {
    Invalid("a sequence grows beyond the context",
            {{"tokens", double(end)}, {"maxContextTokens", double(limits.max_context_tokens)}});
  }
  const size_t groups = limits.pool.groups().size();
  for (size_t g = 0; g < groups; ++g) {
    const int32_t length = batch.table_lengths[i * groups + g];
    CheckTable(limits.pool.groups()[g], table, length, int(i), start, end, uses);
    table += length;
  }
  return table;
}

void CheckTokens(const StepBatch& batch, int vocab_size, const std::vector<int32_t>& last_sampled) {
  size_t row = 0;
  for (size_t i = 0; i < batch.sequences(); ++i) {
    for (int j = 0; j < batch.token_counts[i]; ++j, ++row) {
      const int32_t id = batch.tokens[row];
      if (id == kLastSampled && batch.token_counts[i] == 1) {
        if (i >= last_sampled.size() || last_sampled[i] == kLastSampled)
          Invalid("nothing was sampled in this place before");
      } else if (id < 0 || id >= vocab_size) {
        Invalid("token id " + std::to_string(id) + " is outside the vocabulary",
                {{"id", double(id)}, {"vocabSize", double(vocab_size)}});
      }
    }
  }
}

}  // namespace

void CheckBatch(const StepBatch& batch, const BatchLimits& limits, const std::vector<int32_t>& last_sampled) {
  CheckLengths(batch, limits.pool.groups().size());
  CheckTokens(batch, limits.vocab_size, last_sampled);
  BlockUses uses(limits.pool.blocks());
  const int32_t* table = batch.tables.data();
  for (size_t i = 0; i < batch.sequences(); ++i) {
    table = CheckSequence(batch, limits, i, table, uses);
    if (batch.want_token[i]) CheckSampling(batch.sampling[i], limits.vocab_size);
  }
}

}  // namespace resident
