"""Writes test/fixtures/jinja/constructs.json: what Jinja2 with transformers' settings makes of small templates.

    python3 -m venv /tmp/jinja && /tmp/jinja/bin/pip install jinja2==3.1.6
    /tmp/jinja/bin/python test/reference/jinjaConstructs.py
"""

import json
import pathlib

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "  Hi\n"},
    {"role": "assistant", "content": "Hello"},
]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"a": [1, 2.5, None, True], "ü": "<é>"}}}]
VARIABLES = {"messages": MESSAGES, "some_tools": TOOLS, "tools": None, "documents": None, "bos_token": "<s>"}

CONSTRUCTS = r"""
{{ '  x'.lstrip('\n') }}|{{ 'xxyx'.strip('x') }}|{{ 'ab\n\n'.rstrip('\n') }}|{{ '  b '.strip() }}|{{ 'abcab'.lstrip('ab') }}
{% for m in messages %}{{ m.content }};{% continue %}{{ 'never' }}{% endfor %}
{% for m in messages %}{{ m.role }}{% if loop.index == 2 %}!{% break %}{% endif %},{% endfor %}
{{ '' == false }}|{{ 0 == '' }}|{{ 0 == false }}|{{ 1 == true }}|{{ none == false }}|{{ '1' == 1 }}|{{ 1 == 1.0 }}
{% set d = {0: 'a', 512: 'b'} %}{{ d[512] }}{{ d.get(0) }}{{ d.get(7, 'c') }}{{ d }}
{% for c in messages[0].content %}{{ c }}-{% endfor %}ok
{% set tools = none %}{{ tools | selectattr('type') | list | length }}
{{ '<think{}>'.format(':x') }}|{{ '{0}{1}{0}'.format('a', 'b') }}|{{ '{a}'.format(a=1) }}|{{ '{:>5}|{:05d}|{:.2f}|{:,}'.format('x', 42, 1.005, 1234567) }}|{{ '{{}}'.format() }}|{{ '{!r}'.format('x') }}
{% if tools is not none %}WRONG{% endif %}{% if tools %}WRONG{% endif %}{{ tools is defined }}
{{ safety_mode | upper }}|{{ foo | length }}|{% for x in foo %}{% endfor %}|{{ foo }}|{{ foo is defined }}|{{ foo | trim }}|{{ foo | default('d') }}
{{ none }}|{{ true }}|{{ false }}|{{ 1.0 }}|{{ 1e16 }}|{{ 0.1 + 0.2 }}|{{ 1e-5 }}|{{ [1, 'a', none, true, 2.5] }}|{{ {'a': "it's"} }}|{{ (1, 2) }}|{{ (1,) }}
{{ none ~ '' }}|{{ 1 ~ 2 }}|{{ [1] ~ 'a' }}|{{ true ~ none }}
{{ none | string }}|{{ {'a': [1]} | string }}|{{ [none] | string }}|{{ 1.5 | string }}
{{ ['a', 'B'] | upper }}|{{ none | upper }}|{{ 3 | lower }}|{{ 'äß' | upper }}
{{ 'a' in ['a', 'b'] }}|{{ ['a'] in [['a'], 'b'] }}|{{ 1 in [1.0] }}|{{ 'x' not in 'abc' }}|{{ 'k' in {'k': 1} }}|{{ none in [none] }}|{{ 'x' in foo }}
{{ [3, 1, 2] | min }}|{{ [3, 1, 2] | max }}|{{ ['b', 'A'] | min }}|{{ [] | min }}|{{ messages | min(attribute='role') }}
{% set a, b = [1, 2] %}{{ a }}{{ b }}{% set (c, d) = ('x', 'y') %}{{ c }}{{ d }}
{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }},{% endfor %}{% for i, (x, y) in [(1, (2, 3))] %}{{ i }}{{ x }}{{ y }}{% endfor %}
{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %}|{{ {'b': 1, 'a': 2} | dictsort(by='value', reverse=true) }}
{% for k in {'b': 1, 'a': 2} %}{{ k }}{% endfor %}|{{ {'b': 1} | list }}|{{ {'b': 1}.keys() | list }}|{{ {'b': 1}.values() | list }}|{{ {'b': 1} | items | list }}
{{ some_tools | tojson }}|{{ some_tools | tojson(indent=2) }}|{{ 'ü<>&\'"' | tojson }}|{{ [] | tojson(indent=4) }}|{{ {} | tojson }}
{{ {'b': 1, 'a': [1.0, 2e20]} | tojson(sort_keys=true) }}|{{ {'a': 1, 'b': 2} | tojson(separators=(',', ':')) }}|{{ 'é' | tojson(ensure_ascii=true) }}|{{ none | tojson }}
{{ 'hello world' | title }}|{{ "it's a-b (c" | title }}|{{ "it's a-b".title() }}|{{ 'hELLO wORLD' | capitalize }}|{{ 'ab'.capitalize() }}
{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a b c'.split(' ', 1) }}|{{ 'a b c'.rsplit(' ', 1) }}|{{ 'a b c'.split(none, 1) }}|{{ 'a</think>b'.split('</think>')[-1] }}
{{ 'a\nb\r\nc\n'.splitlines() }}|{{ 'a\n'.splitlines(true) }}|{{ 'k=v=w'.partition('=') }}|{{ 'k=v=w'.rpartition('=') }}
{{ 'aXbX'.replace('X', '-') }}|{{ 'aXbX'.replace('X', '-', 1) }}|{{ 'aXbX' | replace('X', '') }}|{{ 'ab'.replace('', '.') }}|{{ 'aaa' | replace('a', 'b', 2) }}
{{ 'abc'.startswith('ab') }}|{{ 'abc'.endswith(('x', 'c')) }}|{{ 'abc'.find('c') }}|{{ 'abc'.find('z') }}|{{ 'abcb'.rfind('b') }}|{{ 'abcb'.count('b') }}|{{ 'abc'.index('b') }}
{{ '12'.isdigit() }}|{{ 'a1'.isalnum() }}|{{ 'a1'.isalpha() }}|{{ ' '.isspace() }}|{{ 'AB'.isupper() }}|{{ 'ab1'.islower() }}|{{ ''.isdigit() }}
{{ '7'.zfill(3) }}|{{ '-7'.zfill(4) }}|{{ 'a'.ljust(3) }}|{{ 'a'.rjust(3, '.') }}|{{ 'ab'.center(5, '*') }}|{{ 'prefix-x'.removeprefix('prefix-') }}|{{ 'x.py'.removesuffix('.py') }}
{{ '-'.join(['a', 'b']) }}|{{ ['a', 1, none] | join(',') }}|{{ 'abc' | join('-') }}|{{ messages | join(',', attribute='role') }}|{{ [] | join }}
{{ 'abcdef'[1:3] }}|{{ 'abcdef'[-2:] }}|{{ 'abc'[::-1] }}|{{ [1, 2, 3][:2] }}|{{ [1, 2, 3][::2] }}|{{ [1, 2, 3][5:] }}|{{ 'abc'[0] }}|{{ 'abc'[-1] }}|{{ [1, 2, 3][-5:2] }}|{{ [1, 2, 3, 4][3:0:-2] }}
{{ '😀b'[0] }}|{{ '😀b' | length }}|{{ '😀b' | list }}|{{ '😀' | reverse }}|{{ 'é😀x'.find('x') }}
{{ messages[0]['role'] }}|{{ messages[-1].content }}|{{ messages[0].nothing }}|{{ messages[0]['nothing'] is defined }}|{{ messages[9] is defined }}|{{ messages | length }}
{{ messages | map(attribute='role') | list }}|{{ messages | map(attribute='x', default='-') | join }}|{{ ['a', 'b'] | map('upper') | list }}|{{ [[1, 2], [3]] | map('length') | list }}|{{ ['a'] | map('replace', 'a', 'c') | list }}
{{ messages | selectattr('role', 'equalto', 'user') | list | length }}|{{ messages | rejectattr('role', '==', 'user') | map(attribute='role') | list }}|{{ messages | selectattr('nothing') | list }}|{{ messages | selectattr('role', 'in', ['user', 'system']) | list | length }}|{{ messages | selectattr('tool', 'undefined') | list | length }}
{{ [1, 2, 3, 4] | select('even') | list }}|{{ [1, 2, 3] | reject('gt', 1) | list }}|{{ [0, 1, '', 'a'] | select | list }}|{{ [1, 2, 3, 4] | select('divisibleby', 2) | list }}
{{ [3, 1, 2] | sort }}|{{ ['b', 'A', 'c'] | sort }}|{{ ['b', 'A'] | sort(case_sensitive=true) }}|{{ [1, 2] | sort(reverse=true) }}|{{ messages | sort(attribute='role') | map(attribute='role') | list }}
{{ [1, 2, 1] | unique | list }}|{{ ['a', 'A'] | unique | list }}|{{ [1, 2, 3] | sum }}|{{ [1, 2] | first }}|{{ [1, 2] | last }}|{{ [] | first }}|{{ 'abc' | first }}|{{ [1, 2] | reverse | list }}
{{ [1, 2, 3, 4, 5] | batch(2) | list }}|{{ [1, 2, 3] | batch(2, 0) | list }}|{{ [1, 2, 3, 4, 5] | slice(2) | list }}|{{ messages | groupby('role') | map('first') | list }}
{{ '3' | int }}|{{ 'x' | int }}|{{ 'x' | int(7) }}|{{ 3.9 | int }}|{{ '3.7' | int }}|{{ -3.9 | int }}|{{ '2.5' | float }}|{{ 'x' | float }}|{{ -2 | abs }}|{{ 2.567 | round(1) }}|{{ 2.5 | round }}|{{ 7 | round }}|{{ 2.1 | round(method='ceil') }}|{{ true | int }}
{{ 7 / 2 }}|{{ 7 // 2 }}|{{ -7 // 2 }}|{{ 7 % 3 }}|{{ -7 % 3 }}|{{ 2 ** 3 }}|{{ 2 ** -1 }}|{{ 4 / 2 }}|{{ 1 + 2 * 3 }}|{{ (1 + 2) * 3 }}|{{ 2 ** 3 ** 2 }}|{{ -2 ** 2 }}
{{ 'a' * 3 }}|{{ [1] * 2 }}|{{ [1] + [2] }}|{{ 'a' + 'b' }}|{{ 'n=%d %s %05.1f' % (3, 'x', 2.25) }}|{{ '%s' % 'y' }}|{{ '%s-%s' | format('a', 1) }}|{{ '100%%' % () }}
{{ 1 < 2 < 3 }}|{{ 1 < 3 < 2 }}|{{ 'a' < 'b' }}|{{ [1, 2] < [1, 3] }}|{{ 1 != 2 }}|{{ 3 >= 3 }}|{{ not 1 == 2 }}
{{ 'x' if true else 'y' }}|{{ 'x' if false }}|{{ 'a' if false else 'b' if false else 'c' }}|{{ 1 and 2 }}|{{ 0 or 'x' }}|{{ not none }}|{{ [] or {} or 'e' }}|{{ '' and 1 }}
{{ 1 is odd }}|{{ 4 is divisibleby 2 }}|{{ 4 is divisibleby(3) }}|{{ 'a' is string }}|{{ 1 is number }}|{{ true is number }}|{{ true is integer }}|{{ 1.0 is float }}|{{ [] is sequence }}|{{ {} is mapping }}|{{ 'a' is iterable }}|{{ none is none }}|{{ 5 is not none }}|{{ 'a' is in ['a'] }}|{{ 1 is sameas true }}|{{ 2 is gt 1 }}|{{ 'A' is upper }}|{{ true is true }}|{{ 1 is true }}|{{ none is iterable }}|{{ 1 is eq 1 }}|{{ true is boolean }}
{{ x is defined and x }}|{{ x is not defined or x.y }}|{{ messages is defined and messages | length > 1 }}|{{ 1 if x is defined else 2 }}
{% set ns = namespace(n=0, l=[]) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% set ns.l = ns.l + [m.role] %}{% endfor %}{{ ns.n }}{{ ns.l }}
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}
{% for i in [1, 2, 3] %}{% if i == 2 %}{% set seen = true %}{% endif %}{{ seen }}{% endfor %}
{% if true %}{% set y = 3 %}{% endif %}{{ y }}
{% set block %}a{{ 1 }}b{% endset %}{{ block }}{{ block | length }}{% set up | upper %}abc{% endset %}{{ up }}
{% macro f(a, b='x') %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=3, a=4) }}{{ f() }}
{% set g = 'global' %}{% macro f() %}{{ g }}{{ loc }}{% endmacro %}{% for i in [1] %}{% set loc = 'L' %}{{ f() }}{% endfor %}
{% macro outer() %}<{{ caller() }}>{% endmacro %}{% call outer() %}in{% endcall %}{% macro each(l) %}{% for x in l %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(x) each([1, 2]) %}({{ x }}){% endcall %}
{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ v(1, 2, a=3) }}
{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(3) }}
{% filter upper %}abc{{ 'd' }}{% endfilter %}|{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}
{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i) }};{% endfor %}
{% for i in [] %}x{% else %}empty{% endfor %}{% for i in [1, 2, 3, 4] if i is even %}{{ i }}{{ loop.index }}{{ loop.last }}{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}{{ range(1, 6, 2) | list }}{{ range(3, 0, -1) | list }}
{% for i in [[1, [2]], [3]] recursive %}{% if i is iterable %}({{ loop(i) }}){% else %}{{ i }}{{ loop.depth }}{% endif %}{% endfor %}
{% for m in messages[::-1] %}{{ m.role }}{% endfor %}{% for m in messages[1:] %}{{ m.role }}{% endfor %}{% for m in messages | reverse %}{{ m.role }}{% endfor %}
{% raw %}{{ not }} {% this %}{% endraw %}|{# a comment #}|{{ '{{' }}{{ "}}" }}
A  {%- if true -%}  B  {%- endif -%}  C {{- 'D' -}}  E
{{ 'a' 'b' "c" }}|{{ 'tab\tnl\\n' }}|{{ '\x41\u00e9' }}|{{ '\d' }}|{{ "it\"s" }}|{{ 'it\'s' }}
{{ {'a': {'b': [1, {'c': 2}]}}.a.b[1].c }}|{{ {'items': 5}['items'] }}|{{ {'get': 1}.get('get') }}|{{ {'a': 1}['a'] }}|{{ [1, 2].0 }}
{{ messages[0].items() | list }}|{{ messages[0].get('role') }}|{{ messages[0].get('x') }}|{{ messages[0].get('x', 'y') }}|{{ dict(a=1, b=2) }}|{{ dict({'a': 1}, b=2).b }}
{{ 'a b' | indent(2) }}|{{ 'a\nb\n\nc' | indent(2, true) }}|{{ 'a\nb' | indent }}|{{ 'a\n\nb' | indent(1, blank=true) }}|{{ 'a\nb' | indent('> ') }}
{{ '<a href="x">&\'' | e }}|{{ '<b>' | escape }}|{{ '<b>' | safe }}|{{ '  x ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 'a b c' | wordcount }}|{{ 'foo bar baz' | truncate(7, true, '..', 0) }}|{{ 'foo bar baz' | truncate(9, leeway=0) }}
{{ none | default('d') }}|{{ none | default('d', true) }}|{{ '' | default('d', boolean=true) }}|{{ x | default(none) }}|{{ x.y | default('z') if x is defined else 'w' }}|{{ x | d(1) }}
{% set j = joiner(', ') %}{{ j() }}a{{ j() }}b{% set c = cycler('x', 'y') %}{{ c.next() }}{{ c.next() }}{{ c.current }}
{% set l = messages %}{{ l[0].role }}{{ (messages | first).role }}{{ (messages | last)['role'] }}{{ messages | map(attribute='content') | map('trim') | join('/') }}
{% generation %}said{% endgeneration %}{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\n' }}{% endif %}
{{ bos_token + 'x' }}|{{ eos_token }}|{{ namespace(a=1).a }}|{{ "%s" | format(none) }}
{{ '\u0085a\ufeff'.strip() | length }}|{{ '\x1ca\x1f' | trim }}|{{ '\u3000a\u00a0'.strip() }}|{{ '\u200ba'.strip() | length }}
{{ 10000000000000000 }}|{{ 1_000 }}|{{ 0x1f }}|{{ 1.5e3 }}|{{ 100 | string | length }}|{{ 3 * 1.0 }}|{{ -0.0 }}|{{ 1e22 }}|{{ 123456789.125 }}
{{ [1, 2] == [1, 2] }}|{{ (1, 2) == [1, 2] }}|{{ {'a': 1} == {'a': 1.0} }}|{{ foo == bar }}|{{ foo == none }}
{{ "a\\'b" }}|{{ ["it's", 'say "x"', 'both \' and "', 'n\n'] }}
{{ foo.bar }}
{{ foo + 'x' }}
{{ none + 'x' }}
{{ 'a' + 1 }}
{{ 1 + none }}
{{ 'a' | nosuchfilter }}
{{ 1 is nosuchtest }}
{{ none | length }}
{{ [1, 'a'] | sort }}
{{ nothing() }}
{{ [1].append(2) }}
{{ 1 // 0 }}
{{ {[1]: 2} }}
{% set a, b = [1] %}
{{ messages[0].content.nothing.more }}
{{ 'a' < 1 }}
{{ foo | tojson }}
{{ '%d' % 'x' }}
{{ '{}'.format() }}
{% for x in 5 %}{% endfor %}
"""

SOURCES = [
    # Whitespace control needs templates of several lines.
    "A  \n  {%- if true %}\n  B\n{% endif -%}\n\n C\n",
    "  {% if true %}\n    x\n  {% endif %}\nend\n",
    "{%+ if true %}x{% endif +%}\ny",
    "a\r\n{{ messages[0].content }}\r\nb\r",
    "x {# one #}\n  {# two #}\n{#- three -#}\n y\n\n",
    "{{ 'a' }}\n{{ 'b' }}\n\n{% set x = 1 %}\n\nc",
    "{% raw %}\n{{ x }}\n{% endraw %}\nz",
    "{%- for m in messages %}\n  {{- m.role }}\n  {{ m.content }}\n{%- endfor %}\n",
    "{%- macro a() -%}\n  text\n{%- endmacro -%}\n{{ a() }}",
    "text {% if true %} in {% endif %} text\n  {{ 'v' }}\n\t{% if true %}t{% endif %}",
    "{{ 'a\\\nb' }}",
    "{% if messages | length > 2 and not (tools is defined and tools) %}yes{% elif x %}no{% else %}other{% endif %}",
]


def environment():
    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

        def _text(self, caller):
            return caller()

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    return env


def constructs():
    """A line without statements is one construct for each of its expressions."""
    found = []
    for line in CONSTRUCTS.strip("\n").split("\n"):
        parts = [line] if "{%" in line else line.replace("}}|{{", "}}\n{{").split("\n")
        found += parts
    return found + SOURCES


def main():
    env = environment()
    cases = []
    for source in constructs():
        try:
            cases.append({"template": source, "expected": env.from_string(source).render(**VARIABLES)})
        except Exception as error:
            cases.append({"template": source, "error": f"{type(error).__name__}: {error}"})
    out = pathlib.Path(__file__).parent.parent / "fixtures" / "jinja" / "constructs.json"
    out.parent.mkdir(exist_ok=True)
    text = json.dumps({"jinja2": jinja2.__version__, "variables": VARIABLES, "cases": cases}, indent=1, ensure_ascii=False)
    out.write_text(text + "\n", encoding="utf-8")
    print(f"{len(cases)} templates, {sum('error' in case for case in cases)} of them fail in Jinja2")


if __name__ == "__main__":
    main()
