// How many guesses a step may have, and whether they pay, over recorded costs.
#include "core/draft_gate.h"

#include <algorithm>

#include "check.h"
#include "core/run.h"

using namespace resident;

namespace {

/** What a device takes, and how many guesses prove right. */
struct World {
  double plain_ms, ms_a_guess;
  int drafted, accepted;
};

/** Steps of `steps` that had guesses. */
int Guessed(DraftGate& gate, const World& world, int steps, int sequences = 1, const std::string& guesser = "one") {
  int guessed = 0;
  for (int i = 0; i < steps; ++i) {
    const bool may = gate.MayGuess(sequences, guesser);
    guessed += may;
    if (may) {
      const Guesses guesses[] = {{guesser, world.drafted, world.accepted}};
      gate.Record(sequences, guesses, world.plain_ms + world.drafted * world.ms_a_guess);
    } else {
      gate.Record(sequences, {}, world.plain_ms);
    }
  }
  return guessed;
}

/**
 * Rows of each step of a run in which sequences go 1 2 3 1 2 3 … for 200 tokens, where a guess takes so long and is
 * always right.
 */
std::vector<size_t> RowsOfRun(int most_draft, double ms_a_guess, size_t sequences = 1) {
  StepBatch batch;
  batch.tokens.assign(sequences, 1);
  batch.token_counts.assign(sequences, 1);
  batch.starts.assign(sequences, 6);
  batch.tables.assign(sequences, 0);
  batch.table_lengths.assign(sequences, 1);
  batch.want_token.assign(sequences, 1);
  batch.sampling.resize(sequences);
  for (SamplingParams& params : batch.sampling) params.lookup_ids = {1, 2, 3, 1, 2, 3, 1};
  batch.steps = 200;
  std::vector<size_t> rows_of_steps;
  const auto step = [&](std::span<const SequenceRows> all) {
    StepResult result;
    for (const SequenceRows& rows : all) {
      for (const int32_t id : rows.tokens) result.best.push_back(id % 3 + 1);
    }
    rows_of_steps.push_back(result.best.size());
    result.ms = 1000 + ms_a_guess * double(result.best.size() - all.size());
    return result;
  };
  std::vector<int32_t> last;
  std::vector<std::vector<int32_t>> ids(sequences);
  DraftGate gate;
  kernels::ThreadPool threads(1);
  const RunHooks hooks{[&](StepHarvest harvest) {
                         for (const SampledToken& token : harvest.tokens) {
                           ids[size_t(token.sequence)].push_back(token.sample.id);
                         }
                       },
                       [] { return false; }, [] {}};
  BatchRun(batch, 50, last, most_draft, gate, threads).Run(step, hooks);
  for (const std::vector<int32_t>& answer : ids) {
    CHECK_EQUAL(answer.size(), size_t(200));
    for (size_t i = 0; i < answer.size(); ++i) CHECK_EQUAL(answer[i], int32_t((i + 1) % 3 + 1));
  }
  return rows_of_steps;
}

}  // namespace

TEST("on a GPU a draft stays within the kernels for few rows") {
  CHECK_EQUAL(MostDraft(false, 28, 4, 15), 15);
  CHECK_EQUAL(MostDraft(false, 28, 4, 40), kLongestDraft);
  CHECK_EQUAL(MostDraft(true, 32, 32, 15), 4);
  CHECK_EQUAL(MostDraft(true, 32, 8, 15), 4);
  CHECK_EQUAL(MostDraft(true, 28, 4, 15), 3);  // 7 queries for each K: 5 rows would be 35
  CHECK_EQUAL(MostDraft(true, 28, 4, 2), 2);
  CHECK_EQUAL(MostDraft(true, 32, 2, 15), 1);
  CHECK_EQUAL(MostDraft(true, 32, 1, 15), 0);
  CHECK_EQUAL(MostDraft(true, 71, 1, 15), 0);
  CHECK_EQUAL(MostDraft(true, 32, 8, 0), 0);
  for (const int kv_heads : {1, 2, 4, 8, 16}) {
    const int heads = 32, draft = MostDraft(true, heads, kv_heads, 15);
    CHECK(draft == 0 || (draft + 1) * (heads / kv_heads) <= 32);
  }
}

TEST("nothing is guessed before a step without guesses was measured, for each number of sequences") {
  DraftGate gate;
  CHECK(!gate.MayGuess(1, "one"));
  gate.Record(1, {}, 10);
  CHECK(gate.MayGuess(1, "one"));
  CHECK(!gate.MayGuess(2, "one"));
}

TEST("guesses go on where an accepted one costs less than a token, and steps without are measured now and then") {
  DraftGate gate;
  // An M4: 4 guesses of which 2 are right, each a twentieth of a step.
  const int guessed = Guessed(gate, {10, 0.5, 4, 2}, 1000);
  CHECK(guessed >= 980 && guessed < 1000);
}

TEST("guesses stop where they cost more than they save, and are tried ever more seldom") {
  DraftGate gate;
  // An M1: every row of a step reads the weights again.
  const World slow{10, 10, 2, 1};
  CHECK(Guessed(gate, slow, 100) <= 16);
  CHECK(Guessed(gate, slow, 10'000) < 100);
  // Where they pay again (a file is rewritten, say) the next trial finds out.
  const World fast{10, 1, 4, 4};
  CHECK(Guessed(gate, fast, 1200) > 100);
  CHECK(Guessed(gate, fast, 1000) >= 980);
}

TEST("guesses that are never right stop whatever they cost") {
  DraftGate gate;
  CHECK(Guessed(gate, {10, 0.1, 2, 0}, 100) <= 16);
}

TEST("together with other answers a guess must save more than it delays them all") {
  DraftGate gate, alone;
  // 3 of 4 right at half a millisecond each: fine alone, and for eight it saves 3.75 ms of a step that grows by 4.
  CHECK(Guessed(alone, {10, 1, 4, 3}, 100) > 90);
  CHECK(Guessed(gate, {10, 1, 4, 3}, 100, 8) <= 16);
}

TEST("wrong guesses of one pause its own and nobody else's") {
  DraftGate gate;
  const World wrong{10, 1, 4, 0}, right{10, 1, 4, 4};
  CHECK(Guessed(gate, wrong, 100, 1, "writer") <= 16);
  CHECK(Guessed(gate, right, 100, 1, "rewriter") > 90);
  CHECK(!gate.MayGuess(1, "writer"));
  // In one step each is judged by its own, and pays for its own rows.
  for (int i = 0; i < 8; ++i) {
    const Guesses both[] = {{"careless", 6, 0}, {"careful", 2, 2}};
    gate.Record(2, i == 0 ? std::span<const Guesses>() : both, i == 0 ? 10 : 18);
  }
  const Guesses last[] = {{"careless", 6, 0}, {"careful", 2, 2}};
  gate.Record(2, last, 18);
  CHECK(!gate.MayGuess(2, "careless"));
  CHECK(gate.MayGuess(2, "careful"));
}

TEST("a guesser of several sequences is tried and pauses for as many steps as one of a single sequence") {
  // Without guesses before they are measured, in 8 trials, in a pause of 64, and so on.
  const auto guessing = [](size_t sequences) {
    std::vector<bool> steps;
    for (const size_t rows : RowsOfRun(4, 1200, sequences)) steps.push_back(rows > sequences);
    return steps;
  };
  const std::vector<bool> alone = guessing(1);
  CHECK(std::ranges::count(alone, true) >= 16);
  for (const size_t sequences : {2, 5}) CHECK(guessing(sequences) == alone);
}

TEST("of many guessers the newest are remembered") {
  DraftGate gate;
  Guessed(gate, {10, 1, 4, 0}, 20, 1, "writer");
  CHECK(!gate.MayGuess(1, "writer"));
  for (size_t i = 1; i < DraftGate::kMostGuessers; ++i) gate.MayGuess(1, std::to_string(i));
  CHECK(!gate.MayGuess(1, "writer"));
  for (size_t i = 0; i < DraftGate::kMostGuessers; ++i) gate.MayGuess(1, std::to_string(i));
  CHECK(gate.MayGuess(1, "writer"));
}

TEST("one disturbed step ends nothing") {
  DraftGate gate;
  const World good{10, 0.5, 4, 3};
  Guessed(gate, good, 50);
  CHECK(gate.MayGuess(1, "one"));
  const Guesses wrong[] = {{"one", 4, 0}};
  gate.Record(1, wrong, 60);
  CHECK(Guessed(gate, good, 100) > 90);
}

TEST("a run guesses as far as it may, and goes on without guesses where they cost more than tokens do") {
  const std::vector<size_t> cheap = RowsOfRun(4, 50), dear = RowsOfRun(4, 1200), none = RowsOfRun(0, 50);
  CHECK_EQUAL(cheap.front(), size_t(1));  // to know what one takes without
  CHECK_EQUAL(*std::ranges::max_element(cheap), size_t(5));
  CHECK(cheap.size() < 50);
  CHECK_EQUAL(std::ranges::count_if(dear, [](size_t rows) { return rows > 1; }), 16);
  CHECK_EQUAL(none.size(), size_t(200));
}
