// Runs the tests in a network namespace of their own, with one interface of each of two subnets, so
// that nothing of the machine is touched and nothing is left behind.
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>

namespace {

bool make_namespace() {
  // Without root a user namespace gives the right to the other one.
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  return std::system(  // NOLINT(cert-env33-c): fixed text.
             "set -e; ip link set lo up;"
             "for n in 1 2; do ip link add herd$n type veth peer name other$n;"
             "ip address add 10.99.$n.1/24 dev herd$n;"
             "ip link set herd$n up; ip link set other$n up; done;"
             "ip route add default via 10.99.2.254") == 0;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool listing = testing::GTEST_FLAG(list_tests);
  if (!listing && !make_namespace()) {
    std::fputs("cannot make a network namespace: run as root, with iproute2 installed\n", stderr);
    return 1;
  }
  return RUN_ALL_TESTS();
}
