#if !defined(__APPLE__)
#include <sys/xattr.h>
#endif

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "binding/arguments.h"
#include "binding/methods.h"
#include "core/error.h"

#if defined(__APPLE__)
// As <sys/xattr.h> of Apple's SDK says, which compilers for macOS on other systems do not have.
extern "C" int setxattr(const char* path, const char* name, const void* value, size_t size, uint32_t position,
                        int options);
#endif

namespace resident {

Napi::Value SetAttribute(const Napi::CallbackInfo& info) {
  const std::string path = ToText(info[0], "path"), name = ToText(info[1], "name");
  if (!info[2].IsTypedArray() || info[2].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Error(ErrorCode::kInvalidRequest, "value must be a Uint8Array", {{"argument", "value"}});
  }
  const Napi::Uint8Array value = info[2].As<Napi::Uint8Array>();
#if defined(__APPLE__)
  const int result = ::setxattr(path.c_str(), name.c_str(), value.Data(), value.ByteLength(), 0, 0);
#else
  const int result = ::setxattr(path.c_str(), name.c_str(), value.Data(), value.ByteLength(), 0);
#endif
  if (result != 0) throw IoError("setting an attribute of", path, errno);
  return info.Env().Undefined();
}

}  // namespace resident
