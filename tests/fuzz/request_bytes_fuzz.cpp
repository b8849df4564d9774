// The bytes of a connection, read at once and in pieces: both have to see the same requests. The
// first byte of an input says how the rest is cut.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "http/server/request_reader.hpp"

using namespace nacre;

namespace {

// More than an input has: what is just above a bound may pass if it comes at once.
constexpr std::size_t header_bytes_max = 64 * 1024;
constexpr std::size_t body_bytes_max = 64 * 1024;

std::string text_of(const http_request& x) {
  std::string text;
  for (auto part : {x.method_name, x.uri, x.query, x.body, x.content_type, x.user_agent,
                    x.client_version, x.forwarded_for, x.real_ip})
    text.append(part).push_back('\0');
  return text;
}

/// As a session does it, but for what it does between two requests.
class incoming {
public:
  void take(std::string_view bytes) {
    unread_ += bytes;
    while (!unread_.empty() && !refused_) {
      if (!reader_)
        reader_.emplace(header_bytes_max, body_bytes_max, remote_ip_);
      unsigned refused = 0;
      // A piece of its own, so that a look at bytes that are gone is noticed.
      auto piece = std::exchange(unread_, {});
      auto used = reader_->take(piece, refused);
      fuzz::require(used <= piece.size(), "it took more than there was");
      fuzz::require(refused == 0 || (refused >= 400 && refused < 500), "refused with no reason");
      unread_ = piece.substr(used);
      refused_ = refused != 0;
      if (refused_ || !reader_->is_done())
        return;
      seen_.push_back(text_of(reader_->request()));
      reader_.reset();
    }
  }

  /// The requests that came to their end. Whether those after them were refused is another matter:
  /// a bad line shows before its head is whole, if it comes alone.
  const std::vector<std::string>& seen() const { return seen_; }

private:
  const std::shared_ptr<const std::string> remote_ip_ = std::make_shared<std::string>("127.0.0.1");
  std::optional<request_reader> reader_;
  std::string unread_;
  std::vector<std::string> seen_;
  bool refused_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  auto bytes = fuzz::text_of(data + 1, size - 1);
  incoming whole;
  whole.take(bytes);
  incoming cut;
  std::size_t step = data[0];
  for (std::size_t at = 0; at < bytes.size();) {
    auto piece = bytes.substr(at, 1 + step % 61);
    cut.take(piece);
    at += piece.size();
    step = step * 7 + 3;
  }
  fuzz::require(whole.seen() == cut.seen(), "bytes that come in pieces mean something else");
  return 0;
}
