"""Inputs that are rare in real files, as bytes, because encodings and line ends matter."""

EMPTY = [b"", b"\n", b"\n\n# only\n", b"x", b"x\n\n\ny\n", b"x = 1  # c", b"if x:\n\ty\n\x0c\nz\n", b"x\x0c = 1\n"]

# tokenize ends lines at line feeds only: a bare carriage return is a space, or hides the rest of its line.
LINES = [
    b"a = 1\r\nb = 2\r\n",
    b"a = 1\rb = 2\r",
    b"# c\ra = 1\nb = 2 # d\rc\n\re\n",
    b"(\n# c\ra\n)\n",
    b"x = \\\n# c\ra\n",
    b"x\r\r\ny\r\r\n",
    b"x = \\\n  1\n",
    b"x = \\\r\n  1\r\n",
    b"x = 1 \\\n\ny\n",
    b"'a\\\nb'\n",
    b"'a\\\r\nb' 'c'\r\n",
    b"'''a\\\n'''\n",
    b"'''a\r\nb''' + c\r\n",
]

ENCODINGS = [
    b"\xef\xbb\xbfx = 1\n",
    b"\xef\xbb\xbf# coding: utf-8\nx\n",
    b"# -*- coding: latin-1 -*-\nx = '\xe9'\n\xe9t\xe9 = 1\n",
    b"# coding: latin-1\nx = '\x85'\n",
    b"#!x\n# vim: set fileencoding=cp1252 :\n\x8cuvre = 1\n",
    b"x\n# coding: latin-1\ny = '\xc3\xa9'\n\xc3\xa9 = 1\n",
    b"# coding: koi8-r\n\xd0\xd2\xc9 = 1\n",
    b"# coding: shift_jis\nx = '\x83\x5c', y\n",
    b"# coding: gbk\nx = '\x81\x5c', y\n",
    b"# coding: iso2022_jp\nx = '\x1b$B$\'\x1b(B', y\n",
    b"# coding: Shift__JIS-\nx = '\x83\x5c', y\n",
    b"# coding: latin- -*-\n\xe9 = 1\n",
    b"# coding: iso-latin-1-unix\n\xe9 = '\x85'\n",
    "été = 变量 + Α_٣ + 𝕏\n".encode(),
    "x²\xa0= ٣\u3000+ Ⅷ\n".encode(),
]

NUMBERS = [
    b"1if 2else 3\n0xfor x in y\n",
    b"1_000j, 1..real, 1.e5, .5e-3J, 0_0, 00, 1_0.0_1e1_0, 1.j, 1e+5, 1.0.real\n",
    b"0b101, 0O17, 0XfF_f, 1e5jx\n",
    b"0777 1L 0b12 0b2 0xg 09.5 012j 1__0 1_ 1e 1e+ 0x_f 1.e 1.._5 1... .5.5\n",
    b"0, 1., 1.0, 0.0, 0.5, 255, 1000, 1000., 00\n",
]

OPERATORS = [
    b"a<>b!=c->d:=e...f..g.h@=i**=j//=k>>=l<<=m~n^=o|=p&=q%=r===s\n",
    b"x = a if b else...\nprint >>f, x\nx = a;b\n",
    b"match x:\n    case _:\n        type y = async_\nasync def f(): await x\n",
    b"@a.b\ndef f(*, a, **b) -> c: pass\n",
]

STRINGS = [
    b"ur'x' R'' bR\"\" Rb'''x''' u'' F'' t'' bu'' xr'' _f'' 1r''\n",
    b"x = ''\ny = \"\"\nz = ''''''\nw = '''''x'''\nv = 'a' 'b'\"c\"\n",
    b"'name', \"utf-8\", ',', ' ', '  ', '\t', ', ', ',  ', '''\n''', ' name', 'U+002C', '\\\\', '\"', '\\''\n",
    "'\xa0', '\x1c', '\x0b\x0c', '\u2028', '\u200b'\n".encode(),
]

F_STRINGS = [
    b"f'{x}' f'{{' f'}}' f'{{{x}}}' rf'\\{x}' f'\\{x}' f'\\N{DASH}\"' f'{x!r:>{w}}' f'{x:%H:%M}' f'{a[\"b\"]}' + y\n",
    b"f'{\"}\"}' f'{ {1: 2}[1] }' f'{x:{y}.{z}}' f'{x:#x}' f'{x!r:#x}' f'{x!=y}' f'{x:=5}' f'{(lambda: 1)()}' + y\n",
    b"f'''{x['a']}''' f'''{''}''' f'''{'{'}''' f\"{f'{x}'}\" f\"{f'{{'}\" f\"{x:'^9}\" f'''\n{\nx\n}\n''' + y\n",
    b"f\"\"\"{f'''{f'{f\"{1+1}\"}'}'''}\"\"\" + f'a\\\n{x}' + f'\\'{x}' + rf'\\'{x}\\\\' + f'\\\\{x}'\n",
    # Nested quotes, which CPython up to 3.11 tokenises differently and does not compile.
    b"x = f\"{x[\"a\"]}\"\n",
    b"x = f'{', '.join(f'{y['b']}' for y in z)}' + w\n",
]

CASES = EMPTY + LINES + ENCODINGS + NUMBERS + OPERATORS + STRINGS + F_STRINGS
