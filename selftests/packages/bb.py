#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""bb.py FILE [NAME=VALUE...] - read a bitbake recipe or layer.conf, strictly.

Understands assignments, :append, :prepend, inline python and inherit. Anything else is
an error, with file and line. The arguments NAME=VALUE are variables that bitbake or a
class would have set. Prints NAME=VALUE, expanded, for each variable that FILE sets or
changes. If FILE cannot be read, prints the reason and exits with status 1.
"""
import re
import sys

ASSIGN = re.compile(
    r'^([A-Za-z0-9_.+/${}-]+?)(:append|:prepend)?\s*(=|:=|\+=|=\+|\.=|=\.|\?=|\?\?=)\s*(["\'])(.*)\4$')


def fail(path, line, text):
    sys.exit(f"{path}:{line}: {text}")


class Data:
    """The variables; inline python has this object as "d"."""

    def __init__(self, values):
        self.values = values

    def getVar(self, name):  # noqa: N802 (bitbake's name)
        value = self.values.get(name)
        return None if value is None else self.expand(value)

    def expand(self, text, depth=0):
        if depth > 20:
            raise ValueError(f"endless expansion of {text}")
        new = re.sub(r"\$\{@(.+?)\}(?=[^}]|$)", lambda m: str(eval(m[1], {"d": self})), text)
        new = re.sub(r"\$\{([A-Za-z0-9_.+-]+)\}", self.variable, new)
        return new if new == text else self.expand(new, depth + 1)

    def variable(self, match):
        if match[1] not in self.values:
            raise ValueError(f"${{{match[1]}}} is not set")
        return self.values[match[1]]


def logical_lines(path):
    with open(path, encoding="utf-8") as f:
        number, start, whole = 0, 1, ""
        for raw in f:
            number += 1
            if not whole:
                start = number
            if raw.rstrip("\n").endswith("\\"):
                whole += raw.rstrip("\n")[:-1]
                continue
            whole += raw.rstrip("\n")
            yield start, whole
            whole = ""
        if whole:
            fail(path, start, "the last line goes on")


def main():
    path, *given = sys.argv[1:]
    values = dict(word.split("=", 1) for word in given)
    data, touched, inherits = Data(values), [], []
    later = []  # :append and :prepend take effect after all assignments
    for line, text in logical_lines(path):
        if not text.strip() or text.startswith("#"):
            continue
        if m := re.match(r"^inherit\s+([a-z0-9 -]+)$", text):
            inherits += m[1].split()
            continue
        m = ASSIGN.match(text)
        if not m:
            fail(path, line, f"not understood: {text}")
        name, override, op, _, value = m.groups()
        try:
            if op == ":=":
                value = data.expand(value)
            if override:
                later.append((name, override, value))
            elif op in ("=", ":="):
                values[name] = value
            elif op in ("?=", "??="):
                values.setdefault(name, value)
            else:
                space = " " if op in ("+=", "=+") else ""
                old = values.get(name, "")
                values[name] = old + space + value if op in ("+=", ".=") else value + space + old
        except ValueError as e:
            fail(path, line, e)
        touched.append(name)
    for name, override, value in later:
        old = values.get(name, "")
        values[name] = old + value if override == ":append" else value + old
    print("inherit=" + " ".join(inherits))
    for name in dict.fromkeys(touched):
        try:
            print(f"{name}={data.expand(values[name])}")
        except (ValueError, SyntaxError, NameError, AttributeError) as e:
            sys.exit(f"{path}: {name}: {e}")


if __name__ == "__main__":
    main()
