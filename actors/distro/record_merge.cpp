#include "actors/distro/record_merge.hpp"

namespace nacre {

namespace {

using content = merge_result::content;

merge_result keep(const merge_side& mine, bool tell_sender) {
  return {content::mine, mine.state, tell_sender};
}

/// The peer says that the client took it back.
merge_result merge_removed(const merge_side& mine, const merge_side& theirs) {
  if (theirs.version > mine.version)
    return {content::theirs, record_state::removed, false};
  return keep(mine, theirs.version < mine.version);
}

/// The peer says that the client is lost.
merge_result merge_lapsed(const merge_side& mine, const merge_side& theirs,
                          const merge_facts& facts) {
  if (!is_alive(mine.state))
    return theirs.version > mine.version ? merge_result{content::theirs, theirs.state, false}
                                         : keep(mine, false);
  if (theirs.version < mine.version)
    return keep(mine, true);
  if (facts.fresh || facts.is_responsible) {
    if (theirs.version > mine.version)
      return {content::mine_renewed, mine.state, true};
    return keep(mine, true);
  }
  return facts.sender_is_responsible ? merge_result{content::theirs, record_state::lapsed, false}
                                     : keep(mine, false);
}

record_state state_of_both(const merge_side& mine, const merge_side& theirs,
                           const merge_facts& facts) {
  if (facts.fresh)
    return record_state::healthy;
  bool newer = theirs.version > mine.version;
  if (facts.sender_is_responsible || !is_alive(mine.state))
    return theirs.state;
  if (facts.is_responsible && !newer)
    return mine.state;
  return newer ? theirs.state : mine.state;
}

/// The peer says that the client lives.
merge_result merge_alive(const merge_side& mine, const merge_side& theirs,
                         const merge_facts& facts) {
  if (facts.owner_lost && !facts.sender_is_responsible)
    return keep(mine, false);
  bool newer = theirs.version > mine.version;
  if (theirs.version < mine.version)
    return keep(mine, true);
  if (!is_alive(mine.state) && !newer) {
    bool raised = mine.state == record_state::lapsed
                  && (facts.fresh || (facts.sender_is_responsible && !facts.is_responsible));
    if (!raised)
      return keep(mine, facts.is_responsible || mine.state == record_state::removed);
    return {content::theirs, facts.fresh ? record_state::healthy : theirs.state, false};
  }
  auto state = state_of_both(mine, theirs, facts);
  bool theirs_kept = newer || !is_alive(mine.state);
  bool tell_sender = state != theirs.state && (facts.fresh || facts.is_responsible);
  return {theirs_kept ? content::theirs : content::mine, state, tell_sender};
}

} // namespace

merge_result merge_record(const merge_side& mine, const merge_side& theirs,
                          const merge_facts& facts) {
  switch (theirs.state) {
    case record_state::removed:
      return merge_removed(mine, theirs);
    case record_state::lapsed:
      return merge_lapsed(mine, theirs, facts);
    case record_state::healthy:
    case record_state::unhealthy:
      break;
  }
  return merge_alive(mine, theirs, facts);
}

} // namespace nacre
