#include "core/thread_duty.h"

#if defined(__APPLE__)
#include <pthread.h>
#include <pthread/qos.h>

// The Objective-C runtime's, whose header C++ compilers without the SDK lack.
extern "C" void* objc_autoreleasePoolPush(void);
extern "C" void objc_autoreleasePoolPop(void* pool);
#endif

namespace resident {

#if defined(__APPLE__)

void SetThreadDuty(ThreadDuty duty) {
  const qos_class_t quality = duty == ThreadDuty::kAnswers ? QOS_CLASS_USER_INITIATED : QOS_CLASS_UTILITY;
  ::pthread_set_qos_class_self_np(quality, 0);
}

AutoreleasePool::AutoreleasePool() : pool_(objc_autoreleasePoolPush()) {}
AutoreleasePool::~AutoreleasePool() { objc_autoreleasePoolPop(pool_); }

#else

void SetThreadDuty(ThreadDuty) {}

AutoreleasePool::AutoreleasePool() : pool_(nullptr) {}
AutoreleasePool::~AutoreleasePool() = default;

#endif

}  // namespace resident
