// Runs the tests in a network namespace of their own, with loopback up: ports are free whatever
// runs on this machine, nothing of it is touched, and nothing is left behind.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

bool write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.flush();
  return file.good();
}

/// Without root a user namespace gives the right to the other one. Unless its root is mapped to
/// somebody, that right is lost with the first program that is started.
bool become_root_of_a_user_namespace() {
  const std::string user = std::to_string(getuid());
  const std::string group = std::to_string(getgid());
  return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", "0 " + user + " 1") &&
         write_file("/proc/self/gid_map", "0 " + group + " 1");
}

bool make_namespace() {
  if (unshare(CLONE_NEWNET) != 0 && !become_root_of_a_user_namespace()) return false;
  return std::system("ip link set lo up") == 0;  // NOLINT(cert-env33-c): fixed text.
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool listing = testing::GTEST_FLAG(list_tests);
  if (!listing && !make_namespace()) {
    std::fputs(
        "cannot make a network namespace: run as root, or allow user namespaces; iproute2 must be "
        "installed\n",
        stderr);
    return 1;
  }
  return RUN_ALL_TESTS();
}
