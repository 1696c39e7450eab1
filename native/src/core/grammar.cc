#include "core/grammar.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "core/grammar_library.h"
#include "core/grammar_state.h"
#include "core/grammar_text.h"

namespace resident {
namespace {

constexpr size_t kMostIdle = 16;

xgrammar::CompiledGrammar CompileText(xgrammar::GrammarCompiler& compiler, GrammarKind kind, const std::string& text) {
  switch (kind) {
    case GrammarKind::kStructuralTag:
      return compiler.CompileStructuralTag(text);
    case GrammarKind::kJsonSchema:
      return compiler.CompileJSONSchema(text);
    case GrammarKind::kEbnf:
      return compiler.CompileGrammar(text);
  }
  throw Error(ErrorCode::kInvalidRequest, "no such kind of grammar");
}

size_t SharedWith(const std::vector<int32_t>& ids, std::span<const int32_t> others) {
  return size_t(std::ranges::mismatch(ids, others).in1 - ids.begin());
}

}  // namespace

std::shared_ptr<const Grammar> Grammar::Compile(std::shared_ptr<const Vocabulary> vocabulary, GrammarKind kind,
                                                const std::string& text, const std::function<bool()>& stopped) {
  CheckGrammarText(kind, text);
  const CompileWatch watch(kMostCompileSeconds, stopped);
  auto compiled = AskLibrary(
      [&] {
        xgrammar::GrammarCompiler compiler(vocabulary->sorted().words, 1, false);
        return std::unique_ptr<const Compiled>(new Compiled{CompileText(compiler, kind, text)});
      },
      ErrorCode::kInvalidRequest);
  return std::shared_ptr<const Grammar>(new Grammar(std::move(vocabulary), std::move(compiled), text));
}

Grammar::Grammar(std::shared_ptr<const Vocabulary> vocabulary, std::unique_ptr<const Compiled> compiled,
                 const std::string& text)
    : vocabulary_(std::move(vocabulary)), compiled_(std::move(compiled)), spoken_(vocabulary_->size()) {
  const auto names = [&, in = NamesIn(text)](int32_t id) { return in.Has(vocabulary_->WordOf(id)); };
  for (int32_t id = 0; id < vocabulary_->size(); ++id) spoken_.Set(id, !vocabulary_->WordOf(id).empty());
  // A turn mark has no place in an answer that speaks of none.
  for (const int32_t id : vocabulary_->control_ids()) spoken_.Set(id, names(id));
  for (const auto* ids : {&vocabulary_->control_ids(), &vocabulary_->mark_ids()}) {
    std::ranges::copy_if(*ids, std::back_inserter(named_), names);
  }
}

Grammar::~Grammar() = default;

size_t Grammar::bytes() const { return compiled_->grammar.MemorySizeBytes(); }

GrammarLease::GrammarLease(std::shared_ptr<const Grammar> grammar, std::span<const int32_t> answer,
                           const std::vector<int32_t>& stop_ids)
    : grammar_(std::move(grammar)) {
  {
    const std::lock_guard lock(grammar_->mutex_);
    auto& idle = grammar_->idle_;
    // The one that has to move least.
    const auto moves = [&](const std::unique_ptr<GrammarState>& state) {
      const size_t shared = SharedWith(state->ids(), answer);
      return std::pair(answer.size() - shared, state->ids().size() - shared);
    };
    const auto nearest = std::ranges::min_element(idle, {}, moves);
    if (nearest != idle.end()) {
      state_ = std::move(*nearest);
      idle.erase(nearest);
    }
  }
  if (!state_) state_ = std::make_unique<GrammarState>(*grammar_);
  state_->Sync(answer, stop_ids);
}

GrammarLease::~GrammarLease() {
  if (!state_) return;
  const std::lock_guard lock(grammar_->mutex_);
  auto& idle = grammar_->idle_;
  if (idle.size() == kMostIdle) idle.erase(idle.begin());
  idle.push_back(std::move(state_));
}

GrammarLease::GrammarLease(GrammarLease&&) noexcept = default;

GrammarLease& GrammarLease::operator=(GrammarLease&& other) noexcept {
  std::swap(grammar_, other.grammar_);
  std::swap(state_, other.state_);
  return *this;
}

}  // namespace resident
