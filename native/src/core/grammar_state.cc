#include "core/grammar_state.h"

#include <xgrammar/matcher.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/grammar_library.h"

namespace resident {
namespace {

/** The name with another letter in the place of its first one. */
std::string Altered(std::string name) {
  const auto letter =
      std::ranges::find_if(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  if (letter == name.end()) return name + "q";
  *letter = *letter == 'q' ? 'x' : 'q';
  return name;
}

}  // namespace

struct GrammarState::Matcher {
  explicit Matcher(const xgrammar::CompiledGrammar& grammar) : matcher(grammar, std::nullopt, true) {}

  xgrammar::GrammarMatcher matcher;
};

GrammarState::GrammarState(const Grammar& grammar)
    : grammar_(grammar),
      matcher_(AskLibrary([&] { return std::make_unique<Matcher>(grammar.compiled().grammar); })),
      allowed_(grammar.vocabulary().size()) {
  Look();
}

GrammarState::~GrammarState() = default;

void GrammarState::Sync(std::span<const int32_t> ids, const std::vector<int32_t>& stop_ids) {
  const auto same = size_t(std::ranges::mismatch(ids_, ids).in1 - ids_.begin());
  Back(ids_.size() - same);
  stop_ids_ = stop_ids;
  for (size_t i = same; i < ids.size(); ++i) {
    if (!grammar_.spoken().Has(ids[i])) Look();  // they may come where everything may
    if (Move(ids[i])) continue;
    Look();
    throw Error(ErrorCode::kInvalidRequest, "the answer so far is none that its grammar allows",
                {{"token", double(i)}, {"id", double(ids[i])}});
  }
  Look();
}

std::optional<int32_t> GrammarState::forced() const {
  return count_ == 1 && !open_ ? std::optional(allowed_.First()) : std::nullopt;
}

void GrammarState::Mask(std::span<float> logits) const {
  if (open_) return;
  if (count_ == 0) {
    throw Error(ErrorCode::kInvalidRequest, "the model has no word that the grammar allows here",
                {{"token", double(ids_.size())}});
  }
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const std::vector<uint32_t>& words = allowed_.words();
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == std::numeric_limits<uint32_t>::max()) continue;
    const size_t begin = 32 * i, end = std::min(begin + 32, logits.size());
    if (words[i] == 0) {
      std::fill(logits.begin() + std::ptrdiff_t(begin), logits.begin() + std::ptrdiff_t(end), kNever);
      continue;
    }
    for (size_t id = begin; id < end; ++id) {
      if ((words[i] >> (id - begin) & 1) == 0) logits[id] = kNever;
    }
  }
}

void GrammarState::Accept(int32_t id) {
  if (!Move(id)) throw Error(ErrorCode::kNativeFailure, "a grammar refused what it had allowed", {{"id", double(id)}});
  Look();
}

void GrammarState::Rollback(size_t count) {
  Back(count);
  Look();
}

GrammarState::Walk GrammarState::Try(std::span<const int32_t> draft) {
  Walk walk{0, open_};
  size_t moved = 0;
  for (const int32_t id : draft) {
    if (!Allows(id)) break;
    ++walk.allowed;
    if (IsStop(id)) break;  // nothing is sampled behind it
    if (!Move(id)) break;
    ++moved;
    Look();
    walk.open = walk.open && open_;
  }
  if (moved > 0) Rollback(moved);
  return walk;
}

bool GrammarState::Move(int32_t id) {
  const bool speaks = grammar_.spoken().Has(id);
  if (speaks ? !AskLibrary([&] { return matcher_->matcher.AcceptToken(id); }) : !open_) return false;
  ids_.push_back(id);
  moved_.push_back(speaks);
  return true;
}

void GrammarState::Back(size_t count) {
  const auto kept = ids_.size() - count;
  const auto moved = std::count(moved_.begin() + std::ptrdiff_t(kept), moved_.end(), true);
  if (moved > 0) AskLibrary([&] { matcher_->matcher.Rollback(int(moved)); });
  ids_.resize(kept);
  moved_.resize(kept);
}

bool GrammarState::Fill(IdSet& allowed) {
  std::array<int64_t, 1> shape{int64_t(allowed.words().size())};
  DLTensor mask{};
  mask.data = allowed.words().data();
  mask.device = {kDLCPU, 0};
  mask.ndim = 1;
  mask.dtype = xgrammar::GetBitmaskDLType();
  mask.shape = shape.data();
  AskLibrary([&] { matcher_->matcher.FillNextTokenBitmask(&mask); });
  allowed.Keep(grammar_.spoken());
  return AskLibrary([&] { return matcher_->matcher.IsCompleted(); });
}

void GrammarState::Look() {
  const bool may_end = Fill(allowed_);
  IdSet missing = grammar_.spoken();
  for (const int32_t id : stop_ids_) missing.Set(id, false);
  open_ = may_end;
  for (size_t i = 0; open_ && i < missing.words().size(); ++i) {
    open_ = (missing.words()[i] & ~allowed_.words()[i]) == 0;
  }
  if (!open_) {
    for (const int32_t id : grammar_.named()) {
      if (allowed_.Has(id) && IsOnlyText(id)) allowed_.Set(id, false);
    }
  }
  for (const int32_t id : stop_ids_) allowed_.Set(id, may_end);
  count_ = allowed_.Count();
}

bool GrammarState::IsOnlyText(int32_t mark) {
  const std::string name(grammar_.vocabulary().WordOf(mark));
  const auto after = [&](const std::string& text, IdSet& allowed) -> std::optional<bool> {
    if (!AskLibrary([&] { return matcher_->matcher.AcceptString(text); })) return std::nullopt;
    const bool may_end = Fill(allowed);
    AskLibrary([&] { matcher_->matcher.Rollback(1); });
    return may_end;
  };
  IdSet behind_other(allowed_.size()), behind_mark(allowed_.size());
  const std::optional<bool> other = after(Altered(name), behind_other);
  return other && other == after(name, behind_mark) && behind_other == behind_mark;
}

bool GrammarState::IsStop(int32_t id) const {
  return std::find(stop_ids_.begin(), stop_ids_.end(), id) != stop_ids_.end();
}

}  // namespace resident
