// Frames of the cluster link: what can be read is written and read again without a difference.
#include "fuzz.hpp"
#include "protocol/cluster_codec.hpp"

using namespace nacre;

namespace {

void require_invariants(const std::vector<instance_record>& records) {
  for (auto& record : records)
    for (auto& x : record.instances) {
      x.instance_id({"public", "g", "s"});
      auto& map = x.metadata.map();
      for (std::size_t i = 1; i < map.size(); ++i)
        fuzz::require(map[i - 1].first < map[i].first, "metadata out of order");
    }
}

void require_invariants(const cluster_frame& frame) {
  if (auto batch = std::get_if<record_batch>(&frame.message))
    require_invariants(batch->records);
  if (auto chunk = std::get_if<snapshot_chunk>(&frame.message))
    require_invariants(chunk->records);
  if (auto answer = std::get_if<service_answer>(&frame.message))
    require_invariants(answer->records);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  cluster_frame frame;
  try {
    frame = decode_frame(text);
  } catch (const unreadable_frame& error) {
    fuzz::require(error.what() != std::string_view(), "an error says nothing");
    return 0;
  }
  require_invariants(frame);
  auto bytes = encode_frame(frame);
  // Only double keys of metadata are left out, and only their order may differ.
  fuzz::require(bytes.size() <= size, "a frame that grows");
  fuzz::require(encode_frame(decode_frame(bytes)) == bytes, "a frame reads differently");
  return 0;
}
