#include "protocol/override_change.hpp"

#include <bit>
#include <tuple>

namespace nacre {

namespace {

/// The weight by its bits: -0 and 0 are not the same in what is stored.
auto content_of(const instance_override& x) {
  return std::tuple<std::uint64_t, bool, const metadata_map&, const std::string&, std::int64_t>(
    std::bit_cast<std::uint64_t>(x.weight), x.enabled, x.metadata, x.set_by, x.set_ms);
}

} // namespace

bool override_content_less::operator()(const override_ptr& a, const override_ptr& b) const {
  return content_of(*a) < content_of(*b);
}

override_ptr override_changes::apply(const override_change& change, const override_ptr& known) {
  if (change.how != last_.how || content_of(change.content) != content_of(last_.content)) {
    last_ = change;
    made_.clear();
  }
  auto [place, is_new] = made_.try_emplace(known);
  if (is_new)
    if (auto content = make(change, known))
      place->second = *different_.insert(std::move(content)).first;
  return place->second;
}

override_ptr override_changes::make(const override_change& change,
                                    const override_ptr& known) const {
  using how = override_change::kind;
  if (!known && change.how == how::remove_metadata)
    return nullptr;
  auto next = std::make_shared<instance_override>(
    known && change.how != how::replace ? *known : change.content);
  if (known && change.how == how::add_metadata)
    next->metadata = merged(known->metadata, change.content.metadata);
  else if (change.how == how::remove_metadata)
    next->metadata = without_keys(known->metadata, change.content.metadata);
  next->set_by = by_;
  next->set_ms = at_ms_;
  return next;
}

} // namespace nacre
