#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""docs.py CHECK TREE [KERNEL-SOURCE] - compare the documentation with the sources.

Prints a line for each thing that is wrong. check_docs.sh has the list of CHECKs; each
is a function here.

docs.py write TREE DIRECTORY - write what the documentation shows to files, for tests.

A test does everything that a reader may copy from a document:
  - device trees (blocks ```dts) are compiled by the check "commands"
  - consoles are typed by check_readme.sh
  - output (blocks ```text) is not for copying
  - all other blocks are fragments. A comment before each, <!-- fragment NAME -->, names
    it. "write" writes its commands to DIRECTORY/NAME, without prompts and answers. Some
    script of selftests/ runs them: it has docs/NAME in its text.
"write" also writes the module parameters that are shown anywhere to DIRECTORY/parameters,
the test results that are promised to DIRECTORY/results, one a line, and the examples of
the files in Documentation/ABI to DIRECTORY/abi.
"""
import os
import re
import subprocess
import sys

TOP = ""
KERNEL = ""
GUIDE = "Documentation/admin-guide.md"
PORTING = "Documentation/porting.md"
ABI = "Documentation/ABI/testing"


# --- the sources ------------------------------------------------------------


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def sources(suffixes=(".c", ".h")):
    for name in sorted(os.listdir(os.path.join(TOP, "module"))):
        if name.endswith(suffixes) and not name.endswith(".mod.c"):
            yield "module/" + name


STRING = r'"(?:[^"\\]|\\.)*"'


def code(path):
    """A source without comments and the preprocessor's lines."""
    text = re.sub(rf"({STRING})|/\*.*?\*/|//[^\n]*",
                  lambda m: m[1] or " ", read(path), flags=re.S)
    return re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)


def literals(path):
    """(call, text) of each string, with adjacent pieces joined; call is the name of the
    function of which it is an argument"""
    text = code(path)
    calls, at = [], 0
    token = re.compile(rf"({STRING}(?:\s*{STRING})*)|(\w+)\s*\(|([()])")
    while m := token.search(text, at):
        at = m.end()
        if m[1]:
            yield calls[-1] if calls else "", "".join(
                s[1:-1] for s in re.findall(STRING, m[1]))
        elif m[2]:
            calls.append(m[2])
        elif m[3] == "(":
            calls.append(calls[-1] if calls else "")
        elif calls:
            calls.pop()


# Calls whose strings do not go to the log.
NOT_SAID = re.compile(r"seq_|snprintf|MODULE_|module_param|asm$|volatile$|TP_|__a")


def messages():
    """(file, format) of each message of the module to the log, and of each part that is
    put into another message, as a reason is"""
    for path in sources():
        for call, text in literals(path):
            text = text.replace("\\n", "").replace('\\"', '"')
            if " " in text.strip() and not NOT_SAID.match(call):
                yield path, text


FORMAT = re.compile(r"%[-+ #0]*(?:\d*|\*)(?:\.\d+)?(?:h|hh|l|ll|z|t)*(?:p[A-Za-z]*|[a-z%])")


def pattern(text):
    """A regular expression for what the guide writes for a format."""
    parts = FORMAT.split(text)
    return ".+?".join(re.escape(p) for p in parts)


# --- the documents ----------------------------------------------------------


def documents():
    for folder, _, names in os.walk(TOP):
        inside = os.path.relpath(folder, TOP)
        if re.match(r"build\b|\.git\b", inside):
            continue
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.normpath(os.path.join(inside, name))


def blocks(text):
    """(language, first line's number, lines) of each fenced block."""
    language, start, lines = None, 0, []
    for number, row in enumerate(text.split("\n"), 1):
        if row.lstrip().startswith("```"):
            if language is None:
                language, start, lines = row.strip()[3:], number + 1, []
            else:
                yield language, start, lines
                language = None
        elif language is not None:
            lines.append(row)


def prose(text):
    """(number, line) outside of fenced blocks."""
    fenced = False
    for number, row in enumerate(text.split("\n"), 1):
        if row.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, row


def spans(text):
    """(number, text) of each `code` span."""
    for number, row in prose(text):
        for m in re.finditer(r"(`+)(.+?)\1", row):
            yield number, m[2].strip()


def abi_entries():
    """{What: text} of each entry in the files of the ABI."""
    entries = {}
    folder = os.path.join(TOP, ABI)
    for name in sorted(os.listdir(folder)):
        for part in re.split(r"^What:", read(f"{ABI}/{name}"), flags=re.M)[1:]:
            what, text = part.split("\n", 1)
            entries[what.strip()] = text
    return entries


def abi_entry(suffix):
    """The text of the entry whose What ends with suffix, or None"""
    for what, text in abi_entries().items():
        if what.endswith(suffix):
            return text
    return None


# --- the checks -------------------------------------------------------------


def functions():
    """Every function that others may call has kernel-doc."""
    for path in sources():
        text = read(path)
        plain = code(path)
        for m in re.finditer(r"^(?!static\b|typedef\b)(\w[\w \t*]*?[ *](\w+)\([^;{}]*\))\s*\n\{",
                             plain, re.M):
            if re.search(r"\bstatic\b", m[1]):
                continue
            if not re.search(rf"/\*\*\n \* {m[2]}\(\) - \S", text):
                yield f"{path}: {m[2]}() has no kernel-doc"


def kernel_doc():
    """kernel-doc can be built as rst and as man pages, and names return values."""
    for path in sources((".c", ".h")):
        for form in ("-rst", "-man"):
            done = subprocess.run(
                ["perl", f"{KERNEL}/scripts/kernel-doc", "-v", form, path],
                cwd=TOP, capture_output=True, text=True, check=False)
            for row in done.stderr.splitlines():
                # -v makes it ask for "Return:"; what else it says then is noise
                if form == "-rst" and re.search(r"(warning|error): (?!contents before|no structured)", row):
                    yield row
            if done.returncode and not done.stdout:
                yield f"{path}: kernel-doc {form} failed"


def log_messages():
    """Each message of the module is in the guide, and the guide has no others."""
    guide = read(GUIDE)
    code_spans = [s for _, s in spans(guide)]
    said = list(messages())
    if len(said) < 50:
        yield f"only {len(said)} messages were found in the sources"
    for path, text in said:
        # search, not fullmatch: a part of a message is in the guide within the whole
        found = re.compile(pattern(text.strip(" ,:(")))
        if not any(found.search(s) for s in code_spans):
            yield f'{path}: "{text}" is not in {GUIDE}'
    # formats of a few characters are left out: they would match any text
    formats = [re.compile(pattern(text.strip()) + (".+" if text.endswith(" ") else ""))
               for _, text in said if len(FORMAT.sub("", text)) > 8]
    section = guide.split("\n## Messages\n")[-1].split("\n## ")[0]
    listed = re.findall(r"^- `(.+)`$", section, re.M)
    for row in re.findall(r"^  \| (`.*?`) \|", section, re.M):
        listed += re.findall(r"`(.+?)`", row)
    if not listed:
        yield f"{GUIDE} has no section Messages with a list"
    for text in listed:
        # "WHAT: REASON" is made of two formats
        parts = [text, text.split(": ", 1)[-1]]
        if not any(f.fullmatch(p) for f in formats for p in parts):
            yield f'{GUIDE}: nothing says "{text}"'


def debugfs():
    """Each debugfs file, key of stats and column is in the ABI, which has no others."""
    files = set()
    for path in sources():
        files |= set(re.findall(r'debugfs_create_file\(\s*"(\w+)"', code(path)))
        files |= set(re.findall(r'\{ "(\w+)",\s*0[0-7]{3}\b', code(path)))
    for name in sorted(files):
        if abi_entry(f"<pool>/{name}") is None:
            yield f"debugfs file {name} is not in {ABI}"
    for what in abi_entries():
        if m := re.match(r"/sys/kernel/debug/dma_alias_pool/<pool>/(\w+)$", what):
            if m[1] not in files:
                yield f"there is no debugfs file {m[1]}, which {ABI} describes"
    text = code("module/debugfs.c")
    keys = re.findall(r'DAP_SHOWN\("(\w+)"', text)
    if len(keys) < 10:
        yield f"only {len(keys)} keys of stats were found"
    entry = abi_entry("<pool>/stats") or ""
    rows = re.findall(r"^\t\t(\w+_\w+|clients)  +\S", entry, re.M)
    for key in keys:
        if key not in rows:
            yield f"key {key} of stats is not in {ABI}"
    for row in rows:
        if row not in keys:
            yield f"stats has no key {row}, which {ABI} describes"
    for m in re.finditer(r"dap_(\w+)_show\(struct seq_file.*?\n\}", text, re.S):
        for row in re.findall(r'seq_printf\(s, "[^"]*",((?:\s*"\w+",?){2,})\)', m[0]):
            for column in re.findall(r"\w+", row):
                if not re.search(rf"^\t\t{column}  +\S", abi_entry(f"<pool>/{m[1]}") or "", re.M):
                    yield f"column {column} of {m[1]} is not in {ABI}"


def sysfs():
    """Each attribute of a pool's device is in the ABI, which has no others."""
    names = set()
    for path in sources():
        names |= set(re.findall(r"DEVICE_ATTR_\w+\((\w+)[,)]", code(path)))
    if not names:
        yield "no attributes were found"
    for name in sorted(names):
        if abi_entry(f"drivers/dma_alias_pool/<device>/{name}") is None:
            yield f"attribute {name} is not in {ABI}"
    for what in abi_entries():
        if m := re.match(r"/sys/bus/.*/(\w+)$", what):
            if m[1] not in names:
                yield f"there is no attribute {m[1]}, which {ABI} describes"


def tracepoints():
    """Each event and field is in the ABI, which has no others."""
    text = "".join(code(path) for path in sources((".h",)))
    events = set(re.findall(r"\bTRACE_EVENT\((\w+)", text))
    events |= set(re.findall(r"\bDEFINE_EVENT\(\w+,\s*(\w+)", text))
    fields = set(re.findall(r"__(?:array|field|string)\([^,]*,\s*(\w+)", text))
    entry = abi_entry("events/dma_alias_pool/<event>") or ""
    rows = [set(re.findall(r"^\t\t(\w+)  +\S", part, re.M))
            for part in (entry + "Their fields:").split("Their fields:")[:2]]
    for kind, have, said in (("event", events, rows[0]), ("field", fields, rows[1])):
        for name in sorted(have - said):
            yield f"{kind} {name} is not in {ABI}"
        for name in sorted(said - have):
            yield f"there is no {kind} {name}, which {ABI} describes"


def abi_format():
    """get_abi.pl of the kernel accepts the ABI files, and each entry has all fields."""
    done = subprocess.run(
        ["perl", f"{KERNEL}/scripts/get_abi.pl", "--dir", os.path.join(TOP, ABI), "validate"],
        capture_output=True, text=True, check=False)
    yield from (done.stdout + done.stderr).splitlines()
    if done.returncode:
        yield f"get_abi.pl ended with {done.returncode}"
    for what, text in abi_entries().items():
        for field in ("Date", "KernelVersion", "Contact", "Description"):
            if not re.search(rf"^{field}:[\t ]*(?:\S|\n\t)", text, re.M):
                yield f"{what}: no {field}"


def parameters():
    """Each module parameter is in README.md and the guide, and no document shows one that
    does not exist."""
    names = set()
    for path in sources():
        names |= set(re.findall(r"\bmodule_param(?:_hw)?\((\w+)", code(path)))
    if not names:
        yield "no parameters were found"
    for name in sorted(names):
        for path in (GUIDE, "README.md"):
            if not re.search(rf"^\|? *`{name}=", read(path), re.M):
                yield f"{path} does not explain {name}="
    used = re.compile(r"dma_alias_pool\.ko|modprobe dma_alias_pool\b|options dma_alias_pool\b")
    for path in documents():
        for number, row in enumerate(read(path).split("\n"), 1):
            shown = re.findall(r"\bdma_alias_pool\.(\w+)=", row)
            if m := used.search(row):
                shown += re.findall(r"(?:^| )(\w+)=", re.split(r"[`;]", row[m.end():])[0])
            for name in shown:
                if name not in names:
                    yield f"{path}:{number}: {name}= is no parameter"


def properties():
    """Each compatible, and each device tree property that the module reads, is explained."""
    names = set()
    for path in sources():
        for m in re.finditer(r'\b(?:of_(?:property_\w+|find_property|parse_phandle|device_is_compatible)|'
                             r'property_bytes)\([^";)]*"([^"]+)"', code(path)):
            names.add(m[1])
        names |= set(re.findall(r'"(dma-alias-pool,[\w-]+)"', code(path)))
        names |= set(re.findall(r'\.compatible = "([^"]+)"', code(path)))
    if len(names) < 5:
        yield f"only {len(names)} properties were found"
    text = read(PORTING)
    for name in sorted(names | {"reg"}):
        if not re.search(rf"`[^`\n]*{re.escape(name)}[^`\n]*`", text):
            yield f"{PORTING} does not explain {name}"


# What looks like a path: it has one of these endings or a slash at its end, or begins
# with one of these directories.
PATH = re.compile(r"[\w.,+*/-]+(?:\.(?:c|h|sh|py|md|svg|yaml|rst|txt|dtso|dts|ko|mk)|/)|"
                  r"(?:module|selftests|Documentation|packaging|dts-overlays|\.ci|kernel|arch|mm|drivers|include)"
                  r"/[\w.,+/-]+")
MADE = re.compile(r"build/|(?:.*/)?dma_alias_pool(?:_test)?\.ko$|/|~|\.\.?/|kernel/dma/dma_alias_pool|include/config/")


def paths():
    """Each path in a document is one of the project or of the kernel."""
    folders = ("", "module", "selftests", "selftests/host", "selftests/rig", "Documentation")
    for path in documents():
        for number, text in spans(read(path)):
            for word in text.split():
                name = word.strip(",;:()'\"")
                if not PATH.fullmatch(name) or MADE.match(name) or "*" in name or "NAME" in name:
                    continue
                here = [os.path.join(TOP, f, name) for f in folders]
                here += [os.path.join(TOP, os.path.dirname(path), name), os.path.join(KERNEL, name)]
                if not any(os.path.exists(p) for p in here):
                    yield f"{path}:{number}: there is no {name}"


def anchors(path):
    """The names that a document's headings have in links"""
    seen = set()
    for _, row in prose(read(path)):
        if m := re.match(r"#+ +(.*)", row):
            words = re.sub(r"[^\w\- ]", "", m[1].strip().lower())
            seen.add(words.replace(" ", "-"))
    return seen


def links():
    """Links within the project lead somewhere."""
    for path in documents():
        for number, row in prose(read(path)):
            for target in re.findall(r"\]\(([^)\s]+)\)", row):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                to = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
                if not os.path.exists(os.path.join(TOP, to)):
                    yield f"{path}:{number}: {target}: there is no {to}"
                elif anchor and anchor not in anchors(to):
                    yield f"{path}:{number}: {target}: no such heading"


def commands():
    """Each "make TARGET" and each script that is shown exists, sed finds what it shall
    replace (or has replaced it); device trees compile."""
    targets = set(re.findall(r"^([a-z][\w -]*):", read("Makefile"), re.M))
    targets = {t for row in targets for t in row.split()}
    for path in documents():
        text = read(path)
        shown = list(spans(text))
        for language, start, lines in blocks(text):
            shown += [(start + i, row) for i, row in enumerate(lines)]
            if language == "dts":
                yield from compiles(path, start, lines)
        for number, row in shown:
            for m in re.finditer(r"(?:^|[#$&;] *)(?:\w+=\S+ )*make((?: +[\w-]+(?![=\w/-]))+)", row):
                for word in m[1].split():
                    # not our Makefile: Buildroot's, or the kernel's (menuconfig)
                    if word not in targets and not re.search(r"BR2_EXTERNAL|config", row):
                        yield f"{path}:{number}: make {word}: no such target"
            for m in re.finditer(r"\bsh ([\w/-]+\.sh)\b", row):
                if not os.path.exists(os.path.join(TOP, "selftests", os.path.basename(m[1]))):
                    yield f"{path}:{number}: there is no {m[1]}"
            for m in re.finditer(r"sed -i 's/([^/]+)/([^/]+)/' (\S+)", row):
                if not any(words in read(m[3]) for words in (m[1], m[2])):
                    yield f"{path}:{number}: {m[3]} has no '{m[1]}'"


def compiles(path, start, lines):
    """Compile a device tree or a part of one. Labels that it refers to and does not
    define are added."""
    text = "\n".join(lines)
    have = set(re.findall(r"(\w+):\s", text))
    missing = set(re.findall(r"&(\w+)", text)) - have
    nodes = "".join(f"{label}: outer-{label} {{ }};\n" for label in sorted(missing))
    tree = f"/dts-v1/;\n/ {{ #address-cells = <1>; #size-cells = <1>;\n{nodes}}};\n{text}\n"
    done = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", os.devnull],
                          input=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        for row in done.stderr.splitlines()[:3]:
            yield f"{path}:{start}: dtc: {row}"


PROMPT = re.compile(r"(?:[a-z0-9]+:[^ ]*)?[#$] ")


def typed():
    """The documents whose consoles check_readme.sh types"""
    who = read("selftests/host/check_readme.sh") + read("selftests/host/check_cache.sh")
    return set(re.findall(r"\$top/([\w/.-]+\.md)", who))


def is_typed(path, language, lines):
    return path in typed() and not language and re.match(r"(?:[a-z0-9]+:[^ ]*)?# ", lines[0])


def commands_of(lines):
    """Of a console, the commands without prompts and answers; other lines as they are"""
    if not any(PROMPT.match(row) for row in lines):
        return lines
    kept, goes_on = [], False
    for row in lines:
        if goes_on or PROMPT.match(row):
            kept.append(row if goes_on else PROMPT.sub("", row, count=1))
            goes_on = row.endswith("\\")
    return kept


def all_fragments():
    """(path, line, name or None, lines) of each fragment"""
    for path in documents():
        if path.startswith("module/"):
            continue
        rows = read(path).split("\n")
        for language, start, lines in blocks(read(path)):
            if language in ("dts", "text") or is_typed(path, language, lines):
                continue
            before = [row for row in rows[:start - 2] if row.strip()][-1:]
            m = re.fullmatch(r"<!-- fragment ([\w-]+) -->", "".join(before))
            # in a script "# " begins a comment, and is no prompt
            yield path, start, m and m[1], lines if language == "sh" else commands_of(lines)


def fragments():
    """Each fragment has a name of its own, and a test that runs it."""
    tests = ""
    for folder, _, names in os.walk(os.path.join(TOP, "selftests")):
        for name in names:
            if name.endswith(".sh"):
                text = read(os.path.relpath(os.path.join(folder, name), TOP))
                tests += re.sub(r"^\s*#.*", "", text, flags=re.M)
    seen = set()
    for path, number, name, _ in all_fragments():
        if not name:
            yield f"{path}:{number}: no test does this: it has no <!-- fragment NAME -->"
        elif name in seen:
            yield f"{path}:{number}: there is a fragment {name} already"
        elif not re.search(rf"\bdocs/{name}(?![\w-])", tests):
            yield f"{path}:{number}: no test does docs/{name}"
        seen.add(name)
    for name in sorted(set(re.findall(r"\bdocs/([\w-]+)(?![\w.-])", tests))):
        if name not in seen | {"parameters", "results", "abi"}:
            yield f"a test does docs/{name}, which there is not"


# KEY=VALUE, a parameter of the module; FORM tells values that are only placeholders.
SHOWN = re.compile(r"(?<![\w./-])(?:dma_alias_pool\.)?((?:pools|clients|max_align|verify|guard)=[^\s`;|]+)")
FORM = re.compile(r"\.\.\.|NAME|GLOB|BYTES|PARAMETER")


def parameters_shown():
    """The module parameters that documents show, which docs.sh loads. Parameters that are
    in the same line belong together."""
    found = []
    for path in documents():
        if path == "CHANGELOG.md":
            continue
        skipped = set()
        for language, start, lines in blocks(read(path)):
            if is_typed(path, language, lines):
                skipped.update(range(start, start + len(lines)))
        for number, row in enumerate(read(path).split("\n"), 1):
            words = [w.rstrip(".,)\"") for w in SHOWN.findall(row)]
            if number in skipped or path == GUIDE and row.startswith("- `"):
                continue
            words = [w for w in words if not FORM.search(w)]
            if len(set(w.split("=")[0] for w in words)) == len(words):
                words = [" ".join(words)]
            found += [w for w in words if w]
    return sorted(set(found))


def abi_examples():
    """The commands of all examples."""
    for name in sorted(os.listdir(os.path.join(TOP, ABI))):
        for example in read(f"{ABI}/{name}").split("Example::")[1:]:
            yield from re.findall(r"^\t\t  # (.*)", example, flags=re.M)


def write(folder):
    os.makedirs(folder, exist_ok=True)
    files = {name: lines for _, _, name, lines in all_fragments() if name}
    files["parameters"] = parameters_shown()
    files["abi"] = abi_examples()
    files["results"] = [text for _, text in spans(read(PORTING)) if re.match(r"ok \d+ \w+$", text)]
    for name, lines in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.writelines(row + "\n" for row in lines)


def main():
    global TOP, KERNEL
    TOP, KERNEL = sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    if sys.argv[1] == "write":
        write(sys.argv[3])
        return
    if sys.argv[1] == "messages":  # for whoever writes the guide
        for path, text in messages():
            print(f"{path}: {text}")
        return
    for row in globals()[sys.argv[1]]():
        print(row)


if __name__ == "__main__":
    main()
