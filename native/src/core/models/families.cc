#include "core/models/families.h"

namespace resident {

const Family* FindFamily(std::string_view model_type) {
  for (const Family* family : {&kLlama, &kMistral, &kQwen2, &kQwen3, &kGemma3}) {
    if (family->model_type == model_type) return family;
  }
  return nullptr;
}

}  // namespace resident
