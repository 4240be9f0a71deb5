# What must be Python: classes whose methods GDB calls back.
import gdb
import os
import threading


class Command(gdb.Command):
    def __init__(self, name, text, run):
        self.__doc__ = text
        self._name = name
        self._run = run
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME)

    def invoke(self, line, from_tty):
        self.dont_repeat()
        try:
            text = self._run(self._name, gdb.string_to_argv(line))
        except gdb.GdbError:
            raise
        except KeyboardInterrupt:
            raise gdb.GdbError("%s: interrupted" % self._name)
        except BaseException as error:  # A panic is one, too: GDB must get an error that it knows.
            raise gdb.GdbError("%s: internal error: %s" % (self._name, error))
        gdb.write(text + "\n")


class Run:
    """Stops the process when the time is over, by a signal that is to stop it, and tells by which signal it stopped."""

    def __init__(self, seconds, process, number):
        self.signal = None
        os.kill(process, 0)  # raises before anything runs that could not be stopped
        gdb.events.stop.connect(self._stopped)
        self._timer = threading.Timer(seconds, self._stop, [process, number])
        self._timer.daemon = True
        self._timer.start()

    def _stopped(self, event):
        self.signal = getattr(event, "stop_signal", None)

    def _stop(self, process, number):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass

    def end(self):
        self._timer.cancel()
        gdb.events.stop.disconnect(self._stopped)
