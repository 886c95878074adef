// What is said of the files for TLS, and what a reload changes. What the contexts do on a
// connection is in tests/unit/http_api/tls_channel_test.cpp.
#include "trust/certificate_tls.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/fakes/certificates.hpp"
#include "trust/tls_holder.hpp"

namespace dockherd::trust {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class CertificateTls : public testing::Test {
 protected:
  std::string refusal(const CertificateFiles& files) {
    notes.clear();
    const auto context = listener_context(files, notes);
    return context ? "" : context.error().message;
  }

  std::filesystem::path garbage() const {
    const auto file = authority.directory() / "garbage.pem";
    std::ofstream(file) << "-----BEGIN CERTIFICATE-----\nnothing\n";
    return file;
  }

  fakes::TestAuthority authority;
  CertificateFiles good = authority.issue("server");
  std::vector<std::string> notes;
};

TEST_F(CertificateTls, good_files_make_a_listener_without_remarks) {
  EXPECT_EQ(refusal(good), "");
  EXPECT_THAT(notes, IsEmpty());
  good.authority = authority.file();
  EXPECT_EQ(refusal(good), "");
  EXPECT_THAT(notes, IsEmpty());
}

TEST_F(CertificateTls, a_file_that_is_not_there_is_named_with_its_key) {
  CertificateFiles files = good;
  files.certificate = "/nowhere/cert.pem";
  EXPECT_THAT(refusal(files), StartsWith("tls.cert: /nowhere/cert.pem cannot be read: No such"));
  files = good;
  files.key = "/nowhere/key.pem";
  EXPECT_THAT(refusal(files), StartsWith("tls.key: /nowhere/key.pem cannot be read"));
  files = good;
  files.authority = "/nowhere/ca.pem";
  EXPECT_THAT(refusal(files), StartsWith("tls.client_ca: /nowhere/ca.pem cannot be read"));
  files = good;
  files.key.clear();
  EXPECT_THAT(refusal(files), StartsWith("tls.key is missing"));
}

TEST_F(CertificateTls, a_file_of_another_kind_is_said_to_be_so) {
  CertificateFiles files = good;
  files.certificate = garbage();
  EXPECT_THAT(refusal(files), AllOf(StartsWith("tls.cert: "), HasSubstr("is not a certificate")));
  files = good;
  files.key = garbage();
  EXPECT_THAT(refusal(files), AllOf(StartsWith("tls.key: "), HasSubstr("is not a private key")));
  files = good;
  files.authority = garbage();
  EXPECT_THAT(refusal(files), AllOf(StartsWith("tls.client_ca: "), HasSubstr("no certificates")));
}

TEST_F(CertificateTls, a_key_of_another_certificate_is_said_to_be_so) {
  good.key = authority.issue("other").key;
  EXPECT_THAT(refusal(good), AllOf(StartsWith("tls.key: "), HasSubstr("does not belong to")));
}

TEST_F(CertificateTls, a_key_that_others_may_read_is_remarked_on) {
  ::chmod(good.key.c_str(), 0644);
  EXPECT_EQ(refusal(good), "");
  EXPECT_THAT(notes, ElementsAre(AllOf(StartsWith("tls.key: "), HasSubstr("chmod 600"))));
}

TEST_F(CertificateTls, a_certificate_that_has_expired_is_remarked_on) {
  const auto old = authority.issue("old", fakes::TestAuthority::Validity::expired);
  EXPECT_EQ(refusal(old), "");
  EXPECT_THAT(notes, ElementsAre(HasSubstr("has expired")));
}

TEST_F(CertificateTls, a_daemon_is_called_with_what_there_is) {
  CertificateFiles files;
  EXPECT_TRUE(daemon_context(files));
  files.authority = authority.file();
  EXPECT_TRUE(daemon_context(files));
  files.certificate = good.certificate;
  const auto half = daemon_context(files);
  ASSERT_FALSE(half);
  EXPECT_THAT(half.error().message, StartsWith("dockerTls.key is missing"));
  files.key = good.key;
  EXPECT_TRUE(daemon_context(files));
}

TEST_F(CertificateTls, a_reload_that_fails_keeps_what_was) {
  const auto holder = TlsHolder::create([&] { return listener_context(good, notes); });
  ASSERT_TRUE(holder) << holder.error().message;
  const SslContext first = (*holder)->context();
  const auto reloaded = (*holder)->reload();
  ASSERT_TRUE(reloaded);
  const SslContext second = (*holder)->context();
  EXPECT_NE(first, second);
  std::filesystem::remove(good.key);
  const auto failed = (*holder)->reload();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, StartsWith("tls.key: "));
  EXPECT_EQ((*holder)->context(), second);
}

}  // namespace
}  // namespace dockherd::trust
