"""Checks that read the text alone. Each is shown to fail on a planted fault."""

import subprocess

import pytest

import checks
from tree import LIBRARIES, ROOT, code_only, project_files, read, sources


def over(paths, check):
    return [finding for path in paths for finding in check(path, read(path))]


def assert_none(findings):
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("folder", [*LIBRARIES, "tests"])
def test_there_are_sources_to_look_at(folder):
    assert {path.suffix for path in sources(folder)} == {".cpp", ".hpp"}


def test_a_new_file_is_looked_at_before_it_is_added_to_git(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "new.cpp").write_text("")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "made.cpp").write_text("")
    assert [str(path) for path in project_files(tmp_path)] == [".gitignore", "new.cpp"]


def test_includes_point_down():
    assert_none(over(sources(*LIBRARIES), checks.include_direction))


@pytest.mark.parametrize("path, include", [
    ("bus/a.cpp", "docker_client/docker.hpp"),
    ("base/a.hpp", "bus/transport.hpp"),
    ("http_api/a.cpp", "agent/node.hpp"),
    ("http_api/a.cpp", "engine_api/docker_error.hpp"),
    ("engine_api/a.cpp", "bus/event_bus.hpp"),
    ("agent/a.cpp", "node.hpp"),
    ("agent/a.cpp", "../bus/transport.hpp"),
])
def test_an_upward_or_sideways_include_is_found(path, include):
    assert checks.include_direction(path, f'\n#include "{include}"\n') != []
    assert ":2:" in checks.include_direction(path, f'\n#include "{include}"\n')[0]


def test_a_downward_include_is_no_finding():
    assert checks.include_direction("agent/a.cpp", '#include "bus/transport.hpp"\n') == []


def test_no_banned_calls():
    assert_none(over(sources(*checks.EVERYWHERE), checks.banned_calls))


@pytest.mark.parametrize("path, line", [
    ("bus/a.cpp", "asio::co_spawn(e, f(), asio::detached);"),
    ("bus/a.cpp", 'std::cout << "x";'),
    ("base/a.cpp", 'printf("x");'),
    ("tests/unit/a.cpp", "using namespace std;"),
    ("agent/a.cpp", "auto j = nlohmann::json::parse(text);"),
    ("agent/a.cpp", 'auto n = j.value("n", 1);'),
    ("http_api/a.cpp", "auto s = j.dump();"),
    ("bus/a.cpp", "std::thread t(f);"),
    ("bus/a.cpp", "std::this_thread::sleep_for(1s);"),
    ("agent/a.cpp", "usleep(3);"),
    ("agent/a.cpp", 'system("ls");'),
    ("agent/a.cpp", 'auto f = popen("ls", "r");'),
    ("agent/a.cpp", "int n = rand();"),
    ("agent/a.cpp", "io_context_.stop();"),
    ("agent/a.cpp", "auto now = std::chrono::steady_clock::now();"),
    ("agent/a.cpp", "class PeerManager {"),
])
def test_a_banned_call_is_found(path, line):
    findings = checks.banned_calls(path, f"\n{line}\n")
    assert findings and f"{path}:2:" in findings[0]


@pytest.mark.parametrize("line", [
    "// asio::detached is banned",
    'log("asio::detached and rand()");',
    "co_await clock_.sleep_until(deadline);",
    "std::system_error error;",
    "http_server.stop();",
])
def test_what_only_looks_banned_is_no_finding(line):
    assert checks.banned_calls("bus/a.cpp", line + "\n") == []


def test_files_are_short():
    kinds = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".js", ".ts", ".css", ".html")
    assert_none(over([path for path in project_files() if path.suffix in kinds], checks.file_length))


def test_a_long_file_is_found():
    assert checks.file_length("a.cpp", "x\n" * 501)
    assert not checks.file_length("a.cpp", "x\n" * 500)


def test_functions_fit_on_a_screen():
    assert_none(over(sources(), checks.function_length))


@pytest.mark.parametrize("head, foot", [
    ("void f() {", "}"),
    ("  void f() const {", "  }"),
    ("asio::awaitable<void> Node::run(int first,\n                     int second) {", "}"),
])
def test_a_long_function_is_found(head, foot):
    body = "    a();\n" * 80
    assert checks.function_length("bus/a.cpp", f"{head}\n{body}{foot}\n")
    assert not checks.function_length("bus/a.cpp", f"{head}\n    a();\n{foot}\n")


def test_a_long_class_is_no_long_function():
    assert not checks.function_length("a.cpp", "class A {\n" + "  int a();\n" * 100 + "};\n")


def test_nothing_speaks_of_one_machine():
    assert_none(over(project_files(), checks.foreign_words))


@pytest.mark.parametrize("text", ["see /ho" "me/anna/x", "cd /wo" "rk/main", "as iss" "ue 12 says"])
def test_a_word_of_one_machine_is_found(text):
    assert checks.foreign_words("a.md", text)


def test_code_only_keeps_lines_and_drops_what_is_not_code():
    text = 'a; // rand()\nb("rand()"); /* rand()\n */ c(R"(rand()\n)"); d(\'"\'); e;'
    assert "rand" not in code_only(text)
    assert code_only(text).count("\n") == text.count("\n")
    assert "e;" in code_only(text)


def shell_scripts():
    return [path for path in project_files()
            if read(path).split("\n", 1)[0] in ("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash")]


def shellcheck(path):
    return subprocess.run(["shellcheck", "--severity=warning", str(path)], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def test_scripts_pass_shellcheck():
    assert shell_scripts()
    for path in shell_scripts():
        assert subprocess.run(["bash", "-n", str(path)], cwd=ROOT, check=False).returncode == 0
        result = shellcheck(path)
        assert result.returncode == 0, result.stdout


def test_shellcheck_finds_a_planted_fault(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/bash\ncd $1 && rm -rf $unset/*\nif [ $1 == ]; then :; fi\n")
    assert shellcheck(script).returncode != 0


def test_python_files_compile():
    for path in project_files():
        if path.suffix == ".py":
            compile(read(path), str(path), "exec")
