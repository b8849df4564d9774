#include "protocol/cluster_codec.hpp"

#include "protocol/wire_archive.hpp"

namespace nacre {

/// Found by the archive, beside those that it knows.
static void complete(record_summary& x) {
  if (x.state > record_state::removed)
    throw unreadable_frame("a state of a record nobody knows");
}

namespace raft {

static void complete(entry& x) {
  if (x.kind > entry_kind::membership)
    throw unreadable_frame("an entry of a kind nobody knows");
}

static void complete(append_request& x) {
  auto before = x.previous;
  for (auto& next : x.entries) {
    if (next.at.index != before.index + 1 || next.at.term < before.term)
      throw unreadable_frame("entries that do not follow each other");
    before = next.at;
  }
}

} // namespace raft

std::string encode_frame(const cluster_frame& frame) {
  wire::frame_writer out;
  out(cluster_codec_version, static_cast<std::uint8_t>(frame.message.index()),
      frame.sender_incarnation);
  std::visit([&](auto& body) { out(body); }, frame.message);
  return out.finish();
}

cluster_frame decode_frame(std::string_view bytes) {
  wire::frame_reader in(bytes);
  in.take_version(cluster_codec_version);
  std::uint8_t kind = 0;
  in(kind);
  cluster_frame frame;
  frame.message = wire::blank<cluster_message>(kind);
  in(frame.sender_incarnation);
  std::visit([&](auto& body) { in(body); }, frame.message);
  in.require_end();
  return frame;
}

} // namespace nacre
