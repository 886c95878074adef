# Several sources of a target are compiled as one where the build is to be quick (CMAKE_UNITY_BUILD):
# the headers of Asio and Beast take longer than what includes them. There a precompiled header does
# not pay, and g++ takes types of anonymous namespaces for ones of a header. In tests names may shadow
# those of the other files.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)

function(dockherd_quick_to_compile target)
  if(CMAKE_UNITY_BUILD)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  elseif(NOT CMAKE_CXX_CLANG_TIDY)
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp ${ARGN})
  endif()
endfunction()

# One library per folder: dockherd_folder(bus LINKS dockherd_base ...). Sources are found by name.
function(dockherd_folder name)
  cmake_parse_arguments(ARG "" "" "LINKS;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(excluded ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${excluded})
  endforeach()
  add_library(dockherd_${name} STATIC ${sources})
  target_include_directories(dockherd_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(dockherd_${name} PUBLIC dockherd_flags ${ARG_LINKS})
  dockherd_quick_to_compile(dockherd_${name})
endfunction()

# One GoogleTest program: dockherd_tests(unit_bus LINKS dockherd_bus). Sources: *.cpp beside it.
function(dockherd_tests name)
  cmake_parse_arguments(ARG "" "DIR" "LINKS" ${ARGN})
  if(NOT ARG_DIR)
    set(ARG_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${ARG_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  dockherd_quick_to_compile(${name} <gmock/gmock.h> <gtest/gtest.h>)
  if(CMAKE_UNITY_BUILD)
    set_target_properties(${name} PROPERTIES DOCKHERD_MAY_SHADOW ON)
  endif()
  add_test(NAME ${name} COMMAND ${name})
endfunction()
