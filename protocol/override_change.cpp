#include "protocol/override_change.hpp"

#include <bit>
#include <cstdint>
#include <tuple>

namespace nacre {

std::shared_ptr<instance_override> changed_override(const override_change& change,
                                                    const override_ptr& known) {
  using how = override_change::kind;
  if (change.how == how::replace || (!known && change.how == how::add_metadata))
    return std::make_shared<instance_override>(change.content);
  if (!known)
    return nullptr;
  auto next = std::make_shared<instance_override>(*known);
  for (auto& [key, value] : change.content.metadata)
    change.how == how::add_metadata ? set_metadata(next->metadata, key, value)
                                    : remove_metadata(next->metadata, key);
  return next;
}

bool override_content_less::operator()(const override_ptr& a, const override_ptr& b) const {
  // The weight by its bits: -0 and 0 are not the same in what is stored.
  auto all = [](const instance_override& x) {
    return std::tuple<std::uint64_t, bool, const metadata_map&, const std::string&, std::int64_t>(
      std::bit_cast<std::uint64_t>(x.weight), x.enabled, x.metadata, x.set_by, x.set_ms);
  };
  return all(*a) < all(*b);
}

} // namespace nacre
