#include "actors/store/store_tasks.hpp"

#include "actors/store/agreed_state.hpp"
#include "actors/store/sqlite_disk.hpp"
#include "protocol/store_codec.hpp"

namespace nacre {

namespace fs = std::filesystem;

namespace {

constexpr auto store_name = "store.db";

/// The database and what SQLite and this program keep beside it.
constexpr const char* store_files[] = {"store.db", "store.db-wal", "store.db-shm", "store.db.mark"};

/// What was agreed on; also what this node can't know to be, but may have acknowledged.
agreed_state state_of(const stored_contents& found) {
  try {
    auto state = found.state.empty() ? agreed_state() : agreed_state::load(found.state);
    for (auto& x : found.member.entries)
      if (x.kind == raft::entry_kind::command)
        state.apply(decode_request(x.data), x.at.index);
    return state;
  } catch (const unreadable_frame& bad) {
    throw store_error(std::string("what it keeps can't be read by this version: ") + bad.what());
  }
}

raft::position end_of(const raft::stored_member& x) {
  return x.entries.empty() ? x.base : x.entries.back().at;
}

stored_contents contents_of(sqlite_disk& disk) {
  auto found = disk.load();
  if (!found)
    throw store_error("nothing is in it");
  return std::move(*found);
}

void require_store(const fs::path& folder) {
  if (!fs::exists(folder / store_name))
    throw store_error("there is no store in " + folder.string());
}

/// A folder that is gone when this is.
class scratch_folder {
public:
  explicit scratch_folder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code failed;
    fs::remove_all(path_, failed);
  }

  const fs::path& path() const { return path_; }

private:
  const fs::path path_;
};

/// @throws store_in_use if a node runs on it
void put_aside(const fs::path& folder) {
  try {
    sqlite_disk in_use(folder.string());
  } catch (const store_in_use&) {
    throw;
  } catch (const store_error&) {
    // Damaged: that may be why it is replaced.
  }
  for (auto name : store_files)
    if (fs::exists(folder / name))
      fs::rename(folder / name, folder / (std::string(name) + ".replaced"));
}

} // namespace

std::string check_store(const fs::path& folder) {
  require_store(folder);
  sqlite_disk disk(folder.string());
  auto found = contents_of(disk);
  auto state = state_of(found);
  auto end = end_of(found.member);
  auto& group = found.member.group();
  return "member " + std::to_string(found.identity.self) + " of group "
         + std::to_string(found.identity.group) + ", " + std::to_string(group.voters.size())
         + " voters, log " + std::to_string(found.member.base.index + 1) + " to "
         + std::to_string(end.index) + " of term " + std::to_string(found.member.vote.term) + ": "
         + std::to_string(state.instances()) + " instances, "
         + std::to_string(state.services().size()) + " services, "
         + std::to_string(state.namespaces().size()) + " namespaces; all of it is sound";
}

void check_contents(const stored_contents& found) { state_of(found); }

void back_up_store(const fs::path& folder, const fs::path& file) {
  require_store(folder);
  if (fs::exists(file))
    throw store_error(file.string() + " is there already");
  sqlite_disk disk(folder.string());
  state_of(contents_of(disk)); // a copy of what can't be read is none
  disk.copy_to(file.string());
}

void restore_store(const fs::path& file, const fs::path& folder, const store_identity& identity,
                   bool replace) {
  if (!fs::is_regular_file(file))
    throw store_error(file.string() + " is no file");
  fs::create_directories(folder);
  if (fs::exists(folder / store_name) && !replace)
    throw store_error(folder.string() + " has a store already; --replace puts it aside");
  scratch_folder scratch(folder / "store.restoring");
  auto copy = scratch.path() / "copy";
  auto fresh = scratch.path() / "fresh";
  fs::create_directories(copy);
  fs::create_directories(fresh);
  fs::copy_file(file, copy / store_name);
  {
    sqlite_disk from(copy.string());
    auto found = contents_of(from);
    raft::membership alone{{identity.self}, {}};
    sqlite_disk to(fresh.string());
    to.found(identity, alone);
    raft::disk_round round;
    round.number = 1;
    round.vote = raft::vote_state{found.member.vote.term, raft::nobody};
    auto bytes = std::make_shared<const std::string>(state_of(found).save());
    round.state = raft::state_image{end_of(found.member), alone, std::move(bytes)};
    round.commit = end_of(found.member).index;
    if (round.state->last.index != 0)
      to.write(round);
  }
  put_aside(folder);
  for (auto name : store_files)
    if (fs::exists(fresh / name))
      fs::rename(fresh / name, folder / name);
}

} // namespace nacre
