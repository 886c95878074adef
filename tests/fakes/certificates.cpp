#include "tests/fakes/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace dockherd::fakes {

namespace {

constexpr long day_seconds = 24L * 60 * 60;

class PemFile {
 public:
  explicit PemFile(const std::filesystem::path& path) : file_(std::fopen(path.c_str(), "w")) {
    if (file_ == nullptr) throw std::runtime_error("cannot write " + path.string());
  }
  ~PemFile() { std::fclose(file_); }
  PemFile(const PemFile&) = delete;
  PemFile& operator=(const PemFile&) = delete;

  FILE* get() const { return file_; }

 private:
  FILE* file_;
};

std::filesystem::path new_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "certificates_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  return pattern;
}

}  // namespace

void TestAuthority::Free::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}

void TestAuthority::Free::operator()(X509* certificate) const {
  X509_free(certificate);
}

TestAuthority::TestAuthority() : directory_(new_directory()), key_(new_key()) {
  certificate_ =
      new_certificate("authority of " + directory_.filename().string(), key_.get(), Validity::good);
  add(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  PEM_write_X509(PemFile(file()).get(), certificate_.get());
}

TestAuthority::~TestAuthority() {
  std::filesystem::remove_all(directory_);
}

trust::CertificateFiles TestAuthority::issue(const std::string& name, Validity validity) const {
  const Key key = new_key();
  const Certificate certificate = new_certificate(name, key.get(), validity);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  add(certificate.get(), NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  X509_sign(certificate.get(), key_.get(), EVP_sha256());
  trust::CertificateFiles files;
  files.certificate = directory_ / (name + ".pem");
  files.key = directory_ / (name + ".key");
  PEM_write_X509(PemFile(files.certificate).get(), certificate.get());
  PEM_write_PrivateKey(PemFile(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  ::chmod(files.key.c_str(), S_IRUSR | S_IWUSR);
  return files;
}

TestAuthority::Key TestAuthority::new_key() {
  return Key(EVP_EC_gen("P-256"));
}

TestAuthority::Certificate TestAuthority::new_certificate(const std::string& name, EVP_PKEY* key,
                                                          Validity validity) {
  static long serial = 0;
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -2 * day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  validity == Validity::good ? day_seconds : -day_seconds);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  return certificate;
}

void TestAuthority::add(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace dockherd::fakes
