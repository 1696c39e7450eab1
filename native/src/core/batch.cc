#include "core/batch.h"

#include <iomanip>
#include <sstream>
#include <string>

#include "core/error.h"
#include "core/grammar.h"
#include "kernels/window.h"

namespace resident {
namespace {

constexpr int kMaxSteps = 4096;
constexpr size_t kMaxRows = 1 << 20;

void CheckIds(const std::vector<int32_t>& ids, int vocab_size, const char* what) {
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size) {
      RefuseRequest(std::string(what) + " id " + std::to_string(id) + " is outside the vocabulary",
                    {{"id", double(id)}, {"vocabSize", double(vocab_size)}});
    }
  }
}

void CheckRange(const SamplingRange& range, double value) {
  if (range.Has(value)) return;
  const auto text = [](double bound) {
    std::ostringstream out;
    out << std::setprecision(16) << bound;
    return out.str();
  };
  const std::string kind = range.whole ? "a whole number" : "a number";
  RefuseRequest(std::string(range.name) + " must be " + kind + " from " + text(range.min) + " to " + text(range.max),
                {{"argument", std::string(range.name)}, {"value", value}});
}

void CheckAnswer(const AnswerTokens& answer, int vocab_size) {
  if (answer.recent_ids.size() > size_t(kRepetitionWindowTokens)) {
    RefuseRequest("recentIds holds more than " + std::to_string(kRepetitionWindowTokens) + " ids",
                  {{"ids", double(answer.recent_ids.size())}});
  }
  if (answer.ids.size() != answer.counts.size()) RefuseRequest("answerIds and answerCounts differ in length");
  CheckIds(answer.recent_ids, vocab_size, "recent");
  CheckIds(answer.ids, vocab_size, "answer");
  for (const int32_t count : answer.counts) {
    if (count < 1) RefuseRequest("an answer's id was sampled less than once", {{"count", double(count)}});
  }
}

void CheckGrammar(const SamplingParams& p, int vocab_size) {
  if (p.grammar == nullptr) return;
  const int words = p.grammar->vocabulary().size();
  if (words != vocab_size) {
    RefuseRequest("the grammar is one for another model",
                  {{"words", double(words)}, {"vocabSize", double(vocab_size)}});
  }
  if (p.stop_ids.empty()) RefuseRequest("an answer with a grammar has no stop id to end with");
  CheckIds(p.stop_ids, vocab_size, "stop");
  CheckIds(p.grammar_ids, vocab_size, "grammar");
}

void CheckSampling(const SamplingParams& p, int vocab_size) {
  using namespace sampling_ranges;
  CheckRange(kTemperature, p.temperature);
  CheckRange(kTopK, double(p.top_k));
  CheckRange(kTopP, p.top_p);
  CheckRange(kMinP, p.min_p);
  CheckRange(kRepetitionPenalty, p.penalties.repetition);
  CheckRange(kPresencePenalty, p.penalties.presence);
  CheckRange(kFrequencyPenalty, p.penalties.frequency);
  CheckRange(kSeed, double(p.seed));
  CheckRange(kLogprobs, double(p.logprobs));
  if (p.bias_ids.size() != p.bias_values.size()) RefuseRequest("biasIds and biasValues differ in length");
  for (const float value : p.bias_values) CheckRange(kLogitBias, double(value));
  CheckIds(p.bias_ids, vocab_size, "bias");
  CheckAnswer(p.answer, vocab_size);
  CheckIds(p.lookup_ids, vocab_size, "lookup");
  CheckGrammar(p, vocab_size);
}

/** Runs a check of one sequence; what it throws names the sequence. */
template <typename Check>
void CheckOne(size_t sequence, Check check) {
  try {
    check();
  } catch (Error& error) {
    error.AddFact({"sequence", double(sequence)});
    throw;
  }
}

void CheckLengths(const StepBatch& batch, size_t groups) {
  const size_t n = batch.sequences();
  if (n == 0) RefuseRequest("the batch has no sequence");
  if (batch.starts.size() != n || batch.table_lengths.size() != n * groups || batch.want_token.size() != n ||
      batch.sampling.size() != n) {
    RefuseRequest("the batch's arrays differ in length");
  }
  if (batch.steps < 1 || batch.steps > kMaxSteps) RefuseRequest("steps must be in 1…4096");
  if (batch.tokens.size() > kMaxRows) RefuseRequest("the batch has too many tokens");
  size_t tokens = 0, blocks = 0;
  for (size_t i = 0; i < n; ++i) {
    CheckOne(i, [&] {
      if (batch.token_counts[i] < 1) RefuseRequest("a sequence has no token");
      tokens += size_t(batch.token_counts[i]);
      for (size_t g = 0; g < groups; ++g) {
        const int32_t length = batch.table_lengths[i * groups + g];
        if (length < 1) RefuseRequest("a sequence has no block");
        blocks += size_t(length);
      }
    });
  }
  if (tokens != batch.tokens.size()) RefuseRequest("tokenCounts do not add up to the number of tokens");
  if (blocks != batch.tables.size()) RefuseRequest("tableLengths do not add up to the number of block ids");
}

/** Which sequence writes each block, and which one was the last to name it. */
class BlockUses {
 public:
  explicit BlockUses(int blocks) : writer_(size_t(blocks), kNobody), reader_(size_t(blocks), kNobody) {}

  void Add(int sequence, int32_t block, bool writes) {
    int& writer = writer_[size_t(block)];
    int& reader = reader_[size_t(block)];
    if (reader == sequence) RefuseRequest("a block table names a block twice", {{"block", double(block)}});
    if (writer != kNobody || (writes && reader != kNobody)) {
      RefuseRequest("a block that one sequence writes is named by another one", {{"block", double(block)}});
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
    RefuseRequest("a block table is too short", {{"neededBlocks", double(needed)}, {"blocks", double(length)}});
  }
  for (int64_t b = 0; b < length; ++b) {
    if (b < gone && table[b] == kNoBlock) continue;
    if (table[b] < group.first_block || table[b] >= group.first_block + group.geometry.blocks) {
      RefuseRequest("block " + std::to_string(table[b]) + " is outside the pool",
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
  if (start < 0) RefuseRequest("a sequence starts at a negative position");
  if (end > limits.max_context_tokens) {
    RefuseRequest("a sequence grows beyond the context",
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

/** `tokens`: the sequence's first. */
void CheckTokens(const StepBatch& batch, size_t i, const int32_t* tokens, int vocab_size,
                 const std::vector<int32_t>& last_sampled) {
  for (int j = 0; j < batch.token_counts[i]; ++j) {
    const int32_t id = tokens[j];
    if (id == kLastSampled && batch.token_counts[i] == 1) {
      if (i >= last_sampled.size() || last_sampled[i] == kLastSampled)
        RefuseRequest("nothing was sampled in this place before");
    } else if (id < 0 || id >= vocab_size) {
      RefuseRequest("token id " + std::to_string(id) + " is outside the vocabulary",
                    {{"id", double(id)}, {"vocabSize", double(vocab_size)}});
    }
  }
}

}  // namespace

void CheckBatch(const StepBatch& batch, const BatchLimits& limits, const std::vector<int32_t>& last_sampled) {
  CheckLengths(batch, limits.pool.groups().size());
  BlockUses uses(limits.pool.blocks());
  const int32_t *tokens = batch.tokens.data(), *table = batch.tables.data();
  for (size_t i = 0; i < batch.sequences(); ++i) {
    CheckOne(i, [&] {
      CheckTokens(batch, i, tokens, limits.vocab_size, last_sampled);
      tokens += batch.token_counts[i];
      table = CheckSequence(batch, limits, i, table, uses);
      if (batch.want_token[i]) CheckSampling(batch.sampling[i], limits.vocab_size);
    });
  }
}

}  // namespace resident
