"""An IPython session whose cells have evaluated to 16 MB, which nobody has kept but the session itself."""

import contextlib
import io
import os
import tempfile

os.environ["IPYTHONDIR"] = tempfile.mkdtemp()
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402

import handshake  # noqa: E402

CELLS = 10
ITEMS = 200_000

shell = InteractiveShell.instance()
for _ in range(CELLS):
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell("[0.5 * n for n in range(%d)]" % ITEMS, store_history=True, silent=False)
handshake.serve(payload=CELLS * ITEMS * 8)
