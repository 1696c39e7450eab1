#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/draft_gate.h"

namespace resident {

/**
 * Drafts for one sequence out of its own tokens: what followed the last time that its newest tokens stood there (prompt
 * lookup decoding, Saxena 2023; "prompt lookup" in vLLM and transformers). No second model, no state but the ids. It
 * pays where an answer repeats what was read: rewriting a file, quoting, filling in a form.
 */
class PromptLookup {
 public:
  /** `ids`: all tokens of the sequence so far, the one that is fed next included; empty: no drafts ever. */
  explicit PromptLookup(std::vector<int32_t> ids) : ids_(std::move(ids)) {}

  bool enabled() const { return !ids_.empty(); }
  /** Up to `most` ids that may follow. */
  std::vector<int32_t> Draft(int most) const;
  void Append(int32_t id);
  /** What became of the last draft: the next one is longer after a success, and short after a failure. */
  void Learn(int drafted, int accepted);

 private:
  std::vector<int32_t> ids_;
  int longest_ = kFirstDraft;

  static constexpr int kFirstDraft = 4;
};

/** Where in `ids` what follows its end is to be looked up: the latest place after the longest suffix; 0 = nowhere. */
size_t FindContinuation(std::span<const int32_t> ids);

}  // namespace resident
