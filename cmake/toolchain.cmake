# Compiler, linker and cache settings that hold for every target.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header is only cacheable when ccache is told to look past its time stamps.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE_PROGRAM})
endif()

add_library(dockherd_flags INTERFACE)
target_compile_options(dockherd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Werror=return-type
  # In a target whose property DOCKHERD_MAY_SHADOW is set, names may hide others.
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:DOCKHERD_MAY_SHADOW>>>:-Wshadow>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -fpch-preprocess lets ccache see through a precompiled header.
  target_compile_options(dockherd_flags INTERFACE -fpch-preprocess)
  # With optimisation g++ 12 takes the deallocation of a coroutine's frame for a mismatched delete.
  target_compile_options(dockherd_flags INTERFACE
    $<$<CONFIG:RelWithDebInfo>:-Wno-mismatched-new-delete>)
endif()
if(DOCKHERD_SANITIZE)
  # Without vptr: to see whether an object may be looked at that check opens a pipe, and takes every
  # object for broken when no descriptor is free.
  target_compile_options(dockherd_flags INTERFACE
    -fsanitize=${DOCKHERD_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What the sanitizers put into the code misleads g++ 12: it takes the frames of coroutines for
    # mismatched, and empty results for uninitialized.
    target_compile_options(dockherd_flags INTERFACE
      -Wno-mismatched-new-delete -Wno-maybe-uninitialized
      # Half of the time that compiling takes, for what AddressSanitizer sees, too, or does no harm on
      # the processors that tests run on. clang, which builds the fuzz targets, checks these.
      -fno-sanitize=null,alignment,pointer-overflow)
  endif()
  target_link_options(dockherd_flags INTERFACE -fsanitize=${DOCKHERD_SANITIZE})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(dockherd_flags INTERFACE -fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(CZMQ REQUIRED IMPORTED_TARGET libczmq)
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)

find_path(BOOST_INCLUDE_DIR boost/asio.hpp REQUIRED)
add_library(dockherd_asio INTERFACE)
target_include_directories(dockherd_asio SYSTEM INTERFACE ${BOOST_INCLUDE_DIR})
target_compile_definitions(dockherd_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_libraries(dockherd_asio INTERFACE Threads::Threads)
