// Nodes know each other by a secret that is never sent.
#include <doctest/doctest.h>

#include <set>

#include "grpc/http2/refusal_log.hpp"
#include "grpc/link/peer_proof.hpp"
#include "tests/kit/times.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

const cluster_identity identity{"cluster-header", "secret"};
const link_handshake said{"10.0.0.1:8848", "10.0.0.2:8848", std::string(64, 'a'),
                          std::string(64, 'b')};

} // namespace

TEST_CASE("a proof is HMAC-SHA256 over all that was said, each part with its length") {
  // Made by another program from the description in the header.
  CHECK(link_proof(link_role::acceptor, identity, said)
        == "90b57fcbe4461e97a67bbd29f4df62a63509d4af852d881ea4da060aa71e0e90");
  CHECK(link_proof(link_role::dialer, identity, said)
        == "ff62f2ebaacf4f220f570b642b8520aaae078c0bdf65cd8fb4fd746bf0d4eb91");
}

TEST_CASE("a proof for one link is worth nothing for any other") {
  std::set<std::string> proofs;
  std::size_t made = 0;
  auto add = [&](const cluster_identity& who, const link_handshake& what) {
    for (auto role : {link_role::dialer, link_role::acceptor}) {
      proofs.insert(link_proof(role, who, what));
      ++made;
    }
  };
  add(identity, said);
  add({"cluster-header", "Secret"}, said);
  add({"other-header", "secret"}, said);
  add({"cluster-header", ""}, said);
  for (auto field : {&link_handshake::dialer, &link_handshake::acceptor,
                     &link_handshake::dialer_nonce, &link_handshake::acceptor_nonce}) {
    auto other = said;
    other.*field += '0';
    add(identity, other);
  }
  auto swapped = said;
  std::swap(swapped.dialer, swapped.acceptor);
  add(identity, swapped);
  // A character that moves from one part to the next.
  auto shifted = said;
  shifted.dialer = "10.0.0.1:884";
  shifted.acceptor = "810.0.0.2:8848";
  add(identity, shifted);
  CHECK(proofs.size() == made);
}

TEST_CASE("proofs are the same if all of them is") {
  auto proof = link_proof(link_role::dialer, identity, said);
  CHECK(same_proof(proof, std::string(proof)));
  CHECK(same_proof("", ""));
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto other = proof;
    other[i] ^= 1;
    CHECK(!same_proof(proof, other));
  }
  CHECK(!same_proof(proof, proof.substr(1)));
  CHECK(!same_proof(proof, proof + '0'));
  CHECK(!same_proof(proof, ""));
}

TEST_CASE("nonces have a form and do not come twice") {
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    auto nonce = make_nonce();
    CHECK(is_nonce(nonce));
    seen.insert(nonce);
  }
  CHECK(seen.size() == 1'000);
  for (auto text : {"", "a", "zz"})
    CHECK(!is_nonce(text));
  CHECK(is_nonce(std::string(64, '0')));
  CHECK(!is_nonce(std::string(63, '0')));
  CHECK(!is_nonce(std::string(65, '0')));
  CHECK(!is_nonce(std::string(64, 'A')));
  CHECK(!is_nonce(std::string(64, '\0')));
}

TEST_CASE("a refusal is logged once a minute for each address and reason") {
  refusal_log log;
  CHECK(log.admit("10.0.0.1", "wrong proof", at(1'000)));
  CHECK(!log.admit("10.0.0.1", "wrong proof", at(1'001)));
  CHECK(log.admit("10.0.0.1", "no member", at(1'001)));
  CHECK(log.admit("10.0.0.2", "wrong proof", at(1'001)));
  CHECK(!log.admit("10.0.0.1", "wrong proof", at(60'999)));
  CHECK(log.admit("10.0.0.1", "wrong proof", at(61'000)));
  CHECK(!log.admit("10.0.0.1", "wrong proof", at(61'001)));
}

TEST_CASE("refusals of more addresses than can be told apart are not logged") {
  refusal_log log;
  auto knock = [&](int from, int to, std::int64_t now) {
    int logged = 0;
    for (int i = from; i < to; ++i)
      logged += log.admit(std::to_string(i), "wrong proof", at(now)) ? 1 : 0;
    return logged;
  };
  CHECK(knock(0, 5'000, 0) == 1'024);
  CHECK(knock(5'000, 10'000, 59'999) == 0);
  CHECK(knock(10'000, 10'010, 60'000) == 10);
}
