// write_wire_samples FOLDER: the messages of this source tree's agents, for the samples of a
// release that is about to be made: write_wire_samples tests/wire/samples/0.2
#include <cstdio>
#include <exception>

#include "tests/wire/samples/written_today.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_wire_samples FOLDER\n", stderr);
    return 2;
  }
  try {
    dockherd::wire::write_samples(argv[1], dockherd::wire::written_today());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_wire_samples: %s\n", error.what());
    return 1;
  }
  return 0;
}
