# Loads pyheap into GDB: `source gdbinit`, or `gdb -ix gdbinit`.

# Functions of GDB's that are written in Python exist only where there is Python.
if $_isvoid($_streq)
    echo pyheap: this GDB was built without Python, which pyheap needs: use another one, such as your distribution's package gdb\n
end
python
def _pyheap_load():
    import glob
    import importlib.machinery
    import importlib.util
    import os
    import sys

    if "pyheap_gdb" in sys.modules:
        return
    name = "libpyheap_gdb.so"
    folders = [os.environ.get("PYHEAP_PLUGIN_DIR")]
    # GDB does not tell a script its name, but it has the script open while it reads it.
    for link in glob.glob("/proc/self/fd/*"):
        script = os.path.realpath(link)
        if os.path.basename(script).endswith("gdbinit"):
            here = os.path.dirname(script)
            folders += [here + tail for tail in ("", "/target/release", "/target/debug", "/../lib/pyheap", "/../../lib/pyheap")]
    paths = [os.path.join(folder, name) for folder in folders if folder]
    path = next((path for path in paths if os.path.exists(path)), None)
    if path is None:
        raise gdb.GdbError("pyheap: there is no %s beside this gdbinit nor in its target folder; "
                           "build it with `cargo build --release`, or set PYHEAP_PLUGIN_DIR" % name)
    try:
        loader = importlib.machinery.ExtensionFileLoader("pyheap_gdb", path)
        spec = importlib.util.spec_from_file_location("pyheap_gdb", path, loader=loader)
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules["pyheap_gdb"] = module
    except ImportError as error:
        raise gdb.GdbError("pyheap: the Python %s in this GDB cannot load %s: %s" % (sys.version.split()[0], path, error))


_pyheap_load()
end
