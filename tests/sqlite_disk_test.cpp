// What the store keeps on the disk: it comes back as it was, or the folder is refused.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <unistd.h>

#include "actors/store/agreed_state.hpp"
#include "actors/store/sqlite_disk.hpp"
#include "actors/store/store_tasks.hpp"

using namespace nacre;
using namespace nacre::raft;

namespace fs = std::filesystem;

namespace {

/// A folder of its own, gone with the test.
struct temporary_folder {
  temporary_folder() {
    std::string path = (fs::temp_directory_path() / "nacre-store-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    name = path;
  }
  ~temporary_folder() { fs::remove_all(name); }

  void copy_from(const std::string& other) const {
    for (auto& x : fs::directory_iterator(name))
      fs::remove(x);
    for (auto& x : fs::directory_iterator(other))
      fs::copy(x, fs::path(name) / x.path().filename());
  }

  std::string name;
};

entry command(std::uint64_t term, std::uint64_t index) {
  return {{term, index}, entry_kind::command, "command " + std::to_string(index), {}};
}

disk_round round_of(std::vector<entry> entries) {
  disk_round x;
  x.entries = std::move(entries);
  return x;
}

state_image state_of(position last, std::string bytes) {
  return {last, {{1, 2}, {}}, std::make_shared<const std::string>(std::move(bytes))};
}

/// A member with a state, entries behind it, and a vote.
void fill(sqlite_disk& disk, std::size_t state_bytes = 700'000) {
  disk.found({7, 9}, {{7}, {}});
  for (std::uint64_t i = 1; i <= 20; ++i)
    disk.write(round_of({command(1, i)}));
  auto state = state_of({1, 12}, std::string(state_bytes, 's'));
  for (std::size_t part = 0; part < disk.state_parts(state); ++part)
    disk.write_state_part(state, part);
  auto last = round_of({command(3, 19), command(3, 20), command(3, 21)});
  last.vote = vote_state{3, 7};
  disk.write(last);
}

std::string text_of(const stored_contents& x) {
  auto text = std::to_string(x.identity.self) + ' ' + std::to_string(x.identity.group) + ' '
              + std::to_string(x.member.vote.term) + ' ' + std::to_string(x.member.vote.vote) + ' '
              + std::to_string(x.member.base.index) + ' ' + x.state;
  for (auto voter : x.member.members.voters)
    text += " v" + std::to_string(voter);
  for (auto& e : x.member.entries)
    text += '\n' + std::to_string(e.at.term) + '/' + std::to_string(e.at.index) + ' ' + e.data;
  return text;
}

std::string loaded(const std::string& folder) { return text_of(*sqlite_disk(folder).load()); }

/// Flips bits of one byte anywhere in the folder's files. @returns where
std::string damage(const std::string& folder, std::mt19937& rng) {
  std::vector<fs::path> files;
  std::uintmax_t total = 0;
  for (auto& x : fs::directory_iterator(folder)) {
    files.push_back(x.path());
    total += fs::file_size(x);
  }
  std::sort(files.begin(), files.end());
  auto at = std::uniform_int_distribution<std::uintmax_t>(0, total - 1)(rng);
  for (auto& file : files) {
    auto size = fs::file_size(file);
    if (at >= size) {
      at -= size;
      continue;
    }
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(at));
    auto byte = static_cast<char>(bytes.get() ^ (1 + rng() % 255));
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(byte);
    return file.filename().string() + " at " + std::to_string(at);
  }
  return {};
}

} // namespace

TEST_CASE("store disk: a new folder has nothing, and everything comes back as it was written") {
  temporary_folder folder;
  {
    sqlite_disk disk(folder.name);
    CHECK_FALSE(disk.load());
    fill(disk);
  }
  sqlite_disk disk(folder.name);
  auto found = disk.load();
  REQUIRE(found);
  CHECK(found->identity == store_identity{7, 9});
  CHECK(found->member.vote == vote_state{3, 7});
  CHECK(found->member.base == position{1, 12});
  CHECK(found->member.members == membership{{1, 2}, {}});
  CHECK(found->state == std::string(700'000, 's'));
  REQUIRE(found->member.entries.size() == 9);
  CHECK(found->member.entries[5] == command(1, 18));
  CHECK(found->member.entries[6] == command(3, 19));
  CHECK(found->member.entries.back() == command(3, 21));
}

TEST_CASE("store disk: a state from the leader takes the place of everything") {
  temporary_folder folder;
  {
    sqlite_disk disk(folder.name);
    fill(disk);
    disk_round round;
    round.state = state_of({5, 100}, "new");
    round.entries = {command(5, 101)};
    disk.write(round);
  }
  auto found = sqlite_disk(folder.name).load();
  REQUIRE(found);
  CHECK(found->member.base == position{5, 100});
  CHECK(found->state == "new");
  CHECK(found->member.entries == std::vector{command(5, 101)});
}

TEST_CASE("store disk: a state that was not written to its end does not count") {
  temporary_folder folder;
  std::string before;
  {
    sqlite_disk disk(folder.name);
    fill(disk);
    before = text_of(*disk.load());
    disk.write_state_part(state_of({3, 20}, std::string(700'000, 't')), 0);
  }
  CHECK(loaded(folder.name) == before);
}

TEST_CASE("store disk: one process uses a folder at a time") {
  temporary_folder folder;
  sqlite_disk disk(folder.name);
  CHECK_THROWS_WITH_AS(sqlite_disk second(folder.name), doctest::Contains("another process"),
                       store_error);
}

TEST_CASE("store disk: a file of something else or of a later version is refused and left") {
  temporary_folder folder;
  auto file = folder.name + "/store.db";
  std::ofstream(file) << std::string(10'000, 'x');
  CHECK_THROWS_AS(sqlite_disk disk(folder.name), store_error);
  CHECK(fs::file_size(file) == 10'000);
}

TEST_CASE("store disk: a byte that is not what it was is noticed, or it did not matter") {
  temporary_folder original, damaged;
  std::mt19937 rng(1);
  int refused = 0;
  for (bool stopped : {true, false}) {
    std::optional<sqlite_disk> disk(original.name);
    disk->load();
    if (stopped)
      fill(*disk, 10'000);
    else // as a process that is killed leaves it
      disk->write(round_of({command(3, 22)}));
    auto whole = text_of(*disk->load());
    if (stopped)
      disk.reset();
    for (int i = 0; i < 1000; ++i) {
      damaged.copy_from(original.name);
      auto where = damage(damaged.name, rng);
      CAPTURE(where);
      std::string found;
      try {
        found = loaded(damaged.name);
      } catch (const store_error&) {
        ++refused;
        continue;
      }
      CHECK(found == whole);
    }
  }
  MESSAGE("refused: ", refused);
  CHECK(refused > 500);
}

TEST_CASE("store disk: a state or a command of a later version is named, not taken for nothing") {
  stored_contents x;
  CHECK_NOTHROW(check_contents(x));
  x.state = agreed_state().save();
  CHECK_NOTHROW(check_contents(x));
  auto later = x;
  later.state[0] = 99;
  CHECK_THROWS_WITH_AS(check_contents(later), doctest::Contains("version 99"), store_error);
  x.member.entries.push_back(command(1, 1));
  CHECK_THROWS_WITH_AS(check_contents(x), doctest::Contains("can't be read"), store_error);
}
