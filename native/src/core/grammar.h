#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/id_set.h"
#include "core/vocabulary.h"

namespace resident {

class GrammarState;

/** What the text of a grammar is written in. */
enum class GrammarKind { kStructuralTag, kJsonSchema, kEbnf };

/** The most that a grammar's text may have, in bytes, and how long its compiler may take. */
constexpr size_t kMostGrammarBytes = size_t(1) << 20;
constexpr int kMostGrammarDepth = 100;
constexpr double kMostCompileSeconds = 20;

/**
 * What answers of one model may be, compiled by xgrammar (Dong et al. 2024, arXiv 2411.15100): an Earley parser over
 * bytes, and for each of its places which words surely follow, surely do not, or depend on what is around the place.
 * Immutable; any number of rows may read it at once. Everything of the library stays behind this and GrammarState.
 */
class Grammar : public std::enable_shared_from_this<Grammar> {
 public:
  /**
   * Throws INVALID_REQUEST with the compiler's reason, also for a text that is too large, too deep or takes too long,
   * and ABORTED when `stopped` says so. Needs some stack: see CompileThread. Starts no thread.
   */
  static std::shared_ptr<const Grammar> Compile(std::shared_ptr<const Vocabulary> vocabulary, GrammarKind kind,
                                                const std::string& text, const std::function<bool()>& stopped = {});
  ~Grammar();

  const Vocabulary& vocabulary() const { return *vocabulary_; }
  /** Memory, about. */
  size_t bytes() const;
  /** Ids that the grammar speaks of: words of text, and those control ids that its own text names. */
  const IdSet& spoken() const { return spoken_; }
  /** Control ids and other marks that the grammar's text names. */
  const std::vector<int32_t>& named() const { return named_; }

  /** The library's part. */
  struct Compiled;
  const Compiled& compiled() const { return *compiled_; }

 private:
  friend class GrammarLease;
  Grammar(std::shared_ptr<const Vocabulary> vocabulary, std::unique_ptr<const Compiled> compiled,
          const std::string& text);

  std::shared_ptr<const Vocabulary> vocabulary_;
  std::unique_ptr<const Compiled> compiled_;
  IdSet spoken_;
  std::vector<int32_t> named_;
  /** States that no row uses now: the next run of the same answer goes on with its own. The newest ones. */
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<GrammarState>> idle_;
};

/** One row's state in a grammar, for the time of a run. */
class GrammarLease {
 public:
  /**
   * The state behind `answer`, from an idle one that has come near. Throws INVALID_REQUEST when the grammar does not
   * allow these ids. A stop id is allowed where an answer may end, and nowhere else.
   */
  GrammarLease(std::shared_ptr<const Grammar> grammar, std::span<const int32_t> answer,
               const std::vector<int32_t>& stop_ids);
  ~GrammarLease();
  GrammarLease(GrammarLease&&) noexcept;
  GrammarLease& operator=(GrammarLease&&) noexcept;

  GrammarState& operator*() const { return *state_; }
  GrammarState* operator->() const { return state_.get(); }

 private:
  std::shared_ptr<const Grammar> grammar_;
  std::unique_ptr<GrammarState> state_;
};

}  // namespace resident
