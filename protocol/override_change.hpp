#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "protocol/service_metadata.hpp"

namespace nacre {

using override_ptr = std::shared_ptr<const instance_override>;

/// Equal overrides become one object, by a set of this order: an operator mostly says the same of
/// many.
struct override_content_less {
  bool operator()(const override_ptr& a, const override_ptr& b) const;
};

/// What the changes of one command lead to. What many have in common is made once, however long it
/// is. Pure, one thread at a time.
class override_changes {
public:
  /// Who wants them and when, in ms of the wall clock.
  override_changes(std::string by, std::int64_t at_ms) : by_(std::move(by)), at_ms_(at_ms) {}

  /// What is stored after the change, where `known` was (null: nothing); null if nothing is.
  override_ptr apply(const override_change& change, const override_ptr& known);

private:
  override_ptr make(const override_change& change, const override_ptr& known) const;

  const std::string by_;
  const std::int64_t at_ms_;
  /// Of the present run of changes that ask for the same: what came of which.
  override_change last_;
  std::map<override_ptr, override_ptr> made_;
  std::set<override_ptr, override_content_less> different_;
};

} // namespace nacre
