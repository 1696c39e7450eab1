#pragma once

namespace resident {

/** What the calling thread works for: on a Mac, how soon the system runs it and on which cores. */
enum class ThreadDuty {
  kAnswers,  // somebody waits
  kFiles,    // somebody may wait, and what answers goes first
};

/** Once, on the thread itself. Changes nothing but on a Mac: elsewhere Pace keeps file work out of the way. */
void SetThreadDuty(ThreadDuty duty);

/**
 * What Metal hands out meanwhile is freed when it ends. On a Mac, a thread that no run loop drives has no such pool,
 * and some of what MLX asks Metal for would stay until the thread ends. Elsewhere there is nothing to free.
 */
class AutoreleasePool {
 public:
  AutoreleasePool();
  ~AutoreleasePool();
  AutoreleasePool(const AutoreleasePool&) = delete;
  AutoreleasePool& operator=(const AutoreleasePool&) = delete;

 private:
  void* const pool_;
};

}  // namespace resident
