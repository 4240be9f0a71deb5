# What must be Python: classes whose methods GDB calls back.
import gdb
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
    """Stops the process when the time is over, and tells by which signal it stopped."""

    def __init__(self, seconds):
        self.expired = False
        self.signal = None
        self._armed = True
        gdb.events.stop.connect(self._stopped)
        self._timer = threading.Timer(seconds, gdb.post_event, [self._interrupt])
        self._timer.daemon = True
        self._timer.start()

    def _stopped(self, event):
        self.signal = getattr(event, "stop_signal", None)

    def _interrupt(self):
        # The event may come after the process has stopped by itself.
        if self._armed:
            self.expired = True
            gdb.execute("interrupt")

    def end(self):
        self._armed = False
        self._timer.cancel()
        gdb.events.stop.disconnect(self._stopped)
