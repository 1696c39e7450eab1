#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/grammar.h"

namespace resident {

/**
 * Where one answer stands in its grammar: a pure function of its ids. It belongs to one row at a time, and different
 * states may be used on different threads.
 */
class GrammarState {
 public:
  explicit GrammarState(const Grammar& grammar);
  ~GrammarState();

  /** The ids that it stands behind. */
  const std::vector<int32_t>& ids() const { return ids_; }
  /**
   * Goes back to what these ids share with those before, then forward: cheap where an answer has only grown. Throws
   * INVALID_REQUEST, with the place of the first id that the grammar does not allow.
   */
  void Sync(std::span<const int32_t> ids, const std::vector<int32_t>& stop_ids);

  /** Nothing is forbidden: the next id is sampled as without a grammar. Ids that stand for nothing may come too. */
  bool is_open() const { return open_; }
  /** The one id that may follow, if there is only one. */
  std::optional<int32_t> forced() const;
  bool Allows(int32_t id) const { return open_ || allowed_.Has(id); }
  /** Makes impossible what may not follow. Throws INVALID_REQUEST where nothing may. */
  void Mask(std::span<float> logits) const;

  /** One more id, which the grammar allows and which ends no answer. */
  void Accept(int32_t id);
  /** The last ids again, not more than there are. */
  void Rollback(size_t count);

  /** How many of `draft` may follow, one after the other, and whether everything could have come in their places. */
  struct Walk {
    size_t allowed;
    bool open;
  };
  Walk Try(std::span<const int32_t> draft);

 private:
  struct Matcher;

  /** Without a look at what follows. */
  bool Move(int32_t id);
  void Back(size_t count);
  /** Finds out what may follow. */
  void Look();
  /** What the library says about the next id, stop ids aside. Returns whether the answer may end. */
  bool Fill(IdSet& allowed);
  /**
   * Whether a mark that the grammar names would only be text here, as any other letters in its place: in a string of
   * JSON, say. Then it may not come as the mark that it is, since who reads the answer takes it for one.
   */
  bool IsOnlyText(int32_t mark);
  bool IsStop(int32_t id) const;

  const Grammar& grammar_;
  std::unique_ptr<Matcher> matcher_;
  std::vector<int32_t> ids_;
  /** Of each id: whether it moved the matcher. Ids that stand for nothing do not. */
  std::vector<bool> moved_;
  std::vector<int32_t> stop_ids_;
  IdSet allowed_;
  int count_ = 0;
  bool open_ = false;
};

}  // namespace resident
