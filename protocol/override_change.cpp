#include "protocol/override_change.hpp"

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
  auto all = [](const instance_override& x) {
    return std::tie(x.weight, x.enabled, x.metadata, x.set_by, x.set_ms);
  };
  return all(*a) < all(*b);
}

} // namespace nacre
