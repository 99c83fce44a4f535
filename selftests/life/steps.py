# SPDX-License-Identifier: GPL-2.0
"""steps.py - the steps of the lifecycle fuzzer: as text, for the machine, and at
random.

  insmod POOLS CLIENTS     a,b L0@a,L*@b, or L0 if there is one pool; "-" for none;
                           pool x overlaps a, y is nonsense, z does not exist
  rmmod
  fault N POOLS CLIENTS    the same as insmod with its Nth allocation failing, and
                           rmmod if it is loaded all the same
  punbind POOL             the pool's device from its driver, and again: pbind
  overlay, unoverlay       pool d, the default, by device tree
  add UNIT, del UNIT       a test device; T0 comes with an overlay of its own, and is
                           named for pool d there; P0 is on PCI, A0 on AMBA,
                           X0 on a bus that the module does not watch
  add B0|B1 UNIT           as a child of that unit, with its ops
  mode UNIT MODE [ARG]     what its driver's next probe does
  keep UNIT 0|1            does its driver leak its memory when it goes?
  bind UNIT, unbind UNIT   its driver, by sysfs
  attach POOL WHAT, detach POOL WHAT   by sysfs; WHAT: UNIT, pool:POOL, nobody
  api UNIT POOL, unapi UNIT            the in-kernel API
  raw POOL                 the same for a device that is not registered
  alloc UNIT SLOT SIZE [nk], free UNIT SLOT
  map UNIT                 streaming DMA
  two US1 US2 SLOW | STEP | STEP       both, after so many microseconds; SLOW:
                           EVENT=MS that a notifier of the bus sleeps, or -
  again MS STEP            in two only: again and again, for races that take a while

A sequence is steps with "; " between them. A step that makes no sense where it
stands (of a device that is not there, say) is left out.
"""
from model import UNITS, device_name, glob_of, pool_device_name

CONTROL = "/sys/kernel/debug/dma_alias_pool_life/control"
OVERLAY = "/sys/kernel/debug/dma_alias_pool_overlay"
DRIVERS = "/sys/bus/platform/drivers"
DEVICES = "/sys/bus/platform/devices"
# where drivers other than the platform's are
DRIVER_OF = {"P0": "/sys/bus/pci/drivers/dap-life-pci", "A0": "/sys/bus/amba/drivers/dap-prime",
             "X0": "/sys/bus/dap-bus/drivers/dap-other"}
BY_SYSFS = "LTPAX"  # units whose driver can be bound and unbound so
EVENTS = ("del", "removed", "bind", "bound", "unbind", "unbound")
SIZES = (1, 4096, 5000, 12288, 8192)
FAULTS = 250  # a little more than the allocations of a load
HUGE = 0x81000  # more than pools a and b have


def to_text(steps):
    return "; ".join(step_text(s) for s in steps)


def step_text(step):
    if step[0] == "two":
        return f"two {step[1]} {step[2]} {step[3]} | {step_text(step[4])} | {step_text(step[5])}"
    return " ".join(str(w) for w in step)


def from_text(text):
    return [one_from_text(t) for t in text.split(";") if t.strip()]


def one_from_text(text):
    parts = [tuple(p.split()) for p in text.split("|")]
    if parts[0][0] == "two":
        return (*parts[0], parts[1], parts[2])
    return parts[0]


def wire(step, state, machine):
    """For life.c."""
    kind, args = step[0], step[1:]
    if kind == "two":
        return (f"two {step[1]} {step[2]} {step[3]} ; {wire(step[4], state, machine)}"
                f" ; {wire(step[5], state, machine)}")
    if kind == "again":
        return f"again {step[1]} {wire(step[2:], state, machine)}"
    if kind == "insmod":
        words = []
        if args[0] != "-":
            words.append("pools=" + ",".join(machine.parameter(p) for p in args[0].split(",")))
        if args[1] != "-":
            rules = [r.partition("@") for r in args[1].split(",")]
            words.append("clients=" + ",".join(glob_of(g) + at + p for g, at, p in rules))
        return " ".join(["insmod /root/dma_alias_pool.ko", *words])
    if kind == "fault":
        return f"fault {args[0]} {wire(('insmod', *args[1:]), state, machine)}"
    if kind == "rmmod":
        return "rmmod dma_alias_pool"
    if kind in ("punbind", "pbind"):
        return f"write {DRIVERS}/dma_alias_pool/{kind[1:]} {pool_device_name(state, args[0])}"
    if kind == "overlay":
        return f"file {OVERLAY}/apply /root/overlays/default.dtbo"
    if kind == "unoverlay" or step == ("del", "T0"):
        # the kernel removes them in any order: they do not overlap
        first = state.applied[0] == ("d" if kind == "unoverlay" else "T0")
        return f"write {OVERLAY}/remove {'first' if first else 'last'}"
    if step == ("add", "T0"):
        return f"file {OVERLAY}/apply /root/overlays/client.dtbo"
    if step == ("add", "P0"):
        return "write /sys/bus/pci/rescan 1"
    if step == ("del", "P0"):
        return f"write /sys/bus/pci/devices/{device_name('P0')}/remove 1"
    if kind in ("bind", "unbind"):
        driver = DRIVER_OF.get(args[0], f"{DRIVERS}/dap-life")
        return f"write {driver}/{kind} {device_name(args[0])}"
    if kind in ("attach", "detach"):
        what = args[1]
        if what.startswith("pool:"):
            name = pool_device_name(state, what[5:])
        else:
            name = device_name(what) if what in UNITS else what
        return f"write {DEVICES}/{pool_device_name(state, args[0])}/{kind} {name}"
    names = {"api": "attach", "unapi": "detach"}
    return f"write {CONTROL} {' '.join([names.get(kind, kind), *map(str, args)])}"


def is_needed(s, device):
    """Does its memory outlive it, or do others have its operations?"""
    keeps = s.units[device.unit].keep or not device.bound
    return s.borrowers(device, False) or s.slots_of(device) and keeps


def may_have_child(s, device):
    """What was below a device that is removed has no place in sysfs any more."""
    if not device or device.replaced:
        return False
    while device and device.exists:
        if not device.parent:
            return True
        device = s.devices.get(device.parent)
    return False


def is_between(s, device):
    """Has it children with the ops of another device? If it is removed before them,
    they are below no device any more: nobody finds them to take the ops back."""
    return any(d.copied and d.copied[0] != device.key for d in s.children(device))


def is_copied_from_kernel(s, device):
    """Has it memory of the kernel, by copied ops? Once it is removed, nobody finds it to
    take these back, and it would free by what is gone."""
    return bool(device.copied) and any(x.source not in ("pool", "fallback")
                                       for x in s.slots_of(device).values())


def frees_unseen(step, s):
    """Is it a free of memory of the kernel, and maybe after the driver has gone? Nothing
    tells the module that somebody is in an operation then, so the device may lose it."""
    slot = s.slots.get((step[1], int(step[2]))) if step[0] == "free" else None
    device = s.devices.get(slot.key) if slot else None
    return bool(device) and slot.source not in ("pool", "fallback") and \
        bool(s.units[device.unit].keep or not device.bound)


def makes_sense(step, s, machine):
    kind, args = step[0], step[1:]
    if kind == "two":
        both = [x[2:] if x[0] == "again" else x for x in step[4:]]
        # nor is a client to have a driver's own operations below its own: it may have
        # these by the time that somebody asks
        return all(makes_sense(x, s, machine) for x in both) and \
            not any(x[0] == "api" and s.units[x[1]].mode == "own" for x in both) and \
            not (any(frees_unseen(x, s) for x in both) and
                 any(x[0] not in ("alloc", "free", "map") for x in both))
    if kind == "again":
        return makes_sense(step[2:], s, machine)
    if kind == "overlay":
        return machine.overlays and not s.overlay
    if kind == "unoverlay":
        return s.overlay
    if step[1:] == ("T0",) and kind == "del" and not s.device("T0"):
        return False
    if kind == "add":
        return not s.device(args[0]) and machine.has(args[0]) and \
            (len(args) < 2 or may_have_child(s, s.device(args[1])))
    if kind == "del" and s.device(args[0]) and (
            is_between(s, s.device(args[0])) or is_copied_from_kernel(s, s.device(args[0]))):
        return False
    if step == ("del", "T0") and is_needed(s, s.device("T0")):
        # who needs it has a reference to it, and the kernel complains of who has
        # one to what is in the tree when that goes
        return False
    if kind == "keep" and args[0] == "P0":
        # DMA_API_DEBUG complains of drivers on PCI that leave memory behind
        return args[1] == "0"
    if kind in ("del", "bind", "unbind"):
        return bool(s.device(args[0]))
    if kind in ("api", "unapi"):
        device = s.device(args[0])
        return bool(device and not device.replaced)
    if kind in ("punbind", "pbind"):
        return s.loaded and s.pool_device(args[0])
    if kind in ("attach", "detach"):
        device = s.device(args[1])
        # a driver that sets ops of its own is not to find others in place of them
        return s.pool_device(args[0]) and not (device and device.stuck and device.replaced)
    if kind == "alloc":
        device = s.device(args[0])
        return bool(device and (device.bound or device.bare)) and \
            (args[0], int(args[1])) not in s.slots
    if kind == "map":
        device = s.device(args[0])
        return bool(device and (device.bound or device.bare))
    if kind == "free":
        return (args[0], int(args[1])) in s.slots
    if kind == "rmmod":
        return s.loaded
    if kind == "fault":
        # who waits for a pool would be bound, and that by a driver that may stay so
        return machine.faults and not s.loaded and \
            all(d.bound or d.bare for d in s.devices.values() if d.exists)
    return True


def clean_up(s):
    """Afterwards nothing is left, and the module can be unloaded."""
    steps = [("free", unit, slot) for unit, slot in sorted(s.slots)]
    steps += [("del", unit) for unit in UNITS if s.device(unit)]
    for unit, u in s.units.items():
        if u.mode != "ok":
            steps.append(("mode", unit, "ok"))
        if u.keep:
            steps.append(("keep", unit, "0"))
    if s.overlay:
        steps.append(("unoverlay",))
    if s.loaded:
        steps.append(("rmmod",))
    return steps


class Generator:
    """Steps at random, such as are likely to matter in a state. Each sequence is
    about a few devices and leaves out some kinds of steps: so others get far."""

    def __init__(self, rng, machine, without):
        self.rng = rng
        self.machine = machine
        self.without = without
        self.units = rng.sample(("L0", "L1", "L2", "L3"), rng.choice((1, 2, 2, 3)))
        self.units += [u for u in ("S0", "S1") if rng.random() < 0.3]
        self.units += ["B0"] * ("busless" not in without and rng.random() < 0.3)
        # children without a driver, and the devices that they may have ops of
        self.family = without.isdisjoint(("busless", "child")) and rng.random() < 0.25
        if self.family:
            others = [u for u in self.units if u != "B0"]
            self.units = rng.sample(others, min(2, len(others))) + ["B0", "B1"]
        self.pools = rng.choice((["a"], ["a"], ["a", "b"]))
        self.default = machine.overlays and rng.random() < 0.5
        # what comes of a client that nobody watches takes many steps with it alone
        self.alone = "unwatched" not in without and not self.family and rng.random() < 0.15
        if self.alone:
            self.units = [rng.choice(self.units), "X0", "X0", "X0"]
            self.pools, self.default = ["a"], False
        elif "unwatched" not in without and rng.random() < 0.2:
            self.units.append("X0")
        self.units += ["T0"] * (self.default and rng.random() < 0.4)
        self.units += ["P0"] * (machine.has("P0") and rng.random() < 0.4)
        self.units += ["A0"] * (machine.has("A0") and rng.random() < 0.3)
        self.everybody = [p for p in self.pools + ["d"] * self.default]
        self.modes = ["ok", "ok", "need", "fail", "defer", "api"]
        # ops that are copied matter to a few steps that come later only
        self.copies = "copy" not in without and rng.random() < 0.25
        if self.copies:
            self.modes = ["ok", "copy"]
            self.units += [u for u in ("L0", "L1", "L2") if u not in self.units][:1]
        if "replace" not in without:
            self.modes += ["own", "null"]
        kinds = ["mode", "keep", "api", "unapi", "detach", "two", "del", "punbind",
                 "rmmod", "alloc", "nk", "unbind", "raw"]
        self.off = {k for k in kinds if rng.random() < 0.2}
        if self.copies:
            # whose ops are copied depends on who is first
            self.off.add("two")
        self.racy = "two" not in self.off and rng.random() < 0.15
        self.pairs = rng.sample(self.PAIRS, 2 if self.racy else 8)
        if "raw" in without:
            self.off.add("raw")
        self.eager = rng.random() < 0.5  # with clients=

    def step(self, s):
        kinds = self.weights(s)
        while True:
            kind = self.rng.choices(list(kinds), list(kinds.values()))[0]
            step = getattr(self, "a_" + kind)(s)
            if step and makes_sense(step, s, self.machine):
                return step

    def weights(self, s):
        w = {"add": 3, "bind": 4, "attach": 7, "free": 6, "insmod": 0.2, "detach": 3,
             "alloc": 9, "mode": 4, "keep": 2, "api": 3, "unapi": 2, "two": 5, "raw": 0.2,
             "map": 1.5, "del": 1.5, "unbind": 4, "punbind": 2.5, "pbind": 1, "rmmod": 1.5}
        if not s.loaded:
            w.update(insmod=10, fault=6 * self.machine.faults, attach=0, detach=0, punbind=0, pbind=0, rmmod=0, api=0.3,
                     unapi=0.3)
        if self.racy:
            w["two"] = 30
        if self.copies:
            w.update(map=5, mode=6)
        if self.family:
            w.update({"del": 6, "api": 8, "unapi": 4})
        if self.alone:
            w.update(mode=9, keep=4, api=6, bind=9, unbind=7, attach=1, detach=1, punbind=1,
                     two=2)
        missing = sum(not s.device(u) for u in set(self.units))
        w["add"] = 5 * missing
        if any(s.pool_device(p) and s.pools.get(p) != "up" for p in self.everybody):
            w["pbind"] = 4
        if self.default:
            w["overlay"] = 0.4 if s.overlay else 6
        if "nk" in self.off:
            w["alloc"] += 1
        for kind in self.off:
            w.pop(kind, None)
        return {k: v for k, v in w.items() if v}

    def unit(self):
        return self.rng.choice(self.units)

    def pool(self):
        return self.rng.choice(self.everybody)

    def a_insmod(self, s):
        r = self.rng
        pools = self.pools[:]
        if r.random() < 0.1:
            pools.append(r.choice("xy" if "a" in pools else "y"))
        rules = []
        if self.eager:
            for unit in self.units:
                if r.random() < 0.6 and unit[0] in "LSPAX":
                    globs = (unit, unit, unit[0] + "*" if unit[0] in "LS" else unit)
                    rules.append(f"{r.choice(globs)}@{r.choice(pools[:2])}")
                    if r.random() < (0.4 if len(pools) == 1 else 0.02):
                        rules[-1] = rules[-1].partition("@")[0]
        if r.random() < 0.07:
            rules.append("L0@z")
        rules = [x for x in rules if x[-1] not in "xy"]
        if not self.pools and not rules:
            return ("insmod", "-", "-")
        return ("insmod", ",".join(pools), ",".join(rules) or "-")

    def a_fault(self, s):
        kind, pools, rules = self.a_insmod(s)
        return ("fault", self.rng.randint(1, FAULTS), pools, rules)

    def a_rmmod(self, s):
        return ("rmmod",)

    def a_punbind(self, s):
        return ("punbind", self.pool())

    def a_pbind(self, s):
        return ("pbind", self.pool())

    def a_overlay(self, s):
        return ("unoverlay",) if s.overlay else ("overlay",)

    def a_add(self, s):
        unit = self.unit()
        parents = [u for u in self.units if u[0] in "LSBX" and u != unit and s.device(u)]
        # those that have something to copy, mostly
        parents = [u for u in parents if s.device(u).client] or parents
        if self.family and unit[0] == "B" and parents and self.rng.random() < 0.8:
            return ("add", unit, self.rng.choice(parents))
        return ("add", unit)

    def a_del(self, s):
        bare = [u for u in self.units if u[0] == "B"]
        return ("del", self.rng.choice(bare if self.family and self.rng.random() < 0.6
                                       else self.units))

    def a_mode(self, s):
        unit = self.unit()
        mode = self.rng.choice(self.modes)
        if unit[0] == "B":
            return None
        if unit == "X0":
            # only its driver makes it a client; that of one with other ops is not known
            mode = self.rng.choice(("ok", "ok", "api", "api", "api", "need", "fail", "defer"))
        if mode == "api":
            return ("mode", unit, mode, self.pool())
        if mode == "copy":
            others = [u for u in self.units if u != unit]
            return ("mode", unit, mode, self.rng.choice(others)) if others else None
        return ("mode", unit, mode)

    def a_keep(self, s):
        return ("keep", self.unit(), self.rng.choice("011"))

    def a_bind(self, s):
        units = [u for u in self.units if u[0] in BY_SYSFS and
                 (s.device(u) and not s.device(u).bound or self.rng.random() < 0.05)]
        return ("bind", self.rng.choice(units)) if units else None

    def a_unbind(self, s):
        units = [u for u in self.units if u[0] in BY_SYSFS]
        return ("unbind", self.rng.choice(units)) if units else None

    def who(self, s):
        r = self.rng.random()
        pool = self.pool()
        if r < 0.05:
            return "nobody"
        if r < 0.15 and ("self" not in self.without or s.pools.get(pool) == "up"):
            return "pool:" + pool
        return self.unit()

    def a_attach(self, s):
        return ("attach", self.pool(), self.who(s))

    def a_detach(self, s):
        who = self.who(s)
        device = s.device(who) if who in UNITS else None
        pool = device.client if device and self.rng.random() < 0.8 else None
        return ("detach", pool or self.pool(), who)

    def a_api(self, s):
        bare = [u for u in self.units if u[0] == "B"]
        return ("api", self.rng.choice(bare) if bare and self.rng.random() < 0.5 else self.unit(),
                self.pool())

    def a_unapi(self, s):
        return ("unapi", self.unit())

    def a_raw(self, s):
        return ("raw", self.pool())

    def a_alloc(self, s):
        r = self.rng
        size = HUGE if r.random() < 0.06 else r.choice(SIZES)
        step = ("alloc", self.unit(), r.randrange(3), size)
        device = s.device(step[1])
        if "foreign" in self.without and not (device and device.client):
            return step
        if "nk" not in self.off and r.random() < 0.08:
            step += ("nk",)
        return step

    def a_map(self, s):
        return ("map", self.unit())

    def a_free(self, s):
        slots = sorted(s.slots)
        return ("free", *self.rng.choice(slots)) if slots else None

    # who is likely to meet whom
    PAIRS = (("attach", "del"), ("attach", "del"), ("attach", "unbind"), ("attach", "punbind"),
             ("self", "punbind"), ("self", "punbind"), ("detach", "del"), ("detach", "unbind"),
             ("detach", "punbind"), ("attach", "attach"), ("free", "punbind"), ("free", "rmmod"),
             ("alloc", "punbind"), ("bind", "punbind"), ("bind", "rmmod"), ("del", "punbind"),
             ("del", "rmmod"), ("insmod", "add"), ("insmod", "bind"), ("pbind", "bind"),
             ("pbind", "add"), ("api", "punbind"), ("unapi", "punbind"), ("attach", "rmmod"),
             ("detach", "rmmod"), ("punbind", "punbind"), ("punbind", "rmmod"), ("free", "free"),
             ("attach", "bind"), ("unbind", "rmmod"), ("unbind", "punbind"), ("free", "unbind"),
             ("free", "del"), ("attach", "detach"), ("pbind", "rmmod"), ("pbind", "attach"),
             ("alloc", "attach"), ("attach", "alloc"), ("alloc", "detach"), ("api", "bind"),
             ("api", "rmmod"), ("unapi", "bind"), ("free", "unapi"))

    def a_two(self, s):
        r = self.rng
        kinds = r.choice(self.pairs)
        if not self.off.isdisjoint(kinds):
            return None
        unit, pool = self.unit(), self.pool()
        steps = []
        for kind in kinds:
            step = ("attach", pool, "pool:" + pool) if kind == "self" \
                else getattr(self, "a_" + kind)(s)
            if not step:
                return None
            # mostly about the same
            if step[0] in ("attach", "detach", "punbind", "pbind") and r.random() < 0.8:
                step = (step[0], pool, *step[2:])
            if kind != "self" and r.random() < 0.8:
                step = self.about(step, unit)
            steps.append(step)
        if any(step[0] == "two" for step in steps) or \
                not makes_sense(("two", 0, 0, "-", *steps), s, self.machine):
            return None
        if steps[0][0] in ("free", "alloc") and steps[0][1:3] == steps[1][1:3]:
            return None
        # some races need many tries, while the other takes its time
        for i in (0, 1):
            if steps[i][0] in ("attach", "detach", "bind", "unbind") and r.random() < 0.4:
                steps[i] = ("again", r.choice((5, 30, 60)), *steps[i])
        slow = "-"
        if r.random() < 0.6:
            slow = f"{r.choice(EVENTS)}{r.choice(('', '', '+'))}={r.choice((1, 5, 20, 40))}"
        return ("two", r.choice((0, 0, r.randrange(3000))), r.choice((0, 0, r.randrange(3000))),
                slow, *steps)

    @staticmethod
    def about(step, unit):
        if step[0] == "add" and len(step) > 2:
            return step
        if step[0] in ("add", "del", "bind", "unbind", "api", "unapi"):
            if step[0] in ("bind", "unbind") and unit[0] not in BY_SYSFS:
                return step
            return (step[0], unit, *step[2:])
        if step[0] in ("attach", "detach"):
            return (*step[:2], unit)
        return step
