"""What happens to the nodes while clients write. Each fault begins and ends itself."""

import asyncio
import shutil
import signal

from network import Network

TWO_AT_ONCE = 0.3
REST_S = (0.5, 2.0)
DOWN_S = (0.0, 4.0)
FROZEN_S = (1.0, 6.0)
CUT_S = (2.0, 8.0)
CLOCK_OFF_S = (1.0, 30.0)
CLOCK_OFF_FOR_S = (1.0, 6.0)
CLOCK_SHOWN_S = 20.0
# A leader takes a lost identity out of the group only after it led for 20 s.
VOTERS_AGAIN_S = 90.0


# -- of one process ------------------------------------------------------------------------------


async def kill(world, node):
    down_s = world.rng.uniform(*DOWN_S)
    world.say(f"fault: kill -9 of {node.name}, for {down_s:.1f} s")
    await world.end(node, signal.SIGKILL)
    await asyncio.sleep(down_s)
    world.start(node)


async def restart(world, node):
    world.say(f"fault: SIGTERM to {node.name}, and it starts again")
    await world.end(node, signal.SIGTERM)
    world.start(node)


async def freeze(world, node):
    frozen_s = world.rng.uniform(*FROZEN_S)
    world.say(f"fault: {node.name} is frozen for {frozen_s:.1f} s")
    node.pause()
    await asyncio.sleep(frozen_s)
    node.go_on()


async def step_clock(world, node):
    """The wall clock; half of the time it stays so until its next step, also over restarts."""
    off_s = world.rng.choice((-1, 1)) * world.rng.uniform(*CLOCK_OFF_S)
    stays = world.rng.random() < 0.5
    off_for_s = world.rng.uniform(*CLOCK_OFF_FOR_S)
    how_long = "and stays so" if stays else f"for {off_for_s:.1f} s"
    world.say(f"fault: the clock of {node.name} is {off_s:+.1f} s off, {how_long}")
    await set_clock(world, node, off_s)
    if not stays:
        await asyncio.sleep(off_for_s)
        await set_clock(world, node, 0.0)


async def set_clock(world, node, off_s):
    clock = world.clocks[node]
    clock.step_to(off_s)
    await world.until(CLOCK_SHOWN_S, f"{node.name} shows that its clock is set", clock.is_shown)


# -- of the network between nodes; clients reach all of them -------------------------------------


async def cut(world, ways, what):
    cut_s = world.rng.uniform(*CUT_S)
    world.say(f"fault: {what}, for {cut_s:.1f} s")
    for a, b in ways:
        world.network.cut(a, b)
    await asyncio.sleep(cut_s)
    world.network.heal()


def ways_from(world, node):
    return [(node.i, x.i) for x in world.nodes if x is not node]


async def isolate(world, node):
    ways = [x for x in Network.pairs(len(world.nodes)) if node.i in x]
    await cut(world, ways, f"{node.name} is cut off from the others")


async def one_way(world, node):
    ways = ways_from(world, node)
    how = world.rng.randrange(3)
    if how == 0:
        await cut(world, ways, f"nobody hears {node.name}")
    elif how == 1:
        await cut(world, [(b, a) for a, b in ways], f"{node.name} hears nobody")
    else:
        a, b = world.rng.choice(ways)
        await cut(world, [(a, b)], f"{world.nodes[b].name} does not hear {node.name}")


# -- alone ---------------------------------------------------------------------------------------


async def restart_all(world, _):
    world.say("fault: kill -9 of all nodes at once")
    await asyncio.gather(*(world.end(x, signal.SIGKILL) for x in world.nodes))
    for x in world.rng.sample(world.nodes, len(world.nodes)):
        world.start(x)
        await asyncio.sleep(world.rng.choice((0, world.rng.uniform(*DOWN_S))))


async def wipe(world, node):
    """The others have to be healthy until it votes again: it may have had the second of two copies
    of what was acknowledged."""
    await world.heal()
    world.say(f"fault: kill -9 of {node.name}, and its disk is lost")
    await world.end(node, signal.SIGKILL)
    shutil.rmtree(node.folder / "data")
    world.start(node)
    took = await world.until(VOTERS_AGAIN_S, "all three nodes vote again", world.all_vote)
    world.say(f"all three nodes voted again after {took:.1f} s")


OF_A_PROCESS = (kill, restart, freeze, step_clock)
OF_THE_NETWORK = (isolate, one_way)
WEIGHTS = {
    kill: 6, restart: 4, freeze: 6, step_clock: 6, isolate: 8, one_way: 8, restart_all: 6, wipe: 1
}


def plan(rng, has_clocks):
    """The next faults: one, or two that can be at the same time."""
    weights = {x: n for x, n in WEIGHTS.items() if has_clocks or x is not step_clock}
    first = rng.choices(list(weights), weights.values())[0]
    if first not in OF_A_PROCESS + OF_THE_NETWORK or rng.random() >= TWO_AT_ONCE:
        return [first]
    others = OF_A_PROCESS if first in OF_THE_NETWORK else OF_A_PROCESS + OF_THE_NETWORK
    return [first, rng.choice([x for x in others if x in weights])]


async def next_fault(world):
    faults = plan(world.rng, bool(world.clocks))
    leader = await world.leader()
    followers = [x for x in world.nodes if x is not leader]
    # As often the leader as not; two faults are of two nodes.
    first = leader if leader and world.rng.random() < 0.5 else world.rng.choice(followers)
    second = world.rng.choice([x for x in world.nodes if x is not first])
    await asyncio.gather(*(x(world, node) for x, node in zip(faults, (first, second))))
    for x in faults:
        world.count[x.__name__.replace("_", " ")] += 1
    # Half of the time the next fault comes while the nodes still have to do with this one.
    if world.rng.random() < 0.5:
        await world.heal()
    await asyncio.sleep(world.rng.uniform(*REST_S))
