// TLS on the SDK port: who is served, who is refused, and which files stop the start.
#include <filesystem>
#include <fstream>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "grpc/http2/tls_files.hpp"
#include "tests/kit/sdk_client.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

/// What `write` puts into memory, as text.
template <class Write>
std::string pem(Write write) {
  std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  REQUIRE(write(out.get()) == 1);
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// A key with its certificate, made for one test: by an authority, or, if that is null, by itself.
class identity {
public:
  explicit identity(const identity* authority = nullptr)
    : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), certificate_(X509_new(), &X509_free) {
    auto* x = certificate_.get();
    auto* issuer = authority ? authority->certificate_.get() : x;
    X509_set_version(x, 2); // counted from 0
    ASN1_INTEGER_set(X509_get_serialNumber(x), authority ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    auto* name = X509_get_subject_name(x);
    auto* words = reinterpret_cast<const unsigned char*>(authority ? "somebody" : "authority");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, words, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    X509_set_pubkey(x, key_.get());
    if (authority)
      extend(NID_subject_alt_name, "IP:127.0.0.1");
    else
      extend(NID_basic_constraints, "critical,CA:TRUE");
    REQUIRE(X509_sign(x, authority ? authority->key_.get() : key_.get(), EVP_sha256()) > 0);
  }

  std::string key() const {
    return pem([&](BIO* out) {
      return PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  /// The same, but nobody can read it without a passphrase.
  std::string locked_key() const {
    return pem([&](BIO* out) {
      unsigned char word[] = "word";
      return PEM_write_bio_PrivateKey(out, key_.get(), EVP_aes_256_cbc(), word, 4, nullptr,
                                      nullptr);
    });
  }

  std::string certificate() const {
    return pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate_.get()); });
  }

private:
  void extend(int kind, const char* value) {
    std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value), &X509_EXTENSION_free);
    REQUIRE(X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

/// Files of a node in a folder of their own.
class made_files {
public:
  made_files() {
    auto name = (std::filesystem::temp_directory_path() / "nacre-tls-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    folder_ = name;
  }
  ~made_files() { std::filesystem::remove_all(folder_); }
  made_files(const made_files&) = delete;
  made_files& operator=(const made_files&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    auto path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  /// Of a node with TLS that shows the certificate of `node`.
  options options_for(const identity& node) const {
    auto opts = warm();
    opts.connections.tls_enabled = true;
    opts.connections.tls_key_file = write("key.pem", node.key());
    opts.connections.tls_certificate_file = write("certificate.pem", node.certificate());
    return opts;
  }

private:
  std::filesystem::path folder_;
};

/// A client that trusts `authority` and shows the certificate of `own`, if there is one.
std::shared_ptr<grpc::ChannelCredentials> trusting(const identity& authority,
                                                   const identity* own = nullptr) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = authority.certificate();
  if (own) {
    tls.pem_private_key = own->key();
    tls.pem_cert_chain = own->certificate();
  }
  return grpc::SslCredentials(tls);
}

void check_served(sdk_client& client) {
  client.connect();
  CHECK(client.call("HealthCheckRequest", "{}").type == "HealthCheckResponse");
}

void check_refused(sdk_client& client) {
  CHECK(client.call("ServerCheckRequest", "{}").type.empty());
  CHECK(client.status.error_code() == grpc::StatusCode::UNAVAILABLE);
}

/// What the start says of the files.
std::string complaint_of(const connection_options& opts) {
  try {
    server_tls(tls_files_of(opts));
    return "";
  } catch (const std::runtime_error& failure) {
    return failure.what();
  }
}

} // namespace

TEST_CASE("a port with TLS serves clients that trust its certificate and refuses all others") {
  identity authority;
  identity server(&authority);
  made_files files;
  live_node node(files.options_for(server));
  sdk_client trusts(node.address(), trusting(authority));
  check_served(trusts);
  sdk_client plain(node.address());
  check_refused(plain);
  identity other_authority;
  sdk_client distrusts(node.address(), trusting(other_authority));
  check_refused(distrusts);
  check_served(trusts);
}

TEST_CASE("a port that is told so serves plain clients as well") {
  identity authority;
  identity server(&authority);
  made_files files;
  auto opts = files.options_for(server);
  opts.connections.tls_compatibility = true;
  live_node node(opts);
  sdk_client trusts(node.address(), trusting(authority));
  check_served(trusts);
  sdk_client plain(node.address());
  check_served(plain);
}

TEST_CASE("files of TLS that are replaced serve those who connect from then on") {
  identity before, after;
  identity first(&before), second(&after);
  made_files files;
  live_node node(files.options_for(first));
  sdk_client early(node.address(), trusting(before));
  check_served(early);
  files.write("key.pem", "broken"); // half of a change: what was there goes on
  files.write("certificate.pem", second.certificate());
  std::this_thread::sleep_for(100ms);
  files.write("key.pem", second.key());
  bool served = false;
  auto end = std::chrono::steady_clock::now() + 20s;
  while (!served && std::chrono::steady_clock::now() < end) {
    sdk_client late(node.address(), trusting(after));
    served = !late.call("ServerCheckRequest", "{}").type.empty();
  }
  CHECK(served);
  CHECK(early.call("HealthCheckRequest", "{}").type == "HealthCheckResponse");
}

TEST_CASE("mutual TLS serves only clients with a certificate of the trusted authority") {
  identity authority;
  identity server(&authority);
  made_files files;
  auto opts = files.options_for(server);
  opts.connections.tls_client_auth = true;
  opts.connections.tls_trust_file = files.write("trust.pem", authority.certificate());
  live_node node(opts);
  sdk_client anonymous(node.address(), trusting(authority));
  check_refused(anonymous);
  identity other_authority;
  identity stranger(&other_authority);
  sdk_client unknown(node.address(), trusting(authority, &stranger));
  check_refused(unknown);
  identity member(&authority);
  sdk_client known(node.address(), trusting(authority, &member));
  check_served(known);
}

TEST_CASE("a TLS file that can't be used is named, and so is what is wrong with it") {
  identity authority;
  identity server(&authority);
  made_files files;
  const auto good = files.options_for(server).connections;
  CHECK(complaint_of(good).empty());
  auto bad_file = files.write("bad.pem", "-----BEGIN CERTIFICATE-----\nnothing\n");
  auto check = [&](std::string connection_options::*file, const std::string& path,
                   const std::string& complaint) {
    auto opts = good;
    opts.*file = path;
    opts.tls_client_auth = file == &connection_options::tls_trust_file;
    CHECK(complaint_of(opts) == complaint);
  };
  auto& certificate = good.tls_certificate_file;
  check(&connection_options::tls_certificate_file, "/nowhere",
        R"(can't use the TLS certificate "/nowhere": it is missing or empty)");
  check(&connection_options::tls_certificate_file, bad_file,
        "can't use the TLS certificate \"" + bad_file + "\": it begins with no PEM certificate");
  check(&connection_options::tls_key_file, "",
        R"(can't use the TLS key "": it is missing or empty)");
  for (auto& key : {certificate, files.write("other.pem", authority.key()),
                    files.write("locked.pem", server.locked_key())})
    check(&connection_options::tls_key_file, key,
          "can't use the TLS key \"" + key
            + "\": it is no plain PEM key, or not that of the certificate");
  check(&connection_options::tls_trust_file, "",
        R"(can't use the TLS trust collection "": it is missing or empty)");
  check(&connection_options::tls_trust_file, bad_file,
        "can't use the TLS trust collection \"" + bad_file + "\": it holds no PEM certificate");
}
