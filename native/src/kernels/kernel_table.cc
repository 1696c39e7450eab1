#include "kernels/kernel_table.h"

namespace resident::kernels {

namespace scalar {
extern const KernelTable kTable;
}
#if defined(__x86_64__)
namespace avx2 {
extern const KernelTable kTable;
}
namespace avxvnni {
extern const KernelTable kTable;
}
namespace avx512vnni {
extern const KernelTable kTable;
}
namespace amxint8 {
extern const KernelTable kTable;
}
#elif defined(__aarch64__)
namespace neon {
extern const KernelTable kTable;
}
namespace neondot {
extern const KernelTable kTable;
}
#endif

const KernelTable& TableOf(Level level) {
  switch (level) {
#if defined(__x86_64__)
    case Level::kAvx2:
      return avx2::kTable;
    case Level::kAvxVnni:
      return avxvnni::kTable;
    case Level::kAvx512Vnni:
      return avx512vnni::kTable;
    case Level::kAmxInt8:
      return amxint8::kTable;
#elif defined(__aarch64__)
    case Level::kNeon:
      return neon::kTable;
    case Level::kNeonDot:
      return neondot::kTable;
#endif
    default:
      return scalar::kTable;
  }
}

}  // namespace resident::kernels
