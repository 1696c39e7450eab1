#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace resident {

/** Guesses of one step at most: rows that cost little compared with the weights that it reads. */
constexpr int kLongestDraft = 15;

/**
 * Of `wanted` guesses, how many one sequence may have in a step. On a GPU more than a few rows leave the kernels that
 * are made for decoding: MLX's attention of few rows takes 32 rows of queries for each head of K and V, and its
 * products read the weights once for each of few rows.
 */
int MostDraft(bool is_gpu, int heads, int kv_heads, int wanted);

/** What one guesser's sequences have guessed in a step. */
struct Guesses {
  std::string guesser;
  int drafted, accepted;
};

/**
 * Whether guesses pay, by what steps with and without them have taken: an accepted guess must cost less than the time
 * that a token takes without. Of one model, over all runs; knows no clock. Each guesser is judged by its own guesses:
 * one agent rewrites a file, and what another one writes has never been there. The newest `kMostGuessers` are known.
 */
class DraftGate {
 public:
  static constexpr size_t kMostGuessers = 64;

  /** Whether the next step of `sequences` that only decode may have guesses of this one. Asked once a step, however
   * many of the sequences are its own. */
  bool MayGuess(int sequences, const std::string& guesser);
  /** A step in which `sequences` decoded and nothing else happened; `guesses` of each that guessed, once. */
  void Record(int sequences, std::span<const Guesses> guesses, double ms);

 private:
  struct Plain {
    double ms = 0;  // of a step without guesses
    int known_for = 0;
  };
  struct Guesser {
    // Of the guesses since the last verdict, the older ones counting less: what they cost and what they saved.
    double extra_ms = 0, saved_ms = 0;
    int judged = 0;
    int paused = 0, next_pause = kFirstPause;
    uint64_t used = 0;  // when, on the gate's own count
  };
  Guesser& Find(const std::string& name);
  static void Judge(Guesser& guesser);

  std::map<int, Plain> plain_;  // by sequences
  std::map<std::string, Guesser> guessers_;
  uint64_t uses_ = 0;

  static constexpr int kFirstPause = 64;
};

}  // namespace resident
