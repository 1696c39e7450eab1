#include "binding/threads.h"

namespace resident {

MlxThread::MlxThread() : thread_([this] { Work(); }) {}

void MlxThread::Work() {
  Engine engine;
  for (Entry entry; queue_.Pop(entry); entry = {}) entry.job(engine);
}

void MlxThread::RunWaitingCopies(Engine& engine) {
  for (Entry entry; queue_.PopIf(entry, [](const Entry& first) { return first.kind == Kind::kCopy; });) {
    entry.job(engine);
  }
}

void MlxThread::Stop() {
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
}

IoThread::IoThread()
    : thread_([this] {
        for (Job job; queue_.Pop(job); job = {}) job();
      }) {}

void IoThread::Stop() {
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace resident
