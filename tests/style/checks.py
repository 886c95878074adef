"""The checks of form, as plain functions: text in, findings out. Each finding says what to do."""

import re

from tree import LIBRARIES, code_only

# Which folders a folder may include: arrows point down, siblings never include each other.
MAY_INCLUDE = {
    "base": {"base"},
    "trust": {"base", "trust"},
    "bus": {"base", "trust", "bus"},
    "docker_client": {"base", "trust", "docker_client"},
    "http_api": {"base", "trust", "http_api"},
    "engine_api": {"base", "trust", "docker_client", "http_api", "engine_api"},
    "agent": {"base", "trust", "bus", "docker_client", "http_api", "engine_api", "agent"},
}

FILE_LINES = 500
FUNCTION_LINES = 70
TEST_FUNCTION_LINES = 100

PRODUCT = LIBRARIES
EVERYWHERE = (*LIBRARIES, "tests", "bench")

# What meets real sockets may ask the real clock: it is not part of a simulation.
SHELLS = ("bus/zmq_transport.cpp", "bus/peer_link.hpp", "bus/beacon_discovery.cpp",
          "bus/gossip_discovery.cpp", "agent/agent.cpp")

# (pattern in code without comments, folders where it is banned, what to use, files exempt)
BANNED = (
    (r"\bdetached\b", EVERYWHERE, "a TaskGroup: an exception in a detached coroutine vanishes", ()),
    (r"\bstd::(cout|cerr|clog)\b|(?<![:\w])f?printf\s*\(|\bstd::f?printf\b",
     ("base", "trust", "bus", "docker_client", "http_api", "engine_api"),
     "the folder's logger (base/log.hpp)", ()),
    (r"\busing\s+namespace\s+std\s*;", EVERYWHERE, "the names you need, one by one", ()),
    (r"\bjson::(parse|accept)\s*\(", PRODUCT, "parse_json() of base/json_reader.hpp",
     ("base/json_reader.cpp",)),
    (r'\.value\("', PRODUCT, "JsonReader: value() throws on a wrong type", ()),
    (r"\.dump\((?=\)|-?\d)(?![^;\n]*::replace\))", PRODUCT, "dump_json(): dump() throws on bad UTF-8",
     ("base/json_reader.cpp",)),
    (r"\bstd::(thread|jthread|async|mutex|recursive_mutex|shared_mutex|condition_variable)\b",
     PRODUCT, "the one io_context; a thread pool for long computations", ()),
    (r"\bsleep_(for|until)\b(?=\s*\()(?<!clock\.sleep_until)(?<!clock_\.sleep_until)"
     r"(?<!clock->sleep_until)|\bstd::this_thread\b|(?<![\w:.>])u?sleep\s*\(",
     ("bus", "docker_client", "http_api", "engine_api", "agent"), "Clock::sleep_until (base/clock.hpp)", ()),
    (r"(?<![\w.>])(::|std::)?(system|popen|vfork)\s*\(", PRODUCT,
     "a library call: a shell is never needed", ()),
    (r"(?<![\w.>])(::|std::)?s?rand\s*\(", EVERYWHERE,
     "the node's seeded generator, so that a run can be repeated", ()),
    (r"\b(io|ioc|io_|io_context|io_context_|context|context_)\.stop\s*\(\s*\)", PRODUCT,
     "closing the task groups: stop() abandons what is under way", ()),
    (r"\b(steady|system|high_resolution)_clock::now\s*\(", ("trust", "bus", "engine_api", "agent"),
     "the Clock port (base/clock.hpp), so that time can be virtual", SHELLS),
)

WEAK_NAME = re.compile(r"\b(?:class|struct)\s+\w*(?:Manager|Helper|Util|Utils|Impl)\b")


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def include_direction(path, text):
    """`path` is relative to the top, with the folder first."""
    folder = str(path).split("/", 1)[0]
    found = []
    for match in re.finditer(r'^[ \t]*#[ \t]*include\s+"([^"]+)"', text, re.MULTILINE):
        target = match.group(1)
        where = f"{path}:{line_of(text, match.start())}"
        if "/" not in target or ".." in target:
            found.append(f'{where}: include "{target}" by its path from the top')
            continue
        other = target.split("/", 1)[0]
        if folder in MAY_INCLUDE and other not in MAY_INCLUDE[folder]:
            found.append(f"{where}: {folder} must not include {other}")
    return found


def banned_calls(path, text):
    folder = str(path).split("/", 1)[0]
    code = code_only(text)
    found = []
    for pattern, folders, instead, exempt in BANNED:
        if folder not in folders or str(path) in exempt:
            continue
        for match in re.finditer(pattern, code):
            found.append(f"{path}:{line_of(code, match.start())}: {match.group().strip()!r} is "
                         f"banned; use {instead}")
    for match in WEAK_NAME.finditer(code):
        found.append(f"{path}:{line_of(code, match.start())}: {match.group()!r}: name the role")
    return found


def file_length(path, text, limit=FILE_LINES):
    lines = text.count("\n")
    return [f"{path}: {lines} lines; at most {limit}: split it by role"] if lines > limit else []


_NOT_A_FUNCTION = re.compile(
    r"^\s*(namespace|class|struct|enum|union|extern|if|else|for|while|switch|do|try|return|\}|//)\b")


def function_length(path, text):
    """Reads clang-format's layout: a function's closing brace stands below its first column."""
    limit = TEST_FUNCTION_LINES if str(path).startswith("tests/") else FUNCTION_LINES
    lines = code_only(text).split("\n")
    found = []
    for number, line in enumerate(lines):
        if not line.endswith("{") or _NOT_A_FUNCTION.match(line):
            continue
        start = number
        while start > 0 and re.match(r"^ {4,}\S", lines[start]):
            start -= 1  # A declaration broken over several lines.
        if "(" not in "".join(lines[start:number + 1]) or _NOT_A_FUNCTION.match(lines[start]):
            continue
        indent = len(lines[start]) - len(lines[start].lstrip())
        if indent > 2:
            continue
        closing = re.compile(rf"^ {{{indent}}}\}}")
        end = next((at for at in range(number + 1, len(lines)) if closing.match(lines[at])), number)
        if end - start + 1 > limit:
            found.append(f"{path}:{start + 1}: a function of {end - start + 1} lines; at most "
                         f"{limit}: name its steps")
    return found


# Written in pieces, so that this file does not match itself.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:wo" r"rk|ho" r"me/\w+|ro" r"ot)/")
TICKET = re.compile(r"\bissue" r" #?\d", re.IGNORECASE)


def foreign_words(path, text):
    """What says something of the machine or the moment of writing, not of the project."""
    found = []
    for pattern, why in ((MACHINE_PATHS, "a path of one machine"),
                         (TICKET, "say what it is about, not its number")):
        for match in pattern.finditer(text):
            found.append(f"{path}:{line_of(text, match.start())}: {match.group()!r}: {why}")
    return found
