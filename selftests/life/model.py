# SPDX-License-Identifier: GPL-2.0
"""model.py - what must hold, whatever the module looks like inside.

A State is what the rules say there is: pools, devices, clients, memory. A
Transition applies one step to a copy of it, and notes what of the answer the rules
do not allow; compare() does so for all that can be seen afterwards. Where the
rules leave something open, or where a rule is set aside, the model takes over
what it sees.

RULES names them all: in findings, and for --without.
"""
import copy
import errno
import fnmatch
import itertools
import re

# kinds of steps, and how many pauses they may have
PAUSES = {"punbind": 2, "unoverlay": 2, "attach": 2, "detach": 2}
RULES = {
    "member": "who is a client of which pool, when its driver is bound",
    "request": "how a write to attach ends",
    "self": "no pool serves a pool's device (attach of one not generated without)",
    "failed-attach": "attach, detach: fail where the driver does not bind again",
    "detach": "how a write to detach ends",
    "excluded": "what was detached stays so until it is attached again",
    "api": "how the in-kernel API ends",
    "busless": "the in-kernel API for a device on no bus (not generated without)",
    "unwatched": "devices on a bus that is not watched (not generated without)",
    "raw": "the in-kernel API for a device that is not registered (not generated without)",
    "serve": "where memory comes from, and whether there is any",
    "bound": "which devices are bound",
    "waiting": "what has no driver is probed when a pool for it comes",
    "rebind": "what was unbound for the end of a pool is bound again",
    "stuck": "a driver that cannot be unbound is not, and pins the module",
    "ended": "a dead pool's client is let go at its last free, though bound",
    "borrow": "devices that have copied a client's ops are its pool's clients",
    "child": "whose ops and memory a child without a driver has",
    "copy": "what else there is to copies (not generated without)",
    "replace": "devices that have other ops set (not generated without)",
    "under": "nothing changes under a running driver",
    "ops": "whose ops a device has",
    "held": "memory stays until it is freed, and is listed",
    "foreign": "what the kernel gave before can be freed (not generated without, no MMU)",
    "leak": "the log tells what a driver has left behind",
    "stats": "the figures of a pool",
    "pool": "which pools are up",
    "dead": "a pool lasts as long as its memory, in debugfs and iomem",
    "load": "a load that must fail does, and leaves nothing; others do not",
    "rmmod": "when the module can be unloaded",
    "pin": "the module's reference count",
    "refs": "release() of a device is called",
    "data": "memory is zero, and nobody else's",
    "log": "the log holds nothing unexpected",
    "hang": "every step ends (cannot be set aside)",
}

PAGE = 4096
MANAGED = 8192  # what probes take
UNITS = ("L0", "L1", "L2", "L3", "S0", "S1", "B0", "B1", "X0", "T0", "A0", "P0")
NAMES = {"L": "dap-life.%s", "S": "dap-stuck.%s", "B0": "dap-bare", "B1": "dap-bare-child", "X": "dap-other",
         "T": "overlay-life", "A": "dap-prime", "P": "0000:00:06.0"}


def device_name(unit):
    name = NAMES.get(unit) or NAMES[unit[0]]
    return name % unit[1] if "%" in name else name


class Machine:
    """What the rules need to know of a board."""

    def __init__(self, board, base, alias, overlays, faults=False):
        self.snooped = board == "smp"
        self.overlays = overlays
        self.pci = board == "smp"
        self.faults = faults  # can allocations be made to fail?
        size = 0x80000
        at = base + (0x200000 if overlays else 0)
        self.pools = {"a": (at, size), "b": (at + 0x100000, size)}
        self.alias = alias and alias - base
        # the same memory as a, in part: cannot be there with it
        self.pools["x"] = (at + 0x40000, size)
        self.devices = {"d": "20400000.dma-pool"}
        if overlays:
            self.pools["d"] = (base, 0x200000)

    def has(self, unit):
        """Can the unit be there: the bus that it is on, or what it comes with?"""
        return {"T0": self.overlays, "P0": self.pci, "A0": not self.pci}.get(unit, True)

    def snoops(self, device):
        """Does the kernel have coherent memory for it as no client, and as one, where
        its pool has none? Where there are no caches, it says so of what is in the
        device tree."""
        return self.snooped or device.unit == "T0"

    def parameter(self, pool):
        if pool == "y":
            return "y:0x1000:what"
        at, size = self.pools[pool]
        alias = f":{at + self.alias:#x}" if self.alias else ""
        return f"{pool}:{at:#x}:{size:#x}{alias}"

    def pool_at(self, dma):
        for pool, (at, size) in self.pools.items():
            if pool != "x" and at <= dma < at + size:
                return pool
        return None


class Device:
    """A struct device, from its registration to its release()."""

    def __init__(self, unit, serial):
        self.unit = unit
        self.serial = serial
        self.exists = True
        self.bound = False
        self.client = None  # of this pool
        self.term = 0  # how often it has become a client
        self.by_default = False  # None: not known
        self.excluded = False  # None: not known
        self.ended = False  # its client has ended under its driver
        # Somebody has asked for its pool while it had no driver, and may use it at any
        # time until they say that they have finished. "named": but it was not served
        # yet. None: not known.
        self.made = False
        # Its client has ended under them. "open": and it has got other ops since, or none.
        self.lasting = False
        self.may_change = False  # its ops, under its driver
        self.deferred = False
        self.managed = None  # where its driver's managed memory is from
        self.borrows = None  # (key of a device, its pool): whose ops it has copied
        self.follows = None  # the same of a client that had ended, as copied
        self.leaving = False  # no client any more, but somebody needs it as one
        # On a bus that is not watched: does the module hear when its driver goes? It
        # does of one that has asked for the pool. None: not known.
        self.heard = False
        self.parent = None  # key of the device that it is a child of
        # (key of a device, its term, its pool): whose ops it has got when it was added.
        # If that device has a driver, or is on no bus, and is no client any more, then
        # these ops are still there, and have the kernel's memory.
        self.copied = None
        self.tidy = False  # its driver frees all when it goes, told or not
        self.replaced = None  # "own" or "null": its driver has set these
        self.key = (unit, serial)

    # in whose name it gets memory
    holder = property(lambda self: (self.borrows or self.copied or (self.key,))[0])
    stuck = property(lambda self: self.unit[0] == "S")
    bare = property(lambda self: self.unit[0] == "B")
    # Is it on a bus that the module watches?
    watched = property(lambda self: self.unit[0] not in "BX")
    name = property(lambda self: device_name(self.unit))


class Unit:
    def __init__(self):
        self.mode = "ok"
        self.arg = None
        self.keep = False
        self.created = self.released = 0
        self.changes = 0  # removes that may see other ops


class Slot:
    """Memory of the device key, in the name of the client holder. source: pool,
    fallback, kernel, or None where it is not known."""

    def __init__(self, key, holder, size, source, pool=None):
        self.key, self.size, self.source, self.pool = key, size, source, pool
        self.holder = holder


class State:
    def __init__(self):
        self.loaded = False
        self.parameters = ()  # pools
        self.rules = ()  # clients
        self.overlay = False
        self.applied = ()  # overlays, in this order: d, T0
        self.pools = {}  # name: up or dead
        self.units = {u: Unit() for u in UNITS}
        self.devices = {}
        self.slots = {}

    @classmethod
    def clean(cls, seen):
        """At the beginning of a sequence; what is counted goes on."""
        state = cls()
        for name, unit in seen.units.items():
            u = state.units[name]
            u.created, u.released, u.changes = unit.created, unit.released, unit.changed
        return state

    def copy(self):
        new = State.__new__(State)
        new.__dict__.update(self.__dict__)
        new.pools = dict(self.pools)
        new.units = {k: copy.copy(v) for k, v in self.units.items()}
        new.devices = {k: copy.copy(v) for k, v in self.devices.items()}
        new.slots = {k: copy.copy(v) for k, v in self.slots.items()}
        return new

    def key(self):
        """The same for two that are the same."""
        def plain(x):
            if isinstance(x, dict):
                return frozenset((k, plain(v)) for k, v in x.items())
            return plain(x.__dict__) if hasattr(x, "__dict__") else x
        return plain(self)

    def device(self, unit):
        """The one that is registered, or None."""
        for device in self.devices.values():
            if device.unit == unit and device.exists:
                return device
        return None

    def pool_device(self, pool):
        """Is there one?"""
        if pool == "d":
            return self.overlay
        return self.loaded and pool in self.parameters

    def slots_of(self, device):
        return {k: s for k, s in self.slots.items() if s.key == device.key}

    def sources(self, device):
        """(source, pool, size) of all that is held in its name."""
        all_of = [(s.source, s.pool, s.size) for s in self.slots.values()
                  if s.holder == device.key]
        all_of += [(*d.managed, MANAGED) for d in self.devices.values()
                   if d.managed and d.holder == device.key]
        return all_of

    def held(self, device):
        """Is memory of a pool, or in its place, held in its name? None: not known."""
        kinds = [source for source, _, _ in self.sources(device)]
        if "pool" in kinds or "fallback" in kinds:
            return True
        return None if None in kinds else False

    def borrowers(self, device, bound=True):
        """Whose drivers have copied its ops, or also those that have them still."""
        return [d for d in self.devices.values() if d.borrows and d.borrows[0] == device.key
                and (d.bound or not bound)]

    def followers(self, device):
        """Whose drivers have copied ops of a client that it was."""
        return [d for d in self.devices.values() if d.follows and d.follows[0] == device.key]

    def children(self, device):
        """Those that are registered: they have a reference to it."""
        return [d for d in self.devices.values() if d.exists and d.parent == device.key]

    def has_ended(self, copied):
        """Are these the ops of a client that is none any more?"""
        origin = self.devices[copied[0]]
        return not origin.client or origin.term != copied[1]

    def is_over(self, copied):
        """Is nobody left of whom it was the client? Only who has copied its ops has them."""
        origin = self.devices[copied[0]]
        return self.has_ended(copied) and \
            not (origin.bound or origin.lasting or origin.bare and origin.exists)

    def lender(self, device):
        return self.devices.get(device.borrows[0]) if device.borrows else None

    def busy(self, device):
        """Can it not be let go? None: not known."""
        return bool(device.leaving or device.borrows or self.borrowers(device)) \
            or self.held(device)

    def listed_by(self, device):
        """The pool that has it in its list of clients."""
        return device.client or device.borrows and device.borrows[1] or None

    def pinned(self):
        """Must rmmod fail? None: not known."""
        unknown = False
        for d in self.devices.values():
            held = self.held(d)
            if held or (d.client and (d.bare or d.made is True or (d.stuck and d.bound))):
                return True
            if d.lasting or d.bound and (d.ended or d.follows):
                return True
            unknown |= d.made is None and bool(d.client)
            # that it is over, who would tell on no bus?
            unknown |= held is None or d.bare and d.ended is not False
            unknown |= d.bound and d.ended is None
            # it is needed as one, or goes on in what it has copied
            if d.client and (d.leaving or not d.exists):
                return True
            pool = self.listed_by(d)
            if pool and self.pools.get(pool) != "up" or d.bound and d.stuck and d.borrows:
                return True
        return None if unknown else False


class Transition:
    """One step, or two in this order, applied to a state."""

    def __init__(self, machine, state, seen, without, loose=False, at_a_time=False,
                 choices=()):
        self.machine = machine
        self.s = state.copy()
        self.seen = seen
        self.without = without
        self.loose = loose
        self.at_a_time = at_a_time  # is it one of two?
        self.loading = False  # is the module's init running?
        self.choices = choices  # where the rules leave something open
        self.chosen = []  # (which, of how many)
        self.asked = set()  # units for which the in-kernel API was called
        self.guessed = False  # was something taken over from what is seen?
        self.missed = False  # was a step to be done at a pause that there was not?
        self.problems = []  # (rule, text)
        self.must_say = []  # (rule, regex)
        self.must_not_say = []

    # --- what is open

    def choose(self, options):
        """One of them, and the others when it is done once more."""
        at = len(self.chosen)
        which = self.choices[at] if at < len(self.choices) else 0
        self.chosen.append((which, len(options)))
        return options[which]

    def other_choices(self):
        """Those to try next, None if that were all."""
        chosen = self.chosen[:]
        while chosen and chosen[-1][0] + 1 == chosen[-1][1]:
            chosen.pop()
        if not chosen:
            return None
        return [which for which, _ in chosen[:-1]] + [chosen[-1][0] + 1]

    def failed(self, got):
        return self.choose((False, True)) if got is None else bool(got)

    def any_order(self, what, matters):
        return self.choose(list(itertools.permutations(what))) \
            if matters and len(what) < 5 else what

    # --- what is seen

    def sees_bound(self, device):
        unit = self.seen.units.get(device.unit)
        return bool(unit and unit.exists and unit.bound)

    def sees_client(self, device):
        """The pool that lists the name, or None."""
        for name, pool in self.seen.pools.items():
            # less those of the name that are gone, and hold memory
            others = [d for d in self.s.devices.values() if d.key != device.key
                      and d.name == device.name and d.client == name]
            if pool.clients.count(device.name) > len(others):
                return name
        return None

    def errno(self, got, rule, *allowed):
        """allowed: numbers, "fail" for any error; none: whatever comes. got is None
        where nobody knows."""
        if self.loose or not allowed or got is None or rule in self.without:
            return
        if got in allowed or (got and "fail" in allowed):
            return
        wanted = " or ".join("an error" if a == "fail" else name_of(a) for a in allowed)
        self.problems.append((rule, f"it ended with {name_of(got)}, not {wanted}"))

    # --- policy and probes

    def policy(self, device):
        """(pool, by default), pool None: none; by default None: not known."""
        s = self.s
        if not s.loaded or not device.watched:
            return None, False
        if device.excluded is None or "excluded" in self.without:
            if device.excluded is not False:
                self.guessed = True
                return self.sees_client(device), None
        if device.excluded:
            return None, False
        if device.unit == "T0":
            # its memory-region names this one, and comes before all else
            return ("d" if s.pools.get("d") == "up" else None), False
        default = "d" if s.pools.get("d") == "up" and not self.machine.snoops(device) else None
        for glob, pool in s.rules:
            if fnmatch.fnmatch(device.name, glob):
                if s.pools.get(pool) == "up":
                    return pool, False
                if default:
                    # is it named, with its pool gone?
                    self.guessed = True
                    return self.sees_client(device), None
                return None, False
        return default, bool(default)

    def become(self, device, pool, by_default=False, in_use=False):
        if device.client:
            # they may be running in its ops, whatever its driver does
            in_use = self.keeps_maker(device) or in_use
            self.end(device, in_use)
        device.client, device.by_default = pool, by_default
        device.term += 1
        device.copied = None
        # they have not said that they have finished
        device.made = "named" if device.lasting else False
        self.loses_lasting(device)

    @staticmethod
    def loses_lasting(device):
        if device.lasting:
            device.lasting = "open"

    def end(self, device, in_use=False):
        """It is no client any more: who has its ops, and is not bound, has not. in_use:
        its driver may be running in them, so children have them until that goes."""
        if not in_use:
            self.take_back(device, False)
        device.client, device.leaving, device.made = None, False, False
        for other in self.s.borrowers(device, False):
            if not other.bound:
                other.borrows = None

    def take_back(self, device, ended):
        """Children lose the ops of the client that it is; or if ended, of all clients
        that it was before."""
        for child in self.s.devices.values():
            if child.copied and child.copied[0] == device.key and \
                    self.s.has_ended(child.copied) == ended:
                child.copied = None

    def served_by(self, device):
        if device.copied:
            return None if self.s.has_ended(device.copied) else device.copied[2]
        return device.borrows[1] if device.borrows else device.client

    def source(self, device):
        """Where a request that fits is served from: (source, pool) or None."""
        kernel = ("kernel", None) if self.machine.snoops(device) else None
        if device.replaced:
            return ("kernel", None) if device.replaced == "own" else kernel
        pool = self.served_by(device)
        if not pool:
            return kernel
        if self.s.pools.get(pool) == "up":
            return "pool", pool
        # who has no memory of a pool that is gone gets none in its place any more
        holder = self.s.devices[device.holder]
        return ("fallback", pool) if self.machine.snoops(device) and self.s.held(holder) else None

    def bind_late(self, device):
        """It was tried again, before or after what this step has done: it is seen
        to be bound."""
        self.bind(device, unserved=not self.sees_client(device))

    def bind(self, device, forced=False, unserved=False):
        """A driver is about to be bound: who serves it, then its probe. Returns
        whether it has a driver then; forced: it is seen to have."""
        s, unit = self.s, self.s.units[device.unit]
        # memory that can come back only so: whose it is nobody can tell
        lender = s.lender(device)
        if not lender or s.held(lender) is False:
            device.borrows = None
        if not self.served_by(device) and s.loaded and not unserved:
            pool, by_default = self.policy(device)
            if pool:
                self.become(device, pool, by_default)
        device.replaced = None
        device.ended = device.may_change = False
        device.follows = None
        if unit.mode in ("copy", "own", "null"):
            self.loses_lasting(device)
        if device.made == "named":
            device.made = True
        ok = True
        # a driver that sets ops does not where others have to free
        sets = unit.mode in ("copy", "own", "null") and not s.slots_of(device)
        if unit.mode == "fail":
            ok = False
        elif unit.mode == "defer":
            ok, device.deferred = False, True
        elif unit.mode == "need":
            device.managed = self.source(device)
            ok = bool(device.managed)
        elif unit.mode == "api":
            result = self.ask(device, unit.arg, True)
            if result is None:
                result = 0 if self.sees_bound(device) else errno.EBUSY
            ok = result == 0
            if result == 517:
                device.deferred = True
        elif unit.mode == "copy" and sets:
            self.copy_ops(device, s.device(unit.arg))
        elif unit.mode in ("own", "null") and sets:
            device.replaced = unit.mode
        if not ok and forced:
            ok = True
        if ok:
            device.bound, device.deferred = True, False
            device.tidy = sets
            if device.replaced and device.client:
                # its driver may have given it back at the end of the probe
                if not self.at_a_time:
                    self.must_say.append(
                        ("replace", f"{device.name}: its driver has set other DMA operations"))
                self.must_not_say.append(
                    ("replace", f"{device.name}: coherent DMA memory comes from pool"))
        else:
            device.managed = None
            device.heard = False
        return ok

    def copy_ops(self, device, other):
        """Its driver gives it the ops that the other has."""
        if not other or other.key == device.key:
            return
        if other.replaced:
            device.replaced = other.replaced if self.served_by(device) \
                or other.replaced == "own" else None
            return
        copied = self.ops_of(device, other)
        if copied and self.s.has_ended(copied):
            # it keeps them, if it is no client with its own
            device.follows = copied
            if self.served_by(device):
                device.may_change = True
            else:
                device.ended = True
            return
        if copied and copied[0] == device.key:
            return
        if copied:
            self.borrow(device, copied[0])
        elif self.served_by(device):
            device.replaced = "null"

    def ops_of(self, device, other):
        """What device gets that copies the ops of the other: as Device.copied."""
        if other.copied:
            return other.copied
        if other.follows and not self.served_by(other):
            return other.follows
        # those of one that has ended may have been taken from the device since
        units = [self.seen.units.get(d.unit) for d in (device, other)]
        has_ops = any(unit and unit.ops == "x" for unit in units)
        ended = other.ended or other.lasting is True or \
            (other.ended is None or other.lasting) and has_ops
        key = other.borrows[0] if other.borrows else other.key if other.client or ended else None
        # one that was not bound since it is a client has no ops yet
        if not key or not (other.bound or other.bare or other.lasting is True or has_ops):
            return None
        return key, self.s.devices[key].term, self.s.devices[key].client

    def borrow(self, device, key):
        """It is a client of that pool now, and of none besides."""
        if device.client:
            device.leaving = True
            self.let_go(device)
            self.loses_lasting(device)
        device.borrows = (key, self.s.devices[key].client)

    def unbind(self, device):
        """Its driver goes: it frees what it has, or leaks it."""
        s, unit = self.s, self.s.units[device.unit]
        if not device.bound:
            return
        if not unit.keep or device.tidy:
            for key in s.slots_of(device):
                del s.slots[key]
        if device.may_change:
            unit.changes += 1
        device.managed = device.replaced = None
        device.bound = device.ended = device.may_change = False
        device.follows = None
        if not device.lasting:
            self.take_back(device, True)
        left = {}
        for source, pool, size in s.sources(device):
            if source in ("pool", "fallback"):
                left.setdefault(pool, {"pool": [], "fallback": []})[source].append(size)
        known = None not in [source for source, _, _ in s.sources(device)]
        told = device.watched or device.heard
        for pool, of in left.items() if told else ():
            normal = len(of["fallback"]) if known else "[0-9]*"
            self.must_say.append(
                ("leak", f"{device.name}: driver .* is gone but still holds {sum(of['pool'])} "
                 f"bytes of DMA pool {pool} in {len(of['pool'])} allocations, and {normal} of "
                 "normal memory"))
        # what the other holds may be its own, and comes back only by these ops
        lender = s.lender(device)
        if not lender or s.held(lender) is False:
            device.borrows = None
        # nobody else can say that it is to be one
        device.leaving |= bool(device.client and not device.watched)
        device.heard = False
        self.collect()

    def let_go(self, device):
        """Does anybody need it as a client whose part in the pool is over?"""
        s = self.s
        dead = s.pools.get(device.client) != "up" or device.leaving
        if not device.client or device.exists and not dead or s.held(device) is not False \
                or s.borrowers(device) or device.borrows:
            return
        aside = "ended" in self.without or device.stuck and "stuck" in self.without
        if dead and device.bound and aside and self.sees_client(device) == device.client:
            return
        if device.exists and self.keeps_maker(device):
            self.end(device, True)
            return
        in_use = dead and (device.bound or device.bare and device.exists)
        if in_use:
            device.ended = True
        self.end(device, in_use)

    def keeps_maker(self, device):
        """Its client is to end: may whoever made it be running in its ops?"""
        if device.made is None:
            device.made = self.choose((False, True))
        if device.made is not True:
            return False
        device.lasting = "open" if device.replaced or device.borrows else True
        return True

    def collect(self):
        """What nobody needs any more."""
        s = self.s
        for device in s.devices.values():
            self.let_go(device)
        for pool in [p for p, how in s.pools.items() if how == "dead"]:
            if not any(pool in (d.client, self.served_by(d)) or
                       pool in [x[1] for x in s.sources(d)] for d in s.devices.values()):
                del s.pools[pool]
        for key, device in list(s.devices.items()):
            if not device.exists and not s.slots_of(device) and not s.sources(device) and \
                    not s.borrowers(device, False) and not s.children(device) and \
                    not s.followers(device):
                del s.devices[key]

    # --- pools

    def pools_go(self, pools):
        """With pauses; whom it has unbound is to be bound again."""
        s = self.s
        victims = []
        for device in s.devices.values():
            if not device.bound or device.leaving or s.listed_by(device) not in pools:
                continue
            if device.stuck and not ("stuck" in self.without and not self.sees_bound(device)):
                continue
            victims.append(device)
        # who has copied frees in the other's name, before or after that has gone
        for device in self.any_order(victims, any(d.borrows for d in victims)):
            self.unbind(device)
        for pool in pools:
            s.pools[pool] = "dead"
        yield
        self.collect()
        yield
        return victims

    def pools_end(self, pools):
        """The same at once."""
        pauses = self.pools_go(pools)
        while True:
            try:
                next(pauses)
            except StopIteration as e:
                return e.value

    def copies(self, devices):
        return any(self.s.units[d.unit].mode == "copy" for d in devices)

    def rebind(self, victims):
        """In which order is open, and matters to who copies ops."""
        copies = self.copies(victims)
        for device in self.any_order(victims, copies):
            if copies:
                self.try_again(victims)
            if not device.exists or device.bound:
                # somebody has done something else with it meanwhile
                continue
            if "rebind" in self.without or self.loose:
                if self.sees_bound(device):
                    self.bind(device)
                continue
            self.bind(device)

    def pools_come(self, pools):
        s = self.s
        if "self" in self.without:
            pools = pools + [p for p in s.parameters if p not in s.pools and p not in pools
                             and self.pool_device_name(p) in self.seen.bound]
        for pool in pools:
            s.pools[pool] = "up"
        waiting = [d for d in s.devices.values()
                   if d.exists and not (d.bound or d.bare or d.borrows or d.client)
                   and self.policy(d)[0]]
        # in which order is open, and matters to who copies ops
        copies = self.copies(waiting)
        for device in self.any_order(waiting, copies):
            if copies:
                self.try_again(waiting)
            # who is a client has its driver tried by whoever asks for it
            if device.client or not self.policy(device)[0]:
                continue
            # a deferred probe is tried whenever a device is bound, such as the pool's
            # at load, when the pool serves nobody yet
            if device.deferred and self.sees_bound(device):
                self.bind_late(device)
            elif device.deferred and not self.sees_client(device):
                # open: who is just being probed has a driver, and is passed over
                continue
            elif "waiting" not in self.without or self.sees_bound(device):
                self.bind(device)

    def try_again(self, but):
        """Those whose probe was deferred may be bound before the next one."""
        for device in list(self.s.devices.values()):
            if device.deferred and device not in but and device.exists and \
                    not device.bound and self.sees_bound(device) and \
                    self.choose((False, True)):
                self.bind_late(device)

    # --- steps; each has what its errno may be. Those that are generators yield where
    # another one may come in between: a device whose driver is unbound and bound again
    # has none meanwhile.

    def step_again(self, got, count, *step):
        return self.begin(step, got)

    def step_insmod(self, got, pools, rules):
        s = self.s
        if s.loaded:
            self.errno(got, "load", errno.EEXIST)
            return
        if self.bad_load(pools, rules):
            self.errno(got, "load", "fail")
            return
        self.errno(got, "load", 0)
        names, clients, there = self.parameters(pools, rules)
        s.loaded = True
        s.parameters = tuple(names)
        s.rules = tuple((glob_of(g), p) for g, p in clients)
        self.loading = True
        self.pools_come(sorted(there))
        self.loading = False

    def parameters(self, pools, rules):
        """Names in pools=, what clients= has, all pools that there are then."""
        names = [] if pools == "-" else pools.split(",")
        there = set(names) | ({"d"} if self.s.overlay else set())
        only = there.copy().pop() if len(there) == 1 else None
        clients = []
        for rule in [] if rules == "-" else rules.split(","):
            glob, at, pool = rule.partition("@")
            clients.append((glob, pool if at else only))
        return names, clients, there

    def bad_load(self, pools, rules):
        names, clients, there = self.parameters(pools, rules)
        return "y" in names or {"a", "x"} <= set(names) or len(set(names)) < len(names) or \
            any(p not in there for _, p in clients)

    def step_fault(self, got, number, pools, rules):
        """A load that fails leaves nothing, and so does one that works in the end."""
        there = self.seen.errnos[1]
        if got and not there and not self.bad_load(pools, rules):
            self.problems.append(("load", f"it ended with {name_of(got)} without a fault"))
        if not got and self.bad_load(pools, rules):
            self.problems.append(("load", "it ended with success"))
        # without memory for a device's name, the kernel itself says EINVAL
        nameless = got == errno.EINVAL and there
        if got and got != errno.ENOMEM and not nameless:
            self.must_say.append(("load", "dma[_-]alias[_-]pool"))

    def step_rmmod(self, got):
        s = self.s
        if not s.loaded:
            self.errno(got, "rmmod", errno.ENOENT)
            return
        pinned = s.pinned()
        if pinned is None or self.loose or "rmmod" in self.without or \
                (pinned and "stuck" in self.without and self.stuck_only()):
            pinned = bool(got)
        if pinned:
            self.errno(got, "rmmod", errno.EAGAIN, errno.EBUSY)
            return
        self.errno(got, "rmmod", 0)
        s.loaded, s.parameters, s.rules = False, (), ()
        # one after the other, and who has copied is bound again in between
        copied = self.copies(d for d in s.devices.values() if d.bound)
        for pools in self.any_order([[p] for p in s.pools], True) if copied else [list(s.pools)]:
            self.rebind(self.pools_end(pools))
        s.pools.clear()
        for device in s.devices.values():
            device.excluded = device.leaving = False
            device.client = device.borrows = device.copied = None
            if device.bare:
                device.ended = False

    def stuck_only(self):
        probe = self.s.copy()
        for d in probe.devices.values():
            if d.stuck and d.bound and probe.held(d) is False:
                d.client, d.ended = None, False
        return not probe.pinned()

    def step_punbind(self, got, pool):
        if self.s.pools.get(pool) != "up":
            # the driver core looks before it waits for who unbinds it now
            self.errno(got, "pool", "fail", *[0] * self.at_a_time)
            return
        self.errno(got, "pool", 0)
        self.rebind((yield from self.pools_go([pool])))

    def step_pbind(self, got, pool):
        s = self.s
        if not s.loaded or not s.pool_device(pool) or pool in s.pools:
            self.errno(got, "pool", "fail")
            return
        self.errno(got, "pool", 0)
        self.pools_come([pool])

    def step_overlay(self, got):
        s = self.s
        self.errno(got, "pool", 0)
        s.overlay = True
        s.applied += ("d",)
        if s.loaded and "d" not in s.pools:
            self.pools_come(["d"])

    def step_unoverlay(self, got):
        self.errno(got, "pool", 0)
        self.s.overlay = False
        self.s.applied = tuple(x for x in self.s.applied if x != "d")
        if self.s.pools.get("d") == "up":
            self.rebind((yield from self.pools_go(["d"])))

    def step_add(self, got, unit, parent=None):
        s = self.s
        if s.device(unit):
            self.errno(got, "bound", errno.EEXIST)
            return
        self.errno(got, "bound", 0)
        s.units[unit].created += 1
        s.applied += (unit,) * (unit == "T0")
        device = Device(unit, s.units[unit].created)
        s.devices[device.key] = device
        if parent:
            other = s.device(parent)
            device.parent, device.copied = other.key, self.ops_of(device, other)
        if not device.bare:
            self.bind(device)

    def step_del(self, got, unit):
        device = self.s.device(unit)
        if not device:
            self.errno(got, "bound", errno.ENODEV)
            return
        self.errno(got, "bound", 0)
        self.unbind(device)
        s = self.s
        s.applied = tuple(x for x in s.applied if x != unit)
        device.exists = device.deferred = device.excluded = device.ended = False
        device.made = device.lasting = False
        device.borrows = device.copied = None
        self.take_back(device, True)
        self.collect()

    def step_mode(self, got, unit, mode, arg=None):
        self.s.units[unit].mode, self.s.units[unit].arg = mode, arg

    def step_keep(self, got, unit, keep):
        self.s.units[unit].keep = keep == "1"

    def step_bind(self, got, unit):
        device = self.s.device(unit)
        if not device or device.bound:
            self.errno(got, "bound", "fail")
            return
        self.errno(got, "bound", 0 if self.bind(device) else "fail")

    def step_unbind(self, got, unit):
        device = self.s.device(unit)
        if not device or not device.bound:
            # as for a pool's device
            self.errno(got, "bound", "fail", *[0] * self.at_a_time)
            return
        self.errno(got, "bound", 0)
        self.unbind(device)

    def taken(self, device, pool, got):
        """May another pool's client be had? True, False; got tells if unknown."""
        s = self.s
        if s.listed_by(device) in (None, pool):
            return not device.leaving
        if device.by_default is False or s.busy(device):
            return False
        if device.by_default is None or s.busy(device) is None:
            # any other error comes later, such as when its driver does not bind
            return self.choose((True, False)) if got is None else got != errno.EBUSY
        return True

    def step_attach(self, got, pool, what):
        s = self.s
        if s.pools.get(pool) != "up":
            self.errno(got, "request", "fail")
            return
        if what.startswith("pool:"):
            there = s.pool_device(what[5:])
            self.errno(got, "self", errno.EINVAL if there else errno.ENODEV)
            return
        device = s.device(what) if what in s.units else None
        if not device or not device.watched:
            self.errno(got, "request", errno.ENODEV)
            return
        done = self.joins(device, pool, got)
        bound = device.bound
        if done is None and bound and not device.stuck:
            self.unbind(device)
            yield
            if not device.exists:
                self.errno(got, "request", "fail")
                return
            self.unbind(device)
            done = self.joins(device, pool, got)
            if done is not None and not self.bind(device):
                # that it has no driver is told only if nothing else is
                done = done or "fail"
        if done is not None:
            self.errno(got, "request", done)
            return
        # its driver may have left memory of the pool that it is to leave
        if device.client and s.held(device) is not False:
            self.adopt(device)
            return
        self.become(device, pool, in_use=bound and device.stuck)
        self.collect()
        if bound and device.stuck:
            device.may_change, device.ended, device.excluded = True, False, False
            device.made = bool(device.made)
            self.errno(got, "request", 0)
            return
        yield
        binds = device.bound or device.exists and self.bind(device) or not bound
        if s.listed_by(device) == pool:
            device.excluded = False
        if binds:
            # its driver may have made it another pool's client
            self.errno(got, "request", 0 if s.listed_by(device) == pool else errno.EINVAL)
        elif not device.exists:
            self.errno(got, "request", "fail")
        elif "failed-attach" not in self.without:
            self.errno(got, "failed-attach", "fail")
            self.must_say.append(("failed-attach", f"{device.name}: is a client of DMA pool "
                                  f"{pool}, but its driver did not bind"))

    def joins(self, device, pool, got):
        """What a write to attach ends with at once, None if there is something to do."""
        if self.keeps_copied(device, got):
            return errno.EBUSY
        if self.s.listed_by(device) == pool and not device.leaving:
            device.by_default = device.excluded = False
            return 0
        return None if self.taken(device, pool, got) else errno.EBUSY

    def step_detach(self, got, pool, what):
        s = self.s
        if s.pools.get(pool) != "up":
            self.errno(got, "detach", "fail")
            return
        if what.startswith("pool:"):
            there = s.pool_device(what[5:])
            self.errno(got, "detach", errno.ENOENT if there else errno.ENODEV)
            return
        device = s.device(what) if what in s.units else None
        if not device or not device.watched:
            self.errno(got, "detach", errno.ENODEV)
            return
        refused = self.stays(device, pool, got)
        bound = device.bound
        if not refused and bound:
            self.unbind(device)
            yield
            self.unbind(device)
            refused = self.stays(device, pool, got) if device.exists else "fail"
            if refused and device.exists:
                self.bind(device)
        if refused:
            self.errno(got, "detach", refused)
            return
        self.end(device)
        device.excluded = True
        self.collect()
        if not bound:
            self.errno(got, "detach", 0)
            return
        yield
        if device.bound or device.exists and self.bind(device):
            # its driver may have asked for the pool again
            again = s.listed_by(device) == pool and not device.leaving
            self.errno(got, "detach", errno.EBUSY if again else 0)
        elif not device.exists:
            self.errno(got, "detach", "fail")
        elif "failed-attach" not in self.without:
            self.errno(got, "failed-attach", "fail")
            self.must_say.append(("failed-attach", f"{device.name}: its driver did not bind "
                                  f"without DMA pool {pool}"))

    def stays(self, device, pool, got):
        """What a write to detach ends with at once, None if there is something to do."""
        s = self.s
        if s.listed_by(device) != pool or device.leaving:
            return errno.ENOENT
        refused = device.made or s.busy(device)
        if refused is None or device.made is None:
            refused = self.failed(got)
        if not refused and device.stuck and device.bound:
            refused = "stuck" not in self.without or self.failed(got)
        return errno.EBUSY if refused else None

    def ask(self, device, pool, probing=False):
        """The in-kernel API. Returns what it must return, None if that is open."""
        s = self.s
        # the kernel hands out no symbol of a module that is being loaded
        if not s.loaded or self.loading or s.pools.get(pool) != "up":
            return 517
        if not (device.watched or device.bare or device.bound or probing):
            return errno.EINVAL
        if not probing and device.watched and self.keeps_copied(device, None):
            return errno.EBUSY
        if s.listed_by(device) == pool and not device.leaving:
            device.excluded = False
            if not probing:
                self.note_maker(device)
            return 0
        if s.listed_by(device):
            if device.by_default is False or s.busy(device):
                return errno.EBUSY
            if device.by_default is None or s.busy(device) is None:
                if not probing:
                    return None
                if not self.sees_bound(device):
                    return errno.EBUSY
        elif device.copied and not s.has_ended(device.copied):
            # what the other holds may be its own, and comes back only by these ops
            origin = s.devices[device.copied[0]]
            held = s.held(origin)
            # they serve it already, while that one is a client
            served = device.bare and device.copied[2] == pool and \
                origin.exists and not origin.leaving
            if held or held is None:
                return (0 if served else errno.EBUSY) if held else None
        device.excluded = False
        device.heard = not device.watched
        self.become(device, pool)
        # whether it goes on pinning the module until it is unbound is open
        device.ended = None if device.ended is not False and (device.bound or device.bare) \
            else False
        if device.bound:
            device.may_change = True
            device.replaced = None
        if device.bound or probing:
            device.made = bool(device.made)
        if not probing:
            self.note_maker(device)
        self.collect()
        return 0

    def keeps_copied(self, device, got):
        """Without a driver: must it keep ops that its last one has copied? Whose ops
        they are may hold memory of it. If not, it has none of these from now on."""
        if not device.borrows or device.bound:
            return False
        held = self.s.held(self.s.lender(device))
        held = self.failed(got) if held is None else held
        if not held:
            device.borrows = None
            self.collect()
        return held

    def note_maker(self, device):
        if not device.watched or device.bound:
            return
        # in the midst of a probe it is the driver that asks
        if device.by_default is not False:
            device.by_default = None if self.at_a_time else False
        if device.made is True:
            return
        unit = self.seen.units.get(device.unit)
        device.made = True if unit and unit.ops == "x" else "named"
        if self.at_a_time:
            device.made = None

    def step_api(self, got, unit, pool):
        device = self.s.device(unit)
        if not device:
            self.errno(got, "api", errno.ENODEV)
            return
        wanted = self.ask(device, pool)
        if wanted is None:
            self.adopt(device)
            return
        # user space knows no EPROBE_DEFER, but it comes through
        self.errno(got, self.api_rule(unit),
                   {517: 517 & 0xff}.get(wanted, wanted), wanted)
        if device.bare and "busless" in self.without:
            device.client = self.sees_client(device)

    @staticmethod
    def api_rule(unit):
        return {"B": "busless", "X": "unwatched"}.get(unit[0], "api")

    def step_unapi(self, got, unit):
        s = self.s
        device = s.device(unit)
        rule = self.api_rule(unit)
        if not device:
            self.errno(got, rule, errno.ENODEV)
            return
        # that of a pool that has gone can be given back, too, where nobody watches or a
        # maker has asked
        ended = device.lasting or not device.watched and device.ended
        if not s.loaded or not (s.listed_by(device) or ended):
            self.errno(got, rule, errno.ENOENT, *[0] * (s.loaded and ended is None))
            device.ended = device.ended if device.watched else False
            return
        busy = s.busy(device)
        # with a driver there are two who use it
        pinned = device.bound and (device.made or device.lasting or
                                   device.client and device.stuck)
        if not pinned and device.bound and device.made is None:
            pinned = self.failed(got)
        refused = busy or pinned
        if busy is None or "stuck" in self.without and device.stuck:
            refused = bool(got)
        if refused:
            self.errno(got, rule, errno.EBUSY)
            return
        self.errno(got, rule, 0)
        self.end(device)
        device.ended = device.lasting = device.heard = False
        device.follows = None
        self.take_back(device, True)
        device.excluded = device.watched
        device.may_change = device.bound
        self.collect()

    def step_raw(self, got, pool):
        self.errno(got, "raw", "fail")

    def step_alloc(self, got, unit, slot, size, nk=None):
        s, size = self.s, int(size)
        device = s.device(unit)
        if not device or not (device.bound or device.bare) or (unit, int(slot)) in s.slots:
            self.errno(got, "serve", "fail")
            return
        rule = "child" if device.copied else "busless" if device.bare else \
            "borrow" if device.borrows else "serve"
        allowed = self.may_serve(device, size, bool(nk))
        seen = self.seen.units.get(unit)
        there = seen.slots.get(int(slot)) if seen else None
        if got or not there:
            if "fail" not in allowed and rule not in self.without and not self.loose:
                self.problems.append((rule, f"no memory ({name_of(got)}); it must be "
                                      f"{' or '.join(sorted(allowed))}"))
            return
        pool = self.machine.pool_at(there[0])
        if pool:
            kind, source = f"pool {pool}", "pool"
        else:
            of = self.served_by(device)
            source = "fallback" if of and not device.replaced else "kernel"
            kind, pool = source, of if source == "fallback" else None
        if kind not in allowed and rule not in self.without and not self.loose:
            self.problems.append((rule, f"memory of {kind} at {there[0]:#x}, not "
                                  f"{' or '.join(sorted(allowed))}"))
        s.slots[unit, int(slot)] = Slot(device.key, device.holder, size, source, pool)

    def may_serve(self, device, size, nk):
        source = self.source(device)
        if not source:
            held = self.s.held(self.s.devices[device.holder])
            if nk and (not device.copied or self.s.has_ended(device.copied) or
                       held is not False):
                of = self.served_by(device)
                return {"fallback" if of and not device.replaced else "kernel", "fail"}
            return {"fail"}
        if source[0] == "kernel":
            return {"kernel", "fail"} if nk or size > 65536 else {"kernel"}
        if source[0] == "fallback":
            return {"fallback", "fail"} if nk or size > 65536 else {"fallback"}
        pool = source[1]
        total = self.machine.pools[pool][1]
        spare = {"fallback", "fail"} if nk else {"fallback"} if self.machine.snoops(device) else {"fail"}
        if size > total:
            return spare | ({"fail"} if size > 65536 else set())
        used = sum(round_up(x[2]) for d in self.s.devices.values()
                   for x in self.s.sources(d) if x[1] == pool)
        allowed = {f"pool {pool}"}
        if nk or size > 65536 or used + 4 * round_up(size) > total // 2:
            allowed |= spare | {"fail"}
        return allowed

    def step_map(self, got, unit):
        device = self.s.device(unit)
        if device.bare or device.bound:
            if device.replaced == "own":
                self.errno(got, "serve", 0, errno.EOPNOTSUPP)
            else:
                self.errno(got, "serve", 0)
        else:
            self.errno(got, "serve", "fail")

    def step_free(self, got, unit, slot):
        s = self.s
        found = s.slots.pop((unit, int(slot)), None)
        if not found:
            self.errno(got, "held", errno.ENOENT)
            return
        self.errno(got, "held", 0)
        self.collect()

    # --- what is taken over

    def adopt(self, device):
        """Take over what is seen of a device that was not removed."""
        self.guessed = True
        bound = self.sees_bound(device)
        if not bound and device.bound:
            self.unbind(device)
        elif bound and not device.bound:
            self.bind(device, forced=True)
        device.may_change = True
        # whether its probe was deferred nothing tells until it is tried again
        device.deferred |= not bound and self.s.units[device.unit].mode in ("defer", "api")
        there = self.seen.units.get(device.unit)
        if there and device.bound:
            # it may have been bound again, by a driver that does something else
            if there.ops == "o":
                device.replaced, device.tidy = "own", True
            elif device.replaced == "own":
                device.replaced = None
        client = self.sees_client(device)
        if client and self.at_a_time:
            # it was bound while the pool went, and holds memory of it
            self.s.pools.setdefault(client, "dead")
        if client and self.s.pools.get(client):
            if device.borrows and device.borrows[1] == client:
                return
            device.borrows = None
            if device.client != client:
                self.become(device, client, None, True)
                self.adopt_managed(device, client)
        elif not device.replaced:
            self.end(device, True)
            device.borrows = None
        if not device.watched:
            # it may hold memory that it got when it was one before
            device.leaving = bool(device.client) and \
                (not bound or self.choose((device.leaving, not device.leaving)))
            device.heard = None
        elif device.excluded is not False or client is None:
            device.excluded = None
        device.by_default = None if device.watched else False
        self.adopt_maker(device, there)
        self.adopt_children()
        self.collect()

    def adopt_maker(self, device, there):
        if not device.watched or not there:
            return
        if self.seen.references == 0:
            device.made = device.lasting = False
        elif device.client:
            device.made = None if device.unit in self.asked else device.made
        elif not device.bound and there.ops == "x":
            device.lasting = True

    def adopt_managed(self, device, pool):
        """What its driver's probe took, if that was while the pool went."""
        slots = [x for x in self.s.slots.values() if x.holder == device.key and x.pool == pool]
        if device.bound and self.s.units[device.unit].mode == "need" and \
                self.seen.pools[pool].allocations.get(device.name, 0) > len(slots):
            device.managed = ("pool", pool)

    def adopt_all(self):
        """After two steps at a time that were done in no order."""
        s, seen = self.s, self.seen
        self.guessed = True
        s.loaded = seen.references is not None
        if not s.loaded:
            s.pools, s.parameters, s.rules = {}, (), ()
        else:
            for pool, device in (("a", 0), ("b", 1), ("d", None)):
                name = self.pool_device_name(pool)
                if name in seen.bound:
                    s.pools[pool] = "up"
                elif s.pools.get(pool) == "up":
                    self.pools_end([pool])
        for unit, there in seen.units.items():
            self.adopt_slots(unit, there)
        for device in list(s.devices.values()):
            if device.exists and not device.bare:
                self.adopt(device)
            elif device.exists and device.client and not self.sees_client(device):
                self.end(device, True)
        self.adopt_children()
        self.collect()

    def adopt_children(self, over=False):
        """Who has its ops no more, after something was taken over of the others, or if
        over: of those whose client is over."""
        for device in self.s.devices.values():
            there = self.seen.units.get(device.unit)
            if device.exists and device.copied and there and there.ops == "n" and \
                    (not over or self.s.is_over(device.copied)):
                device.copied = None

    def adopt_slots(self, unit, there):
        s = self.s
        for key in [k for k in s.slots if k[0] == unit and k[1] not in there.slots]:
            del s.slots[key]
        device = s.device(unit)
        for slot, (dma, size) in there.slots.items():
            pool = self.machine.pool_at(dma)
            old = s.slots.get((unit, slot))
            if old and old.size == size and (not pool or old.pool == pool):
                if not pool and old.source == "pool":
                    old.source = None
                continue
            if device or old:
                key, holder = (device.key, device.holder) if device else (old.key, old.holder)
                s.slots[unit, slot] = Slot(key, holder, size, "pool" if pool else None, pool)

    def pool_device_name(self, pool):
        return pool_device_name(self.s, pool)

    def settle(self):
        """Deferred probes are tried again whenever some other device is bound. And who
        has no driver loses the ops of a client that is over, when the module looks next."""
        self.adopt_children(True)
        for device in list(self.s.devices.values()):
            if not device.exists or device.bound or not device.deferred:
                continue
            if self.sees_bound(device):
                self.bind_late(device)
            elif not self.served_by(device) and self.policy(device)[0]:
                pool, by_default = self.policy(device)
                if self.sees_client(device) == pool:
                    self.become(device, pool, by_default)
            there, unit = self.seen.units.get(device.unit), self.s.units[device.unit]
            if device.made == "named" and there and there.ops == "x":
                device.made = True
            # what is seen of a pool that is gone is what has not ended yet
            if not device.client and unit.mode == "api" and \
                    self.s.pools.get(unit.arg) == "up" and self.sees_client(device) == unit.arg:
                self.become(device, unit.arg)

    # --- all of it

    def begin(self, step, got):
        """Returns its pauses, to be gone through for the step to be done."""
        if step[0] == "api":
            self.asked.add(step[1])
        return getattr(self, "step_" + step[0])(got, *step[1:]) or ()

    def run(self, step, got, within=None):
        """within: (number of a pause, steps that are done in it)."""
        at = -1
        for at, _ in enumerate(self.begin(step, got)):
            if within and at == within[0]:
                for inner in within[1]:
                    self.run(*inner)
        self.missed |= bool(within) and at < within[0]

    def log(self):
        for rule, what in self.must_say:
            if rule not in self.without and not self.loose and \
                    not any(re.search(what, row) for row in self.seen.log):
                self.problems.append((rule, f'the log does not say "{what}"'))
        for rule, what in self.must_not_say:
            if rule not in self.without and not self.loose:
                self.problems += [(rule, f'the log says "{row}"')
                                  for row in self.seen.log if re.search(what, row)]


def name_of(number):
    if number == 0:
        return "success"
    if number in (517, 517 & 0xff):
        return "EPROBE_DEFER"
    return errno.errorcode.get(number, f"error {number}")


def round_up(size):
    return (size + PAGE - 1) // PAGE * PAGE


def glob_of(word):
    """L0, L*: as clients= has it."""
    return {"L*": "dap-life.*", "S*": "dap-stuck.*"}.get(word) or device_name(word)


def pool_device_name(state, pool):
    if pool == "d":
        return "20400000.dma-pool"
    if pool in state.parameters:
        return f"dma_alias_pool.{state.parameters.index(pool)}"
    return "dma_alias_pool.9"


def compare(machine, state, seen, without):
    """What is seen, and must not be: (rule, text)."""
    found = []

    def differ(rule, what, got, wanted):
        if got != wanted and rule not in without:
            found.append((rule, f"{what}: {got}, not {wanted}"))

    differ("load", "is the module loaded", seen.references is not None, state.loaded)
    differ("load", "has debugfs its directory", seen.files, state.loaded)
    up = {pool_device_name(state, p) for p, how in state.pools.items() if how == "up"}
    differ("pool", "pools that are up", sorted(seen.bound), sorted(up))
    dead = "ended" if any(d.ended for d in state.devices.values()) else "dead"
    differ(dead, "pools in debugfs", sorted(seen.pools), sorted(state.pools))
    differ(dead, "pools in iomem", sorted(seen.iomem), sorted(state.pools))
    for pool in state.pools:
        if pool in seen.pools:
            compare_pool(machine, state, seen.pools[pool], differ, found, without)
    for name, unit in seen.units.items():
        compare_unit(state, name, unit, differ, found, without)
    pinned = state.pinned()
    if state.loaded and seen.references is not None and pinned is not None:
        if not ("stuck" in without and any(d.stuck and d.bound and (d.client or d.ended)
                                           for d in state.devices.values())):
            differ("pin", "is the module in use", seen.references > 0, pinned)
    if "data" not in without:
        found += [("data", text) for text in seen.findings]
    return found


def compare_pool(machine, state, files, differ, found, without):
    pool = files.name
    members = sorted(d.name for d in state.devices.values() if state.listed_by(d) == pool)
    differ("member", f"clients of {pool}", sorted(files.clients), members)
    differ("stats", f"clients of {pool} in stats", files.stats["clients"], len(files.clients))
    differ("stats", f"bad frees of {pool}", files.stats["bad_free_count"], 0)
    live = [(d.name, x[2]) for d in state.devices.values() for x in state.sources(d)
            if x[0] == "pool" and x[1] == pool]
    differ("held", f"live_allocs of {pool}", files.stats["live_allocs"], len(live))
    differ("stats", f"requested_bytes of {pool}", files.stats["requested_bytes"],
           sum(size for _, size in live))
    differ("stats", f"used_bytes of {pool}", files.stats["used_bytes"],
           sum(round_up(size) for _, size in live))
    holders = {}
    for name, _ in live:
        holders[name] = holders.get(name, 0) + 1
    differ("held", f"allocations of {pool}", dict(sorted(files.allocations.items())),
           dict(sorted(holders.items())))


def compare_ops(state, device, unit, differ):
    """Whose they are: x, the module's; o, of its driver's own; n, none."""
    if device.bound and device.replaced:
        wanted = "o" if device.replaced == "own" else "n"
    elif device.copied:
        wanted = "x"
    elif state.listed_by(device):
        # one that was not bound since it is a client has none yet
        wanted = "n" if unit.ops == "n" and not device.bound else "x"
    else:
        # under a driver they stay when it is no client any more
        wanted = "x" if device.ended or device.lasting is True or \
            (device.ended is None or device.lasting) and unit.ops == "x" else "n"
    differ("child" if device.parent else "ops", f"whose ops has {device.name}", unit.ops, wanted)


def compare_unit(state, name, unit, differ, found, without):
    device = state.device(name)
    s = state.units[name]
    differ("bound", f"is {name} there", unit.exists, bool(device))
    differ("bound", f"is {name} bound", unit.bound, bool(device and device.bound))
    differ("held", f"slots of {name}", sorted(unit.slots),
           sorted(k[1] for k in state.slots if k[0] == name))
    left = [d for d in state.devices.values() if d.unit == name]
    sure = [d for d in left if d.exists or state.slots_of(d) or state.children(d) or
            state.followers(d)]
    gone = s.created - len(left), s.created - len(sure)
    if not gone[0] <= unit.released <= gone[1] and "refs" not in without:
        found.append(("refs", f"released devices of {name}: {unit.released} of {unit.created},"
                      f" not {gone[0]}"))
    if device:
        compare_ops(state, device, unit, differ)
        if unit.differs and not device.may_change and "under" not in without:
            found.append(("under", f"the ops of {name} have changed under its driver"))
    if unit.changed > s.changes and "under" not in without:
        found.append(("under", f"the ops of {name} had changed when its driver was unbound"))
