# Compiles Python sources, and lists what they import. Run by bantam: reads the file named first, writes the one named
# second. It imports nothing that is not built into the interpreter, so that little of a standard library is needed.
#
# Jobs:    path length (u32), source length (u32), path, source; all numbers are little-endian.
# Answers: 1 or 0 (u8: was it compiled?), length of the imports (u32), length of the bytecode (u32), imports, bytecode.
# Imports: one a line: `os.path`, `.sibling`; after `!` one without which the module cannot be imported itself, after `?` a
# text that may name a module.
import _ast
import _imp
import sys
import _warnings
from _frozen_importlib_external import _code_to_hash_pyc, MAGIC_NUMBER

KEY = int.from_bytes(MAGIC_NUMBER, "little")
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")


# What a compiler says of old escapes is for the authors.
_warnings.filters.insert(0, ("ignore", None, Warning, None, 0))
IMPORTERS = frozenset(("__import__", "import_module", "find_spec", "find_loader", "run_module", "lazy_import"))


def is_name(text):
    return type(text) is str and 1 < len(text) < 100 and LETTERS.issuperset(text)


def imports(tree):
    found = set()
    # Not in a function, not in `try`, and whatever the circumstances.
    always = frozenset(tree.body)
    todo = [tree]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind is list:
            todo.extend(node)
            continue
        if not isinstance(node, _ast.AST):
            continue
        mark = "!" if node in always else ""
        if kind is _ast.Import:
            found.update(mark + alias.name for alias in node.names)
        elif kind is _ast.ImportFrom:
            base = mark + "." * (node.level or 0) + (node.module or "")
            found.add(base)
            joint = "" if base.endswith(".") else "."
            found.update(base + joint + alias.name for alias in node.names if alias.name != "*")
        elif kind is _ast.Call:
            called = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            for argument in node.args:
                if type(argument) is _ast.Constant and is_name(argument.value):
                    found.add(argument.value if called in IMPORTERS else "?" + argument.value)
        elif kind is _ast.Constant and is_name(node.value) and "." in node.value.strip("."):
            found.add("?" + node.value)
        todo.extend(getattr(node, field, None) for field in node._fields)
    return "\n".join(sorted(name for name in found if name)).encode("utf-8", "replace")


def compiled(path, source):
    try:
        tree = compile(source, path, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
        names = imports(tree)
    except BaseException:
        return b"", b""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
        return names, bytes(_code_to_hash_pyc(code, _imp.source_hash(KEY, source), False))
    except BaseException:
        return names, b""


def number(value):
    return value.to_bytes(4, "little")


with open(sys.argv[1], "rb") as jobs, open(sys.argv[2], "wb") as answers:
    while True:
        head = jobs.read(8)
        if not head:
            break
        path = jobs.read(int.from_bytes(head[:4], "little")).decode("utf-8")
        source = jobs.read(int.from_bytes(head[4:], "little"))
        names, pyc = compiled(path, source)
        answers.write(bytes([1 if pyc else 0]) + number(len(names)) + number(len(pyc)) + names + pyc)
print("%d.%d" % sys.version_info[:2])
