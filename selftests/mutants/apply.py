#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""apply.py check|list|apply TREE [NAME...] - mutants of the module

Reads the mutants in the file "list" beside this one, all of them or those named, in
the order of the names. TREE is the tree whose sources they change.

  check   see that each mutant can be applied; nothing is changed
  list    print "NAME FIRST" of each
  apply   change the source, and print its name

A mutant is written like this:

    == NAME FILE FIRST[@BOARD[-FLAVOUR]]
    # what is broken
    @@ FUNCTION
     a line as it is
    -a line that goes
    +a line that comes

FIRST is the test that is most likely to find the mistake. check.sh runs it first, to
save time; another test may be the one that finds it. BOARD names another board than
the default one, for code that only that board uses, and FLAVOUR one of its kernels
(../rig/flavours), of the series that board.conf names.

There may be several @@, each for one FUNCTION. A function begins with a line that has
text in the first column and the word FUNCTION in it, and ends with the next line that
begins with "}" or ")". FUNCTION can also be a #define or a declaration: then it is one
line. The lines below @@ must stand in the function exactly once; their indentation
does not matter. So a mutant still applies when code has moved, and is reported by
name when the code has changed.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Mistake(Exception):
    pass


class Mutant:
    def __init__(self, name, path, first):
        self.name, self.path, self.first = name, path, first
        self.hunks = []  # (function, old lines, new lines)


def read_list():
    mutants = []
    with open(os.path.join(HERE, "list")) as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            words = line.split()
            if line.startswith("== ") and len(words) == 4:
                mutants.append(Mutant(*words[1:]))
            elif line.startswith("@@ ") and mutants:
                mutants[-1].hunks.append((line[3:], [], []))
            elif line[:1] in (" ", "-", "+") and mutants and mutants[-1].hunks:
                _, old, new = mutants[-1].hunks[-1]
                if line[0] != "+":
                    old.append(line[1:])
                if line[0] != "-":
                    new.append(line[1:])
            elif line and not line.startswith("#"):
                raise Mistake(f"mutants/list:{number}: what is this? {line}")
    names = [m.name for m in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Mistake(f"mutants/list: {name} is there twice")
    return mutants


def find_function(lines, name):
    """The lines [start, end) of the function, #define or declaration"""
    for start, line in enumerate(lines):
        if re.match(rf"[#a-zA-Z].*\b{name}\b", line):
            if line.startswith("#") or line.endswith(";"):
                return start, start + 1
            for end in range(start, len(lines)):
                if re.match(r"[})]", lines[end]):
                    return start, end + 1
    raise Mistake(f"there is no {name}")


def mutate(mutant, text):
    lines = text.split("\n")
    if not mutant.hunks:
        raise Mistake("it changes nothing")
    for function, old, new in mutant.hunks:
        start, end = find_function(lines, function)
        bare = [line.strip() for line in old]
        found = [i for i in range(start, end - len(old) + 1)
                 if [line.strip() for line in lines[i:i + len(old)]] == bare]
        if len(found) != 1:
            raise Mistake(f"in {function} this stands {len(found)} times:\n" +
                          "\n".join(old))
        lines[found[0]:found[0] + len(old)] = new
    return "\n".join(lines)


def main():
    verb, tree, *names = sys.argv[1:]
    mutants = read_list()
    unknown = set(names) - {m.name for m in mutants}
    if unknown:
        raise Mistake(f"there is no mutant {' '.join(sorted(unknown))}")
    if names:
        mutants = sorted((m for m in mutants if m.name in names),
                         key=lambda m: names.index(m.name))
    wrong = 0
    for mutant in mutants:
        if verb == "list":
            print(mutant.name, mutant.first)
            continue
        path = os.path.join(tree, mutant.path)
        try:
            with open(path) as source:
                text = mutate(mutant, source.read())
        except (Mistake, OSError) as e:
            print(f"mutants: {mutant.name} does not apply: {e}", file=sys.stderr)
            wrong += 1
            continue
        if verb == "apply":
            with open(path, "w") as source:
                source.write(text)
            print(mutant.path)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Mistake, ValueError) as e:
        print(f"mutants: {e}", file=sys.stderr)
        sys.exit(1)
