"""Checks by clang's tools. Each is shown to fail on a planted fault."""

import pathlib
import textwrap

import pytest

import clang
from tree import LIBRARIES, ROOT, read, sources

STANDALONE = ["-std=c++20", "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_ASIO_DISABLE_BOOST_COROUTINE"]


def test_every_source_of_the_program_is_compiled():
    wanted = sources(*LIBRARIES, suffixes=(".cpp",))
    compiled = {pathlib.Path(file) for files in clang.units().values() for file in files}
    assert wanted and compiled >= set(wanted), set(wanted) - compiled


def test_the_tools_are_installed():
    assert clang.missing_tools() == []


def test_sources_are_formatted():
    findings = clang.format_differences(sources())
    assert not findings, "run scripts/lint --fix\n" + findings


def test_an_unformatted_file_is_found(tmp_path):
    file = tmp_path / "planted.cpp"
    file.write_text("int  f( ){return 1 ;}\n")
    (tmp_path / ".clang-format").write_text(read(".clang-format"))
    assert "planted.cpp" in clang.format_differences([file])


def test_no_co_await_stands_where_the_compiler_gets_it_wrong():
    paths = [unit for unit in clang.units_of()
             if any("co_await" in read(path) for path in clang.units()[unit])]
    findings = clang.over(paths, "query", clang.COAWAIT_QUERY, clang.query_coawait)
    assert not findings, ("g++ 12 compiles these wrongly; build the value, or take the result, on "
                          "a line of its own\n" + findings)


@pytest.mark.parametrize("expression", [
    "g(Options{\"a\"})",
    "g({.name = \"a\"})",
    "h([text = std::string(\"a\")] { return text; })",
    "i(argument ? name + \":\" : name)",
    "i(argument ? name : std::string())",
])
def test_an_aggregate_or_a_chosen_temporary_inside_a_co_await_expression_is_found(tmp_path, expression):
    file = tmp_path / "planted.cpp"
    file.write_text(textwrap.dedent("""\
        #include <boost/asio/awaitable.hpp>
        #include <functional>
        #include <string>
        struct Options { std::string name; };
        boost::asio::awaitable<void> g(Options options);
        boost::asio::awaitable<void> h(std::function<std::string()> function);
        boost::asio::awaitable<void> i(std::string text);
        boost::asio::awaitable<void> f(bool argument, std::string name) {
          (void)argument;
          co_await EXPRESSION;
        }
        """).replace("EXPRESSION", expression))
    assert "1 match" in clang.query_coawait(file, STANDALONE)


@pytest.mark.parametrize("statement", [
    "if (co_await ready()) co_return;",
    "while (!co_await ready()) {}",
    "switch (co_await number()) { default: break; }",
    "bool chosen = argument ? co_await ready() : false; (void)chosen;",
])
def test_a_co_await_in_a_condition_is_found(tmp_path, statement):
    file = tmp_path / "planted.cpp"
    file.write_text(textwrap.dedent("""\
        #include <boost/asio/awaitable.hpp>
        boost::asio::awaitable<bool> ready();
        boost::asio::awaitable<int> number();
        boost::asio::awaitable<void> f(bool argument) {
          (void)argument;
          STATEMENT
          co_await ready();
        }
        """).replace("STATEMENT", statement))
    assert "1 match" in clang.query_coawait(file, STANDALONE)


def test_a_value_built_on_its_own_line_is_no_finding(tmp_path):
    file = tmp_path / "planted.cpp"
    file.write_text(textwrap.dedent("""\
        #include <boost/asio/awaitable.hpp>
        #include <string>
        #include <string_view>
        struct Options { std::string name; };
        boost::asio::awaitable<void> g(Options options);
        boost::asio::awaitable<void> h(std::string_view text);
        boost::asio::awaitable<void> f() {
          auto options = Options{"a"};
          if (options.name.empty()) co_await g(options);
          co_await h(options.name.empty() ? "none" : std::string_view(options.name));
          co_await g(std::move(options));
        }
        """))
    assert clang.query_coawait(file, STANDALONE) == ""


def test_clang_tidy_has_no_findings():
    # The slowest check (some 10 s a unit); results are remembered under build/lint.
    findings = clang.over(clang.units_of(*LIBRARIES), "tidy", read(".clang-tidy"), clang.tidy)
    assert not findings, "\n" + findings


def test_clang_tidy_finds_a_planted_fault(tmp_path):
    file = tmp_path / "planted.cpp"
    file.write_text("#include <string>\n#include <utility>\n"
                    "std::string f(std::string a) { std::string b = std::move(a); return b + a; }\n")
    assert "bugprone-use-after-move" in clang.tidy(file, ["-std=c++20"])


def test_what_a_unit_includes_is_looked_at(tmp_path):
    source = tmp_path / "agent" / "planted.cpp"
    source.parent.mkdir()
    source.write_text(textwrap.dedent("""\
        #include <boost/asio/awaitable.hpp>
        #include <utility>
        boost::asio::awaitable<bool> ready();
        boost::asio::awaitable<std::string> f(std::string a) {
          std::string b = std::move(a);
          if (co_await ready()) co_return b;
          co_return b + a;
        }
        """))
    unit = tmp_path / "unit_0_cxx.cxx"
    unit.write_text('#include "agent/planted.cpp"\n')
    assert "bugprone-use-after-move" in clang.tidy(unit, STANDALONE)
    assert "1 match" in clang.query_coawait(unit, STANDALONE)
