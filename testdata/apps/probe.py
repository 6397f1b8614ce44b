"""What programs expect of Python and of what is around it."""
import ctypes
import datetime
import importlib
import locale
import mimetypes
import pkgutil
import pwd
import socket
import ssl
import sys
import sysconfig
import threading
import time
import zoneinfo

# Windows, screens, prompts and other systems; and what only imports where it is meant to be run.
NOT_HERE = {
    "_android_support", "_apple_support", "_distutils_system_mod", "_ios_support", "_osx_support", "_pyrepl", "antigravity", "curses",
    "idlelib", "readline", "rlcompleter", "this", "turtle", "dbm.gnu", "dbm.ndbm", "nis",
}


def is_expected(name):
    parts = name.split(".")
    others = ("mbcs", "oem", "windows", "win32", "msvc", "cygwin", "bcpp", "__main__")
    return not NOT_HERE & {parts[0], name} and not any(other in name for other in others)


def modules(path, prefix=""):
    for module in pkgutil.iter_modules(path, prefix):
        if is_expected(module.name):
            yield module.name
            if module.ispkg:
                yield from modules(importlib.import_module(module.name).__path__, module.name + ".")


if __name__ == "__main__":
    assert locale.setlocale(locale.LC_ALL, "") == "C.UTF-8"
    assert sys.getfilesystemencoding() == "utf-8"
    assert socket.getaddrinfo("localhost", "http") and socket.getservbyname("https") == 443
    assert socket.getprotobyname("tcp") == 6
    assert mimetypes.guess_type("a.woff2")[0] == "font/woff2"
    assert zoneinfo.ZoneInfo("Europe/Berlin").utcoffset(datetime.datetime(2024, 7, 1)).seconds == 7200
    assert pwd.getpwuid(65532).pw_name == "nonroot"
    assert len(ssl.create_default_context().get_ca_certs()) > 50
    for encoding in ["cp1252", "koi8-r", "shift_jis", "gb18030", "big5", "idna", "utf-16", "punycode"]:
        assert "text".encode(encoding).decode(encoding) == "text"
    assert datetime.datetime.strptime("1 Mar 2024", "%d %b %Y").month == 3
    assert sysconfig.get_config_var("SOABI").startswith("cpython-3")
    assert ctypes.CDLL(None).getuid() == 65532
    library = [path for path in sys.path if path.startswith("/usr/lib/python3")]
    names = list(modules(library))
    assert len(names) > 500, len(names)
    for name in names:
        importlib.import_module(name)
    try:
        raise ValueError("as it should")
    except ValueError as error:
        assert error.__traceback__.tb_lineno > 0
    # A thread that is alive at the end needs libgcc_s.
    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    print("all is well", len(names))
