# Compiles for macOS, or for Linux on another processor, on Linux with Zig's clang and its stubs of the system's libraries.
#
#   ZIG            the zig program
#   ZIG_TARGET     aarch64-macos.14.0, aarch64-linux-gnu.2.35
#   CXX_HEADERS    for Linux: folders of libstdc++'s headers, by semicolons
#   CXX_LIBRARIES  for Linux: files of libstdc++ and of what it needs
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG ZIG_TARGET CXX_HEADERS CXX_LIBRARIES)
string(REGEX MATCH "^[^-]+" CMAKE_SYSTEM_PROCESSOR "${ZIG_TARGET}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
if(ZIG_TARGET MATCHES "macos")
  set(CMAKE_SYSTEM_NAME Darwin)
  # Zig takes architecture and oldest macOS from -target and has no SDK folder.
  set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "")
  set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
  set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
  set(CMAKE_INSTALL_NAME_TOOL /bin/true CACHE FILEPATH "")
  # CMake would link a program to find out which compiler it is, and Zig compile a whole libc++ for that program.
  set(CMAKE_CXX_COMPILER_ID_RUN ON)
  set(CMAKE_CXX_COMPILER_ID Clang)
  set(CMAKE_CXX_COMPILER_VERSION 22.1)
  set(CMAKE_CXX_STANDARD_COMPUTED_DEFAULT 17)
  # The system's libc++, as libmlx.dylib uses it: availability on, so that only what macOS 14 has is called; visibility
  # on, so that it is called in the dylib. libc++.tbd says what that exports.
  set(CMAKE_CXX_FLAGS_INIT "-U_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS -D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=1 -U_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS")
  set(CMAKE_SHARED_LINKER_FLAGS_INIT "-nostdlib++ ${CMAKE_CURRENT_LIST_DIR}/libc++.tbd ${CMAKE_CURRENT_LIST_DIR}/libobjc.tbd")
  set(cxx c++)
else()
  set(CMAKE_SYSTEM_NAME Linux)
  # As a C compiler, which knows C++ by the files' names, Zig brings no C++ library.
  set(cxx cc)
  set(CMAKE_SHARED_LINKER_FLAGS_INIT "-Wl,--strip-all")
  foreach(folder IN LISTS CXX_HEADERS)  # -isystem would come behind Zig's own folders of the C library
    string(APPEND CMAKE_CXX_FLAGS_INIT " -I \"${folder}\"")
  endforeach()
  foreach(library IN LISTS CXX_LIBRARIES)
    string(APPEND CMAKE_SHARED_LINKER_FLAGS_INIT " \"${library}\"")
  endforeach()
endif()
# A program that CMake tries would make Zig compile a libc++ that nothing else needs, or find no C++ library at all.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# Compilers of two words ("zig c++") confuse try_compile and cmake-js: each is a script of its own.
if(CMAKE_BINARY_DIR MATCHES "CMakeFiles/")  # try_compile's own folder
  set(wrappers "$ENV{RESIDENT_ZIG_WRAPPERS}")
else()
  set(wrappers "${CMAKE_BINARY_DIR}")
  set(ENV{RESIDENT_ZIG_WRAPPERS} "${wrappers}")
endif()
function(wrap variable tool options)
  set(wrapper "${wrappers}/zig-${tool}")
  if(NOT EXISTS "${wrapper}")
    file(WRITE "${wrapper}" "#!/bin/sh\nexec '${ZIG}' ${tool} ${options} \"$@\"\n")
    file(CHMOD "${wrapper}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endif()
  set(${variable} "${wrapper}" PARENT_SCOPE)
endfunction()
wrap(CMAKE_C_COMPILER cc "-target ${ZIG_TARGET}")
wrap(CMAKE_CXX_COMPILER "${cxx}" "-target ${ZIG_TARGET}")
wrap(zig_ar ar "")
wrap(zig_ranlib ranlib "")
set(CMAKE_AR "${zig_ar}" CACHE FILEPATH "")
set(CMAKE_RANLIB "${zig_ranlib}" CACHE FILEPATH "")
